package betterauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// Secrets are the secrets of an application.
type Secrets struct {
	// Plain is BETTER_AUTH_SECRET.
	Plain string
	// Versions are BETTER_AUTH_SECRETS by number.
	Versions map[int]string
}

// ParseSecrets parses the two settings of Better Auth. The second one has the form
// "2:secret,1:older secret".
func ParseSecrets(plain, versions string) (Secrets, error) {
	s := Secrets{Plain: plain, Versions: map[int]string{}}
	if versions == "" {
		return s, nil
	}
	for _, part := range strings.Split(versions, ",") {
		number, secret, ok := strings.Cut(strings.TrimSpace(part), ":")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || secret == "" {
			return Secrets{}, errors.New(`BETTER_AUTH_SECRETS must have the form "2:secret,1:older secret"`)
		}
		s.Versions[n] = secret
	}
	return s, nil
}

func (s Secrets) empty() bool { return s.Plain == "" && len(s.Versions) == 0 }

// mark is the prefix of a value that names the version of its secret.
const mark = "$ba$"

// decrypt decrypts a value in hexadecimal: a nonce, followed by XChaCha20-Poly1305
// under the SHA-256 of the secret.
func (s Secrets) decrypt(text string) ([]byte, error) {
	secrets := []string{s.Plain}
	if rest, ok := strings.CutPrefix(text, mark); ok {
		number, value, _ := strings.Cut(rest, "$")
		n, err := strconv.Atoi(number)
		if err != nil || s.Versions[n] == "" {
			return nil, fmt.Errorf("version %d of the secret is not in BETTER_AUTH_SECRETS", n)
		}
		text, secrets = value, []string{s.Versions[n]}
	} else {
		for _, v := range s.Versions { // a site may have moved its plain secret to the versions
			secrets = append(secrets, v)
		}
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) < chacha20poly1305.NonceSizeX {
		return nil, errors.New("its secret is not encrypted as Better Auth does it")
	}
	for _, secret := range secrets {
		key := sha256.Sum256([]byte(secret))
		aead, err := chacha20poly1305.NewX(key[:])
		if err != nil {
			return nil, err
		}
		nonce, sealed := raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:]
		if plain, err := aead.Open(nil, nonce, sealed, nil); err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("BETTER_AUTH_SECRET does not decrypt it")
}

// codes reads backup codes from a JSON list, which may be encrypted.
func (s Secrets) codes(text string) (list []string, err error) {
	raw := []byte(text)
	if !strings.HasPrefix(text, "[") {
		if raw, err = s.decrypt(text); err != nil {
			return nil, errors.New("they are encrypted in a way specific to the site")
		}
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil, errors.New("they are not a list")
	}
	return list, nil
}
