package auth

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A recovery is for users who have lost their second factor, without making the mailbox alone
// sufficient. It is requested after the password and announced to all addresses. The link works
// only after the waiting period, requires the password once more, and only sets up a factor that
// replaces the lost one. A sign-in with the factor cancels the request.

// recoveryLife is the lifetime of the link after the waiting period (R74).
const recoveryLife = 24 * time.Hour

// Waits is the error of a recovery link before the end of the waiting period.
type Waits struct{ Until time.Time }

func (w *Waits) Error() string { return "auth: recovery waits" }

// recovery is the purpose of the recovery link.
func recovery(wait time.Duration) purpose {
	return purpose{name: "recovery", life: wait + recoveryLife, rests: credentials}
}

// longestWait is the maximum waiting period. It also bounds the lifetime of a link, whose record
// contains the time from which it works.
const longestWait = 30 * 24 * time.Hour

// askRecovery stores a request. If there is already one, it does not change: another request does
// not shorten or restart the waiting period, and nothing is mailed.
func (l Recovery) askRecovery(ctx context.Context, w pendingSignIn, b Client) (opens time.Time, err error) {
	n := SecurityNotice{User: w.user, Kind: RecoveryAsked, Browser: b}
	for _, f := range w.factors {
		if f.Method == storage.SMS { // a recovery that depends on the mailbox must not be announced only to it
			n.Phones = append(n.Phones, f.Destination)
		}
	}
	r, err := l.putRecovery(ctx, n, w.Factor, l.c.Policy.RecoveryWait, storage.Event{})
	if errors.Is(err, storage.ErrExists) {
		r, err = l.c.Recoveries.Recovery(ctx, w.user.ID)
		if err != nil || r.Blocked {
			return time.Time{}, stateError(err)
		}
		return r.OpensAt, nil
	}
	return r.OpensAt, err
}

// putRecovery stores, in one transaction, a request with the mail that contains its link, the
// notice, and a row of the audit trail if there is one.
func (l Recovery) putRecovery(
	ctx context.Context, n SecurityNotice, factorID string, wait time.Duration, row storage.Event,
) (storage.Recovery, error) {
	now, u, b := l.c.Now(), n.User, n.Browser
	r := storage.Recovery{
		UserID: u.ID, ID: storage.NewID(), CredentialVersion: u.CredentialVersion, FactorID: factorID,
		Address:   b.Address,
		Agent:     b.Agent,
		CreatedAt: now, OpensAt: now.Add(wait), ExpiresAt: now.Add(wait + recoveryLife),
		Event: row,
	}
	p := recovery(wait)
	token, err := l.Links.newLink(p, u, r.ID, b)
	if err != nil {
		return storage.Recovery{}, err
	}
	m, err := l.mail.sealed(Email{Kind: p.name, To: u.Email, User: u, Token: token, Life: p.life,
		Opens: r.OpensAt, Browser: b})
	if err != nil {
		return storage.Recovery{}, err
	}
	if err := l.c.Recoveries.PutRecovery(ctx, r, append(l.mail.noticesOf(ctx, n), m...)...); err != nil {
		return storage.Recovery{}, err
	}
	l.mail.kickOutbox()
	return r, nil
}

// StartRecovery lets an operator, who has verified the owner's identity, send a recovery link that
// works at once. The reason is recorded in the audit trail, the owner is notified, and a block on
// rescue ends. It returns ErrMethod if the account has no second factor, ErrPasswordNeeded if it
// has no password, which the link requires, and ErrDisabled or ErrSend.
func (l Recovery) StartRecovery(ctx context.Context, u storage.User, reason string) error {
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
	if !l.c.mails() {
		return ErrSend
	}
	if err := l.c.Recoveries.EndRecovery(ctx, u.ID); err != nil {
		return err
	}
	e := event.RecoveryStarted{User: subject(u), Reason: reason, Context: event.Acting(ctx, l.at(Client{}))}
	_, err = l.putRecovery(ctx, SecurityNotice{User: u, Kind: RecoveryStarted}, factors[0].ID, 0, l.c.Trail.Row(e))
	if err == nil {
		l.emit(ctx, e)
	}
	return err
}

// RecoveryOf returns the pending request of the caller's account.
func (l Recovery) RecoveryOf(ctx context.Context, who Principal) (r storage.Recovery, ok bool, err error) {
	r, err = l.c.Recoveries.Recovery(ctx, who.User.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Recovery{}, false, nil
	}
	ok = err == nil && !r.Blocked && r.CredentialVersion == who.User.CredentialVersion && l.c.Now().Before(r.ExpiresAt)
	return r, ok, err
}

// CancelRecovery ends the request. It requires no fresh proof, so every signed-in browser can stop
// an attacker's request. It returns ErrNoSuch if there is none.
func (l Recovery) CancelRecovery(ctx context.Context, who Principal, b Client) error {
	_, ok, err := l.RecoveryOf(ctx, who)
	if err == nil && !ok {
		err = ErrNoSuch
	}
	if err != nil {
		return err
	}
	return l.endRecovery(ctx, who.User, "cancelled", b)
}

func (l Recovery) endRecovery(ctx context.Context, u storage.User, why string, b Client) error {
	if err := l.c.Recoveries.EndRecovery(ctx, u.ID); err != nil {
		return err
	}
	return l.tell(ctx, event.RecoveryEnded{User: subject(u), Why: why, Context: l.at(b)})
}

// provenFactor is called before a session is issued. A user who has just proven a real second
// factor has not lost it, so it ends a pending request and a block on rescue (R76).
func (l Recovery) provenFactor(ctx context.Context, g granted, b Client) error {
	if g.level < storage.TwoFactors || g.quiet || len(g.proofs) == 0 {
		return nil
	}
	switch g.proofs[len(g.proofs)-1].Method {
	case policy.Rescued, storage.RecoveryCode:
		return nil
	}
	_, err := l.c.Recoveries.Recovery(ctx, g.user.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.endRecovery(ctx, g.user, "signed in", b)
}

// openRecovery returns the request of a link. It returns ErrLink, ErrLinkExpired or *Waits.
func (l Recovery) openRecovery(ctx context.Context, token string) (link, storage.Recovery, error) {
	k, err := l.Links.openLink(ctx, recovery(longestWait), token)
	if err != nil {
		return link{}, storage.Recovery{}, err
	}
	r, err := l.c.Recoveries.Recovery(ctx, k.user.ID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return link{}, storage.Recovery{}, ErrLink
	case err != nil:
		return link{}, storage.Recovery{}, err
	case r.Blocked, r.ID != k.Data, r.CredentialVersion != k.user.CredentialVersion, !k.user.Active:
		return link{}, storage.Recovery{}, ErrLink
	case !l.c.Now().Before(r.ExpiresAt):
		return link{}, storage.Recovery{}, ErrLinkExpired
	case l.c.Now().Before(r.OpensAt):
		return link{}, storage.Recovery{}, &Waits{Until: r.OpensAt}
	}
	return k, r, nil
}

// CheckRecovery checks whether a link works now, without using it. It returns ErrLink,
// ErrLinkExpired or *Waits.
func (l Recovery) CheckRecovery(ctx context.Context, token string) error {
	_, _, err := l.openRecovery(ctx, token)
	return err
}

// Recover uses a request. With its link and the password the user may set up a factor that replaces
// the lost one, and gets a session only after that factor is confirmed. The link is used up even if
// the set-up is not completed. It returns the errors of CheckRecovery, ErrPassword or
// *limit.Paused.
func (l Recovery) Recover(ctx context.Context, token, plain string, b Client) (Outcome, error) {
	k, r, err := l.openRecovery(ctx, token)
	if err != nil {
		return Outcome{}, err
	}
	// The link proves the mailbox, but the mailbox alone must not be enough (R73).
	within := b // guesses of strangers do not count here
	within.within = "recovery " + r.ID
	if err := l.Account.password(ctx, &k.user, "", plain, within); err != nil {
		return Outcome{}, err
	}
	_, err = l.c.Recoveries.TakeRecovery(ctx, k.user.ID, r.ID, r.CredentialVersion, l.c.Now(),
		l.mail.notices(ctx, k.user, Rescued, "", b)...)
	if errors.Is(err, storage.ErrUsed) {
		return Outcome{}, ErrLink
	}
	if err != nil {
		return Outcome{}, err
	}
	l.mail.kickOutbox()
	if err := l.SecondFactor.endTrust(ctx, k.user.ID); err != nil {
		return Outcome{}, err
	}
	// the link proves the mailbox, and the password is right
	if k.user, err = l.Account.proves(ctx, k.user, l.proof("password"), b); err != nil {
		return Outcome{}, err
	}
	if err := l.tell(ctx, event.TFRescued{User: subject(k.user), Option: ByRequest, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return l.startPending(ctx, k.user, nil, storage.Pending{
		State: storage.Repair, Factor: r.FactorID, Rescue: true, First: l.proof("password"),
	}, b)
}

// repair continues a rescued sign-in with a set-up instead of a session (R75).
func (l Recovery) repair(ctx context.Context, w pendingSignIn, b Client) (Outcome, error) {
	w.State = storage.Repair
	if err := l.SecondFactor.advance(ctx, w); err != nil {
		return Outcome{}, err
	}
	if err := l.SecondFactor.endTrust(ctx, w.user.ID, l.mail.notices(ctx, w.user, Rescued, "", b)...); err != nil {
		return Outcome{}, err
	}
	l.mail.kickOutbox()
	if err := l.tell(ctx, event.TFRescued{User: subject(w.user), Option: ByEmail, Context: l.at(b)}); err != nil {
		return Outcome{}, err
	}
	return Outcome{User: w.user, Pending: l.view(w.Pending, nil)}, nil
}
