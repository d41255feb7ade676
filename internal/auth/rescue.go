package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// The ways of rescue.
const (
	Help      = "help"               // notify the administrators
	ByEmail   = "email"              // a code to the account's mailbox
	ByCode    = storage.RecoveryCode // see UseCode
	ByRequest = "recovery_request"   // a link that works after a day; see recovery.go
)

// RescueOptions returns the ways of rescue for a pending sign-in.
func (l Recovery) RescueOptions(ctx context.Context, cookie *PendingCookie, who *Principal) ([]string, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return nil, err
	}
	out, err := l.rescueOptions(ctx, w)
	if err != nil {
		return nil, err
	}
	codes, err := l.hasCodes(ctx, w)
	if codes {
		out = append(out, ByCode)
	}
	return out, err
}

// rescueOptions returns none before a second factor is required. After "this was not me" it returns
// only Help until a real second factor is proven (R76).
func (l Recovery) rescueOptions(ctx context.Context, w pendingSignIn) ([]string, error) {
	if w.State != storage.Ready || w.SessionID != "" {
		return nil, nil
	}
	var out []string
	if l.c.Policy.Help {
		out = append(out, Help)
	}
	// The mailbox alone must not be enough (R73).
	if !policy.MayRescueByMail(l.rules, l.facts(w.user, w.factors), w.First) {
		return out, nil
	}
	shut, err := l.rescueShut(ctx, w.user)
	if err != nil || shut {
		return out, err
	}
	if l.c.Policy.RescueEmail && !l.c.Policy.StrongOnly && l.c.MailedCodes != nil {
		out = append(out, ByEmail)
	}
	if l.c.Policy.Recovery && l.c.mails() && w.user.PasswordHash != "" { // its link requires the password
		out = append(out, ByRequest)
	}
	return out, nil
}

func (l Recovery) rescueShut(ctx context.Context, u storage.User) (bool, error) {
	r, err := l.c.Recoveries.Recovery(ctx, u.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return r.Blocked, err
}

// Rescue helps a user who has proven the first factor and lost the second. It returns ErrChoice or
// ErrSend.
func (l Recovery) Rescue(
	ctx context.Context, cookie *PendingCookie, who *Principal, option string, b Client,
) (Outcome, error) {
	w, err := l.loadPending(ctx, cookie, who)
	if err != nil {
		return Outcome{}, err
	}
	if w.State != storage.Ready || w.SessionID != "" {
		return Outcome{}, ErrState
	}
	if option == ByCode { // the user only has to enter one
		codes, err := l.hasCodes(ctx, w)
		if err == nil && !codes {
			err = ErrChoice
		}
		return Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}, err
	}
	offered, err := l.rescueOptions(ctx, w)
	if err != nil {
		return Outcome{}, err
	}
	if !slices.Contains(offered, option) {
		return Outcome{}, ErrChoice
	}
	out := Outcome{User: w.user, Pending: l.view(w.Pending, w.factors)}
	if err := l.c.Limits.Rescue(ctx, w.user.ID, option); err != nil {
		return out, err
	}
	switch option {
	case Help:
		err = l.mail.alert(ctx, w.user, b)
	case ByEmail:
		err = l.rescueByEmail(ctx, w, b)
	case ByRequest:
		out.Opens, err = l.askRecovery(ctx, w, b)
	}
	if err == nil {
		if option != ByRequest { // a request has its own notice
			l.mail.notify(ctx, w.user, RescueAsked, "", b)
		}
		err = l.tell(ctx, event.TFRescueRequested{User: subject(w.user), Option: option, Context: l.at(b)})
	}
	return out, err
}

func (l Recovery) rescueByEmail(ctx context.Context, w pendingSignIn, b Client) error {
	m := limit.Message{Class: limit.Rescued, Transaction: "rescue:" + w.Hash, Channel: storage.Email,
		Destination: w.user.Email}
	if err := l.budgets.send(ctx, w.user, m, b); err != nil {
		return err
	}
	if !w.Rescue {
		w.Rescue = true
		if err := l.SecondFactor.advance(ctx, w); err != nil {
			return err
		}
	}
	t := transaction(w.Pending, w.user, b)
	t.Purpose = factor.Rescue
	if err := l.c.MailedCodes.Send(ctx, t, w.user.Email); err != nil {
		return l.SecondFactor.sendError(ctx, w.user, "rescue", err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(w.user), Method: storage.Email,
		Destination: send.Mask(storage.Email, w.user.Email), Context: l.at(b)})
}
