package limit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

type bench struct {
	*limit.Limiter
	db  storage.Store
	now time.Time
}

func open(t *testing.T, n limit.Limits) *bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{db: db, now: time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.Limiter = limit.New(db, func() time.Time { return b.now }, n)
	return b
}

// first is a stranger's guess.
func (b *bench) first(identity, address string) (*limit.Reservation, error) {
	return b.FirstFactor(context.Background(),
		limit.Guess{Identity: identity, Account: identity, From: limit.From{Address: address}})
}

// text is a code by SMS to a proven number, for a stranger who proved a first factor.
func text(transaction, to string) limit.Message {
	return limit.Message{
		Class: limit.Proven, Transaction: transaction, Account: "alice", Channel: storage.SMS, Destination: to,
		From: limit.From{Address: "192.0.2.1"},
	}
}

func paused(t *testing.T, err error) time.Time {
	t.Helper()
	var p *limit.Paused
	if !errors.As(err, &p) {
		t.Fatalf("not paused: %v", err)
	}
	return p.Until
}

func TestFiveWrongCodesPauseTheAccountForFifteenMinutes(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	for i := range 5 {
		b.now = b.now.Add(time.Minute)
		if _, err := b.SecondFactor(ctx, "alice", []string{"app", "phone"}[i%2], limit.From{}); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	_, err := b.SecondFactor(ctx, "alice", "third factor", limit.From{})
	if until := paused(t, err); !until.Equal(b.now.Add(15 * time.Minute)) {
		t.Errorf("until %v, now %v", until, b.now)
	}
	if _, err := b.SecondFactor(ctx, "bob", "app", limit.From{}); err != nil {
		t.Errorf("another account pauses too: %v", err)
	}
	b.now = b.now.Add(15*time.Minute + time.Second)
	for i := range 5 {
		if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err != nil {
			t.Fatalf("after the pause, guess %d: %v", i+1, err)
		}
	}
	if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err == nil {
		t.Error("a pause that ended does not come again")
	}
}

func TestACorrectCodeReleasesOnlyItsOwnPlace(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	for range 4 {
		if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		p, err := b.SecondFactor(ctx, "alice", "phone", limit.From{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Succeed(ctx); err != nil {
			t.Fatal(err)
		}
		if err := p.Succeed(ctx); err != nil { // telling twice counts once
			t.Fatal(err)
		}
	}
	if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err == nil {
		t.Error("successes of another factor wiped out the failures")
	}
}

func TestAFactorIsDisabledAfterAHundredFailuresInARow(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	home := limit.From{Browser: "home"}
	for i := range 100 {
		from := home
		if i < 50 {
			from = limit.From{}
		}
		if i%5 == 0 {
			b.now = b.now.Add(16 * time.Minute)
		}
		if _, err := b.SecondFactor(ctx, "alice", "app", from); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
		if i == 49 {
			b.now = b.now.Add(365 * 24 * time.Hour)
			if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err == nil {
				t.Error("a stranger's guess 51 was let through a year later")
			}
		}
	}
	b.now = b.now.Add(365 * 24 * time.Hour)
	if _, err := b.SecondFactor(ctx, "alice", "app", home); err == nil {
		t.Error("guess 101 was let through a year later")
	}
	if _, err := b.SecondFactor(ctx, "alice", "phone", limit.From{}); err != nil {
		t.Errorf("the other factor died with it: %v", err)
	}
}

func TestWrongPasswordsWaitLongerAndLonger(t *testing.T) {
	b := open(t, limit.Limits{})
	for range 10 {
		if _, err := b.first("alice@lp.com", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	wait := 30 * time.Second
	for range 10 {
		_, err := b.first("alice@lp.com", "192.0.2.1")
		if until := paused(t, err); !until.Equal(b.now.Add(wait)) {
			t.Fatalf("waits %v, want %v", until.Sub(b.now), wait)
		}
		b.now = b.now.Add(wait)
		if _, err := b.first("alice@lp.com", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		wait = min(2*wait, time.Hour)
	}
}

func TestParallelGuessesCannotExceedTheLimit(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	let, start := 0, make(chan struct{})
	for range 200 {
		wg.Go(func() {
			<-start
			if _, err := b.SecondFactor(ctx, "alice", "app", limit.From{}); err == nil {
				mu.Lock()
				let++
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	if let != 5 {
		t.Errorf("%d of 200 were let through", let)
	}
}

func TestSendingIsBoundedByTransactionAndByDestination(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	if err := b.Send(ctx, text("tx", "+16505551212")); err != nil {
		t.Fatal(err)
	}
	if until := paused(t, b.Send(ctx, text("tx", "+16505551212"))); !until.Equal(b.now.Add(30 * time.Second)) {
		t.Errorf("the next code of this sign-in may go out in %v", until.Sub(b.now))
	}
	for range 4 { // other sign-ins, one destination
		if err := b.Send(ctx, text(storage.NewID(), "+16505551212")); err != nil {
			t.Fatal(err)
		}
	}
	paused(t, b.Send(ctx, text(storage.NewID(), "+16505551212")))
	if err := b.Send(ctx, text(storage.NewID(), "+16505551213")); err != nil {
		t.Errorf("another destination: %v", err)
	}
	p, err := b.SecondFactor(ctx, "alice", "phone", limit.From{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Answered(text("tx", "+16505551212")).Succeed(ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(ctx, text(storage.NewID(), "+16505551212")); err != nil {
		t.Errorf("a code that came back right did not give its place back: %v", err)
	}
}

func TestOneAddressCannotTryManyAccounts(t *testing.T) {
	b := open(t, limit.Limits{})
	for i := range 100 {
		address := "192.0.2.1"
		if _, err := b.first(fmt.Sprintf("user%d", i), address); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	_, err := b.first("one more", "192.0.2.1")
	if until := paused(t, err); !until.Equal(b.now.Add(15 * time.Minute)) {
		t.Errorf("closed for %v", until.Sub(b.now))
	}
	if _, err := b.first("one more", "192.0.2.2"); err != nil {
		t.Errorf("its neighbour is closed too: %v", err)
	}
	for i := range 100 { // one network, many addresses
		if _, err := b.first(fmt.Sprintf("other%d", i), fmt.Sprintf("2001:db8:1:2::%x", i)); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	if _, err := b.first("yet another", "2001:db8:1:2:ffff::1"); err == nil {
		t.Error("another address of the /64 is let through")
	}
	if _, err := b.first("yet another", "2001:db8:1:3::1"); err != nil {
		t.Errorf("another /64 is closed: %v", err)
	}
}

func TestCorrectPasswordsDoNotCountAgainstAnAddress(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{AddressFailures: 10})
	for range 50 {
		p, err := b.first("alice", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Succeed(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheOwnerIsToldOfTheThirdWrongCodeOnceAnHour(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	var heard []int
	for i := range 8 {
		if warn, err := b.Warn(ctx, "alice"); err != nil {
			t.Fatal(err)
		} else if warn {
			heard = append(heard, i+1)
		}
		b.now = b.now.Add(time.Minute)
	}
	if len(heard) != 1 || heard[0] != 3 {
		t.Errorf("heard at %v", heard)
	}
}

// TestAnswersOfPasskeysAreCountedByAddressAndByAccount.
func TestAnswersOfPasskeysAreCountedByAddressAndByAccount(t *testing.T) {
	for name, who := range map[string]func(i int) (user, address string){
		"one address": func(i int) (string, string) { return string(rune('a' + i)), "203.0.113.7" },
		"one account": func(i int) (string, string) { return "u", "" },
	} {
		b := open(t, limit.Limits{AddressFailures: 10, PasskeyFailures: 10})
		for i := range 10 {
			user, address := who(i)
			if _, err := b.Passkey(t.Context(), user, limit.From{Address: address}); err != nil {
				t.Fatalf("%s, %d: %v", name, i, err)
			}
		}
		user, address := who(10)
		_, err := b.Passkey(t.Context(), user, limit.From{Address: address})
		paused(t, err)
		if _, err := b.Passkey(t.Context(), "another", limit.From{Address: "203.0.113.8"}); err != nil {
			t.Errorf("%s: somebody else elsewhere: %v", name, err)
		}
	}
}

// TestPlacesThatLimitCostAreNotReleased checks that a user who answers every text message still gets at
// most SendMost a day, and the site sends at most SendHour an hour.
func TestPlacesThatLimitCostAreNotReleased(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{SendHour: 40})
	pump := func(to string) int {
		for n := range 200 {
			m := text(storage.NewID(), to)
			if err := b.Send(ctx, m); err != nil {
				paused(t, err)
				return n
			}
			p, err := b.SecondFactor(ctx, "alice", "phone", limit.From{})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Answered(m).Succeed(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return 200
	}
	if n := pump("+16505551212"); n != 30 {
		t.Errorf("%d texts a day to a number that answers, want 30", n)
	}
	if n := pump("+16505551213"); n != 10 {
		t.Errorf("%d texts more in that hour, want 10", n)
	}
	b.now = b.now.Add(time.Hour)
	if n := pump("+16505551212"); n != 0 {
		t.Errorf("%d texts more to the first number that day", n)
	}
}

// TestADecoyIsNotCountedAsSent also checks that decoys are refused like real messages.
func TestADecoyIsNotCountedAsSent(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{SendHour: 3})
	ask := func(i int, decoy bool) error {
		return b.Link(ctx, limit.Mail{Kind: "reset", Identity: fmt.Sprint(i), Decoy: decoy,
			From: limit.From{Address: fmt.Sprint("192.0.2.", i)}})
	}
	for i := range 20 {
		if err := ask(i, true); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if err := ask(100+i, false); err != nil {
			t.Fatal(err)
		}
	}
	paused(t, ask(150, true))
	paused(t, ask(151, false))
	if err := b.Send(ctx, limit.Message{Class: limit.Proven, Transaction: "t", Account: "a", Channel: storage.Email,
		Destination: "a"}); err != nil {
		t.Errorf("who proved a first factor: %v", err)
	}
}

// TestTheFirstProofOfAnAddressEndsPauses checks that the pauses of all networks and browsers end.
func TestTheFirstProofOfAnAddressEndsPauses(t *testing.T) {
	ctx, b := context.Background(), open(t, limit.Limits{})
	callers := []limit.From{{}, {Address: "192.0.2.1"}, {Address: "192.0.2.2", Network: true}, {Browser: "b"}}
	steps := map[string]func(f limit.From) (*limit.Reservation, error){
		"a code": func(f limit.From) (*limit.Reservation, error) {
			return b.SecondFactor(ctx, "alice", "", f)
		},
		"a recovery code": func(f limit.From) (*limit.Reservation, error) { return b.RecoveryCode(ctx, "alice", f) },
		"a passkey":       func(f limit.From) (*limit.Reservation, error) { return b.Passkey(ctx, "alice", f) },
	}
	for what, try := range steps {
		for _, f := range callers {
			for range 20 {
				_, _ = try(f)
			}
			if _, err := try(f); err == nil {
				t.Errorf("%s is not paused for %+v", what, f)
			}
		}
	}
	if err := b.Proved(ctx, "alice", "alice@good.test"); err != nil {
		t.Fatal(err)
	}
	for what, try := range steps {
		for _, f := range callers {
			if _, err := try(f); err != nil {
				t.Errorf("%s is still paused for %+v: %v", what, f, err)
			}
		}
	}
}
