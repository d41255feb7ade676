package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/store"
)

// notMe is the purpose of a notice's link. It ends things and opens nothing, so
// it rests on nothing: it works whatever the account's users changed since, the
// address too. Where an operator or the application replaced the address, what was
// mailed to the former one before is over (see stop).
func notMe() purpose { return purpose{name: "not-me", life: noticeLife, rests: nothing} }

// stop opens a notice's link.
func (l *Login) stop(ctx context.Context, token string) (link, error) {
	k, err := l.openLink(ctx, notMe(), token)
	if errors.Is(err, ErrLink) || errors.Is(err, ErrLinkExpired) {
		return k, ErrState
	}
	if err == nil && k.At <= k.user.MovedAt.Unix() && k.Data != mailedTo(k.user.Email) {
		return k, ErrState
	}
	return k, err
}

// CheckStop says whether a notice's token is one, and changes nothing.
func (l *Login) CheckStop(ctx context.Context, token string) error {
	_, err := l.stop(ctx, token)
	return err
}

// NotMe is the owner's answer to a notice: everything issued to the account is
// ended (sessions, pending sign-ins, drafts, codes, trusted devices), so that
// anyone who is in must sign in again with all factors. What opens the account by
// itself and was set up since, or in the week before the notice, is removed. Second
// factors stay: the mailbox alone, which the notice came to, must not remove them.
// A deletion of the account is called off, and kept says so: anyone who was in may
// have asked for it. It works once. ErrState.
func (l *Login) NotMe(ctx context.Context, token string, b Browser) (kept bool, err error) {
	k, err := l.stop(ctx, token)
	if err != nil {
		return false, err
	}
	if err := l.spendLink(ctx, k); errors.Is(err, ErrLink) {
		return false, ErrState
	} else if err != nil {
		return false, err
	}
	// Anyone who is in may hold the mailbox too: no rescue until a real factor was
	// proven (R76).
	if err := l.c.Recoveries.ShutRecovery(ctx, k.User, l.c.Now()); err != nil {
		return false, stateError(err)
	}
	if err := disowned(ctx, l, k, b); err != nil || l.c.Kept == nil {
		return false, err
	}
	kept, err = l.c.Kept(ctx, k.user, "not me", b)
	return kept, stateError(err)
}

// disowned ends what was issued to the account of a notice, and removes what disown
// says.
func disowned(ctx context.Context, l *Login, k link, b Browser) error {
	for range 3 { // a change that runs at the same time may win; then look again
		u, err := l.c.Accounts.ByID(ctx, k.User)
		if err != nil {
			return stateError(err)
		}
		c := store.FactorChange{UserID: u.ID, From: u.Uniquifier, To: account.NewUniquifier(), Now: l.c.Now()}
		if err := l.disown(ctx, u, time.Unix(k.At, 0), &c); err != nil {
			return err
		}
		_, err = l.change(ctx, u, c)
		if err == nil {
			return l.tell(ctx, event.UserDisowned{User: subject(u), Context: l.at(b)})
		}
		if !errors.Is(err, ErrState) {
			return err
		}
	}
	return ErrState
}

// disown adds to a change what is removed after a notice of a time: factors that
// begin a sign-in, passkeys in place of the password and accounts at other sites
// of that week and since. A code to the account's own mailbox stays, and so does
// everything if nothing else would open the account.
func (l *Login) disown(ctx context.Context, u store.User, noticed time.Time, c *store.FactorChange) error {
	since, ids := noticed.Add(-noticeLife), []string(nil)
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	passkeys, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, f := range append(firsts, passkeys...) {
		if f.Method != store.Email && f.Usage == store.UseFirst && !f.CreatedAt.Before(since) {
			ids = append(ids, f.ID)
		}
	}
	var connections []string
	if l.c.Connections != nil {
		all, err := l.c.Connections.ConnectionsOf(ctx, u.ID)
		if err != nil {
			return err
		}
		for _, n := range all {
			if !n.CreatedAt.Before(since) {
				connections = append(connections, n.ID)
			}
		}
	}
	err = l.keepsWayIn(ctx, u, append(slices.Clone(ids), connections...)...)
	if errors.Is(err, ErrLastWayIn) {
		return nil
	}
	c.Remove, c.Disconnect = ids, connections
	return err
}
