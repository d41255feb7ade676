package login

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// A recovery is for who lost the second factor and whose mailbox alone shall not
// be enough: asked for after the password, announced everywhere, good for
// nothing until the waiting period is over, and then only for setting up a
// factor in place of the lost one, with the password once more. Anyone who can
// prove the factor meanwhile ends it by signing in.

// recoveryLife is how long the link works once it has opened (R74).
const recoveryLife = 24 * time.Hour

// Waits says that a recovery has not opened yet.
type Waits struct{ Until time.Time }

func (w *Waits) Error() string { return "login: recovery waits" }

// recovery is the purpose of its link.
func recovery(wait time.Duration) purpose {
	return purpose{name: "recovery", life: wait + recoveryLife, rests: credentials}
}

// longestWait bounds the waiting period, and with it the life of a link whose
// own record says when it works.
const longestWait = 30 * 24 * time.Hour

// askRecovery takes a request. One that waits already stays as it is: asking
// again neither shortens nor restarts it, and mails nothing.
func (l *Login) askRecovery(ctx context.Context, w waiting, b Browser) (opens time.Time, err error) {
	n := Notice{User: w.user, Kind: RecoveryAsked, Browser: b}
	for _, f := range w.factors {
		if f.Method == store.SMS { // what rests on the mailbox must not be told to it alone
			n.Phones = append(n.Phones, f.Destination)
		}
	}
	r, err := l.putRecovery(ctx, n, w.Factor, l.c.Policy.RecoveryWait, store.Event{})
	if errors.Is(err, store.ErrExists) {
		r, err = l.c.Recoveries.Recovery(ctx, w.user.ID)
		if err != nil || r.Shut {
			return time.Time{}, stateError(err)
		}
		return r.OpensAt, nil
	}
	return r.OpensAt, err
}

// putRecovery stores a request with the letter that holds its link, which alone
// opens it, the notice, and a row of the trail if there is one: all or nothing.
func (l *Login) putRecovery(
	ctx context.Context, n Notice, factorID string, wait time.Duration, row store.Event,
) (store.Recovery, error) {
	now, u, b := l.c.Now(), n.User, n.Browser
	r := store.Recovery{
		UserID: u.ID, ID: store.NewID(), Uniquifier: u.Uniquifier, FactorID: factorID, Address: b.Address, Agent: b.Agent,
		CreatedAt: now, OpensAt: now.Add(wait), ExpiresAt: now.Add(wait + recoveryLife),
		Event: row,
	}
	p := recovery(wait)
	token, err := l.newLink(p, u, r.ID, b)
	if err != nil {
		return store.Recovery{}, err
	}
	m, err := l.c.Post.SealLetter(Letter{Kind: p.name, To: u.Email, User: u, Token: token, Life: p.life, Opens: r.OpensAt, Browser: b})
	if err != nil {
		return store.Recovery{}, err
	}
	if err := l.c.Recoveries.PutRecovery(ctx, r, append(l.lettersOf(ctx, n), m)...); err != nil {
		return store.Recovery{}, err
	}
	l.wake()
	return r, nil
}

// StartRecovery is an operator's: the same link, good at once, as he has made
// sure by other means that he talks to the owner. The reason goes into the audit
// trail. The owner is told, and what was shut opens. ErrMethod: the account has
// no second factor to recover from. ErrPasswordNeeded: nor a password, which the
// link asks for. ErrDisabled, ErrSend.
func (l *Login) StartRecovery(ctx context.Context, u store.User, reason string) error {
	if !u.Active {
		return ErrDisabled
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	if len(factors) == 0 {
		return ErrMethod
	}
	if u.PasswordHash == "" {
		return ErrPasswordNeeded
	}
	if l.c.Post == nil {
		return ErrSend
	}
	if err := l.c.Recoveries.EndRecovery(ctx, u.ID); err != nil {
		return err
	}
	e := event.RecoveryStarted{User: subject(u), Reason: reason, Context: event.Acting(ctx, l.at(Browser{}))}
	_, err = l.putRecovery(ctx, Notice{User: u, Kind: RecoveryStarted}, factors[0].ID, 0, l.c.Trail.Row(e))
	if err == nil {
		l.emit(ctx, e)
	}
	return err
}

// RecoveryOf returns the request that waits for the caller's account.
func (l *Login) RecoveryOf(ctx context.Context, who Who) (r store.Recovery, ok bool, err error) {
	r, err = l.c.Recoveries.Recovery(ctx, who.User.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Recovery{}, false, nil
	}
	ok = err == nil && !r.Shut && r.Uniquifier == who.User.Uniquifier && l.c.Now().Before(r.ExpiresAt)
	return r, ok, err
}

// CancelRecovery ends the request. It asks for no fresh proof: any browser that
// is signed in may stop someone else's way in. ErrNoSuch.
func (l *Login) CancelRecovery(ctx context.Context, who Who, b Browser) error {
	_, ok, err := l.RecoveryOf(ctx, who)
	if err == nil && !ok {
		err = ErrNoSuch
	}
	if err != nil {
		return err
	}
	return l.endRecovery(ctx, who.User, "cancelled", b)
}

func (l *Login) endRecovery(ctx context.Context, u store.User, why string, b Browser) error {
	if err := l.c.Recoveries.EndRecovery(ctx, u.ID); err != nil {
		return err
	}
	return l.tell(ctx, event.RecoveryEnded{User: subject(u), Why: why, Context: l.at(b)})
}

// provenFactor is called before a session is issued: anyone who has just proven a
// real second factor has not lost it, so no request needs to wait any longer,
// and rescue is open again (R76).
func (l *Login) provenFactor(ctx context.Context, g granted, b Browser) error {
	if g.level < store.TwoFactors || g.quiet || len(g.proofs) == 0 {
		return nil
	}
	switch g.proofs[len(g.proofs)-1].Method {
	case policy.Rescued, store.RecoveryCode:
		return nil
	}
	_, err := l.c.Recoveries.Recovery(ctx, g.user.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.endRecovery(ctx, g.user, "signed in", b)
}

// openRecovery finds the request behind a link. ErrLink, ErrLinkExpired, *Waits.
func (l *Login) openRecovery(ctx context.Context, token string) (link, store.Recovery, error) {
	k, err := l.openLink(ctx, recovery(longestWait), token)
	if err != nil {
		return link{}, store.Recovery{}, err
	}
	r, err := l.c.Recoveries.Recovery(ctx, k.user.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return link{}, store.Recovery{}, ErrLink
	case err != nil:
		return link{}, store.Recovery{}, err
	case r.Shut, r.ID != k.Data, r.Uniquifier != k.user.Uniquifier, !k.user.Active:
		return link{}, store.Recovery{}, ErrLink
	case !l.c.Now().Before(r.ExpiresAt):
		return link{}, store.Recovery{}, ErrLinkExpired
	case l.c.Now().Before(r.OpensAt):
		return link{}, store.Recovery{}, &Waits{Until: r.OpensAt}
	}
	return k, r, nil
}

// CheckRecovery says whether a link works now, and changes nothing. ErrLink,
// ErrLinkExpired, *Waits.
func (l *Login) CheckRecovery(ctx context.Context, token string) error {
	_, _, err := l.openRecovery(ctx, token)
	return err
}

// Recover takes a request: with its link and the password one may set up a
// factor in place of the lost one, and has no session before that is confirmed.
// The link is spent then, whatever becomes of the set-up. The errors of
// CheckRecovery; ErrPassword, *limit.Paused.
func (l *Login) Recover(ctx context.Context, token, plain string, b Browser) (Outcome, error) {
	k, r, err := l.openRecovery(ctx, token)
	if err != nil {
		return Outcome{}, err
	}
	// The link shows the mailbox; one mailbox must not be enough (R73).
	within := b // strangers' guesses do not count here
	within.within = "recovery " + r.ID
	if err := l.password(ctx, &k.user, "", plain, within); err != nil {
		return Outcome{}, err
	}
	_, err = l.c.Recoveries.TakeRecovery(ctx, k.user.ID, r.ID, r.Uniquifier, l.c.Now(), l.letters(ctx, k.user, Rescued, "", b)...)
	if errors.Is(err, store.ErrUsed) {
		return Outcome{}, ErrLink
	}
	if err != nil {
		return Outcome{}, err
	}
	l.wake()
	if err := l.endTrust(ctx, k.user.ID); err != nil {
		return Outcome{}, err
	}
	if k.user, err = l.proves(ctx, k.user, l.proof("password"), b); err != nil { // the link came by mail, and the password is right
		return Outcome{}, err
	}
	if err := l.tell(ctx, event.TFRescued{User: subject(k.user), Option: ByRequest, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.startPending(ctx, k.user, nil, store.Pending{
		State: store.Repair, Factor: r.FactorID, Rescue: true, First: l.proof("password"),
	}, b)
}

// repair lets a sign-in that was rescued go on to a set-up, in place of a
// session (R75).
func (l *Login) repair(ctx context.Context, w waiting, b Browser) (Outcome, error) {
	w.State = store.Repair
	if err := l.advance(ctx, w.Pending); err != nil {
		return Outcome{}, err
	}
	if err := l.endTrust(ctx, w.user.ID, l.letters(ctx, w.user, Rescued, "", b)...); err != nil {
		return Outcome{}, err
	}
	l.wake()
	if err := l.tell(ctx, event.TFRescued{User: subject(w.user), Option: ByEmail, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return Outcome{User: w.user, Pending: view(l, w.Pending, nil)}, nil
}
