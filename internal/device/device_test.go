package device

import (
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// house is a database file with two users, and a clock.
type house struct {
	*Manager
	t          testing.TB
	db         *sqlite.DB
	keys       *seal.Keys
	now        time.Time
	alice, bob storage.User
}

func open(t testing.TB) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if h.keys, err = seal.NewKeys(strings.Repeat("k", 43)); err != nil {
		t.Fatal(err)
	}
	h.Manager = New(Config{Devices: db, Keys: h.keys, Now: func() time.Time { return h.now },
		Life: 30 * 24 * time.Hour})
	for name, u := range map[string]*storage.User{"alice": &h.alice, "bob": &h.bob} {
		*u = storage.User{
			ID: storage.NewID(), Email: name + "@x.t", EmailKey: name + "@x.t", Active: true,
			CredentialVersion: "first of " + name,
			CreatedAt:         h.now, UpdatedAt: h.now,
		}
		if err := db.CreateUser(context.Background(), *u); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) trust(u storage.User) string {
	h.t.Helper()
	cookie, err := h.Trust(context.Background(), u, storage.Device{Name: "Firefox on Linux", Address: "192.0.2.1"})
	if err != nil {
		h.t.Fatal(err)
	}
	return cookie
}

// refused fails the test if the cookie is accepted.
func (h *house) refused(what string, u storage.User, cookie string) {
	h.t.Helper()
	if known, ok, err := h.Recognize(context.Background(), u, cookie,
		"192.0.2.1", nil); ok || known.ID != "" || known.Next != "" || err != nil {
		h.t.Errorf("%s: recognized %v, %+v, %v", what, ok, known, err)
	}
}

func (h *house) devices(u storage.User) []storage.Device {
	h.t.Helper()
	all, err := h.db.DevicesOf(context.Background(), u.ID, h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func TestADeviceIsRecognizedAndGetsAnotherSecretEachTime(t *testing.T) {
	ctx, h := context.Background(), open(t)
	cookie, seen := h.trust(h.alice), map[string]bool{}
	for i := range 5 {
		if seen[cookie] {
			t.Fatalf("use %d: the same cookie again", i)
		}
		seen[cookie] = true
		h.now = h.now.Add(time.Hour)
		known, ok, err := h.Recognize(ctx, h.alice, cookie, "192.0.2.7", nil)
		if err != nil || !ok || known.Next == "" {
			t.Fatalf("use %d: %v %v", i, ok, err)
		}
		if want := 30*24*time.Hour - time.Duration(i+1)*time.Hour; known.Left != want {
			t.Errorf("use %d: %v are left, want %v: use must not prolong it", i, known.Left, want)
		}
		cookie = known.Next
	}
	d := h.devices(h.alice)
	if len(d) != 1 || d[0].Name != "Firefox on Linux" || d[0].Address != "192.0.2.7" || !d[0].LastSeenAt.Equal(h.now) {
		t.Errorf("%+v", d)
	}
	if strings.Contains(cookie, d[0].Secret) {
		t.Error("the cookie holds what the database holds")
	}
}

// TestTheCookieRetiredLastIsTakenForAMoment checks that two sign-ins at once in one
// browser, which send the same cookie, both succeed.
func TestTheCookieRetiredLastIsTakenForAMoment(t *testing.T) {
	ctx, h := context.Background(), open(t)
	first := h.trust(h.alice)
	second, ok, err := h.Recognize(ctx, h.alice, first, "", nil)
	if !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	h.now = h.now.Add(grace - time.Second)
	if known, ok, err := h.Recognize(ctx, h.alice, first, "", nil); !ok || known.Next != "" || err != nil {
		t.Errorf("within the grace: %v, next %q, %v", ok, known.Next, err)
	}
	if _, ok, err := h.Recognize(ctx, h.alice, second.Next, "", nil); !ok || err != nil {
		t.Errorf("the present one: %v %v", ok, err)
	}
}

func TestACopiedCookieEndsTheDevice(t *testing.T) {
	ctx, h := context.Background(), open(t)
	for name, uses := range map[string]int{"the one before": 1, "one of long ago": 4} {
		stolen := h.trust(h.alice)
		cookie := stolen
		for range uses {
			h.now = h.now.Add(time.Hour)
			known, ok, err := h.Recognize(ctx, h.alice, cookie, "", nil)
			if !ok || err != nil {
				t.Fatalf("%v %v", ok, err)
			}
			cookie = known.Next
		}
		h.now = h.now.Add(10 * time.Second)
		if _, ok, err := h.Recognize(ctx, h.alice, stolen, "", nil); ok || !errors.Is(err, ErrCopied) {
			t.Errorf("%s: %v %v", name, ok, err)
		}
		h.refused("afterwards "+name, h.alice, stolen)
		h.refused("afterwards the present one", h.alice, cookie)
		if n := len(h.devices(h.alice)); n != 0 {
			t.Errorf("%d devices are left", n)
		}
	}
}

func TestADeviceEndsWithItsLife(t *testing.T) {
	h := open(t)
	cookie := h.trust(h.alice)
	h.now = h.now.Add(30*24*time.Hour - time.Second)
	known, ok, err := h.Recognize(context.Background(), h.alice, cookie, "", nil)
	if !ok || err != nil || known.Left != time.Second {
		t.Fatalf("one second before its end: %v %v %v", ok, known.Left, err)
	}
	h.now = h.now.Add(time.Second)
	h.refused("at its end", h.alice, known.Next)
}

// TestADeviceIsItsUsersOnly checks that a device skips only the second factor of
// its own user, under the credentials that were proven.
func TestADeviceIsItsUsersOnly(t *testing.T) {
	ctx, h := context.Background(), open(t)
	cookie := h.trust(h.alice)
	h.refused("another user", h.bob, cookie)
	h.refused("nobody", storage.User{}, cookie)
	twin := h.bob
	twin.CredentialVersion = h.alice.CredentialVersion
	h.refused("another user under the same version", twin, cookie)
	if h.Vouches(h.bob, cookie) || h.Vouches(storage.User{}, cookie) || h.Vouches(h.alice, "") ||
		!h.Vouches(h.alice, cookie) {
		t.Error("vouches for the wrong one")
	}
	if err := h.db.SetPassword(ctx, storage.NewPassword{
		UserID: h.alice.ID, Hash: "hash", CredentialVersion: "second of alice", Now: h.now,
	}); err != nil {
		t.Fatal(err)
	}
	changed, err := h.db.UserByID(ctx, h.alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.refused("new credentials", changed, cookie)
	h.refused("a stale copy of the user", h.alice, cookie)
	if h.Vouches(changed, cookie) {
		t.Error("vouches for new credentials")
	}
}

func TestRevokedDevicesAreNone(t *testing.T) {
	ctx, h := context.Background(), open(t)
	one, two, bobs := h.trust(h.alice), h.trust(h.alice), h.trust(h.bob)
	all := h.devices(h.alice)
	if err := h.db.RevokeDevice(ctx, h.bob.ID, all[0].ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := h.RevokeAll(ctx, h.alice.ID); err != nil {
		t.Fatal(err)
	}
	h.refused("revoked", h.alice, one)
	h.refused("revoked", h.alice, two)
	if _, ok, err := h.Recognize(ctx, h.bob, bobs, "", nil); !ok || err != nil {
		t.Errorf("another user's: %v %v", ok, err)
	}
}

// TestMalformedCookiesAreNoDevice checks that a malformed cookie is refused without an
// error (R85).
func TestMalformedCookiesAreNoDevice(t *testing.T) {
	h := open(t)
	cookie := h.trust(h.alice)
	body, mac, _ := strings.Cut(cookie, ".")
	other, err := seal.NewKeys(strings.Repeat("o", 43))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := h.keys.Verify("device", cookie)
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(mac)
	flipped[0] ^= 1
	for what, odd := range map[string]string{
		"empty": "", "a dot": ".", "junk": "%ZZ", "no mac": body, "only a mac": "." + mac,
		"a mac too many": cookie + "." + mac, "cut": cookie[:len(cookie)-1],
		"padded": cookie + "=", "a blank": cookie + " ", "a line": cookie + "\n",
		"one bit": body + "." + string(flipped), "long": strings.Repeat(cookie, 50),
		"another key": other.Sign("device", raw), "another purpose": h.keys.Sign("not-me", raw),
		"not JSON": h.keys.Sign("device", []byte("x")), "a list": h.keys.Sign("device", []byte("[]")),
		"null":          h.keys.Sign("device", []byte("null")),
		"no secret":     h.keys.Sign("device", []byte(`{"u":"first of alice","d":"x","s":""}`)),
		"a NUL":         h.keys.Sign("device", []byte(`{"u":"first of alice","d":"\u0000","s":"\u0000"}`)),
		"another shape": h.keys.Sign("device", []byte(`{"u":["first of alice"],"d":{},"s":1}`)),
		"unsigned":      base64.RawURLEncoding.EncodeToString(raw) + ".",
	} {
		h.refused(what, h.alice, odd)
	}
	if len(h.devices(h.alice)) != 1 {
		t.Error("something odd ended the device")
	}
	if _, ok, err := h.Recognize(context.Background(), h.alice, cookie, "", nil); !ok || err != nil {
		t.Errorf("after all that: %v %v", ok, err)
	}
}

// TestABrowserThatStaysSignedInIsNotTrusted checks that a cookie of one kind is
// not valid for the other, although both have one table.
func TestABrowserThatStaysSignedInIsNotTrusted(t *testing.T) {
	ctx, h := context.Background(), open(t)
	staying := New(Config{Devices: h.db, Keys: h.keys, Now: h.c.Now, Life: 24 * time.Hour, RememberMe: true})
	cookie, err := staying.Keep(ctx, h.alice,
		storage.Device{Name: "Firefox", Level: storage.TwoFactors, SessionID: "s"},
		48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	trusted := h.trust(h.alice)
	h.refused("one that stays", h.alice, cookie)
	if _, ok, err := staying.Recognize(ctx, h.alice, trusted, "", nil); ok || err != nil {
		t.Errorf("a trusted one stays signed in: %v %v", ok, err)
	}
	if _, ok := staying.Made(trusted); ok {
		t.Error("a trusted one says whose it is")
	}
	if _, ok := h.Made(cookie); ok {
		t.Error("made by the other kind")
	}
	// Even when it is signed for the other purpose, its row is of the wrong kind.
	raw, err := h.keys.Verify("remember", cookie)
	if err != nil {
		t.Fatal(err)
	}
	h.refused("one that stays, signed as trusted", h.alice, h.keys.Sign("device", raw))
	made, ok := staying.Made(cookie)
	if !ok || made.UserID != h.alice.ID || made.SessionID != "s" {
		t.Fatalf("made for %+v, %v", made, ok)
	}
	known, ok, err := staying.Recognize(ctx, h.alice, cookie, "192.0.2.9", nil)
	if !ok || err != nil || known.Level != storage.TwoFactors || known.SessionID != "s" || known.Left != 24*time.Hour {
		t.Errorf("%+v %v %v", known, ok, err)
	}
	if made, ok := staying.Made(known.Next); !ok || made.UserID != h.alice.ID || made.SessionID != "s" {
		t.Errorf("the next cookie is for %+v", made)
	}
	if err := staying.RevokeBeside(ctx, h.alice.ID, ""); err != nil || len(h.devices(h.alice)) != 2 {
		t.Errorf("beside no session: %v, %d left", err, len(h.devices(h.alice)))
	}
	if err := staying.RevokeBeside(ctx, h.alice.ID, "s"); err != nil || len(h.devices(h.alice)) != 1 {
		t.Errorf("beside its session: %v, %d left", err, len(h.devices(h.alice)))
	}
}

// TestACookieWithoutAUserBelongsToNoUser checks that Made needs a cookie that
// names the user.
func TestACookieWithoutAUserBelongsToNoUser(t *testing.T) {
	h := open(t)
	staying := New(Config{Devices: h.db, Keys: h.keys, Now: h.c.Now, Life: 24 * time.Hour, RememberMe: true})
	sign := func(m *Manager, p payload) string {
		t.Helper()
		cookie, err := m.sign(p)
		if err != nil {
			t.Fatal(err)
		}
		return cookie
	}
	whole := payload{CredentialVersion: h.alice.CredentialVersion, ID: "d", Secret: "s", User: h.alice.ID, Session: "b"}
	if made, ok := staying.Made(sign(staying, whole)); !ok || made.UserID != h.alice.ID {
		t.Errorf("made for %+v, %v", made, ok)
	}
	nobodys := whole
	nobodys.User = ""
	if _, ok := staying.Made(sign(staying, nobodys)); ok {
		t.Error("made for nobody")
	}
	if _, ok := h.Made(sign(h.Manager, whole)); ok {
		t.Error("a trusted browser stays signed in as who its cookie names")
	}
	if id := h.ID(h.alice, sign(h.Manager, whole)); id != "d" {
		t.Errorf("the device is %q", id)
	}
	without := whole
	without.CredentialVersion = ""
	if id := h.ID(storage.User{}, sign(h.Manager, without)); id != "" {
		t.Errorf("nobody has the device %q", id)
	}
}
