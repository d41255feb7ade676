package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// sendOwner mails the code that proves the mailbox, within the budgets.
func (l SecondFactor) sendOwner(ctx context.Context, p storage.Pending, u storage.User, b Client) error {
	m := limit.Message{Class: limit.Proven, Transaction: p.Hash, Channel: storage.Email, Destination: u.Email}
	if err := l.budgets.send(ctx, u, m, b); err != nil {
		return err
	}
	if err := l.c.MailedCodes.Send(ctx, transaction(p, u, b), u.Email); err != nil {
		return l.sendError(ctx, u, "owner", err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(u), Method: storage.Email,
		Destination: send.Mask(storage.Email, u.Email), Context: l.at(b)})
}

// sendCode sends the code of a pending's factor, within the budgets.
func (l SecondFactor) sendCode(ctx context.Context, p storage.Pending, u storage.User, f storage.Factor,
	b Client) error {
	if f.Method == storage.Passkey { // the browser asks for it, even if it cannot be used here
		return nil
	}
	m := l.c.Methods[f.Method]
	if m == nil {
		return ErrSend
	}
	if m.Channel() == "" {
		return nil
	}
	if err := l.budgets.send(ctx, u, limit.Message{
		Class: limit.Proven, Transaction: p.Hash, Channel: m.Channel(), Destination: f.Destination,
	}, b); err != nil {
		return err
	}
	if err := m.Send(ctx, transaction(p, u, b), f.Destination); err != nil {
		return l.sendError(ctx, u, f.Method, err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(u), Method: f.Method,
		Destination: send.Mask(f.Method, f.Destination), Context: l.at(b)})
}

// sendError logs the cause for the operator and returns the same error for the user in all cases.
func (l SecondFactor) sendError(ctx context.Context, u storage.User, method string, err error) error {
	if !errors.Is(err, factor.ErrSend) {
		return err
	}
	if errors.Is(err, send.ErrRefused) {
		l.c.Log.InfoContext(ctx, "destination takes no messages", "user", u.ID, "method", method, "cause", err)
		return ErrUndeliverable
	}
	l.c.Log.ErrorContext(ctx, "code could not be sent", "user", u.ID, "method", method, "cause", err)
	return ErrSend
}

func transaction(p storage.Pending, u storage.User, b Client) factor.Transaction {
	purpose := factor.SignIn
	if p.State == storage.Owner {
		purpose = factor.Owner
	}
	if p.SessionID != "" {
		purpose = factor.Verify
	}
	return factor.Transaction{ID: p.Hash, Purpose: purpose, User: u, Locale: language(u, b)}
}
