// Package factortest tests what a factor.Method promises, with one suite that every
// method passes.
package factortest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Bench is a method on a store, as each test of the suite gets it.
type Bench struct {
	Method factor.Method
	Store  storage.Store
	Name   string // of the method
	User   storage.User
	// Destination is what the user enters at set-up, if anything.
	Destination string
	// Code returns the current code: of the enrolled secret, or the one sent last.
	Code func() string
	// Later moves the clock until an app shows another code.
	Later func()
	// Enroll passes the result of BeginEnroll to the bench, for Code.
	Enroll func(*factor.EnrollmentSecret)
}

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) *Bench) {
	for name, promise := range map[string]func(*testing.T, *Bench){
		"a right code enrolls and is spent":             enrolls,
		"a wrong code enrolls nothing":                  enrollsNothing,
		"only six digits are a code":                    onlyDigits,
		"a right code proves once":                      provesOnce,
		"of parallel callers one proves":                provesOnceInParallel,
		"a code of another user proves nothing":         otherUser,
		"without a code having been sent nothing opens": notSent,
	} {
		t.Run(name, func(t *testing.T) { promise(t, open(t)) })
	}
}

func (b *Bench) transaction(id string, p factor.Purpose) factor.Transaction {
	return factor.Transaction{ID: id, Purpose: p, User: b.User, Locale: "en"}
}

func (b *Bench) draft(t *testing.T) storage.Draft {
	t.Helper()
	d := storage.Draft{ID: "draft", UserID: b.User.ID, FactorID: storage.NewID(), Method: b.Name,
		CredentialVersion: b.User.CredentialVersion}
	tx := b.transaction(d.ID, factor.SetUp)
	shown, err := b.Method.BeginEnroll(context.Background(), tx, b.Destination, &d)
	if err != nil {
		t.Fatal(err)
	}
	b.Enroll(shown)
	if err := b.Method.Send(context.Background(), tx, d.Destination); err != nil {
		t.Fatal(err)
	}
	return d
}

// enrolled returns a factor that is in the store. Its first code is spent.
func (b *Bench) enrolled(t *testing.T) storage.Factor {
	t.Helper()
	ctx, d := context.Background(), b.draft(t)
	f, err := b.Method.FinishEnroll(ctx, b.transaction(d.ID, factor.SetUp), d, b.Code())
	if err != nil {
		t.Fatal(err)
	}
	err = b.Store.ChangeFactors(ctx,
		storage.FactorChange{UserID: b.User.ID, From: b.User.CredentialVersion, To: b.User.CredentialVersion + "+",
			Add: &f})
	if err != nil {
		t.Fatal(err)
	}
	b.User.CredentialVersion += "+"
	return f
}

func (b *Bench) wrong() string {
	if b.Code() == "000000" {
		return "111111"
	}
	return "000000"
}

func enrolls(t *testing.T, b *Bench) {
	f := b.enrolled(t)
	if f.UserID != b.User.ID || f.Method != b.Name || f.ID == "" {
		t.Errorf("enrolled %+v", f)
	}
	if err := b.Method.Verify(context.Background(), b.transaction("tx", factor.SignIn), f, b.Code()); !errors.Is(err,
		factor.ErrWrong) {
		t.Errorf("the code that enrolled signs in: %v", err)
	}
}

func enrollsNothing(t *testing.T, b *Bench) {
	ctx, d := context.Background(), b.draft(t)
	tx := b.transaction(d.ID, factor.SetUp)
	if _, err := b.Method.FinishEnroll(ctx, tx, d, b.wrong()); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("a wrong code: %v", err)
	}
	if _, err := b.Method.FinishEnroll(ctx, tx, d, b.Code()); err != nil {
		t.Errorf("the right one after it: %v", err)
	}
}

func onlyDigits(t *testing.T, b *Bench) {
	ctx, f := context.Background(), b.enrolled(t)
	b.Later()
	tx := b.transaction("tx", factor.SignIn)
	if err := b.Method.Send(ctx, tx, f.Destination); err != nil {
		t.Fatal(err)
	}
	code := b.Code()
	for _, s := range []string{
		"", " ", "      ", code[:5], code + "0", "+" + code[1:], "0x3039", "1e5", "-", "٠١٢٣٤", code + "\u00b2",
		"\x00" + code, strings.Repeat(" ", 1000) + code, "%%%%%%", "______", "²³¹²³¹", "null", code + "." + code,
	} {
		if err := b.Method.Verify(ctx, tx, f, s); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func provesOnce(t *testing.T, b *Bench) {
	ctx, f := context.Background(), b.enrolled(t)
	b.Later()
	tx := b.transaction("tx", factor.SignIn)
	if err := b.Method.Send(ctx, tx, f.Destination); err != nil {
		t.Fatal(err)
	}
	code := b.Code()
	if err := b.Method.Verify(ctx, tx, f, code[:3]+" "+code[3:]); err != nil {
		t.Fatal(err)
	}
	for _, again := range []factor.Transaction{tx, b.transaction("tx2", factor.SignIn),
		b.transaction("tx", factor.Verify), b.transaction("draft", factor.SetUp)} {
		if err := b.Method.Verify(ctx, again, f, code); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("the spent code in %s: %v", again.Key(), err)
		}
	}
}

func provesOnceInParallel(t *testing.T, b *Bench) {
	ctx, f := context.Background(), b.enrolled(t)
	for range 10 {
		b.Later()
		tx := b.transaction(storage.NewID(), factor.SignIn)
		if err := b.Method.Send(ctx, tx, f.Destination); err != nil {
			t.Fatal(err)
		}
		code, start := b.Code(), make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		proven := 0
		for range 20 {
			wg.Go(func() {
				<-start
				err := b.Method.Verify(ctx, tx, f, code)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					proven++
				} else if !errors.Is(err, factor.ErrWrong) {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if proven != 1 {
			t.Fatalf("%d of 20 proved with one code", proven)
		}
	}
}

func otherUser(t *testing.T, b *Bench) {
	ctx, f := context.Background(), b.enrolled(t)
	b.Later()
	if err := b.Method.Send(ctx, b.transaction("tx", factor.SignIn), f.Destination); err != nil {
		t.Fatal(err)
	}
	theirs := b.transaction("tx", factor.SignIn)
	theirs.User = storage.User{ID: "someone else", Email: "x@lp.com", CredentialVersion: b.User.CredentialVersion}
	other := f
	other.UserID = theirs.User.ID
	if err := b.Method.Verify(ctx, theirs, other, b.Code()); err == nil {
		t.Error("one user's code opened in another user's name")
	}
}

func notSent(t *testing.T, b *Bench) {
	if b.Method.Channel() == "" {
		return // this method sends nothing
	}
	f := b.enrolled(t)
	for _, s := range []string{"000000", "123456", b.Code()} {
		if err := b.Method.Verify(context.Background(), b.transaction("tx", factor.SignIn), f, s); !errors.Is(err,
			factor.ErrWrong) {
			t.Errorf("%s: %v", s, err)
		}
	}
}
