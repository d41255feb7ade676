package legacy

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"

	//lint:ignore SA1019 the hashes of other systems are what they are, and are wrapped at once
	"golang.org/x/crypto/md4"
)

// A kind is a hash function.
type kind struct {
	name  string
	new   func() hash.Hash
	size  int // of a sum, in bytes
	block int
	ns    int // for a block
}

var kinds = []kind{
	{"md4", md4.New, 16, 64, nsMD5},
	{"md5", md5.New, 16, 64, nsMD5},
	{"sha1", sha1.New, 20, 64, nsSHA1},
	{"sha224", sha256.New224, 28, 64, nsSHA256},
	{"sha256", sha256.New, 32, 64, nsSHA256},
	{"sha384", sha512.New384, 48, 128, nsSHA512},
	{"sha512", sha512.New, 64, 128, nsSHA512},
}

func kindOf(name string) (kind, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// number parses a decimal number from 1 to limit, without leading zeros or signs.
func number(s string, limit int64) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 1 && n <= limit && strconv.FormatInt(n, 10) == s
}

// parameters parses "a=1,b=2" with exactly these names in this order.
func parameters(s string, names ...string) ([]int64, bool) {
	parts := strings.Split(s, ",")
	if len(parts) != len(names) {
		return nil, false
	}
	out := make([]int64, len(names))
	for i, name := range names {
		digits, ok := strings.CutPrefix(parts[i], name+"=")
		if !ok {
			return nil, false
		}
		if out[i], ok = number(digits, 1<<40); !ok {
			return nil, false
		}
	}
	return out, true
}

// bytesOf decodes base64 in the standard alphabet, with or without padding.
func bytesOf(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrMalformed
	}
	out, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil, ErrMalformed
	}
	return out, nil
}

// hexOf decodes hexadecimal text in lower or upper case.
func hexOf(s string) ([]byte, error) {
	out, err := hex.DecodeString(s)
	if err != nil {
		return nil, ErrMalformed
	}
	return out, nil
}

// encode encodes bytes for a line of this package.
func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// zeros returns an encoded sum of zeros with the length of sum.
func zeros(sum []byte) string { return encode(make([]byte, len(sum))) }

// fields splits a line at the dollar signs into n fields.
func fields(text string, n int) ([]string, error) {
	f := strings.Split(text, "$")
	if len(f) != n {
		return nil, ErrMalformed
	}
	return f, nil
}
