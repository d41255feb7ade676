package auth

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// language returns the language of messages to an account's owner. It is the language of the
// browser, which may belong to another person, only if the account has none.
func language(u storage.User, b Client) string {
	if u.Language != "" {
		return u.Language
	}
	return b.Locale
}

// SetLanguage sets the language that the owner has chosen.
func (l Account) SetLanguage(ctx context.Context, who Principal, tag string) error {
	return l.c.Accounts.SetLanguage(ctx, who.User.ID, tag)
}
