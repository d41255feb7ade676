package legacy

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// A Spec is a password hash in parts, as the neutral file of an import contains it.
//
// If Value is a line that names its own scheme, Params must be empty, and Scheme
// may be empty or must agree. Otherwise Scheme is one of these:
//
//	argon2id argon2i     m (KiB), t, p, salt
//	pbkdf2-sha1 pbkdf2-sha256 pbkdf2-sha512   rounds, salt
//	scrypt               n, r, p, salt
//	firebase-scrypt      mem_cost, rounds, salt, salt_separator, signer_key
//	aspnet better-auth   none
//	md4 md5 sha1 sha256 sha512   salt and order: "salt-password" (the default) or
//	                     "password-salt"; password_encoding: "utf16le"
//	hmac-sha256 ...      key
//	plain                none
//
// Salts, keys and Value are base64, unless the param encoding is "hex". Salts and
// keys are plain text if the param salt_encoding is "utf8".
type Spec struct {
	Scheme string            `json:"scheme,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Value  string            `json:"value"`
	// Pre names what the other system did to the password before it hashed it:
	// "none", "nfkd", "flask", "flask,k=NAME" or "pepper,k=NAME". "hmac-sha512" is
	// a synonym of "flask".
	Pre string `json:"pre,omitempty"`
}

// Text returns the line for s. The error is that of [Parse], or names a missing or
// unknown param.
func Text(s Spec) (string, error) {
	p := pre{}
	var err error
	if s.Pre != "" {
		if p, err = parsePre(strings.Replace(s.Pre, "hmac-sha512", "flask", 1)); err != nil {
			return "", err
		}
	}
	line, err := s.line()
	if err != nil {
		return "", err
	}
	line = p.String() + line
	_, err = Parse(line)
	return line, err
}

// line returns the line for s without Pre.
func (s Spec) line() (string, error) {
	scheme := strings.ReplaceAll(s.Scheme, "_", "-")
	if scheme == "plain" || scheme == "plaintext" {
		return "{PLAIN}" + s.Value, nil
	}
	if h, err := Parse(s.Value); err == nil && h.wrap == nil && len(s.Params) == 0 {
		if !agrees(scheme, strings.ReplaceAll(h.Scheme, "_", "-")) {
			return "", fmt.Errorf("%w: the scheme is %q and the value is %s", ErrMalformed, s.Scheme, h.Scheme)
		}
		return s.Value, nil
	}
	build, ok := builders[scheme]
	if !ok {
		if _, err := Parse(s.Value); err != nil {
			return "", err
		}
		return "", fmt.Errorf("%w: %q", ErrUnknown, s.Scheme)
	}
	r := reader{params: s.Params}
	line := build(&r, scheme, s.Value)
	for name := range s.Params {
		if !slices.Contains(r.asked, name) && name != "encoding" && name != "salt_encoding" {
			r.fail(name, "is not known")
		}
	}
	return line, r.err
}

// agrees reports whether the named scheme can be the one that was found: the same
// scheme or its family.
func agrees(named, found string) bool {
	return named == "" || named == found || strings.HasPrefix(found, named+"-") ||
		strings.HasSuffix(found, "-"+named) || named == "argon2" && strings.HasPrefix(found, "argon2") ||
		named == "ldap" && strings.HasPrefix(found, "ldap-")
}

// builders return the line of a scheme that is given in parts.
var builders = map[string]func(r *reader, scheme, value string) string{
	"argon2id": buildArgon2, "argon2i": buildArgon2,
	"pbkdf2-sha1": buildPBKDF2, "pbkdf2-sha256": buildPBKDF2, "pbkdf2-sha512": buildPBKDF2,
	"scrypt":          buildScrypt,
	"firebase-scrypt": buildFirebase,
	"aspnet":          func(_ *reader, _, value string) string { return "$aspnet$" + value },
	"better-auth":     func(_ *reader, _, value string) string { return "$better-auth$" + value },
	"md4":             buildDigest, "md5": buildDigest,
	"sha1": buildDigest, "sha256": buildDigest, "sha512": buildDigest,
	"hmac-md4": buildHMAC, "hmac-md5": buildHMAC, "hmac-sha1": buildHMAC, "hmac-sha224": buildHMAC,
	"hmac-sha256": buildHMAC, "hmac-sha384": buildHMAC, "hmac-sha512": buildHMAC,
}

// A reader reads params and keeps the first error.
type reader struct {
	params map[string]string
	asked  []string
	err    error
}

func (r *reader) fail(name, problem string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: the param %s %s", ErrMalformed, name, problem)
	}
}

func (r *reader) text(name string) string {
	r.asked = append(r.asked, name)
	return r.params[name]
}

func (r *reader) number(name string) int64 {
	n, ok := number(r.text(name), 1<<40)
	if !ok {
		r.fail(name, "must be a number above 0")
	}
	return n
}

// bytes reads a salt or a key.
func (r *reader) bytes(name string) string {
	s := r.text(name)
	if r.params["salt_encoding"] == "utf8" {
		return encode([]byte(s))
	}
	return r.decoded(name, s)
}

// decoded decodes s from base64 or hexadecimal and returns it as this package
// encodes it.
func (r *reader) decoded(name, s string) string {
	raw, err := bytesOf(s)
	if r.params["encoding"] == "hex" {
		raw, err = hex.DecodeString(s)
	}
	if err != nil {
		r.fail(name, "cannot be decoded")
	}
	return encode(raw)
}

func buildArgon2(r *reader, scheme, value string) string {
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$%s$%s", scheme, r.number("m"), r.number("t"), r.number("p"),
		r.bytes("salt"), r.decoded("value", value))
}

func buildPBKDF2(r *reader, scheme, value string) string {
	sum := r.decoded("value", value)
	raw, _ := bytesOf(sum)
	return fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", scheme, r.number("rounds"), len(raw), r.bytes("salt"), sum)
}

func buildScrypt(r *reader, _, value string) string {
	n := r.number("n")
	if n < 2 || n&(n-1) != 0 {
		r.fail("n", "must be a power of two")
	}
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", bits.TrailingZeros64(uint64(n)), r.number("r"), r.number("p"),
		r.bytes("salt"), r.decoded("value", value))
}

func buildFirebase(r *reader, _, value string) string {
	return fmt.Sprintf("$firescrypt$ln=%s,r=%s,p=1$%s$%s$%s$%s", strconv.FormatInt(r.number("mem_cost"), 10),
		strconv.FormatInt(r.number("rounds"), 10), r.bytes("salt"), r.decoded("value", value),
		r.bytes("salt_separator"), r.bytes("signer_key"))
}

func buildDigest(r *reader, scheme, value string) string {
	pattern := "{SALT}{PASSWORD}"
	switch r.text("order") {
	case "", "salt-password":
	case "password-salt":
		pattern = "{PASSWORD}{SALT}"
	default:
		r.fail("order", `must be "salt-password" or "password-salt"`)
	}
	suffix := ""
	switch r.text("password_encoding") {
	case "", "utf8":
	case "utf16le":
		suffix = ",e=utf16le"
	default:
		r.fail("password_encoding", `must be "utf8" or "utf16le"`)
	}
	return "$" + scheme + "$pf=" + encode([]byte(pattern)) + suffix + "$" +
		r.bytes("salt") + "$" + r.decoded("value", value)
}

func buildHMAC(r *reader, scheme, value string) string {
	return "$" + scheme + "$" + r.decoded("value", value) + "$" + r.bytes("key")
}
