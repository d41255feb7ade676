package twofold

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// Passwordless configures unified sign-in: a page with one field that takes a password or a code
// from an e-mail, a text message or an authenticator app. A code in place of a password is one
// factor. A user who has a second factor must still prove it, and it must not use the same channel
// or device as the first.
type Passwordless struct {
	// ReplacesLogin serves unified sign-in at /login as well as at /us-signin, in
	// place of the page that takes a password only.
	ReplacesLogin bool
	// EnabledMethods may start a sign-in, in this order: password, email,
	// authenticator, sms. If it is empty, all methods that have a sender may.
	EnabledMethods []string
	// Unforced lists methods after which a required second factor need not be
	// set up before the first session. A user who has a second factor must
	// prove it after any method.
	Unforced []string
	// CodeValidity is the lifetime of a code and of the link mailed with it: between 30 seconds and
	// 10 minutes. The default is 5 minutes.
	CodeValidity time.Duration
	// SetupWithin is the time that the set-up of a first factor may take: between 1 second and 30
	// minutes. The default is TwoFactor.SetupWithin.
	SetupWithin time.Duration
}

// firstKinds are all methods of unified sign-in, in the contract's order.
func firstKinds() []string {
	return []string{auth.ByPassword, storage.Email, storage.Authenticator, storage.SMS}
}

// sendableKinds returns the methods of unified sign-in that have a sender, if they need one.
func sendableKinds(mail, sms bool) []string {
	return slices.DeleteFunc(firstKinds(), func(m string) bool {
		return m == storage.Email && !mail || m == storage.SMS && !sms
	})
}

func (c *Config) checkPasswordless(bad func(field, text string)) {
	u := c.Passwordless
	if u == nil {
		return
	}
	for _, m := range u.EnabledMethods {
		switch {
		case !slices.Contains(firstKinds(), m):
			bad("Passwordless.EnabledMethods", fmt.Sprintf("%q is not one of password, email, authenticator, sms", m))
		case m == storage.Email && c.Mail == nil:
			bad("Passwordless.EnabledMethods", "email needs a sender in Mail")
		case m == storage.SMS && c.SMS == nil:
			bad("Passwordless.EnabledMethods", "sms needs a sender in SMS")
		}
	}
	for _, m := range u.Unforced {
		if !slices.Contains(firstKinds(), m) || m == auth.ByPassword {
			bad("Passwordless.Unforced", fmt.Sprintf("%q is not one of email, authenticator, sms", m))
		}
	}
}

// firstCodes are the codes in place of a password, by channel.
func (b *builder) firstCodes() (map[string]auth.Trier, error) {
	out := map[string]auth.Trier{}
	if b.c.Passwordless == nil {
		return out, nil
	}
	for channel, sender := range map[string]send.Sender{storage.Email: b.c.Mail, storage.SMS: b.c.SMS} {
		if sender == nil {
			continue
		}
		m, err := onetime.New(onetime.Config{
			Channel: channel, Challenges: b.c.Store, Factors: b.c.Store, Keys: b.keys, Send: b.sendFirst,
			Life: b.c.Passwordless.CodeValidity, Region: b.c.TwoFactor.PhoneRegion,
			Countries: b.c.TwoFactor.SMSCountries,
			Possible:  b.c.TwoFactor.PossiblePhones, Now: b.c.Advanced.Now,
		})
		if err != nil {
			return nil, field("Passwordless.CodeValidity", err)
		}
		out[channel] = m
	}
	return out, nil
}

// sendFirst renders a code in place of a password. At a sign-in the code is queued, and a code for
// an unknown account is discarded later, so the response time does not reveal who has an account
// (R123). For a signed-in user the code is delivered at once, so an error is reported.
func (b *builder) sendFirst(ctx context.Context, c onetime.Code) error {
	m := b.mails.CodeText(c.Locale, c.Destination, c.Code)
	if c.Channel == storage.Email {
		name, link := b.nameOf(c.User), ""
		if c.Link != "" {
			link = b.link("us-verify-link", c.Link)
		}
		var err error
		if m, err = b.mails.SignInMail(c.Locale, c.Destination, name, c.Code, link, c.Life); err != nil {
			return err
		}
	}
	switch {
	case c.User.ID == "":
		return b.a.outbox.Decoy(ctx, m)
	case c.Purpose == factor.First:
		return b.a.outbox.Queue(ctx, m, c.ExpiresAt)
	}
	return b.a.outbox.Deliver(ctx, m, c.ExpiresAt)
}
