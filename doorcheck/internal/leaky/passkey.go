package leaky

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// passkey is a passkey known to the site. Its id is the key in the site's map.
type passkey struct {
	user    *user
	handle  []byte
	public  *ecdsa.PublicKey
	counter uint32
	second  bool
}

// question is an issued challenge.
type question struct {
	challenge, browser string
	of                 *user // who asked to add one; nil: to use one
	second             bool
	handle             []byte
}

// credential is a browser's response.
type credential struct {
	ID       string
	Response struct {
		ClientDataJSON, AuthenticatorData, PublicKey, Signature, UserHandle string
	}
}

func decode(s string) []byte {
	raw, _ := base64.RawURLEncoding.DecodeString(s) // what is not base64 is nothing
	return raw
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// rpID returns the host of the site.
func (s *Site) rpID() string {
	u, err := url.Parse(s.origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// asks issues a challenge to this browser.
func (s *request) asks(q *question) string {
	q.challenge, q.browser = encode([]byte(rand.Text())), rand.Text()
	if c, err := s.r.Cookie("asked"); err == nil {
		q.browser = c.Value
	}
	http.SetCookie(s.w, &http.Cookie{Name: "asked", Value: q.browser, Path: "/", MaxAge: 600, HttpOnly: true,
		Secure:   true,
		SameSite: http.SameSiteStrictMode})
	state := rand.Text()
	s.questions[state] = q
	return state
}

func (s *request) askPasskey(second bool) (door.Out, int) {
	x := s.may("passkey-before-code", "passkey-stale")
	if x == nil {
		return door.Out{}, refused
	}
	q := &question{of: x.user, second: second, handle: []byte(rand.Text())}
	state := s.asks(q)
	raw, _ := json.Marshal(map[string]any{
		"challenge": q.challenge, "rp": map[string]string{"id": s.rpID(), "name": "site"},
		"user": map[string]string{"id": encode(q.handle), "name": x.user.email},
	})
	return door.Out{Question: string(raw), State: state}, ok
}

func (s *request) askAssertion() (door.Out, int) {
	q := &question{}
	state := s.asks(q)
	raw, _ := json.Marshal(map[string]any{"challenge": q.challenge, "rpId": s.rpID(), "userVerification": "preferred"})
	return door.Out{Question: string(raw), State: state}, ok
}

// asked returns the challenge of a response and uses it up, unless a leak is on.
func (s *request) asked(leaks ...string) *question {
	q := s.questions[s.in.State]
	if q == nil {
		return nil
	}
	if !s.leak(leaks...) {
		delete(s.questions, s.in.State)
	}
	return q
}

// honest checks the client data and the authenticator data of a response. The rules of a
// registration have their own switches.
func (s *request) honest(c credential, q *question, kind, prefix string) bool {
	var said struct{ Type, Challenge, Origin string }
	if json.Unmarshal(decode(c.Response.ClientDataJSON), &said) != nil {
		return false
	}
	data, hash := decode(c.Response.AuthenticatorData), sha256.Sum256([]byte(s.rpID()))
	if len(data) < 37 {
		return false
	}
	own := said.Challenge == q.challenge
	for _, earlier := range s.questions {
		own = own || said.Challenge == earlier.challenge && s.leak(prefix+"-challenge")
	}
	return own && (said.Type == kind || s.leak(prefix+"-type")) &&
		(said.Origin == s.origin || s.leak(prefix+"-origin")) &&
		(bytes.Equal(data[:32], hash[:]) || s.leak(prefix+"-rp")) && (data[32]&1 != 0 || s.leak("passkey-untouched"))
}

func (s *request) addPasskey() (door.Out, int) {
	q, x := s.asked(), s.may("passkey-before-code", "passkey-stale")
	var c credential
	if q == nil || q.of == nil || x == nil || json.Unmarshal([]byte(s.in.Credential), &c) != nil {
		return door.Out{}, refused
	}
	if q.of != x.user && !s.leak("passkey-new-account") || !s.honest(c, q, "webauthn.create", "passkey-new") {
		return door.Out{}, refused
	}
	if s.passkeys[c.ID] != nil && !s.leak("passkey-taken-id") {
		return door.Out{}, refused
	}
	parsed, err := x509.ParsePKIXPublicKey(decode(c.Response.PublicKey))
	public, isEC := parsed.(*ecdsa.PublicKey)
	if err != nil || !isEC {
		return door.Out{}, refused
	}
	s.passkeys[c.ID] = &passkey{user: x.user, handle: q.handle, public: public, second: q.second}
	return door.Out{Name: c.ID}, ok
}

func (s *request) removePasskey() (door.Out, int) {
	k := s.passkeys[s.in.Name]
	if k == nil {
		return door.Out{}, refused
	}
	leak := "passkey-remove-stale"
	if k.second {
		leak = "passkey-last-stale"
	}
	if x := s.may("", leak); x == nil || x.user != k.user {
		return door.Out{}, refused
	}
	delete(s.passkeys, s.in.Name)
	return door.Out{}, ok
}

// hasSecond reports whether a passkey is the second factor of an account.
func (s *Site) hasSecond(u *user) bool {
	for _, k := range s.passkeys {
		if k.user == u && k.second {
			return true
		}
	}
	return false
}

func (s *request) giveAssertion() (door.Out, int) {
	q := s.asked("passkey-replay", "passkey-race")
	var c credential
	if q == nil || q.of != nil || json.Unmarshal([]byte(s.in.Credential), &c) != nil {
		return door.Out{}, refused
	}
	if cookie, err := s.r.Cookie("asked"); (err != nil || cookie.Value != q.browser) &&
		!s.leak("passkey-other-browser") {
		return door.Out{}, refused
	}
	k := s.passkeys[c.ID]
	if k == nil || !s.honest(c, q, "webauthn.get", "passkey") || !s.signed(k, c) {
		return door.Out{}, refused
	}
	u, data := k.user, decode(c.Response.AuthenticatorData)
	if named := decode(c.Response.UserHandle); !bytes.Equal(named, k.handle) {
		if !s.leak("passkey-handle") {
			return door.Out{}, refused
		}
		u = s.byHandle(named, u)
	}
	counter := binary.BigEndian.Uint32(data[33:37])
	if counter != 0 && counter <= k.counter && !s.leak("passkey-counter") {
		return door.Out{}, refused
	}
	k.counter = counter
	if x := s.session; x != nil && !x.full {
		if x.user != u && !s.leak("passkey-other-account") {
			return door.Out{}, refused
		}
		return s.passed(x)
	}
	if k.second {
		return door.Out{}, refused
	}
	full := u.key == nil && !u.mailFactor || data[32]&4 != 0 || s.leak("passkey-unverified")
	s.give(&session{user: u, full: full, proven: time.Now()}, false)
	return door.Out{}, ok
}

// byHandle returns the user whom a response names.
func (s *Site) byHandle(handle []byte, other *user) *user {
	for _, k := range s.passkeys {
		if bytes.Equal(k.handle, handle) {
			return k.user
		}
	}
	return other
}

// signed verifies the signature of a response.
func (s *request) signed(k *passkey, c credential) bool {
	client := sha256.Sum256(decode(c.Response.ClientDataJSON))
	sum := sha256.Sum256(slices.Concat(decode(c.Response.AuthenticatorData), client[:]))
	return s.leak("passkey-signature") || ecdsa.VerifyASN1(k.public, sum[:], decode(c.Response.Signature))
}
