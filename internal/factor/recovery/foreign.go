package recovery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Schemes of imported codes.
const (
	Plain   = ""        // Value is the code
	Twofold = "twofold" // HMAC-SHA256 as this package makes it, with Key, for User
	Bcrypt  = "bcrypt"  // hash of the code as the user types it
	SHA512  = "sha512"  // base64 of the hash of the code as the user types it
)

// Code is a recovery code that is imported or exported.
type Code struct {
	Scheme string
	Value  string
	Key    []byte // of Twofold: one or more keys of 32 bytes, concatenated
	User   string // of Twofold: the ID of the user for whom the code was made
}

const (
	minForeign = 6
	maxForeign = 64
	keySize    = 32
	maxKeys    = 16
	// maxWork bounds the cost of one guess at a user's bcrypt codes. It is the cost
	// of eight hashes of cost 12, about two seconds.
	maxWork = 8 << 12
)

// form describes how an imported code is checked. It is stored sealed.
type form struct {
	Version int    `json:"v"`
	Scheme  string `json:"s"`
	Value   string `json:"h,omitempty"` // of Bcrypt
	Key     []byte `json:"k,omitempty"`
	User    string `json:"u,omitempty"`
}

// looksForeign reports whether a string could be an imported code.
func looksForeign(typed string) bool {
	if len(typed) > 8*maxForeign {
		return false
	}
	code := bare(typed)
	return len(code) >= minForeign && len(code) <= maxForeign &&
		strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// bare returns a plain code as it is hashed. Case is ignored.
func bare(typed string) string { return strings.ToLower(factor.Bare(typed)) }

// ErrCode is returned if a code cannot be imported or exported.
var ErrCode = errors.New("recovery: code cannot be imported")

// Check returns an error if a user's codes cannot be imported.
func Check(codes []Code) error {
	work := 0
	for _, c := range codes {
		switch c.Scheme {
		case Plain:
			if !looksForeign(c.Value) {
				return fmt.Errorf("%w: a plain code has %d to %d letters and digits", ErrCode, minForeign, maxForeign)
			}
		case Twofold:
			raw, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
			if err != nil || len(raw) != sha256.Size || c.User == "" || len(c.Key) == 0 || len(c.Key)%keySize != 0 ||
				len(c.Key) > maxKeys*keySize {
				return fmt.Errorf("%w: scheme %s needs a value, keys of %d bytes and a user", ErrCode, Twofold, keySize)
			}
		case Bcrypt:
			cost, err := bcrypt.Cost([]byte(c.Value))
			if err != nil || cost > 14 {
				return fmt.Errorf("%w: not a hash of bcrypt, or one that costs too much", ErrCode)
			}
			work += 1 << cost
		case SHA512:
			if raw, err := base64.StdEncoding.DecodeString(c.Value); err != nil || len(raw) != sha512.Size {
				return fmt.Errorf("%w: not a hash of SHA-512 in base64", ErrCode)
			}
		default:
			return fmt.Errorf("%w: unknown scheme %q", ErrCode, c.Scheme)
		}
	}
	if work > maxWork {
		return fmt.Errorf("%w: their bcrypt hashes cost too much together", ErrCode)
	}
	return nil
}

// Import returns a user's codes in their stored form. The caller must have called
// Check. Two spellings of one code become one code.
func (c *Codes) Import(userID string, codes []Code) (out []storage.KeptCode, err error) {
	mac := c.c.Keys.MACer(purpose)
	var plain []byte // the form of all plain codes
	for _, code := range codes {
		var kept storage.KeptCode
		if code.Scheme == Plain && plain != nil {
			kept = storage.KeptCode{MAC: mac(userID, bare(code.Value)), Form: plain}
		} else if kept, err = c.importOne(userID, code); err != nil {
			return nil, err
		}
		if code.Scheme == Plain {
			plain = kept.Form
		}
		if !slices.ContainsFunc(out, func(k storage.KeptCode) bool { return bytes.Equal(k.MAC, kept.MAC) }) {
			out = append(out, kept)
		}
	}
	return out, nil
}

func (c *Codes) importOne(userID string, code Code) (kept storage.KeptCode, err error) {
	f := form{Version: 1, Scheme: code.Scheme, User: code.User, Key: code.Key}
	switch code.Scheme {
	case Plain:
		kept.MAC = c.c.Keys.MAC(purpose, userID, bare(code.Value))
	case Twofold:
		kept.MAC, err = base64.RawURLEncoding.DecodeString(code.Value)
	case SHA512:
		kept.MAC, err = base64.StdEncoding.DecodeString(code.Value)
	case Bcrypt:
		sum := sha256.Sum256([]byte(code.Value))
		kept.MAC, f.Value = sum[:], code.Value
	default:
		return kept, ErrCode
	}
	if err != nil {
		return kept, ErrCode
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return kept, err
	}
	kept.Form, err = c.c.Ring.Seal(formPurpose, userID, raw)
	return kept, err
}

const formPurpose = "recovery/form"

func (c *Codes) open(userID string, kept storage.KeptCode) (f form, err error) {
	raw, _, err := c.c.Ring.Open(formPurpose, userID, kept.Form)
	if err != nil {
		return form{}, factor.SecretError(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil || f.Version != 1 {
		return form{}, factor.SecretError(fmt.Errorf("recovery: unknown version %d", f.Version))
	}
	return f, nil
}

// Export returns a user's code in a form that another Twofold can check.
func (c *Codes) Export(userID string, kept storage.KeptCode) (Code, error) {
	f := form{Scheme: Plain}
	if len(kept.Form) > 0 {
		var err error
		if f, err = c.open(userID, kept); err != nil {
			return Code{}, err
		}
	}
	switch f.Scheme {
	case Plain: // only its hash is stored, with a key of this site
		return Code{Twofold, base64.RawURLEncoding.EncodeToString(kept.MAC),
			bytes.Join(c.c.Keys.MACKeys(purpose), nil), userID}, nil
	case SHA512:
		return Code{Scheme: SHA512, Value: base64.StdEncoding.EncodeToString(kept.MAC)}, nil
	case Bcrypt:
		return Code{Scheme: Bcrypt, Value: f.Value}, nil
	case Twofold:
		return Code{Twofold, base64.RawURLEncoding.EncodeToString(kept.MAC), f.Key, f.User}, nil
	}
	return Code{}, ErrCode
}

// foreign returns the stored hashes of the imported codes that a typed code
// matches. A form that cannot be decrypted is an error: only the operator can
// restore its key.
func (c *Codes) foreign(userID, typed string, list []storage.KeptCode) (macs [][]byte, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	// A code is tried as typed, and without spaces and dashes in lower and upper
	// case.
	code := bare(typed)
	spellings := []string{factor.Tidy(typed), factor.Bare(typed), code, strings.ToUpper(code)}
	macs = c.c.Keys.MACs(purpose, userID, code)
	for _, kept := range list {
		f, err := c.open(userID, kept)
		if err != nil {
			return nil, err
		}
		if f.matches(kept.MAC, spellings) {
			macs = append(macs, kept.MAC)
		}
	}
	return macs, nil
}

// matches reports whether one of the spellings of a code is the stored code. The
// first spelling is the code as it was typed.
func (f form) matches(mac []byte, spellings []string) bool {
	switch f.Scheme {
	case Twofold:
		for i := 0; i+keySize <= len(f.Key); i += keySize {
			if hmac.Equal(mac, seal.MACUnder(f.Key[i:i+keySize], f.User, spellings[2])) {
				return true
			}
		}
	case SHA512:
		for _, s := range spellings {
			if sum := sha512.Sum512([]byte(s)); hmac.Equal(mac, sum[:]) {
				return true
			}
		}
	case Bcrypt: // only the first spelling: each hash is expensive
		return bcrypt.CompareHashAndPassword([]byte(f.Value), []byte(spellings[0])) == nil
	}
	return false
}
