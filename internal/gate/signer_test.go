package gate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

var oldKey, newKey = strings.Repeat("o", 32), strings.Repeat("n", 32)

func signer(t *testing.T, secrets ...string) *Signer {
	t.Helper()
	keys, err := seal.NewKeys(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return NewSigner("https://login.example.org", keys)
}

func verifier(t *testing.T, now time.Time, current func() *Signer) (v *gate.Verifier, fetched *int) {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_,
			_ = w.Write(current().KeySet())
	}))
	t.Cleanup(s.Close)
	return &gate.Verifier{Issuer: "https://login.example.org", Audience: "app.example.org", KeysURL: s.URL,
		Now: func() time.Time { return now }}, &n
}

// TestAnAssertionSaysWhoAndHow checks an assertion with the verifier of this module
// and with another library.
func TestAnAssertionSaysWhoAndHow(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := signer(t, newKey)
	c := Claims{Audience: "app.example.org", Subject: "U1", Email: "ann@example.org", Groups: []string{"admin"}}
	c.Describe(storage.Session{Level: storage.TwoFactors, FreshAt: now.Add(-time.Minute), Proofs: []storage.Proof{
		{Method: "password"}, {Method: storage.Passkey, UserVerified: true}, {Method: storage.SMS},
	}})
	text := s.Sign(c, now)
	v, _ := verifier(t, now, func() *Signer { return s })
	a, err := v.Verify(t.Context(), text)
	if err != nil || a.Subject != "U1" || a.Email != "ann@example.org" || !slices.Equal(a.Groups,
		[]string{"admin"}) || a.Level != "aal2" ||
		!slices.Equal(a.Methods, []string{"mfa", "otp", "pop", "pwd", "sms", "user"}) ||
		!a.AuthTime.Equal(now.Add(-time.Minute)) || a.ID == "" || !a.Expires.Equal(now.Add(Life)) {
		t.Fatalf("%+v, %v", a, err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(s.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(set, &claims); err != nil {
		t.Fatal(err)
	}
	expected := jwt.Expected{Issuer: "https://login.example.org", AnyAudience: jwt.Audience{"app.example.org"},
		Subject: "U1", Time: now}
	if err := claims.Validate(expected); err != nil {
		t.Error(err)
	}
}

// TestAForgedAssertionIsRefused changes each part of an assertion.
func TestAForgedAssertionIsRefused(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s, other := signer(t, newKey), signer(t, oldKey)
	c := Claims{Audience: "app.example.org", Subject: "U1"}
	good := s.Sign(c, now)
	part := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + part[1] + "."
	elsewhere := s.Sign(Claims{Audience: "other.example.org", Subject: "U1"}, now)
	for what, text := range map[string]string{
		"nothing": "", "none": none, "no signature": part[0] + "." + part[1] + ".", "another key": other.Sign(c,
			now), "another host": elsewhere,
		"expired": s.Sign(c, now.Add(-Life-11*time.Second)), "not yet": s.Sign(c, now.Add(time.Minute)),
		"nobody":       s.Sign(Claims{Audience: "app.example.org"}, now),
		"other claims": part[0] + "." + strings.Split(elsewhere, ".")[1] + "." + part[2], "a line break": good +
			"\n", "long": strings.Repeat("a", 10_000),
		"four parts": good + ".x", "other text of the signature": good[:len(good)-1] + string(good[len(good)-1]+1),
	} {
		v, _ := verifier(t, now, func() *Signer { return s })
		if a, err := v.Verify(t.Context(), text); !errors.Is(err, gate.ErrAssertion) {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
	if _, err := (&gate.Verifier{}).Verify(t.Context(), good); err == nil {
		t.Error("a verifier that knows no issuer")
	}
	v, _ := verifier(t, now, func() *Signer { return s })
	v.KeysURL += "\x7f"
	if _, err := v.Verify(t.Context(), good); err == nil || errors.Is(err, gate.ErrAssertion) {
		t.Error("keys that cannot be fetched:", err)
	}
}

// TestKeysOfAssertionsRotateWithTheSite checks that a new key signs at once and the
// old one is still published. An unknown key ID does not cause a request for the
// keys each time.
func TestKeysOfAssertionsRotateWithTheSite(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	before, after := signer(t, oldKey), signer(t, newKey, oldKey)
	current := before
	v, fetched := verifier(t, now, func() *Signer { return current })
	clock := now
	v.Now = func() time.Time { return clock }
	c := Claims{Audience: "app.example.org", Subject: "U1"}
	if _, err := v.Verify(t.Context(), before.Sign(c, now)); err != nil {
		t.Fatal(err)
	}
	current, clock = after, now.Add(11*time.Second)
	for _, text := range []string{before.Sign(c, now), after.Sign(c, now), before.Sign(c, now)} {
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
	for range 5 {
		if _, err := v.Verify(t.Context(), signer(t, strings.Repeat("x", 32)).Sign(c, now)); !errors.Is(err,
			gate.ErrAssertion) {
			t.Error(err)
		}
	}
	if *fetched != 2 {
		t.Errorf("the keys were fetched %d times, want 2", *fetched)
	}
}

// TestAnUnknownKeyDelaysNoOtherRequest checks that assertions with a known key are
// verified while the keys are being fetched because of an unknown key ID, which
// anyone can make up. A canceled caller does not cancel the fetch. A failed fetch
// is not repeated at once.
func TestAnUnknownKeyDelaysNoOtherRequest(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s, other := signer(t, newKey), signer(t, oldKey)
	c := Claims{Audience: "app.example.org", Subject: "U1"}
	var fetched atomic.Int32
	begun, goOn := make(chan bool, 9), make(chan bool)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if fetched.Add(1) > 1 {
			begun <- true
			<-goOn
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write(s.KeySet())
	}))
	t.Cleanup(keys.Close)
	v := &gate.Verifier{Issuer: "https://login.example.org", Audience: "app.example.org", KeysURL: keys.URL,
		Now: func() time.Time { return now }}
	if _, err := v.Verify(t.Context(), s.Sign(c, now)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(20 * time.Second)
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := v.Verify(ctx, other.Sign(c, now))
		done <- err
	}()
	<-begun
	leave()
	if _, err := v.Verify(t.Context(), s.Sign(c, now)); err != nil {
		t.Errorf("while keys are fetched: %v", err)
	}
	goOn <- true
	if err := <-done; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the fetch ends with %v", err)
	}
	if _, err := v.Verify(t.Context(), other.Sign(c, now)); err == nil || fetched.Load() != 2 {
		t.Errorf("after a failure: %v, and keys were fetched %d times", err, fetched.Load())
	}
}
