package main

import (
	"context"

	"github.com/twofold-auth/twofold"
)

type userLanguage struct {
	oneUser
	Language string `arg:"" optional:"" help:"A tag such as en or de."`
	Forget   bool   `help:"Forget the language; the next sign-in sets it again."`
}

// Help implements kong.HelpProvider.
func (userLanguage) Help() string {
	return `Messages to the owner of an account are in the account's language, no matter who causes them. The language is that of the
first browser that signs in, until the owner chooses another one on the account page.

Examples:
  twofold user language ann@example.org
  twofold user language ann@example.org de
  twofold user language ann@example.org --forget`
}

// Run shows or sets an account's language.
func (c userLanguage) Run(ctx context.Context, p process) error {
	if c.Forget && c.Language != "" {
		return usageError("--forget cannot be combined with a language")
	}
	return c.withUser(ctx, p, func(auth *twofold.Auth, _ *settings, u twofold.User) error {
		if c.Forget || c.Language != "" {
			if err := auth.SetLanguage(ctx, u.ID, c.Language); err != nil {
				return err
			}
			u.Language = c.Language
		}
		if u.Language == "" {
			return line(p, "The language of user %q is not known yet.", c.Identity)
		}
		return line(p, "The language of user %q is %s.", c.Identity, u.Language)
	})
}
