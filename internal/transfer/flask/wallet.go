package flask

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// maxCost is the logarithm of the maximum number of rounds of a wallet. passlib
// uses 14; 18 takes a quarter of a second.
const maxCost = 18

// wallet decrypts keys of authenticator apps as passlib.totp stores them. The keys
// are not authenticated: a wrong secret yields a wrong key.
type wallet struct{ secrets map[string]string }

func newWallet(secrets map[string]string) *wallet { return &wallet{secrets} }

// stored is a key as TOTP.to_json writes it.
type stored struct {
	Type      string  `json:"type"`
	Version   int     `json:"v"`
	Key       string  `json:"key"` // base32
	Sealed    *sealed `json:"enckey"`
	Algorithm string  `json:"alg"`
	Digits    int     `json:"digits"`
	Period    int     `json:"period"`
	Label     string  `json:"label"`
	Issuer    string  `json:"issuer"`
}

// sealed is a key that the wallet encrypted.
type sealed struct {
	Version int    `json:"v"`
	Cost    int    `json:"c"`
	Tag     string `json:"t"`
	Salt    string `json:"s"` // base32
	Key     string `json:"k"` // base32
}

// open decodes the value of a column: JSON of passlib, an otpauth URI, or base32 as
// old versions stored it. The error contains no secret.
func (w *wallet) open(text string) (transfer.Authenticator, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return transfer.Authenticator{}, errors.New("it has no secret")
	case len(text) > 4096:
		return transfer.Authenticator{}, errors.New("its secret is too long")
	case strings.HasPrefix(text, "otpauth://"):
		return fromURI(text)
	case text[0] != '{':
		key, err := base32(text)
		return transfer.Authenticator{Secret: key}, err
	}
	var s stored
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return transfer.Authenticator{}, errors.New("its secret is damaged")
	}
	if s.Type != "" && s.Type != "totp" || s.Version > 1 {
		return transfer.Authenticator{}, errors.New("its secret is of an unknown type or version")
	}
	a := transfer.Authenticator{Digits: s.Digits, Period: s.Period, Algorithm: strings.ToUpper(s.Algorithm)}
	var err error
	if s.Sealed != nil {
		a.Secret, err = w.unseal(*s.Sealed)
	} else {
		a.Secret, err = base32(s.Key)
	}
	return a, err
}

func (w *wallet) unseal(s sealed) ([]byte, error) {
	if s.Version != 1 {
		return nil, errors.New("its secret is encrypted in an unknown version")
	}
	if s.Cost < 0 || s.Cost > maxCost {
		return nil, errors.New("opening its secret costs too much")
	}
	secret, ok := w.secrets[s.Tag]
	if !ok || secret == "" {
		return nil, fmt.Errorf("its secret is encrypted with key %.20q, which is not in SECURITY_TOTP_SECRETS", s.Tag)
	}
	salt, err := base32(s.Salt)
	if err != nil {
		return nil, err
	}
	key, err := base32(s.Key)
	if err != nil {
		return nil, err
	}
	derived, err := pbkdf2.Key(sha256.New, secret, salt, 1<<s.Cost, 32+aes.BlockSize)
	if err != nil {
		return nil, errors.New("its secret cannot be decrypted")
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, errors.New("its secret cannot be decrypted")
	}
	cipher.NewCTR(block, derived[32:]).XORKeyStream(key, key)
	return key, nil
}

// base32 decodes base32 as passlib does: 8 and 0 stand for B and O, which look
// alike.
func base32(text string) ([]byte, error) {
	return transfer.DecodeBase32(strings.NewReplacer("8", "B", "0", "O").Replace(text))
}

// fromURI reads the key URI of an app.
func fromURI(text string) (transfer.Authenticator, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host != "totp" {
		return transfer.Authenticator{}, errors.New("its secret is not a URI of a time-based app")
	}
	q := u.Query()
	a := transfer.Authenticator{Algorithm: strings.ToUpper(q.Get("algorithm"))}
	for name, to := range map[string]*int{"digits": &a.Digits, "period": &a.Period} {
		if v := q.Get(name); v != "" {
			if *to, err = strconv.Atoi(v); err != nil {
				return a, errors.New("its secret has a damaged URI")
			}
		}
	}
	a.Secret, err = base32(q.Get("secret"))
	return a, err
}
