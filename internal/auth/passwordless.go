package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// ByPassword is the password among the methods of unified sign-in.
const ByPassword = "password"

// Unified configures unified sign-in, in which one field accepts any first factor of the account.
type Unified struct {
	// Methods lists the methods that may start a sign-in: ByPassword and methods of factors. They
	// are tried in this order. If it is empty, unified sign-in is off.
	Methods []string
	// Unforced lists methods after which a required second factor need not be set up at once. A
	// user who has one must always prove it.
	Unforced []string
	// CodeLife is the lifetime of a code and of the link in the same mail.
	CodeLife time.Duration
	// SetupWithin is the lifetime of a draft of a first factor.
	SetupWithin time.Duration
}

// offersFirst reports whether a method may start a sign-in.
func (l Passwordless) offersFirst(method string) bool {
	return slices.Contains(l.c.Policy.Unified.Methods, method) && (method == ByPassword || l.c.Methods[method] != nil)
}

// FirstMethods returns the methods that may start a sign-in, in order.
func (l Passwordless) FirstMethods() []string {
	out := []string{}
	for _, m := range l.c.Policy.Unified.Methods {
		if l.offersFirst(m) {
			out = append(out, m)
		}
	}
	return out
}

// CodeMethods returns the methods of FirstMethods that send a code.
func (l Passwordless) CodeMethods() []string {
	out := []string{}
	for _, m := range l.FirstMethods() {
		if l.c.FirstCodes[m] != nil {
			out = append(out, m)
		}
	}
	return out
}

// Passcode is the step of the first factor if one field accepts a password or a code. It returns
// the errors of Password, or ErrSameFactor.
func (l Passwordless) Passcode(ctx context.Context, a Attempt, b Client) (Outcome, error) {
	u, err := l.c.Accounts.Find(ctx, a.Identity)
	unknown := errors.Is(err, storage.ErrNotFound)
	if err != nil && !unknown {
		return Outcome{}, err
	}
	method, err := l.passcode(ctx, passcodeGuess{Attempt: a, user: &u, purpose: factor.First, of: asked(b)}, b)
	if unknown && errors.Is(err, ErrPassword) {
		return Outcome{}, ErrUnknownUser
	}
	if err == nil && method == storage.Email {
		u, err = l.Account.readsMail(ctx, u, b)
	}
	if err != nil {
		return Outcome{}, err
	}
	return l.afterFirstFactor(ctx, u, l.proof(method), a.Remember, b)
}

// asked returns the transaction of a browser's codes. A code that one browser requested is not
// valid in another (R43).
func asked(b Client) string { return "asked:" + hash(b.Asked) }

// firstTransaction returns the transaction to which a code of a channel is bound.
func firstTransaction(u storage.User, p factor.Purpose, of, channel string, b Client) factor.Transaction {
	return factor.Transaction{ID: of + ":" + channel, Purpose: p, User: u, Locale: language(u, b)}
}

// passcodeGuess is a text that may prove a first factor of an account.
type passcodeGuess struct {
	Attempt
	user    *storage.User // the zero User if there is no account
	firsts  []storage.Factor
	purpose factor.Purpose
	of      string // transaction of the codes
}

// passcode determines which first factor of an account a text proves. A zero User takes as long.
func (l Passwordless) passcode(ctx context.Context, g passcodeGuess, b Client) (string, error) {
	check := func(ctx context.Context) (_ string, err error) {
		if g.firsts, err = l.c.Factors.FirstFactorsOf(ctx, g.user.ID); err != nil {
			return "", err
		}
		var unclear error
		for _, m := range l.FirstMethods() {
			ok, err := l.tryFirst(ctx, g, m, b)
			if errors.Is(err, account.ErrLegacy) { // it may be a code
				unclear = err
				continue
			}
			if ok || err != nil {
				return m, err
			}
		}
		return "", unclear
	}
	return l.Guesses.proveFirst(ctx, g.user, g.Identity, "passcode", b, check)
}

// tryFirst reports whether the text proves the first factor of one method.
func (l Passwordless) tryFirst(ctx context.Context, g passcodeGuess, method string, b Client) (bool, error) {
	if method == ByPassword {
		return l.Account.checkPassword(ctx, g.user, g.Identity, g.Password, b)
	}
	text, u := g.Password, *g.user
	f, found := firstOf(g.firsts, method)
	t := firstTransaction(u, g.purpose, g.of, method, b)
	codes := l.c.FirstCodes[method]
	var err error
	switch {
	case codes != nil: // even if there is no factor, because there may be a decoy
		err = codes.Try(ctx, t, destination(u, f, found), text)
	case found:
		return l.tryApp(ctx, u, t, f, text, b)
	default:
		return false, nil
	}
	switch {
	case errors.Is(err, factor.ErrSecret):
		l.c.Log.ErrorContext(ctx, "factor cannot be verified", "user", u.ID, "factor", f.ID, "cause", err)
		return false, nil
	case errors.Is(err, factor.ErrWrong):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, l.provenFirst(ctx, u, f, g.purpose, b)
}

// tryApp checks an app's code that replaces the password. It counts together with codes of the same
// app as second factor. After too many wrong codes in a row, every code is refused as wrong; the
// password is still accepted.
func (l Passwordless) tryApp(
	ctx context.Context, u storage.User, t factor.Transaction, f storage.Factor, text string, b Client,
) (bool, error) {
	if !factor.Reads(l.c.Methods[f.Method], f, text) {
		return false, nil
	}
	place, err := l.budgets.claimPlace(ctx, u, b, func(from limit.From) (*limit.Reservation, error) {
		return l.c.Limits.FactorFirst(ctx, f.ID, from)
	})
	if paused(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch err = l.c.Methods[f.Method].Verify(ctx, t, f, text); {
	case errors.Is(err, factor.ErrSecret):
		l.c.Log.ErrorContext(ctx, "factor cannot be verified", "user", u.ID, "factor", f.ID, "cause", err)
		return false, nil
	case errors.Is(err, factor.ErrWrong):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, place.Succeed(ctx)
}

// provenFirst records the use of a factor whose code was right.
func (l Passwordless) provenFirst(
	ctx context.Context, u storage.User, f storage.Factor, p factor.Purpose, b Client,
) error {
	if err := l.c.Factors.MarkUsed(ctx, f.ID, l.c.Now()); err != nil {
		return stateError(err) // removed meanwhile
	}
	if p != factor.First {
		return nil
	}
	return l.budgets.answeredFirst(ctx, u, f.Method, b)
}

func firstOf(firsts []storage.Factor, method string) (storage.Factor, bool) {
	for _, f := range firsts {
		if f.Method == method {
			return f, true
		}
	}
	return storage.Factor{}, false
}

// nowhere is the destination of a decoy.
const nowhere = "nobody@invalid"

// destination returns the destination for codes of a first factor. Mail is always sent to the
// account's current address, never to one in a request (R45).
func destination(u storage.User, f storage.Factor, found bool) string {
	switch {
	case !found:
		return nowhere
	case f.Method == storage.Email:
		return u.Email
	}
	return f.Destination
}

// SendPasscode sends a code that replaces the password, if the account of the identity has the
// method as a first factor. Duration and budgets do not depend on the result: ErrUnknownUser,
// ErrMethod and the errors of checkAllowed are for sites that reveal accounts. It returns ErrChoice if the
// method is not enabled.
func (l Passwordless) SendPasscode(ctx context.Context, identity, method string, b Client) error {
	codes := l.c.FirstCodes[method]
	if codes == nil || !l.offersFirst(method) {
		return ErrChoice
	}
	u, err := l.c.Accounts.Find(ctx, identity)
	refusal := ErrUnknownUser
	switch {
	case err == nil:
		refusal = l.checkAllowed(u)
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	f, found := firstOf(firsts, method)
	if refusal == nil && !found {
		refusal = ErrMethod
	}
	if err := l.Guesses.humanAfterFailures(ctx, u, identity, &b); err != nil {
		return err
	}
	m := limit.First{Channel: method, Identity: typed(identity), Decoy: refusal != nil}
	if err := l.budgets.sendFirst(ctx, u, m, b); err != nil {
		return err
	}
	if refusal != nil { // send a decoy
		u, found = storage.User{}, false
	}
	if err := l.sendPasscode(ctx, u, codes, method, destination(u, f, found), b); err != nil {
		return err
	}
	return refusal
}

func (l Passwordless) sendPasscode(ctx context.Context, u storage.User, codes Trier, method, to string,
	b Client) error {
	for _, other := range l.CodeMethods() { // only the newest code is valid (R42)
		if other != method {
			t := firstTransaction(u, factor.First, asked(b), other, b)
			if err := l.c.Challenges.DropChallenge(ctx, t.Key()); err != nil {
				return err
			}
		}
	}
	t := firstTransaction(u, factor.First, asked(b), method, b)
	if method == storage.Email {
		t.Link = func(code string) (string, error) { return l.Links.newLink(l.codeLink(), u, t.ID+"|"+code, b) }
	}
	if err := codes.Send(ctx, t, to); err != nil {
		return l.SecondFactor.sendError(ctx, u, method, err)
	}
	sent := event.USSecurityTokenSent{User: subject(u), Method: method, Destination: send.Mask(method, to),
		Context: l.at(b)}
	if u.ID == "" {
		return l.record(ctx, sent)
	}
	return l.tell(ctx, sent)
}

// codeLink is the purpose of the link in the mail with a code. The link contains the code, so using
// either, or requesting another code, invalidates both.
func (l Passwordless) codeLink() purpose {
	return purpose{name: "us-verify-link", life: l.c.Policy.Unified.CodeLife, rests: credentials}
}

// CodeLink is a link that signs in, in the form that its page may show.
type CodeLink struct {
	User      storage.User
	Elsewhere bool // it was requested in another browser
}

// OpenCodeLink checks a link without using it. It returns ErrLink or ErrLinkExpired.
func (l Passwordless) OpenCodeLink(ctx context.Context, token string, b Client) (CodeLink, error) {
	k, err := l.Links.openLink(ctx, l.codeLink(), token)
	return CodeLink{User: k.user, Elsewhere: !k.sameBrowser(b)}, err
}

// FollowCodeLink uses a link as a first factor by mail. In a browser other than the one that
// requested it, meant must be set after the user confirms; otherwise an attacker could sign users
// in to an account of the attacker's choice. It returns ErrLink, ErrLinkExpired, ErrElsewhere or an
// error of the sign-in.
func (l Passwordless) FollowCodeLink(ctx context.Context, token string, meant bool, b Client) (Outcome, error) {
	k, err := l.Links.meantLink(ctx, l.codeLink(), token, meant, b)
	if err != nil {
		return Outcome{}, err
	}
	id, code, ok := strings.Cut(k.Data, "|")
	codes := l.c.FirstCodes[storage.Email]
	if !ok || codes == nil {
		return Outcome{}, ErrLink
	}
	firsts, err := l.c.Factors.FirstFactorsOf(ctx, k.user.ID)
	if err != nil {
		return Outcome{}, err
	}
	f, found := firstOf(firsts, storage.Email)
	if !found {
		return Outcome{}, ErrLink
	}
	err = codes.Try(ctx, factor.Transaction{ID: id, Purpose: factor.First, User: k.user}, k.user.Email, code)
	if errors.Is(err, factor.ErrWrong) {
		failed := event.UserFailedAuthn{User: subject(k.user), AuthType: "passcode", Method: storage.Email,
			Context: l.at(b)}
		return Outcome{}, recordedOr(ErrLink, l.tell(ctx, failed))
	}
	if err == nil {
		err = l.provenFirst(ctx, k.user, f, factor.First, b)
	}
	u := k.user
	if err == nil {
		u, err = l.Account.readsMail(ctx, u, b)
	}
	if err != nil {
		return Outcome{}, err
	}
	return l.afterFirstFactor(ctx, u, l.proof(storage.Email), false, b)
}
