package django

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // how allauth derives its codes
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// data is what allauth stores of an authenticator.
type data struct {
	Secret     string     `json:"secret"`
	Seed       string     `json:"seed"`
	Used       *big.Int   `json:"used_mask"`
	Migrated   []string   `json:"migrated_codes"`
	Name       string     `json:"name"`
	Credential credential `json:"credential"`
}

// credential is the browser's response of a registration.
type credential struct {
	ID         string `json:"id"`
	Attachment string `json:"authenticatorAttachment"`
	Response   struct {
		Attestation string   `json:"attestationObject"`
		Transports  []string `json:"transports"`
	} `json:"response"`
	Extensions struct {
		Properties struct {
			Discoverable *bool `json:"rk"`
		} `json:"credProps"`
	} `json:"clientExtensionResults"`
}

// hook is the advice for a value that an adapter of the site may have encrypted.
const hook = "if the site's MFA adapter encrypts it, decrypt it in a copy of the database first"

// allauth adds an authenticator of django-allauth.
func (r *reading) allauth(d *transfer.Draft, row rows.Row) {
	var v data
	text := row.Text("data")
	if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &v) != nil {
		d.Refuse("an authenticator of allauth: its data is not JSON")
		return
	}
	switch kind := row.Text("type"); kind {
	case "totp":
		secret, err := transfer.DecodeBase32(v.Secret)
		// A token in mixed case is encrypted, even if it can be decoded as base32.
		mixed := v.Secret != strings.ToUpper(v.Secret) && v.Secret != strings.ToLower(v.Secret)
		if err != nil || mixed || len(secret) < transfer.MinSecret {
			d.Refuse("authenticator: secret is not base32: %s", hook)
			return
		}
		d.Authenticators = append(d.Authenticators, transfer.Authenticator{
			Secret: secret, Created: row.Time("created_at"), Used: row.Time("last_used_at"),
		})
	case "recovery_codes":
		codes, err := v.codes(r.o.Codes, r.o.Digits)
		if err != nil {
			d.Leave("recovery codes: %s", err)
			return
		}
		for _, c := range codes {
			d.AddCode(transfer.RecoveryCode{Plain: c, Created: row.Time("created_at")})
		}
	case "webauthn":
		p, err := v.passkey(handle(d.ID))
		if err != nil {
			d.Refuse("passkey: %s", err)
			return
		}
		p.Created, p.Used = row.Time("created_at"), row.Time("last_used_at")
		d.Passkeys = append(d.Passkeys, p)
	default:
		d.Refuse("allauth has an authenticator of an unknown type %q", kind)
	}
}

// codes returns the unused recovery codes. allauth derives them from a seed: the
// HMAC-SHA1 of a string that grows with each code.
func (v data) codes(count, digits int) (list []string, err error) {
	if v.Migrated != nil {
		return v.Migrated, nil
	}
	if raw, err := hex.DecodeString(v.Seed); err != nil || len(raw) < 16 {
		return nil, errors.New("the seed is not hexadecimal: " + hook)
	}
	mac := hmac.New(sha1.New, []byte(v.Seed)) // the text of the seed is the key
	for i := range count {
		fmt.Fprintf(mac, "%3d,", i)
		first := make([]byte, 16)
		n := min(digits/2, 9)
		copy(first[16-n:], mac.Sum(nil)[:n])
		number := new(big.Int).SetBytes(first)
		number.Mod(number, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
		if v.Used == nil || v.Used.Bit(i) == 0 {
			list = append(list, fmt.Sprintf("%0*s", digits, number.String()))
		}
	}
	return list, nil
}

// passkey reads the browser's response of a registration.
func (v data) passkey(handle []byte) (transfer.Passkey, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(v.Credential.Response.Attestation, "="))
	if err != nil || len(raw) == 0 {
		return transfer.Passkey{}, errors.New("the attestation cannot be read")
	}
	c, err := passkey.Attested(raw)
	if err != nil {
		return transfer.Passkey{}, err
	}
	discoverable := v.Credential.Extensions.Properties.Discoverable
	return transfer.Passkey{
		CredentialID: c.ID, PublicKey: c.PublicKey, Counter: c.Counter, BackupEligible: c.BackupEligible,
		BackedUp: c.BackedUp, UserVerified: c.Verified, AAGUID: c.AAGUID, UserHandle: handle,
		Transports: v.Credential.Response.Transports, Attachment: v.Credential.Attachment,
		Discoverable: discoverable, Name: v.Name, Use: transfer.UseSecond,
	}, nil
}

// handle returns the user handle of allauth for a user ID: a number in base 36, a
// UUID without dashes, or the ID itself.
func handle(id string) []byte {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && n >= 0 && n < math.MaxInt64 {
		return []byte(strconv.FormatInt(n, 36))
	}
	if plain := strings.ReplaceAll(id, "-", ""); len(id) == 36 && len(plain) == 32 {
		return []byte(plain)
	}
	return []byte(id)
}
