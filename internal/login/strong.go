package login

import (
	"context"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// Strong says that among what a session has proven was a factor that is no
// weak one: an app, a passkey or a recovery code, and not one of two alone.
func Strong(s store.Session) bool {
	strong := []string{store.Authenticator, store.Passkey, store.RecoveryCode}
	return s.Level >= store.TwoFactors && !s.Trusted &&
		slices.ContainsFunc(s.Proofs, func(p store.Proof) bool { return slices.Contains(strong, p.Method) })
}

// HasStrong says whether the account has a factor that a session can become
// strong by.
func (l *Login) HasStrong(ctx context.Context, u store.User) (bool, error) {
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	return slices.ContainsFunc(factors, func(f store.Factor) bool { return !policy.Weak(f.Method) }), err
}

// outgrown lets a sign-in that proved a factor which the policy takes no more
// go on to a set-up in its place. There is no session before that is done.
func (l *Login) outgrown(ctx context.Context, w waiting, method string, b Browser) (Outcome, error) {
	w.State, w.Rescue = store.Repair, false // nothing is lost
	if err := l.advance(ctx, w.Pending); err != nil {
		return Outcome{}, err
	}
	if err := l.endTrust(ctx, w.user.ID); err != nil { // trusted after a factor that is none
		return Outcome{}, err
	}
	l.emit(ctx, event.TFCodeConfirmed{User: subject(w.user), Method: method, Context: l.at(b)})
	return Outcome{User: w.user, Pending: view(l, w.Pending, nil)}, nil
}
