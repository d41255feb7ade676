package auth

import (
	"context"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Strong reports whether a session has proven two factors, one of which is an app, a passkey or a
// recovery code.
func Strong(s storage.Session) bool {
	strong := []string{storage.Authenticator, storage.Passkey, storage.RecoveryCode}
	return s.Level >= storage.TwoFactors && !s.Trusted &&
		slices.ContainsFunc(s.Proofs, func(p storage.Proof) bool { return slices.Contains(strong, p.Method) })
}

// HasStrong reports whether the account has a factor with which a session can become strong.
func (l SecondFactor) HasStrong(ctx context.Context, u storage.User) (bool, error) {
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	return slices.ContainsFunc(factors, func(f storage.Factor) bool { return !policy.Weak(f.Method) }), err
}

// replaceWeakFactor continues a sign-in with a factor that the policy no longer accepts with a set-up of
// another one. There is no session before that is completed.
func (l SecondFactor) replaceWeakFactor(
	ctx context.Context, w pendingSignIn, method string, b Client,
) (Outcome, error) {
	w.State, w.Rescue = storage.Repair, false // nothing is lost
	if err := l.advance(ctx, w); err != nil {
		return Outcome{}, err
	}
	// the browser was trusted after a factor that no longer counts
	if err := l.endTrust(ctx, w.user.ID); err != nil {
		return Outcome{}, err
	}
	l.emit(ctx, event.TFCodeConfirmed{User: subject(w.user), Method: method, Context: l.at(b)})
	return Outcome{User: w.user, Pending: l.view(w.Pending, nil)}, nil
}
