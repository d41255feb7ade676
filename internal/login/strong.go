package login

import (
	"context"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// Weak says that what proves a method travels through hands of others: a text
// through a phone network that can be talked into another SIM card, a mail
// through a mailbox that resets passwords too (NIST SP 800-63B-4 sections
// 3.1.3.1 and 3.1.3.3; R52).
func Weak(method string) bool { return method == store.SMS || method == store.Email }

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
	return slices.ContainsFunc(factors, func(f store.Factor) bool { return !Weak(f.Method) }), err
}

// refuses says that the policy takes a method for no second factor.
func (p Policy) refuses(method string) bool { return p.StrongOnly && Weak(method) }

// outdated says that all second factors of an account are such that the policy
// takes none of them. They are second factors still, and nobody gets in without
// (R20): they lead to the set-up of one that counts, and nowhere else.
func (l *Login) outdated(factors []store.Factor) bool {
	return len(factors) > 0 && !slices.ContainsFunc(factors,
		func(f store.Factor) bool { return !l.c.Policy.refuses(f.Method) })
}

// outgrown lets a sign-in that proved a factor which the policy takes no more
// go on to a set-up in its place. There is no session before that is done.
func (l *Login) outgrown(ctx context.Context, w waiting, method string, b Browser) (Outcome, error) {
	w.State = store.Repair
	if err := l.advance(ctx, w.Pending); err != nil {
		return Outcome{}, err
	}
	if err := l.endTrust(ctx, w.user.ID); err != nil { // trusted after a factor that is none
		return Outcome{}, err
	}
	l.emit(ctx, event.TFCodeConfirmed{User: subject(w.user), Method: method, Context: l.at(b)})
	return Outcome{User: w.user, Pending: view(w.Pending, nil)}, nil
}
