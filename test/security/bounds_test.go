package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR174_AnAccountHasOnlySoMany checks the limits on sessions, trusted browsers and refresh
// tokens. The oldest end first, and the audit trail records it.
func TestR174_AnAccountHasOnlySoMany(t *testing.T) {
	w := newWorld(t, tokens, remembering, plenty)
	p, other := w.withApp("alice"), w.withApp("robert")
	ctx, db := t.Context(), w.Nodes[0].Store
	u, err := db.UserByID(ctx, p.ID)
	w.Must(err)
	oldest, others := w.plantSession(p), w.plantSession(other)
	for range 300 {
		w.Advance(time.Millisecond)
		now := w.Now()
		id := storage.NewID()
		w.Must(db.PutSession(ctx, storage.Session{
			Hash: seal.HashToken(seal.Token()), ID: id, UserID: p.ID, CredentialVersion: u.CredentialVersion,
			Level: storage.OneFactor, Agent: linuxFox,
			CreatedAt: now, SeenAt: now, IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
		}))
		w.Must(db.PutDevice(ctx, storage.Device{
			ID: id, UserID: p.ID, CredentialVersion: u.CredentialVersion, Secret: id, Name: "Firefox", CreatedAt: now,
			LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
		}))
		w.Must(db.PutToken(ctx, storage.Token{
			ID: id, UserID: p.ID, CredentialVersion: u.CredentialVersion, Hash: id, SessionID: id, CreatedAt: now,
			IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
		}))
	}
	w.Advance(time.Second)
	h := w.heirs(p, nil)
	h.browser.in(p, 2)
	w.program("Authentication-Token", h.header).in(p, 2)
	h.stays.back(p)
	oldest.out("the oldest session of too many")
	others.in(other, 2)
	for table, most := range map[string]int{"sessions": 100, "devices": 30, "tokens": 51} { // with one personal token
		if n := w.number(`SELECT COUNT(*) FROM twofold_`+table+` WHERE user_id = ?`, p.ID); n > most || n < most/2 {
			t.Errorf("%d %s are left, want %d", n, table, most)
		}
	}
	for what, n := range map[string]int{
		"session-ended": 200, "device-revoked": 270, "token-revoked": 250,
	} {
		if got := w.number(`SELECT COUNT(*) FROM twofold_events WHERE name = ? AND reason = 'too many'`,
			what); got < n {
			t.Errorf("%d rows say %s, want at least %d", got, what, n)
		}
	}
	for path, list := range map[string]string{"/tf-sessions": "sessions", "/tf-devices": "devices",
		"/access-tokens": "tokens"} {
		if got, ok := h.browser.Get(path).Want(200).JSON[list].([]any); !ok || len(got) > 100 {
			t.Errorf("%s lists %d", path, len(got))
		}
	}
	r, _, _ := w.exchange(h.refresh)
	r.Want(200)
}

// TestR174_FamiliesTakeNoPlaceOfPersonalTokens.
func TestR174_FamiliesTakeNoPlaceOfPersonalTokens(t *testing.T) {
	w := newWorld(t, tokens, plenty)
	p := w.withApp("alice")
	u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
	w.Must(err)
	for range 50 {
		now, id := w.Now(), storage.NewID()
		w.Must(w.Nodes[0].Store.PutToken(t.Context(), storage.Token{
			ID: id, UserID: p.ID, CredentialVersion: u.CredentialVersion, Hash: id, SessionID: id, CreatedAt: now,
			IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
		}))
	}
	_, r := w.plantSession(p).personal("read")
	r.Want(200)
}

// TestR174_SessionsOfOneAccountBeginAtABoundedPace also covers the exchange of refresh tokens. A
// refusal costs the caller nothing, and other accounts are not refused.
func TestR174_SessionsOfOneAccountBeginAtABoundedPace(t *testing.T) {
	w := newWorld(t, tokens, plenty)
	p, other := w.person("alice"), w.person("robert")
	_, _, refresh := p.pairOfOne()
	var r *answer
	for n := 0; ; n++ {
		if n > 200 {
			t.Fatal("refresh tokens are exchanged without end")
		}
		next := ""
		if r, _, next = w.exchange(refresh); r.Status != 200 {
			break
		}
		refresh = next
	}
	r.Want(429).Refused("too many exchanges")
	if r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to come back")
	}
	w.Advance(10 * time.Minute)
	r, header, _ := w.exchange(refresh)
	r.Want(200)
	w.program("Authentication-Token", header).in(p, 1)
	for n := 0; ; n++ {
		if n > 400 {
			t.Fatal("sessions are begun without end")
		}
		if r = w.browser().login(p); r.Status != 200 {
			break
		}
	}
	r.Want(429).Refused("too many sign-ins")
	w.browser().login(other).Want(200)
	w.Advance(10 * time.Minute)
	w.browser().login(p).Want(200)
	if n := len(happened[event.SessionEnded](w)); n == 0 {
		t.Error("no session ended")
	}
}

// pairOfOne is like pair, for an account with one factor.
func (p *person) pairOfOne() (b *browser, header, refresh string) {
	p.w.T.Helper()
	b = p.w.browser()
	r := b.Post("/login?include_auth_token", m{"email": p.Email, "password": secret}).Want(200)
	user, _ := r.JSON["user"].(m)
	header, _ = user["authentication_token"].(string)
	refresh, _ = user["refresh_token"].(string)
	if refresh == "" || strings.Contains(refresh, " ") {
		p.w.T.Fatalf("no pair of tokens: %s", r.Body)
	}
	return b, header, refresh
}
