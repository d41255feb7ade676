package legacy

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Keys returns a secret of the configuration by its name. The empty name stands for
// the salt of Flask-Security. Keys is a function so that secrets are not printed or
// logged.
type Keys func(name string) (secret string, ok bool)

// pre describes what the other system did to the password before it hashed it.
type pre struct{ kind, key string }

const preMark = "$pre$"

// preKinds are the kinds that a line may name.
var preKinds = map[string]bool{"none": true, "nfkd": true, "flask": true, "pepper": true}

// String returns the prefix of a line for p.
func (p pre) String() string {
	switch {
	case p.kind == "":
		return ""
	case p.key == "":
		return preMark + p.kind + "$"
	}
	return preMark + p.kind + ",k=" + p.key + "$"
}

// cutPre removes the prefix that String returns from a line.
func cutPre(text string) (pre, string, error) {
	rest, ok := strings.CutPrefix(text, preMark)
	if !ok {
		return pre{}, text, nil
	}
	head, rest, ok := strings.Cut(rest, "$")
	if !ok {
		return pre{}, "", ErrMalformed
	}
	p, err := parsePre(head)
	return p, rest, err
}

// parsePre reads KIND or KIND,k=NAME.
func parsePre(s string) (pre, error) {
	name, key, named := strings.Cut(s, ",k=")
	switch {
	case !preKinds[name]:
		return pre{}, fmt.Errorf("%w: what was done to the password is %q: use none, nfkd, flask or pepper",
			ErrUnknown, name)
	case named && !KeyName(key), named && (name == "none" || name == "nfkd"), !named && name == "pepper":
		return pre{}, ErrMalformed
	}
	return pre{name, key}, nil
}

// KeyName reports whether s can be the name of a secret.
func KeyName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// Check returns [ErrKey] if h needs a secret that keys does not have.
func (h Hash) Check(keys Keys) error {
	_, _, err := h.before(keys)
	return err
}

// before returns what is done to a password before it is hashed, and the secret for
// it.
func (h Hash) before(keys Keys) (kind, secret string, err error) {
	p := h.pre
	if p.kind == "" && h.flask {
		if _, ok := keys(""); ok {
			p.kind = "flask"
		}
	}
	if p.kind != "flask" && p.kind != "pepper" {
		return p.kind, "", nil
	}
	secret, ok := keys(p.key)
	if !ok {
		return "", "", fmt.Errorf("%w: %q", ErrKey, p.key)
	}
	return p.kind, secret, nil
}

// prepare returns the bytes that h hashes for a password.
func (h Hash) prepare(password string, keys Keys) ([]byte, error) {
	kind, secret, err := h.before(keys)
	switch {
	case err != nil:
		return nil, err
	case kind == "nfkd":
		return []byte(norm.NFKD.String(password)), nil
	case kind == "flask":
		mac := hmac.New(sha512.New, []byte(secret))
		mac.Write([]byte(norm.NFKD.String(password)))
		return []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), nil
	case kind == "pepper":
		return []byte(password + secret), nil
	case h.normal != nil:
		return []byte(h.normal(password)), nil
	}
	return []byte(password), nil
}
