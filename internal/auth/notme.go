package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// notMe is the purpose of the link in a notice. The link only ends sessions, so it depends on no
// data: it works even if the account has changed since, including its address. If an operator or
// the application has replaced the address, links mailed to the old address before are invalid (see
// stop).
func notMe() purpose { return purpose{name: "not-me", life: noticeLife, rests: nothing} }

// stop opens the link of a notice.
func (l Links) stop(ctx context.Context, token string) (link, error) {
	k, err := l.openLink(ctx, notMe(), token)
	if errors.Is(err, ErrLink) || errors.Is(err, ErrLinkExpired) {
		return k, ErrState
	}
	if err == nil && k.At <= k.user.MovedAt.Unix() && k.Data != mailedTo(k.user.Email) {
		return k, ErrState
	}
	return k, err
}

// CheckStop checks the token of a notice without using it.
func (l Links) CheckStop(ctx context.Context, token string) error {
	_, err := l.stop(ctx, token)
	return err
}

// NotMe is called when the owner answers a notice with "this was not me". It ends everything issued
// to the account: sessions, pending sign-ins, drafts, codes and trusted devices. An intruder must
// then sign in again with all factors. First factors that were set up since the notice, or in the
// week before it, are removed. Second factors stay, because access to the mailbox alone must not
// remove them. A requested deletion is canceled, because an intruder may have requested it, and
// kept reports that. The link works once. NotMe returns ErrState if it is not valid.
func (l Links) NotMe(ctx context.Context, token string, b Client) (kept bool, err error) {
	k, err := l.stop(ctx, token)
	if err != nil {
		return false, err
	}
	if err := l.spendLink(ctx, k); errors.Is(err, ErrLink) {
		return false, ErrState
	} else if err != nil {
		return false, err
	}
	// An intruder may also have the mailbox, so block rescue until a real factor is proven (R76).
	if err := l.c.Recoveries.BlockRecovery(ctx, k.User, l.c.Now()); err != nil {
		return false, stateError(err)
	}
	if err := l.disowned(ctx, k, b); err != nil || l.c.CancelDeletion == nil {
		return false, err
	}
	kept, err = l.c.CancelDeletion(ctx, k.user, "not me", b)
	return kept, stateError(err)
}

// disowned ends everything issued to the account of a notice and removes the credentials that
// disown selects.
func (l Links) disowned(ctx context.Context, k link, b Client) error {
	for range 3 { // a concurrent change may win: try again
		u, err := l.c.Accounts.ByID(ctx, k.User)
		if err != nil {
			return stateError(err)
		}
		c := storage.FactorChange{}
		if err := l.disown(ctx, u, time.Unix(k.At, 0), &c); err != nil {
			return err
		}
		_, err = l.change(ctx, change{
			user: u, apply: l.factorChange(u, c),
			event: func(u storage.User) event.Event {
				return event.UserDisowned{User: subject(u), Context: l.at(b)}
			},
		}, b)
		if !errors.Is(err, ErrState) {
			return err
		}
	}
	return ErrState
}

// disown adds to a change the credentials to remove after a notice: first factors, including
// passkeys, and connected accounts that were added since the week before the notice. A first factor
// that mails codes to the account's own address stays. If the user could not sign in otherwise,
// nothing is removed.
func (l Links) disown(ctx context.Context, u storage.User, noticed time.Time, c *storage.FactorChange) error {
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
		if f.Method != storage.Email && f.Usage == storage.UseFirst && !f.CreatedAt.Before(since) {
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
	err = l.Passwordless.keepsWayIn(ctx, u, append(slices.Clone(ids), connections...)...)
	if errors.Is(err, ErrLastWayIn) {
		return nil
	}
	c.Remove, c.Disconnect = ids, connections
	return err
}
