package auth

import (
	"context"
	"errors"
	"strconv"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// passkeyPending returns this browser's sign-in that waits for a passkey as its second factor, or
// ErrState if there is none.
func (l WebAuthn) passkeyPending(ctx context.Context, cookie *PendingCookie, who *Principal) (pendingSignIn, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return pendingSignIn{}, err
	}
	if f, ok := w.factor(); w.State != storage.Ready || !ok || f.Method != storage.Passkey {
		return pendingSignIn{}, ErrState
	}
	return w, nil
}

// PasskeySecond reports whether a pending sign-in waits for a passkey as its second factor. If not,
// and passkeys cannot be first factors, it returns ErrPasskeysOff.
func (l WebAuthn) PasskeySecond(ctx context.Context, cookie *PendingCookie, who *Principal) (bool, error) {
	if l.c.Passkeys == nil {
		return false, ErrPasskeysOff
	}
	_, err := l.passkeyPending(ctx, cookie, who)
	switch {
	case err == nil:
		return true, nil
	case !errors.Is(err, ErrState):
		return false, err
	case !l.c.Policy.Passkeys.FirstFactor:
		return false, ErrPasskeysOff
	}
	return false, nil
}

// AskPasskey starts a sign-in with a passkey: as the second factor if one is awaited, and otherwise
// as the first. identity may be empty. It returns ErrPasskeysOff.
func (l WebAuthn) AskPasskey(
	ctx context.Context, cookie *PendingCookie, identity string, b Client,
) (PasskeyAsked, error) {
	if l.c.Passkeys == nil {
		return PasskeyAsked{}, ErrPasskeysOff
	}
	w, err := l.passkeyPending(ctx, cookie, nil)
	if err == nil {
		return l.askSecond(ctx, w)
	}
	if !errors.Is(err, ErrState) {
		return PasskeyAsked{}, err
	}
	if !l.c.Policy.Passkeys.FirstFactor || b.Asked == "" {
		return PasskeyAsked{}, ErrPasskeysOff
	}
	if err := l.c.Limits.PasskeyOptions(ctx, b.Address); err != nil {
		return PasskeyAsked{}, err
	}
	q := factor.AssertionRequest{Verification: factor.Preferred}
	if identity != "" && l.c.Policy.Passkeys.Hints {
		if err := l.hint(ctx, identity, &q); err != nil {
			return PasskeyAsked{}, err
		}
	}
	c, err := l.c.Passkeys.BeginGet(q)
	if err != nil {
		return PasskeyAsked{}, err
	}
	// Each challenge has its own owner, so that two tabs do not interfere.
	state := seal.Token()
	return l.ask(ctx, storage.Draft{Owner: firstAskOwner(b, state)}, state, c, l.c.Policy.Passkeys.GetWithin)
}

// hint adds the passkeys of an account to a challenge. If the account has none, is deactivated or
// does not exist, it adds invented ones, which are the same each time, so that the answer reveals
// nothing (R96).
func (l WebAuthn) hint(ctx context.Context, identity string, q *factor.AssertionRequest) error {
	u, err := l.c.Accounts.Find(ctx, identity)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	all, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if err != nil {
		return err
	}
	if q.Allowed = l.readable(ctx, all, storage.UseFirst); len(q.Allowed) == 0 || !u.Active {
		q.Allowed, q.Decoys = nil, l.decoys(account.Key(identity))
	}
	return nil
}

// decoyLengths contains the lengths of common credential IDs in bytes, each about as often as it
// occurs.
var decoyLengths = [8]int{16, 20, 20, 32, 32, 32, 48, 64}

// decoys returns IDs that look like those of real passkeys: two for a quarter of the identities,
// otherwise one. They are derived from the oldest key, so that, like real IDs, they do not change
// when a newer key is added.
func (l WebAuthn) decoys(whose string) [][]byte {
	derived := func(part string) []byte {
		all := l.c.Keys.MACs("passkey-decoy", whose, part)
		return all[len(all)-1]
	}
	shape := derived("shape")
	ids := make([][]byte, 1, 2)
	if shape[0]%4 == 0 {
		ids = append(ids, nil)
	}
	for i := range ids {
		n := strconv.Itoa(i)
		ids[i] = append(derived("first "+n), derived("second "+n)...)[:decoyLengths[shape[1+i]%8]]
	}
	return ids
}

func (l WebAuthn) askSecond(ctx context.Context, w pendingSignIn) (PasskeyAsked, error) {
	all, err := l.c.Factors.PasskeysOf(ctx, w.user.ID)
	if err != nil {
		return PasskeyAsked{}, err
	}
	allowed := l.readable(ctx, all, storage.UseSecond)
	if len(allowed) == 0 {
		return PasskeyAsked{}, ErrState
	}
	c, err := l.c.Passkeys.BeginGet(factor.AssertionRequest{Allowed: allowed, Verification: factor.Discouraged})
	if err != nil {
		return PasskeyAsked{}, err
	}
	out, err := l.ask(ctx, storage.Draft{Owner: secondAskOwner(w.Pending), UserID: w.user.ID,
		CredentialVersion: w.user.CredentialVersion}, "", c,
		l.c.Policy.Passkeys.GetWithin)
	out.Second = true
	return out, err
}

// Passkey is the step of a sign-in with a passkey, as the first or second factor according to the
// challenge. It returns ErrCeremony, ErrCeremonyExpired, ErrPasskeyUnknown, ErrPasskeyOwner,
// ErrPasskeyUsage, factor.ErrAnswer, *factor.Refused, ErrDisabled or *limit.Paused.
func (l WebAuthn) Passkey(
	ctx context.Context, cookie *PendingCookie, state, answer string, remember bool, b Client,
) (Outcome, error) {
	if l.c.Passkeys == nil {
		return Outcome{}, ErrPasskeysOff
	}
	w, err := l.passkeyPending(ctx, cookie, nil)
	if err == nil {
		out, err := l.completeBy(ctx, w, nil, state, answer, b)
		if !errors.Is(err, ErrCeremony) {
			return out, err
		}
	} else if !errors.Is(err, ErrState) {
		return Outcome{}, err
	}
	if !l.c.Policy.Passkeys.FirstFactor || b.Asked == "" {
		return Outcome{}, ErrCeremony
	}
	return l.signInBy(ctx, state, answer, remember, b)
}

// completeBy completes a pending sign-in with a passkey as second factor.
func (l WebAuthn) completeBy(
	ctx context.Context, w pendingSignIn, who *Principal, state, answer string, b Client,
) (Outcome, error) {
	d, err := l.question(ctx, secondAskOwner(w.Pending), state, w.user)
	if err != nil {
		return Outcome{}, err
	}
	b.within = w.SessionID
	q := ceremony{Draft: d, user: w.user, uses: []string{storage.UseSecond}, second: true}
	f, _, err := l.examine(ctx, q, answer, b)
	if err != nil {
		return Outcome{}, err
	}
	return l.SecondFactor.complete(ctx, w, who, l.proofOf(f), b)
}

func (l WebAuthn) signInBy(ctx context.Context, state, answer string, remember bool, b Client) (Outcome, error) {
	d, err := l.question(ctx, firstAskOwner(b, state), state, storage.User{})
	if err != nil {
		return Outcome{}, err
	}
	f, proven, err := l.examine(ctx, ceremony{Draft: d, uses: []string{storage.UseFirst}}, answer, b)
	if err != nil {
		return Outcome{}, err
	}
	u, err := l.c.Accounts.ByID(ctx, f.UserID)
	if errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, ErrPasskeyUnknown
	}
	if err != nil {
		return Outcome{}, err
	}
	if err := l.checkAllowed(u); err != nil { // reported only to the holder of the passkey (R122)
		return Outcome{}, err
	}
	first := l.proofOf(f)
	first.UserVerified = l.c.Policy.both(proven)
	return l.enterByKey(ctx, u, first, remember, b)
}

// enterByKey continues the sign-in of an account whose passkey was just proven.
func (l WebAuthn) enterByKey(
	ctx context.Context, u storage.User, first storage.Proof, remember bool, b Client,
) (Outcome, error) {
	if !first.UserVerified {
		return l.afterFirstFactor(ctx, u, first, remember, b)
	}
	if b.Pending != "" { // a new sign-in replaces the pending one
		if _, err := l.c.Pendings.TakePending(ctx, hash(b.Pending)); err != nil && !errors.Is(err, storage.ErrUsed) {
			return Outcome{}, err
		}
	}
	return l.finish(ctx, granted{
		user: u, level: storage.TwoFactors, proofs: []storage.Proof{first},
		rememberMe: l.Sessions.rememberMeLife(remember, u, storage.TwoFactors),
	}, b)
}

// both reports whether a passkey counts as both factors: as something the user has, and as the
// fingerprint, face or PIN that verified the user (NIST SP 800-63B-4 section 2.2.1). The signed
// data of the authenticator decides, not the request to the browser (R89).
func (p Policy) both(proven factor.Assertion) bool {
	return p.Passkeys.UserVerified && proven.UserVerified
}

// verifiers returns the passkeys with which the signed-in user can re-authenticate. If the account
// has a second factor, a passkey must count as both factors.
func (l WebAuthn) verifiers(ctx context.Context, u storage.User) (allowed []storage.Factor, both bool, err error) {
	p := l.c.Policy.Passkeys
	if l.c.Passkeys == nil || len(p.Verify) == 0 {
		return nil, false, ErrPasskeysOff
	}
	seconds, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return nil, false, err
	}
	all, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if both = len(seconds) > 0; both && !p.UserVerified {
		return nil, both, err
	}
	return l.readable(ctx, all, p.Verify...), both, err
}

// CanVerifyByPasskey reports whether the user has a passkey for re-authentication.
func (l WebAuthn) CanVerifyByPasskey(ctx context.Context, u storage.User) (bool, error) {
	allowed, _, err := l.verifiers(ctx, u)
	if errors.Is(err, ErrPasskeysOff) {
		err = nil
	}
	return len(allowed) > 0, err
}

// AskPasskeyAgain starts a re-authentication with a passkey or, if the password was already entered
// again, its second part. It returns ErrPasskeysOff, or ErrPasskeyUsage if the user has no suitable
// passkey.
func (l WebAuthn) AskPasskeyAgain(ctx context.Context, cookie *PendingCookie, who Principal) (PasskeyAsked, error) {
	if l.c.Passkeys == nil {
		return PasskeyAsked{}, ErrPasskeysOff
	}
	w, err := l.passkeyPending(ctx, cookie, &who)
	if err == nil {
		return l.askSecond(ctx, w)
	}
	if !errors.Is(err, ErrState) {
		return PasskeyAsked{}, err
	}
	allowed, both, err := l.verifiers(ctx, who.User)
	if err != nil {
		return PasskeyAsked{}, err
	}
	q := factor.AssertionRequest{Allowed: allowed, Verification: factor.Preferred}
	for _, use := range l.c.Policy.Passkeys.Verify {
		if use == storage.UseSecond {
			q.Verification = factor.Discouraged
		}
	}
	if both {
		q.Verification = factor.Required
	}
	if len(allowed) == 0 { // an empty list would allow every passkey, so add one that cannot answer
		q.Decoys = l.decoys(who.User.ID)
	}
	c, err := l.c.Passkeys.BeginGet(q)
	if err != nil {
		return PasskeyAsked{}, err
	}
	return l.ask(ctx, storage.Draft{Owner: verifyOwner(who.Session), UserID: who.User.ID,
		CredentialVersion: who.User.CredentialVersion}, "", c,
		l.c.Policy.Passkeys.GetWithin)
}

// VerifyByPasskey completes the re-authentication, after which the session is fresh. It returns the
// errors of Passkey.
func (l WebAuthn) VerifyByPasskey(
	ctx context.Context, cookie *PendingCookie, who Principal, state, answer string, b Client,
) (Outcome, error) {
	if l.c.Passkeys == nil {
		return Outcome{}, ErrPasskeysOff
	}
	w, err := l.passkeyPending(ctx, cookie, &who)
	if err == nil {
		out, err := l.completeBy(ctx, w, &who, state, answer, b)
		if !errors.Is(err, ErrCeremony) {
			return out, err
		}
	} else if !errors.Is(err, ErrState) {
		return Outcome{}, err
	}
	_, both, err := l.verifiers(ctx, who.User)
	if err != nil {
		return Outcome{}, err
	}
	d, err := l.question(ctx, verifyOwner(who.Session), state, who.User)
	if err != nil {
		return Outcome{}, err
	}
	b.within = who.Session.ID
	f, proven, err := l.examine(ctx, ceremony{Draft: d, user: who.User, uses: l.c.Policy.Passkeys.Verify}, answer, b)
	if err != nil {
		return Outcome{}, err
	}
	proof := l.proofOf(f)
	proof.UserVerified = l.c.Policy.both(proven)
	g := granted{user: who.User, level: storage.OneFactor, proofs: []storage.Proof{proof}, renews: &who.Session,
		verified: true}
	if proof.UserVerified {
		g.level = storage.TwoFactors
	}
	if both && !proof.UserVerified { // the account has got a second factor since
		return Outcome{}, ErrReauthenticate
	}
	out, err := l.finish(ctx, g, b)
	return out, stateError(err)
}
