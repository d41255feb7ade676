package flask

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// fernetKey is a key of the Fernet specification, version 0x80: 16 bytes for
// signing and 16 bytes for encryption.
type fernetKey struct{ sign, encrypt []byte }

const (
	fernetVersion = 0x80
	fernetHead    = 1 + 8 + aes.BlockSize // version, time, start value
	maxToken      = 4096
)

var errToken = errors.New("not a token of these keys")

// fernetKeys decodes keys as Fernet.generate_key writes them.
func fernetKeys(texts []string) (keys []fernetKey, err error) {
	for _, text := range texts {
		raw, err := base64.URLEncoding.DecodeString(text)
		if err != nil || len(raw) != 32 {
			return nil, errors.New("a key of recovery codes is not a Fernet key: 32 bytes in base64url")
		}
		keys = append(keys, fernetKey{raw[:16], raw[16:]})
	}
	return keys, nil
}

// openFernet returns the content of a token and the time at which it was made.
func openFernet(keys []fernetKey, token string) (plain []byte, made time.Time, err error) {
	if len(token) > maxToken {
		return nil, time.Time{}, errToken
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	n := len(raw) - sha256.Size
	if err != nil || n < fernetHead+aes.BlockSize || (n-fernetHead)%aes.BlockSize != 0 || raw[0] != fernetVersion {
		return nil, time.Time{}, errToken
	}
	for _, k := range keys {
		mac := hmac.New(sha256.New, k.sign)
		mac.Write(raw[:n])
		if !hmac.Equal(mac.Sum(nil), raw[n:]) {
			continue
		}
		block, err := aes.NewCipher(k.encrypt)
		if err != nil {
			return nil, time.Time{}, err
		}
		plain = make([]byte, n-fernetHead)
		cipher.NewCBCDecrypter(block, raw[9:fernetHead]).CryptBlocks(plain, raw[fernetHead:n])
		seconds := binary.BigEndian.Uint64(raw[1:9])
		if plain, err = unpad(plain); err != nil || seconds > 1<<37 {
			continue // two keys may have the same signing part
		}
		return plain, time.Unix(int64(seconds), 0).UTC(), nil
	}
	return nil, time.Time{}, errToken
}

// unpad removes the padding of PKCS #7. The token was authenticated, so an error
// reveals nothing.
func unpad(b []byte) ([]byte, error) {
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize || n > len(b) {
		return nil, errToken
	}
	for _, c := range b[len(b)-n:] {
		if int(c) != n {
			return nil, errToken
		}
	}
	return b[:len(b)-n], nil
}
