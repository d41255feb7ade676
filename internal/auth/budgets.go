package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// firstPlace reserves a guess at an account's first factor, or only checks whether there is a
// place. It reports a closed budget to subscribers.
func (l budgets) firstPlace(ctx context.Context, u storage.User, identity string, b Client,
	look bool) (*limit.Reservation, error) {
	budget := budgetOf(u, identity)
	g := guess(u, identity, limit.From{})
	g.Look, g.Captcha = look, l.c.Captcha.at(AtSignIn) && !b.Human
	var place *limit.Reservation
	err := l.claim(ctx, u, b, func(from limit.From) (err error) {
		g.From = from
		place, err = l.c.Limits.FirstFactor(ctx, g)
		return err
	})
	var paused *limit.Paused
	if errors.As(err, &paused) {
		e := event.UserPaused{User: subject(u), Until: paused.Until, Context: l.at(b)}
		return nil, recordedOr(err, l.tellOnce(ctx, budget, e))
	}
	return place, err
}

// from describes the caller of a request for an account.
func (l budgets) from(u storage.User, b Client) limit.From {
	return limit.From{Address: b.Address, Browser: l.Sessions.notes().browser(u, b), Session: b.within}
}

// claim takes places in budgets: in the public ones or, if the browser is known, in those of that
// browser. If the public budgets are used up, it checks whether the network is known.
func (l budgets) claim(ctx context.Context, u storage.User, b Client, take func(limit.From) error) error {
	from := l.from(u, b)
	err := take(from)
	if !paused(err) || from.Own() {
		return err
	}
	known, failed := l.Sessions.notes().network(ctx, u, b.Address)
	if failed != nil {
		return failed
	}
	if !known {
		return err
	}
	from.Network = true
	return take(from)
}

// claimPlace is like claim, for functions that return a place.
func (l budgets) claimPlace(ctx context.Context, u storage.User, b Client,
	take func(limit.From) (*limit.Reservation, error)) (place *limit.Reservation, err error) {
	err = l.claim(ctx, u, b, func(from limit.From) (err error) {
		place, err = take(from)
		return err
	})
	return place, err
}

// send takes the places of one code that is sent after a first factor.
func (l budgets) send(ctx context.Context, u storage.User, m limit.Message, b Client) error {
	m.Account = u.ID
	return l.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.Send(ctx, m)
	})
}

// sent returns the message whose code was entered.
func (l budgets) sent(u storage.User, class limit.Class, channel, destination string, b Client) limit.Message {
	return limit.Message{Class: class, Account: u.ID, Channel: channel, Destination: destination, From: l.from(u, b)}
}

// sendFirst takes the places of one code or link that replaces a password.
func (l budgets) sendFirst(ctx context.Context, u storage.User, m limit.First, b Client) error {
	m.Transaction, m.Account = asked(b), budgetOf(u, m.Identity)
	return l.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.SendFirst(ctx, m)
	})
}

// answeredFirst returns the places of a code or link that replaces a password.
func (l budgets) answeredFirst(ctx context.Context, u storage.User, channel string, b Client) error {
	_, key, err := account.ParseEmail(u.Email)
	if err != nil {
		return nil // it has no address, so nothing was requested with it
	}
	return l.c.Limits.AnsweredFirst(ctx,
		limit.First{Channel: channel, Identity: typed(key), Account: budgetOf(u, ""), From: l.from(u, b)})
}

// secondFactorPlace reserves a guess. It reports a closed budget to subscribers.
func (l budgets) secondFactorPlace(
	ctx context.Context, u storage.User, factorID string, b Client,
) (*limit.Reservation, error) {
	place, err := l.claimPlace(ctx, u, b, func(f limit.From) (*limit.Reservation, error) {
		return l.c.Limits.SecondFactor(ctx, u.ID, factorID, f)
	})
	return place, l.toldPaused(ctx, u, err, b)
}

// mailedPlace reserves a guess at a code that proves an address.
func (l budgets) mailedPlace(ctx context.Context, u storage.User, b Client) (*limit.Reservation, error) {
	place, err := l.claimPlace(ctx, u, b, func(f limit.From) (*limit.Reservation, error) {
		return l.c.Limits.Mailed(ctx, u.ID, f)
	})
	return place, l.toldPaused(ctx, u, err, b)
}

// toldPaused reports a closed budget of second factors to subscribers.
func (l budgets) toldPaused(ctx context.Context, u storage.User, err error, b Client) error {
	var p *limit.Paused
	if errors.As(err, &p) {
		return recordedOr(err, l.tellOnce(ctx, u.ID,
			event.TFPaused{User: subject(u), Until: p.Until, Context: l.at(b)}))
	}
	return err
}
