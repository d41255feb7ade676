package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// An invitation may be accepted with a passkey instead of a password. The passkey is created before
// the account exists. Its challenge belongs to the link, so only the holder of the link can answer
// it.

func invitedOwner(tokenHash, state string) string {
	return "passkey-invite:" + tokenHash + ":" + hash(state)
}

// Ask starts the registration of a passkey that replaces the password of an invited account.
// Each challenge has its own owner, so that two tabs do not interfere. It returns ErrPasskeysOff.
func (l Invitations) Ask(ctx context.Context, i storage.Invitation, b Client) (PasskeyAsked, error) {
	if l.c.Passkeys == nil || !l.c.Policy.Passkeys.FirstFactor {
		return PasskeyAsked{}, ErrPasskeysOff
	}
	if err := l.c.Limits.PasskeyOptions(ctx, b.Address); err != nil {
		return PasskeyAsked{}, err
	}
	c, err := l.c.Passkeys.BeginCreate(factor.NewPasskey{
		User: storage.User{Email: i.Email, EmailKey: i.EmailKey, Username: i.Username}, Usage: storage.UseFirst,
		Discoverable: !l.c.Policy.Passkeys.Hints,
	})
	if err != nil {
		return PasskeyAsked{}, err
	}
	state := seal.Token()
	d := storage.Draft{Owner: invitedOwner(i.TokenHash, state), FactorID: storage.NewID()}
	return l.WebAuthn.ask(ctx, d, state, c, l.c.Policy.Passkeys.CreateWithin)
}

// Key completes such a registration. It returns a function that makes the passkey a factor
// of an account. Its errors are ErrCeremony, ErrCeremonyExpired, ErrPasskeyTaken, factor.ErrAnswer,
// *factor.Refused, ErrPasskeysOff.
func (l Invitations) Key(
	ctx context.Context, i storage.Invitation, state, answer string,
) (func(userID string) (storage.Factor, error), error) {
	if l.c.Passkeys == nil || !l.c.Policy.Passkeys.FirstFactor {
		return nil, ErrPasskeysOff
	}
	d, err := l.WebAuthn.question(ctx, invitedOwner(i.TokenHash, state), state, storage.User{})
	if err != nil {
		return nil, err
	}
	if err := l.WebAuthn.try(ctx, d, answer); err != nil {
		return nil, err
	}
	now := l.c.Now()
	opens := func(userID string) (storage.Factor, error) {
		f, err := l.c.Passkeys.FinishCreate(d.Secret, userID, d.FactorID, answer)
		if err == nil {
			f.Name, f.Usage, f.CreatedAt = l.WebAuthn.ownName(f, nil), storage.UseFirst, now
		}
		return f, err
	}
	f, err := opens("")
	if err != nil {
		return nil, err
	}
	if _, err := l.c.Factors.PasskeyByKey(ctx, f.Key); !errors.Is(err, storage.ErrNotFound) {
		return nil, recordedOr(ErrPasskeyTaken, err)
	}
	return opens, l.WebAuthn.spend(ctx, d)
}

// Enter continues the sign-in of an account that was just created from an invitation: a required
// second factor is set up before the first session. The first factor is the new passkey, or else
// the new password, or else the mailbox to which the link was mailed. A passkey that verified its
// user counts as both factors, as at a sign-in.
func (l Invitations) Enter(ctx context.Context, u storage.User, b Client) (Outcome, error) {
	if u.PasswordHash != "" {
		return l.afterFirstFactor(ctx, u, l.proof("register"), false, b)
	}
	if l.c.Passkeys == nil {
		return l.afterFirstFactor(ctx, u, l.proof(confirmKind), false, b)
	}
	made, err := l.c.Factors.PasskeysOf(ctx, u.ID)
	if err != nil {
		return Outcome{}, err
	}
	if len(made) == 0 {
		return l.afterFirstFactor(ctx, u, l.proof(confirmKind), false, b)
	}
	f := made[0]
	detail, err := l.c.Passkeys.Detail(f)
	if err == nil {
		err = l.tell(ctx, l.WebAuthn.passkeyRegistered(u, f, b))
	}
	if err != nil {
		return Outcome{}, err
	}
	first := l.proofOf(f)
	first.UserVerified = l.c.Policy.both(factor.Assertion{UserVerified: detail.Verified})
	return l.WebAuthn.enterByKey(ctx, u, first, false, b)
}
