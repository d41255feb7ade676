package storetest

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// callers is the number of concurrent callers.
const callers = 16

// rounds returns the number of rounds.
func rounds() int {
	if Thorough() {
		return manyRounds
	}
	return 10
}

// Thorough reports whether this run makes many rounds (TWOFOLD_THOROUGH=1), instead
// of the few of an everyday run.
func Thorough() bool { return os.Getenv("TWOFOLD_THOROUGH") != "" }

// Briefly makes few rounds in a thorough run too, for another way to use an engine that has its own
// thorough test.
func Briefly(t *testing.T) {
	t.Helper()
	t.Setenv("TWOFOLD_THOROUGH", "")
}

// rule is a promise and its test.
type rule struct {
	name  string
	holds func(kit)
}

// Run checks every promise. open returns an empty store and closes it when the test
// ends (t.Cleanup).
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	one := func(t *testing.T) []storage.Store { return []storage.Store{open(t)} }
	for _, group := range []struct {
		name  string
		rules []rule
	}{
		{"store", storeRules}, {"sweep", sweepRules},
		{"users", userRules}, {"identities", identityRules}, {"factors", factorRules}, {"steps", stepRules},
		{"passkeys", passkeyRules}, {"devices", deviceRules},
		{"connections", connectionRules}, {"transfers", transferRules},
		{"recovery codes", recoveryRules}, {"marks", markRules}, {"several factors", severalRules},
		{"first factors", firstFactorRules}, {"tokens", tokenRules},
		{"recovery requests", requestRules}, {"sign-ins", signInRules}, {"whole steps", takeStepRules},
		{"owners", ownerRules}, {"deletions", deletionRules}, {"invitations", invitationRules}, {"roles", roleRules},
		{"counters", counterRules}, {"holds", holdRules}, {"messages", messageRules}, {"notices", noticeRules},
		{"events", eventRules},
		{"sessions", sessionRules}, {"pendings", pendingRules}, {"drafts", draftRules}, {"challenges", challengeRules},
	} {
		t.Run(group.name, func(t *testing.T) { run(t, group.rules, one) })
	}
	t.Run("races", func(t *testing.T) { RunNodes(t, one) })
}

// RunNodes checks the promises to concurrent callers. open returns several handles
// on the same empty data, one for each node.
func RunNodes(t *testing.T, open func(t *testing.T) []storage.Store) {
	run(t, raceRules, open)
	run(t, moreRaceRules, open)
	run(t, requestRaceRules, open)
	run(t, passkeyRaceRules, open)
	run(t, tokenRaceRules, open)
	run(t, ownerRaceRules, open)
	run(t, noticeRaceRules, open)
	run(t, recoveryRaceRules, open)
	run(t, markRaceRules, open)
	run(t, signInRaceRules, open)
	run(t, takeStepRaceRules, open)
	run(t, transferRaceRules, open)
	run(t, deletionRaceRules, open)
	run(t, invitationRaceRules, open)
}

func run(t *testing.T, rules []rule, open func(t *testing.T) []storage.Store) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			nodes := open(t)
			r.holds(kit{check: check{t}, s: nodes[0], nodes: nodes})
		})
	}
}

// Sharing returns a function that returns the same handles for each test. empty
// runs after each test. If a test closes a handle, it is opened again. Tests share
// handles because connecting is slower than most tests.
func Sharing(t *testing.T, nodes int, open func(testing.TB) storage.Store,
	empty func(testing.TB)) func(*testing.T) []storage.Store {
	shared := make([]storage.Store, nodes)
	return func(one *testing.T) []storage.Store {
		one.Helper()
		for i, db := range shared {
			if db == nil || db.Ping(one.Context()) != nil {
				shared[i] = open(t)
			}
		}
		one.Cleanup(func() { empty(one) })
		return shared
	}
}

// kit is a test with its store and helpers for rules.
type kit struct {
	check
	s     storage.Store
	nodes []storage.Store
}

// check is a test with its assertions.
type check struct{ *testing.T }

// now is the current time of the suite. It has microseconds and is not the real
// time.
var now = time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.UTC)

// in returns the time that many seconds after now.
func in(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }

func (c check) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c check) is(err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Fatalf("got error %v, want %v", err, want)
	}
}

func (c check) same(got, want any) {
	c.Helper()
	if !equal(reflect.ValueOf(got), reflect.ValueOf(want)) {
		c.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// equal compares times as instants, and treats nil and empty slices as equal.
func equal(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid()
	}
	if x, ok := a.Interface().(time.Time); ok {
		return x.Equal(b.Interface().(time.Time))
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// race starts many callers at once, distributed over the nodes, and returns their
// errors.
func (k kit) race(call func(s storage.Store, i int) error) []error {
	errs := make([]error, callers)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	for i := range callers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = call(k.nodes[i%len(k.nodes)], i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// one checks that exactly one caller succeeded and that the others got loser.
func (c check) one(errs []error, loser error) {
	c.Helper()
	c.exactly(1, errs, loser)
}

func (c check) exactly(winners int, errs []error, loser error) {
	c.Helper()
	n := 0
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, loser):
			c.Fatalf("a caller got %v, want nil or %v", err, loser)
		}
	}
	if n != winners {
		c.Fatalf("%d of %d callers won, want %d", n, len(errs), winners)
	}
}

// newUser returns a user with every field set. It is not stored.
func newUser() storage.User {
	id := storage.NewID()
	return storage.User{
		ID: id, Email: "Ann." + id + "@example.org", EmailKey: "ann." + id + "@example.org",
		Username: "Ann" + id, UsernameKey: "ann" + id, PasswordHash: "hash of " + id, Active: true,
		CredentialVersion: storage.NewID(), Roles: []string{"admin", `a "quoted", one`},
		ResetAt: in(-3), CreatedAt: in(-2), UpdatedAt: in(-1), ConfirmedAt: in(-1),
		ProvenKey: "proven." + id + "@example.org",
		Language:  "de", MovedAt: in(-4), Profile: `{"name":"Ann"}`, PasswordAt: in(-5),
	}
}

func (k kit) user() storage.User {
	k.Helper()
	u := newUser()
	k.ok(k.s.CreateUser(k.Context(), u))
	return u
}

func (k kit) stored(id string) storage.User {
	k.Helper()
	u, err := k.s.UserByID(k.Context(), id)
	k.ok(err)
	return u
}

func newFactor(u storage.User) storage.Factor {
	return storage.Factor{
		ID: storage.NewID(), UserID: u.ID, Method: storage.Authenticator, Name: "my phone", Destination: "+4912345",
		Secret: []byte{0, 1, 2, 255}, LastStep: 7, CreatedAt: in(-50), LastUsedAt: in(-40),
	}
}

// add stores a factor and returns the changed user.
func (k kit) add(u storage.User, f storage.Factor) storage.User {
	k.Helper()
	to := storage.NewID()
	k.ok(k.s.ChangeFactors(k.Context(),
		storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: to, Add: &f, Now: now}))
	return k.stored(u.ID)
}

func (k kit) factors(userID string) []storage.Factor {
	k.Helper()
	list, err := k.s.FactorsOf(k.Context(), userID)
	k.ok(err)
	return list
}

func newDevice(u storage.User) storage.Device {
	return storage.Device{
		ID: storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion,
		Secret:  "secret 0 " + storage.NewID(),
		Name:    "Firefox on Linux",
		Address: "192.0.2.1", CreatedAt: in(-20), LastSeenAt: in(-10), ExpiresAt: in(1000),
		Proofs: []storage.Proof{{Method: "password", At: in(-20)}, {Method: storage.Passkey, At: in(-20),
			UserVerified: true, Rests: []string{"passkey:1"}}},
	}
}

// stays stores a device that stays signed in.
func (k kit) stays(u storage.User, sessionID string) storage.Device {
	k.Helper()
	d := newDevice(u)
	d.RememberMe, d.Level, d.SessionID = true, storage.TwoFactors, sessionID
	k.ok(k.s.PutDevice(k.Context(), d))
	return d
}

func (k kit) device(u storage.User) storage.Device {
	k.Helper()
	d := newDevice(u)
	k.ok(k.s.PutDevice(k.Context(), d))
	return d
}

// use uses secret; the next secret is secret+"+".
func (k kit) use(d storage.Device, secret string, at time.Time, grace time.Duration) (storage.Device, error) {
	return k.s.UseDevice(k.Context(), storage.DeviceUse{
		ID: d.ID, UserID: d.UserID, CredentialVersion: d.CredentialVersion, RememberMe: d.RememberMe, Secret: secret,
		Next:    secret + "+",
		Address: "198.51.100.7", Now: at, Grace: grace,
	})
}

func (k kit) devices(u storage.User, n int) {
	k.Helper()
	list, err := k.s.DevicesOf(k.Context(), u.ID, now)
	k.ok(err)
	if len(list) != n {
		k.Fatalf("the user has %d devices, want %d", len(list), n)
	}
}

func name(what string, n int) string { return fmt.Sprintf("%s %d", what, n) }
