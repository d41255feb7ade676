package passkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Config configures a Method.
type Config struct {
	Factors storage.FactorUses
	Ring    *seal.Ring
	Origin  string // of the site; its host is the relying party's ID
	// App is another origin whose pages ask for passkeys. It is optional. Browsers
	// let a page ask only if its host is the relying party's ID or a subdomain of
	// it (section 5.1.3, step 8), so no other origin is accepted.
	App  string
	Name string // of the site, as authenticators show it
	// Challenge is the number of random bytes of a challenge. New raises it to 16.
	Challenge int
	// CreateHint and GetHint tell the browser how long to wait for its user. The
	// server's own limit is set by package auth.
	CreateHint, GetHint time.Duration
	Now                 func() time.Time
	// Label returns the name of an account on its passkeys. If it is nil, the name
	// is the e-mail address.
	Label func(storage.User) string
}

// Method implements factor.Passkeys.
type Method struct {
	c       Config
	rpID    string
	origins []string // of pages that may ask
}

var _ factor.Passkeys = (*Method)(nil)

// New returns a Method for the passkeys of one relying party.
func New(c Config) (*Method, error) {
	u, err := url.Parse(c.Origin)
	if err != nil || u.Scheme+"://"+u.Host != c.Origin || u.Hostname() == "" {
		return nil, errors.New("passkey: origin must be scheme and host")
	}
	c.Challenge = max(c.Challenge, minChallenge)
	if c.Label == nil {
		c.Label = func(u storage.User) string { return u.Email }
	}
	m := &Method{c: c, rpID: u.Hostname(), origins: []string{c.Origin}}
	if app, err := url.Parse(c.App); err == nil &&
		(app.Hostname() == m.rpID || strings.HasSuffix(app.Hostname(), "."+m.rpID)) {
		m.origins = append(m.origins, c.App)
	}
	return m, nil
}

// b64 is base64url without padding, as in a browser's JSON; padded is the same with
// padding. Both accept only one encoding of the same bytes.
var (
	b64    = base64.RawURLEncoding.Strict()
	padded = base64.URLEncoding.Strict()
)

// keyOf returns the key under which a credential ID is stored.
func keyOf(id []byte) string {
	sum := sha256.Sum256(id)
	return b64.EncodeToString(sum[:])
}

const (
	creating = "webauthn.create"
	getting  = "webauthn.get"

	minChallenge = 16 // bytes (WebAuthn level 3 section 13.4.3)
)

// state is a ceremony between its options and its response.
type state struct {
	Version    int      `json:"v"`
	Kind       string   `json:"kind"` // create or get
	Challenge  string   `json:"challenge"`
	MustVerify bool     `json:"uv,omitempty"`
	Allowed    []string `json:"allowed,omitempty"` // keys; if empty, any passkey whose response names its user
	Handle     []byte   `json:"handle,omitempty"`
}

func readState(raw []byte, kind string) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil || s.Version != 1 || s.Kind != kind || s.Challenge == "" {
		return state{}, refuse("another ceremony")
	}
	return s, nil
}

func refuse(cause string) error { return &factor.Refused{Cause: cause} }

func (m *Method) ceremony(s state, options map[string]any) (factor.Ceremony, error) {
	challenge := make([]byte, m.c.Challenge)
	rand.Read(challenge) // never fails: crypto/rand aborts the program instead
	s.Version, s.Challenge = 1, b64.EncodeToString(challenge)
	options["challenge"] = s.Challenge
	var c factor.Ceremony
	var err error
	if c.State, err = json.Marshal(s); err == nil {
		c.Options, err = json.Marshal(options)
	}
	return c, err
}

// BeginCreate implements factor.Passkeys.
func (m *Method) BeginCreate(n factor.NewPasskey) (factor.Ceremony, error) {
	handle, excluded := []byte(nil), []map[string]any{}
	for _, f := range n.Present {
		r, err := m.open(f)
		if err != nil {
			return factor.Ceremony{}, err
		}
		if len(r.Handle) > 0 {
			handle = r.Handle
		}
		excluded = append(excluded, r.descriptor())
	}
	if len(handle) == 0 {
		// The handle is random and without meaning (section 14.6.1). All passkeys
		// of a user have the same handle, so an authenticator replaces an old
		// passkey and does not keep both.
		handle = make([]byte, 64)
		rand.Read(handle)
	}
	params := []map[string]any{}
	for _, alg := range algorithms() {
		params = append(params, map[string]any{"type": "public-key", "alg": int(alg)})
	}
	selection := map[string]any{"residentKey": "preferred", "requireResidentKey": n.Discoverable,
		"userVerification": factor.Discouraged}
	if n.Discoverable { // a portable key, for use in any browser
		selection["residentKey"], selection["authenticatorAttachment"] = "required", "cross-platform"
	}
	if n.Usage == storage.UseFirst {
		selection["userVerification"] = factor.Preferred
	}
	return m.ceremony(state{Kind: creating, Handle: handle}, map[string]any{
		"rp": map[string]any{"id": m.rpID, "name": m.c.Name},
		"user": map[string]any{"id": b64.EncodeToString(handle), "name": m.c.Label(n.User),
			"displayName": m.c.Label(n.User)},
		"pubKeyCredParams": params, "timeout": m.c.CreateHint.Milliseconds(), "excludeCredentials": excluded,
		"authenticatorSelection": selection, "attestation": "none", "extensions": map[string]any{"credProps": true},
	})
}

// BeginGet implements factor.Passkeys.
func (m *Method) BeginGet(q factor.AssertionRequest) (factor.Ceremony, error) {
	s, allowed := state{Kind: getting, MustVerify: q.Verification == factor.Required}, []map[string]any{}
	for _, f := range q.Allowed {
		r, err := m.open(f)
		if err != nil {
			return factor.Ceremony{}, err
		}
		s.Allowed = append(s.Allowed, f.Key)
		allowed = append(allowed, r.descriptor())
	}
	for _, id := range q.Decoys {
		s.Allowed = append(s.Allowed, keyOf(id))
		transports := []string{"hybrid", "internal"}
		if len(id) >= 48 { // as long as the IDs of security keys
			transports = []string{"nfc", "usb"}
		}
		allowed = append(allowed, record{ID: id, Transports: transports}.descriptor())
	}
	return m.ceremony(s, map[string]any{
		"rpId": m.rpID, "timeout": m.c.GetHint.Milliseconds(), "allowCredentials": allowed,
		"userVerification": q.Verification,
	})
}

// Key implements factor.Passkeys.
func (m *Method) Key(text string) (string, error) {
	a, err := readAnswer(text)
	if err != nil {
		return "", err
	}
	return keyOf(a.id), nil
}

// FinishCreate implements factor.Passkeys.
func (m *Method) FinishCreate(raw []byte, userID, id, text string) (storage.Factor, error) {
	s, err := readState(raw, creating)
	if err != nil {
		return storage.Factor{}, err
	}
	a, err := readAnswer(text)
	if err != nil {
		return storage.Factor{}, err
	}
	if err := a.checkClient(s, m.origins); err != nil {
		return storage.Factor{}, err
	}
	r, err := a.created(s, m.rpID, m.origins)
	if err != nil {
		return storage.Factor{}, err
	}
	f := storage.Factor{ID: id, UserID: userID, Method: storage.Passkey, Key: keyOf(r.ID)}
	f.Secret, err = m.seal(f, r)
	return f, err
}

// Verify implements factor.Passkeys.
func (m *Method) Verify(ctx context.Context, raw []byte, f storage.Factor, text string) (factor.Assertion, error) {
	s, err := readState(raw, getting)
	if err != nil {
		return factor.Assertion{}, err
	}
	a, err := readAnswer(text)
	if err != nil {
		return factor.Assertion{}, err
	}
	r, err := m.open(f)
	if err != nil {
		return factor.Assertion{}, err
	}
	if err := a.belongs(s, f, r); err != nil {
		return factor.Assertion{}, err
	}
	if err := a.checkClient(s, m.origins); err != nil {
		return factor.Assertion{}, err
	}
	proven, next, err := a.proves(s, r, m.rpID, m.origins)
	if err != nil {
		return factor.Assertion{}, err
	}
	sealed, err := m.seal(f, next)
	if err != nil {
		return factor.Assertion{}, err
	}
	// All checks used the record that is replaced here. If another response
	// replaced it first, they used an outdated counter.
	switch err := m.c.Factors.UsePasskey(ctx, f.ID, f.Secret, sealed, m.c.Now()); {
	case errors.Is(err, storage.ErrUsed):
		return factor.Assertion{}, refuse("it was used elsewhere at the same moment")
	case errors.Is(err, storage.ErrNotFound):
		return factor.Assertion{}, refuse("it was removed")
	case err != nil:
		return factor.Assertion{}, err
	}
	return proven, nil
}

// belongs checks that the passkey is the one that was looked up and is among those
// that were asked for, and that it belongs to the user whom the authenticator names
// (section 7.2, steps 5 and 6).
func (a answer) belongs(s state, f storage.Factor, r record) error {
	switch {
	case keyOf(a.id) != f.Key || string(a.id) != string(r.ID):
		return refuse("another passkey")
	case len(s.Allowed) > 0 && !slices.Contains(s.Allowed, f.Key):
		return refuse("it was not asked for")
	case len(s.Allowed) == 0 && len(a.handle) == 0:
		return refuse("it does not name its user")
	case len(a.handle) > 64, len(a.handle) > 0 && len(r.Handle) > 0 && string(a.handle) != string(r.Handle):
		return refuse("it is of another user")
	}
	return nil
}

// Detail implements factor.Passkeys.
func (m *Method) Detail(f storage.Factor) (factor.PasskeyDetail, error) {
	r, err := m.open(f)
	if err != nil {
		return factor.PasskeyDetail{}, err
	}
	return factor.PasskeyDetail{
		CredentialID: b64.EncodeToString(r.ID), Transports: r.Transports, Synced: r.BackedUp,
		Syncable: r.BackupEligible,
		Verified: r.Verified, Discoverable: r.Discoverable, Model: model(r.AAGUID),
	}, nil
}

// record is the stored form of a passkey.
type record struct {
	Version        int      `json:"v"`
	ID             []byte   `json:"id"`
	PublicKey      []byte   `json:"key"` // COSE
	Handle         []byte   `json:"user"`
	Counter        uint32   `json:"counter"`
	FlagsUnknown   bool     `json:"unknown,omitempty"` // be and bs are not known yet
	BackupEligible bool     `json:"be"`
	BackedUp       bool     `json:"bs"`
	Verified       bool     `json:"uv"` // it has verified its user at least once
	Transports     []string `json:"transports,omitempty"`
	Attachment     string   `json:"attachment,omitempty"`
	AAGUID         []byte   `json:"aaguid,omitempty"`
	Discoverable   *bool    `json:"rk,omitempty"`
}

func (r record) descriptor() map[string]any {
	d := map[string]any{"type": "public-key", "id": b64.EncodeToString(r.ID)}
	if len(r.Transports) > 0 {
		d["transports"] = r.Transports
	}
	return d
}

const purpose = "passkey"

// owner returns the text that binds a record to its row and to its key. An attacker
// who can write to the database cannot move one user's passkey to another.
func owner(f storage.Factor) string { return f.UserID + "/" + f.ID + "/" + f.Key }

func (m *Method) seal(f storage.Factor, r record) ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return m.c.Ring.Seal(purpose, owner(f), raw)
}

// Opens returns nil if the factor's record can be decrypted. It changes nothing.
func (m *Method) Opens(f storage.Factor) error {
	_, err := m.open(f)
	return err
}

func (m *Method) open(f storage.Factor) (record, error) {
	raw, _, err := m.c.Ring.Open(purpose, owner(f), f.Secret) // the next use seals it with the newest key
	if err != nil {
		return record{}, factor.SecretError(err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil || r.Version != 1 {
		return record{}, factor.SecretError(fmt.Errorf("passkey: record of version %d", r.Version))
	}
	return r, nil
}
