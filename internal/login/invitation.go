package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/store"
)

// An invitation may be accepted with a passkey in place of a password. The passkey is
// made before there is an account. Its question belongs to the link: only the holder
// of the link can answer it.

func invitedOwner(tokenHash, state string) string {
	return "passkey-invite:" + tokenHash + ":" + hash(state)
}

// AskInvited begins the registration of a passkey that takes the place of the
// password of an account that is made of an invitation. Each question has an owner of
// its own, so that two tabs do not spoil each other's. ErrPasskeysOff.
func AskInvited(ctx context.Context, l *Login, i store.Invitation, b Browser) (PasskeyAsked, error) {
	if l.c.Passkeys == nil || !l.c.Policy.Passkeys.First {
		return PasskeyAsked{}, ErrPasskeysOff
	}
	if err := l.c.Limits.PasskeyOptions(ctx, b.Address); err != nil {
		return PasskeyAsked{}, err
	}
	c, err := l.c.Passkeys.BeginCreate(factor.NewPasskey{
		User: store.User{Email: i.Email, EmailKey: i.EmailKey, Username: i.Username}, Usage: store.UseFirst,
		Discoverable: !l.c.Policy.Passkeys.Hints,
	})
	if err != nil {
		return PasskeyAsked{}, err
	}
	state := seal.Token()
	d := store.Draft{Owner: invitedOwner(i.TokenHash, state), FactorID: store.NewID()}
	return l.ask(ctx, d, state, c, orLife(l.c.Policy.Passkeys.CreateWithin))
}

// InvitedKey ends such a registration. It returns what makes the passkey a factor of
// an account. ErrCeremony, ErrCeremonyExpired, ErrPasskeyTaken, factor.ErrAnswer,
// *factor.Refused, ErrPasskeysOff.
func InvitedKey(
	ctx context.Context, l *Login, i store.Invitation, state, answer string,
) (func(userID string) (store.Factor, error), error) {
	if l.c.Passkeys == nil || !l.c.Policy.Passkeys.First {
		return nil, ErrPasskeysOff
	}
	d, err := l.question(ctx, invitedOwner(i.TokenHash, state), state, store.User{})
	if err != nil {
		return nil, err
	}
	if err := l.try(ctx, d, answer); err != nil {
		return nil, err
	}
	now := l.c.Now()
	opens := func(userID string) (store.Factor, error) {
		f, err := l.c.Passkeys.FinishCreate(d.Secret, userID, d.FactorID, answer)
		if err == nil {
			f.Name, f.Usage, f.CreatedAt = ownName(l, f, nil), store.UseFirst, now
		}
		return f, err
	}
	f, err := opens("")
	if err != nil {
		return nil, err
	}
	if _, err := l.c.Factors.PasskeyByKey(ctx, f.Key); !errors.Is(err, store.ErrNotFound) {
		return nil, told(ErrPasskeyTaken, err)
	}
	return opens, l.spend(ctx, d)
}

// Invited passes an account that was just made from an invitation to the gate:
// a required second factor is set up before the first session. The first factor is
// the passkey that was made, else the password that was chosen, else the mailbox that
// the link came to. A passkey that verified its user is both factors, as at a sign-in
// by it.
func Invited(ctx context.Context, l *Login, u store.User, b Browser) (Outcome, error) {
	if u.PasswordHash != "" {
		return l.gate(ctx, u, l.proof("register"), false, b)
	}
	if l.c.Passkeys == nil {
		return l.gate(ctx, u, l.proof(confirmKind), false, b)
	}
	made, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	if len(made) == 0 {
		return l.gate(ctx, u, l.proof(confirmKind), false, b)
	}
	f := made[0]
	detail, err := l.c.Passkeys.Detail(f)
	if err == nil {
		err = l.tell(ctx, passkeyRegistered(l, u, f, b))
	}
	if err != nil {
		return Outcome{}, err
	}
	first := l.proofOf(f)
	first.Both = l.c.Policy.both(factor.Proven{UserVerified: detail.Verified})
	return enterByKey(ctx, l, u, first, false, b)
}
