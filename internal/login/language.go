package login

import (
	"context"

	"github.com/twofold-auth/twofold/store"
)

// language is the one in which an account's owner is written to: the account's
// own. Only if none is known it is that of the browser, which may be someone
// else's.
func language(u store.User, b Browser) string {
	if u.Language != "" {
		return u.Language
	}
	return b.Locale
}

// SetLanguage is the owner's choice.
func (l *Login) SetLanguage(ctx context.Context, who Who, tag string) error {
	return l.c.Accounts.SetLanguage(ctx, who.User.ID, tag)
}
