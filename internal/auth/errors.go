package auth

import (
	"errors"
	"fmt"
)

// The errors of a step, besides *limit.Paused and errors of the store, which mean 503 and change
// nothing.
var (
	// ErrUnknownUser means that there is no such identity. It takes as long as ErrPassword.
	ErrUnknownUser = errors.New("auth: unknown identity")
	// ErrPassword means that the password is wrong.
	ErrPassword = errors.New("auth: wrong password")
	// ErrDisabled means that the password is right but the account is deactivated.
	ErrDisabled = errors.New("auth: account is disabled")
	// ErrState means that the step is not possible now: there is no pending sign-in, it is another
	// one, or it has ended.
	ErrState = errors.New("auth: not in this state")
	// ErrCode means that the code is wrong.
	ErrCode = errors.New("auth: wrong code")
	// ErrCodeUsed wraps ErrCode. It means that the code was right but has already been used.
	ErrCodeUsed = fmt.Errorf("%w: used before", ErrCode)
	// ErrSend means that a code could not be sent.
	ErrSend = errors.New("auth: code could not be sent")
	// ErrUndeliverable wraps ErrSend. It means that the number or address does not accept messages,
	// so another attempt is useless.
	ErrUndeliverable = fmt.Errorf("%w: the destination does not accept messages", ErrSend)
	// ErrMethod means that the method is not available.
	ErrMethod = errors.New("auth: method not available")
	// ErrChoice means that the choice is not one of those offered.
	ErrChoice = errors.New("auth: not a valid choice")
	// ErrPhone means that messages cannot be sent to the phone number.
	ErrPhone = errors.New("auth: phone number is not valid")
	// ErrReauthenticate means that the session is not fresh at the account's level.
	ErrReauthenticate = errors.New("auth: fresh authentication needed")
	// ErrSetupToken means that there is no such draft, or that it belongs to another session.
	ErrSetupToken = errors.New("auth: no such set-up")
	// ErrSetupExpired means that the draft is too old.
	ErrSetupExpired = errors.New("auth: set-up expired")
	// ErrNoSuch means that the account has no such session, device or factor.
	ErrNoSuch = errors.New("auth: no such session, device or factor")
	// ErrWeak means that the policy no longer accepts the account's second factors. A sign-in leads
	// to a set-up.
	ErrWeak = errors.New("auth: second factor is not strong enough")
	// ErrNotRemembered means that the browser does not stay signed in.
	ErrNotRemembered = errors.New("auth: browser does not stay signed in")
	// ErrNoFactor means that the account has no second factor, so it cannot have recovery codes.
	ErrNoFactor = errors.New("auth: no second factor")
	// ErrRecoveryCode means that the text is not a right recovery code.
	ErrRecoveryCode = errors.New("auth: wrong recovery code")
	// ErrProvider means that there is no such identity provider, or that it cannot be used for this
	// purpose.
	ErrProvider = errors.New("auth: no such provider")
	// ErrNotConnected means that an account at an identity provider is not connected to an account
	// here, or not to this one.
	ErrNotConnected = errors.New("auth: external account is not connected")
	// ErrConnected means that an account at an identity provider is already connected.
	ErrConnected = errors.New("auth: external account is already connected")
	// ErrNoAddress means that an account at an identity provider is not connected and that no
	// account can be created, because the provider supplies no verified address.
	ErrNoAddress = errors.New("auth: the provider supplies no verified address")
	// ErrAddressTaken means the same, because another account has the address.
	ErrAddressTaken = errors.New("auth: another account has the address that the provider supplies")
	// ErrLastWayIn means that the user could no longer sign in after the removal.
	ErrLastWayIn = errors.New("auth: the account has no other way in")
	// ErrTaken means that the identity to register exists.
	ErrTaken = errors.New("auth: identity is taken")
	// ErrTooLong means that the lifetime of a token is not positive or exceeds the maximum.
	ErrTooLong = errors.New("auth: invalid lifetime of a token")
	// ErrTooMany means that the account has reached the maximum number.
	ErrTooMany = errors.New("auth: limit reached")
	// ErrSameFactor means that the account's only second factor is the same as the first factor
	// just proven, which does not count twice. It is reported only to the user who proved it.
	ErrSameFactor = errors.New("auth: second factor is the same as the first")
	// ErrElsewhere means that the link was requested in another browser and the user has not
	// confirmed using it in this one.
	ErrElsewhere = errors.New("auth: link was asked for in another browser")
	// ErrLink means that a mailed link is not valid or was used, or that the data it depends on has
	// changed.
	ErrLink = errors.New("auth: no such link")
	// ErrLinkExpired means that a mailed link is too old.
	ErrLinkExpired = errors.New("auth: link is too old")
	// ErrUnconfirmed means that the first factor is right but the address is not confirmed.
	ErrUnconfirmed = errors.New("auth: address is not confirmed")
	// ErrUnproven means that the address must be proven before a factor is set up; see AskProof.
	ErrUnproven = errors.New("auth: address is not proven")
	// ErrNotAsked means that the link belongs to an account that is not signed in here.
	ErrNotAsked = errors.New("auth: the account of this link is not signed in here")
	// ErrConfirmed means that the address is already confirmed.
	ErrConfirmed = errors.New("auth: address is already confirmed")
	// ErrLocked means that the first factor is right but the application refuses the account. A full
	// budget is a *limit.Paused instead.
	ErrLocked = errors.New("auth: account is locked")
	// ErrUsernameTaken means that another account has the username.
	ErrUsernameTaken = errors.New("auth: username is taken")
	// ErrSamePassword means that the new password is the current one.
	ErrSamePassword = errors.New("auth: same password")
	// ErrPasswordNeeded means that the link must be used together with a new password.
	ErrPasswordNeeded = errors.New("auth: a new password is needed")
	// ErrCeremony means that there is no such passkey challenge, that it belongs to another
	// browser, user or session, or that it was already answered.
	ErrCeremony = errors.New("auth: no such passkey ceremony")
	// ErrCeremonyExpired means that a passkey challenge was answered too late.
	ErrCeremonyExpired = errors.New("auth: passkey ceremony expired")
	// ErrPasskeysOff means that passkeys cannot be used for this purpose.
	ErrPasskeysOff = errors.New("auth: passkeys are not accepted for this")
	// ErrPasskeyUnknown means that the passkey is not registered.
	ErrPasskeyUnknown = errors.New("auth: unknown passkey")
	// ErrPasskeyOwner means that the passkey belongs to another user.
	ErrPasskeyOwner = errors.New("auth: passkey of another user")
	// ErrPasskeyUsage means that the passkey was registered for another use.
	ErrPasskeyUsage = errors.New("auth: passkey is not for this use")
	// ErrPasskeyTaken means that the passkey is already registered.
	ErrPasskeyTaken = errors.New("auth: passkey is already registered")
	// ErrPasskeyName means that the user has another passkey with that name.
	ErrPasskeyName = errors.New("auth: passkey name is in use")
	// ErrNoPasskey means that the user has no passkey with that name.
	ErrNoPasskey = errors.New("auth: no such passkey")
	// ErrLastFactor means that a second factor is required and this is the last one.
	ErrLastFactor = errors.New("auth: the last second factor must stay")
)
