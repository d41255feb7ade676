package auth

import (
	"context"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// RecoverUsername mails an account's username to its address. It returns the errors of AskReset.
func (l Account) RecoverUsername(ctx context.Context, email string, b Client) error {
	u, to, why, err := l.Links.asked(ctx, usernameKind, email, named, b)
	if err != nil {
		return err
	}
	if why != nil || u.Username == "" {
		u = storage.User{}
	}
	if err := l.tell(ctx, event.UsernameRecoverySent{User: subject(u), Context: l.at(b)}); err != nil {
		return err
	}
	return recordedOr(why, l.mail.write(ctx,
		Email{Kind: usernameKind, To: to, User: u, Browser: b, Decoy: u.ID == ""}))
}
