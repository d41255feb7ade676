package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// Sign-up through an identity provider creates an account for an identity that is not connected.
// The account is created only after its address is proven, because the provider is authoritative
// for it or because a mailed code was entered. So there is never an account with another person's
// address and credentials that its owner did not choose. The steps are begin, Prove and Complete.

// SignUpLife is the time that each step of a sign-up may take.
const SignUpLife = PendingLife

// SignUp is an account that is being created through an identity provider.
type SignUp struct {
	Token    string // the cookie's value; empty if the cookie does not change
	Site     federated.Provider
	Identity federated.Identity
	Proven   bool   // whether the address is proven; if not, a code was mailed to it
	Next     string // target that the browser asked for
}

// SignUpForm describes the data that is required for a new account.
type SignUpForm struct {
	Fields   profile.List
	Username bool // a username is required
}

// signUp is a SignUp as stored: a draft that any node can continue and that can be used once.
type signUp struct {
	Provider string
	Identity federated.Identity
	Proven   bool
	Next     string
}

func (s signUp) draft(token string, now time.Time) (storage.Draft, error) {
	raw, err := json.Marshal(s)
	return storage.Draft{
		Owner: signUpOwner(token), ID: storage.NewID(), Method: policy.Elsewhere, Secret: raw,
		CreatedAt: now, ExpiresAt: now.Add(SignUpLife),
	}, err
}

func signUpOwner(token string) string { return "sign-up:" + hash(token) }

// signsUp reports whether users of a provider may create accounts.
func (c Config) signsUp(site string) bool { return slices.Contains(c.Policy.SignUp, site) }

// Offered reports whether users of any provider may create accounts.
func (l SignUps) Offered() bool { return len(l.c.Policy.SignUp) > 0 }

// load returns the sign-up of a browser, or ErrState.
func (l SignUps) load(ctx context.Context, token string) (d storage.Draft, s signUp, view SignUp, err error) {
	if token == "" {
		return d, s, view, ErrState
	}
	d, err = l.c.Drafts.Draft(ctx, signUpOwner(token))
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrState
	}
	if err != nil {
		return d, s, view, err
	}
	if !l.c.Now().Before(d.ExpiresAt) || json.Unmarshal(d.Secret, &s) != nil || !l.c.signsUp(s.Provider) {
		return d, s, view, ErrState
	}
	view = SignUp{Identity: s.Identity, Proven: s.Proven, Next: s.Next}
	view.Site, err = l.OAuth.provider(s.Provider, ToSignIn)
	return d, s, view, err
}

// Look returns the sign-up of a browser, or ErrState if there is none.
func (l SignUps) Look(ctx context.Context, token string) (SignUp, error) {
	_, _, view, err := l.load(ctx, token)
	return view, err
}

// begin is the step of an identity that is not connected. It returns ErrNoAddress if the provider
// supplies no verified address that can be stored, or ErrAddressTaken. It returns ErrSend and
// *limit.Paused together with an Outcome whose SignUp stands.
func (l SignUps) begin(
	ctx context.Context, s signUp, p federated.Provider, asks SignUpForm, b Client,
) (Outcome, error) {
	id := s.Identity
	if id.Email == "" || l.c.Accounts.Judge(account.Draft{Email: id.Email}) != nil {
		failed := event.UserFailedAuthn{AuthType: policy.Elsewhere, Reason: "no verified address", Context: l.at(b)}
		return Outcome{}, recordedOr(ErrNoAddress, l.record(ctx, failed))
	}
	s.Proven = id.Authoritative
	if err := l.c.Limits.Register(ctx, b.Address, !s.Proven || l.c.Policy.Life.Welcome); err != nil {
		return Outcome{}, err
	}
	_, err := l.c.Accounts.Find(ctx, id.Email)
	if err == nil { // it may have been created for this identity a moment ago
		return l.meanwhile(ctx, s, p, storage.Draft{}, "", b)
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, err
	}
	// If a captcha is required, a form is always needed.
	if values, whole := asks.prefilled(id); s.Proven && whole && !l.c.Captcha.at(AtRegister) {
		return l.make(ctx, s, storage.Draft{}, Registration{Fields: values}, b)
	}
	token := seal.Token()
	d, err := s.draft(token, l.c.Now())
	if err == nil {
		err = l.c.Drafts.PutDraft(ctx, d)
	}
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{SignUp: &SignUp{Token: token, Site: p, Identity: id, Proven: s.Proven, Next: s.Next}}
	if s.Proven {
		return out, nil
	}
	return out, l.sendCode(ctx, s, d, b)
}

// addressTaken refuses to create a second account for an address, and to connect the identity to
// the existing one. Only a user who has the address according to the provider is told so.
func (l SignUps) addressTaken(ctx context.Context, u storage.User, b Client) error {
	return recordedOr(ErrAddressTaken, l.tell(ctx, event.UserNotRegistered{
		User: subject(u), ExistingEmail: true, Context: l.at(b),
	}))
}

// prefilled returns the profile fields that the provider supplies. whole reports whether no
// required field is missing.
func (f SignUpForm) prefilled(id federated.Identity) (values map[string]any, whole bool) {
	texts := Prefill(f.Fields, id)
	values, problems := f.Fields.Read(
		func(name string) string { return texts[name] }, func(string) bool { return false },
	)
	return values, len(problems) == 0 && !f.Username
}

// Prefill returns the texts of profile fields that an identity provider supplies.
func Prefill(of profile.List, id federated.Identity) map[string]string {
	name := id.Name
	if name == "" {
		name = strings.TrimSpace(id.GivenName + " " + id.FamilyName)
	}
	known := map[string]string{
		"name": name, "full_name": name, "given_name": id.GivenName, "first_name": id.GivenName,
		"family_name": id.FamilyName, "last_name": id.FamilyName, "nickname": id.Username,
	}
	out := map[string]string{}
	for _, f := range of {
		if text := known[f.Name]; text != "" && (f.Kind == "" || f.Kind == profile.Text) {
			out[f.Name] = text
		}
	}
	return out
}

// owner returns the user whose budgets a sign-up uses. They belong to the address, so all sign-ups
// for it share them. The user is not an account.
func (s signUp) owner() storage.User {
	return storage.User{ID: "sign-up:" + account.Key(s.Identity.Email), Email: s.Identity.Email}
}

// message returns the code of a sign-up as a message for the budgets.
func (l SignUps) message(s signUp, b Client) limit.Message {
	return l.budgets.sent(s.owner(), limit.Claimed, storage.Email, s.Identity.Email, b)
}

// transaction returns the transaction to which the code is bound.
func (s signUp) transaction(d storage.Draft, b Client) factor.Transaction {
	return factor.Transaction{
		ID: d.ID, Purpose: factor.SignUp, User: storage.User{Email: s.Identity.Email}, Locale: b.Locale,
	}
}

// sendCode mails the code that proves the address, within the budgets.
func (l SignUps) sendCode(ctx context.Context, s signUp, d storage.Draft, b Client) error {
	if l.c.MailedCodes == nil {
		return ErrSend
	}
	m := l.message(s, b)
	m.Transaction = d.Owner
	if err := l.budgets.send(ctx, s.owner(), m, b); err != nil {
		return err
	}
	if err := l.c.MailedCodes.Send(ctx, s.transaction(d, b), s.Identity.Email); err != nil {
		return l.SecondFactor.sendError(ctx, storage.User{}, "sign-up", err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{
		Method: storage.Email, Destination: send.Mask(storage.Email, s.Identity.Email), Context: l.at(b),
	})
}

// Resend mails another code and invalidates the previous one. It returns ErrState or ErrSend.
func (l SignUps) Resend(ctx context.Context, token string, b Client) error {
	d, s, _, err := l.load(ctx, token)
	if err == nil && s.Proven {
		err = ErrState
	}
	if err != nil {
		return err
	}
	return l.sendCode(ctx, s, d, b)
}

// Prove checks the mailed code. It returns ErrCode or ErrState.
func (l SignUps) Prove(ctx context.Context, token, code string, b Client) (SignUp, error) {
	d, s, view, err := l.load(ctx, token)
	if err != nil || s.Proven {
		return view, err
	}
	if _, err := factor.Digits(code, factor.Size); err != nil || l.c.MailedCodes == nil {
		return view, ErrCode
	}
	place, err := l.budgets.claimPlace(ctx, s.owner(), b, func(from limit.From) (*limit.Reservation, error) {
		return l.c.Limits.Mailed(ctx, s.owner().ID, from)
	})
	if err != nil {
		return view, err
	}
	err = l.c.MailedCodes.Try(ctx, s.transaction(d, b), s.Identity.Email, code)
	if errors.Is(err, factor.ErrWrong) {
		failed := event.UserFailedAuthn{
			AuthType: "code", Method: storage.Email, Reason: "sign-up", Context: l.at(b),
		}
		return view, recordedOr(ErrCode, l.tell(ctx, failed))
	}
	if err == nil {
		err = place.Answered(l.message(s, b)).Succeed(ctx)
	}
	if err != nil {
		return view, err
	}
	s.Proven, view.Proven = true, true
	if d, err = s.draft(token, l.c.Now()); err == nil {
		err = l.c.Drafts.PutDraft(ctx, d)
	}
	return view, err
}

// Complete creates the account of a sign-up whose address is proven, and continues the
// sign-in. It returns ErrState, ErrAddressTaken, ErrUsernameTaken (then it can be called again),
// *Refused, the errors of account.Accounts.Judge, ErrCaptcha, ErrCaptchaWrong or ErrCaptchaDown.
func (l SignUps) Complete(ctx context.Context, token string, r Registration, b Client) (Outcome, error) {
	d, s, _, err := l.load(ctx, token)
	if err == nil && !s.Proven {
		err = ErrState
	}
	if err == nil {
		err = l.Guesses.human(ctx, AtRegister, &b)
	}
	if err == nil {
		err = l.c.Limits.Setup(ctx, s.owner().ID)
	}
	if err != nil {
		return Outcome{}, err
	}
	return l.make(ctx, s, d, r, b)
}

// make creates the account with its connection. The sign-up is used up first. If the account cannot
// be created, the sign-up can be used again.
func (l SignUps) make(ctx context.Context, s signUp, d storage.Draft, r Registration, b Client) (Outcome, error) {
	p, err := l.OAuth.provider(s.Provider, ToSignIn)
	if err != nil {
		return Outcome{}, err
	}
	id := s.Identity
	draft := account.Draft{
		Email: id.Email, Username: r.Username, Language: b.Speaks, Profile: profile.Encode(r.Fields),
		Connection: &storage.Connection{
			ID: storage.NewID(), Provider: s.Provider, Issuer: id.Issuer, Subject: id.Subject, Label: id.Label,
			CreatedAt: l.c.Now(),
		},
	}
	if err := l.c.Accounts.Judge(draft); err != nil {
		return Outcome{}, err
	}
	if err := l.Account.mayRegister(ctx, draft, l.at(b)); err != nil {
		return Outcome{}, err
	}
	if _, err := l.c.Accounts.Find(ctx, r.Username); !errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, recordedOr(ErrUsernameTaken, err)
	}
	if d.Owner != "" {
		if err := l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID); err != nil {
			return Outcome{}, stateError(err)
		}
	}
	u, err := l.c.Accounts.Create(ctx, draft)
	if errors.Is(err, storage.ErrExists) {
		return l.meanwhile(ctx, s, p, d, r.Username, b)
	}
	if err != nil {
		return Outcome{}, l.again(ctx, s, d, err)
	}
	made := event.UserRegistered{
		User: subject(u), Fields: profile.Names(nil, r.Fields), Provider: s.Provider, Context: l.at(b),
	}
	if err := l.tell(ctx, made); err != nil {
		return Outcome{}, err
	}
	if l.c.Policy.Life.Welcome && l.c.mails() {
		if err := l.mail.write(ctx, Email{Kind: welcomeKind, To: u.Email, User: u, Browser: b}); err != nil {
			return Outcome{}, err
		}
	}
	out, err := l.afterFirstFactor(ctx, u, l.elsewhere(p), false, b)
	if out.Pending != nil && (paused(err) || errors.Is(err, ErrSend)) {
		err = nil // the account exists, and the code can be requested again
	}
	return out, err
}

// again restores a used sign-up and returns err.
func (l SignUps) again(ctx context.Context, s signUp, d storage.Draft, err error) error {
	if d.Owner == "" {
		return err
	}
	return errors.Join(err, l.c.Drafts.PutDraft(context.WithoutCancel(ctx), d))
}

// meanwhile handles an account that was created in the meantime. If the same user has just created
// it in another browser, they are signed in to it, because the identity is connected to it.
func (l SignUps) meanwhile(
	ctx context.Context, s signUp, p federated.Provider, d storage.Draft, username string, b Client,
) (Outcome, error) {
	u, err := l.OAuth.connected(ctx, s.Identity)
	if err == nil {
		return l.OAuth.enterFrom(ctx, p, u, b)
	}
	if !errors.Is(err, ErrNotConnected) {
		return Outcome{}, err
	}
	u, err = l.c.Accounts.Find(ctx, s.Identity.Email)
	switch {
	case err == nil:
		return Outcome{}, l.addressTaken(ctx, u, b)
	// the identity's account is no longer in the application's table
	case errors.Is(err, storage.ErrNotFound) && username == "":
		return Outcome{}, ErrNotConnected
	case errors.Is(err, storage.ErrNotFound):
		return Outcome{}, l.again(ctx, s, d, ErrUsernameTaken)
	}
	return Outcome{}, err
}
