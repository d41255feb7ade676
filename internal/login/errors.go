package login

import (
	"errors"
	"fmt"
)

// What a step may refuse with, besides *limit.Paused and errors of the store
// (which mean 503 and change nothing).
var (
	// ErrUnknownUser: no such identity. Time and cost are those of ErrPassword.
	ErrUnknownUser = errors.New("login: unknown identity")
	// ErrPassword: wrong password.
	ErrPassword = errors.New("login: wrong password")
	// ErrDisabled: right password, but the account is switched off.
	ErrDisabled = errors.New("login: account is disabled")
	// ErrState: the step does not belong here now: no pending sign-in, another
	// one, or one that is over.
	ErrState = errors.New("login: not in this state")
	// ErrCode: wrong code.
	ErrCode = errors.New("login: wrong code")
	// ErrCodeUsed is an ErrCode: the code was right and has been used before.
	ErrCodeUsed = fmt.Errorf("%w: used before", ErrCode)
	// ErrSend: a code could not be sent.
	ErrSend = errors.New("login: code could not be sent")
	// ErrUndeliverable is an ErrSend that another try does not change: the number or
	// address takes no messages.
	ErrUndeliverable = fmt.Errorf("%w: the destination takes no messages", ErrSend)
	// ErrMethod: the method is not offered here.
	ErrMethod = errors.New("login: method not available")
	// ErrChoice: the choice is not one of those offered.
	ErrChoice = errors.New("login: not a valid choice")
	// ErrPhone: nothing can be sent to that phone number.
	ErrPhone = errors.New("login: phone number is not valid")
	// ErrReauthenticate: the session is not fresh at the account's level.
	ErrReauthenticate = errors.New("login: fresh authentication needed")
	// ErrSetupToken: no such draft, or not this session's.
	ErrSetupToken = errors.New("login: no such set-up")
	// ErrSetupExpired: the draft is too old.
	ErrSetupExpired = errors.New("login: set-up expired")
	// ErrNoSuch: the account has no such session, device or factor.
	ErrNoSuch = errors.New("login: no such session, device or factor")
	// ErrWeak: the policy takes the account's second factors no more; a sign-in
	// leads to a set-up.
	ErrWeak = errors.New("login: second factor is not strong enough")
	// ErrNotStaying: the browser does not stay signed in.
	ErrNotStaying = errors.New("login: browser does not stay signed in")
	// ErrNoFactor: the account has no second factor to make recovery codes for.
	ErrNoFactor = errors.New("login: no second factor")
	// ErrRecoveryCode: wrong recovery code, or none.
	ErrRecoveryCode = errors.New("login: wrong recovery code")
	// ErrProvider: no such site to sign in through, or not for this.
	ErrProvider = errors.New("login: no such provider")
	// ErrNotConnected: an account at another site that opens none here, or not
	// this one.
	ErrNotConnected = errors.New("login: that account opens none here")
	// ErrConnected: an account at another site that opens an account already.
	ErrConnected = errors.New("login: that account is connected already")
	// ErrNoAddress: no account opens to that account at another site, and none can be
	// made, because the site tells no verified address.
	ErrNoAddress = errors.New("login: the other site tells no verified address")
	// ErrAddressTaken: the same, because there is an account with the address.
	ErrAddressTaken = errors.New("login: there is an account with the address that the other site tells")
	// ErrLastWayIn: without it nothing opens the account any more.
	ErrLastWayIn = errors.New("login: the account has no other way in")
	// ErrTaken: registration of an identity that exists.
	ErrTaken = errors.New("login: identity is taken")
	// ErrTooLong: a token is to live longer than any may, or no time at all.
	ErrTooLong = errors.New("login: life of a token is out of bounds")
	// ErrTooMany: the account has as many as it may have.
	ErrTooMany = errors.New("login: too many of them")
	// ErrSameFactor: the account's only second factor is what was proven already;
	// one thing does not count twice. Told only to who proved it.
	ErrSameFactor = errors.New("login: second factor is the same as the first")
	// ErrElsewhere: the link was asked for in another browser, and its holder has
	// not said that he means this one.
	ErrElsewhere = errors.New("login: link was asked for in another browser")
	// ErrLink: a mailed link that is none, was used, or rests on something that
	// has changed.
	ErrLink = errors.New("login: no such link")
	// ErrLinkExpired: a mailed link that is too old.
	ErrLinkExpired = errors.New("login: link is too old")
	// ErrUnconfirmed: right first factor, but the address is not confirmed.
	ErrUnconfirmed = errors.New("login: address is not confirmed")
	// ErrUnproven: nothing is set up before the address is proven; see AskProof.
	ErrUnproven = errors.New("login: address is not proven")
	// ErrNotAsked: the link belongs to an account that is not signed in here.
	ErrNotAsked = errors.New("login: the account of this link is not signed in here")
	// ErrConfirmed: the address is confirmed already.
	ErrConfirmed = errors.New("login: address is confirmed already")
	// ErrLocked: right first factor, but the application keeps the account out.
	ErrLocked = errors.New("login: account is locked")
	// ErrUsernameTaken: a username that someone else has.
	ErrUsernameTaken = errors.New("login: username is taken")
	// ErrSamePassword: the new password is the present one.
	ErrSamePassword = errors.New("login: same password")
	// ErrPasswordNeeded: the link must be used together with a new password.
	ErrPasswordNeeded = errors.New("login: a new password is needed")
	// ErrCeremony: no such question to a passkey, or not this browser's, user's or
	// session's, or answered before.
	ErrCeremony = errors.New("login: no such passkey ceremony")
	// ErrCeremonyExpired: it was answered too late.
	ErrCeremonyExpired = errors.New("login: passkey ceremony expired")
	// ErrPasskeysOff: passkeys do not do this here.
	ErrPasskeysOff = errors.New("login: passkeys are not taken here")
	// ErrPasskeyUnknown: no one has registered this passkey.
	ErrPasskeyUnknown = errors.New("login: unknown passkey")
	// ErrPasskeyOwner: it is another user's.
	ErrPasskeyOwner = errors.New("login: passkey of another user")
	// ErrPasskeyUsage: it was registered for something else.
	ErrPasskeyUsage = errors.New("login: passkey is not for this use")
	// ErrPasskeyTaken: it is registered already.
	ErrPasskeyTaken = errors.New("login: passkey is registered already")
	// ErrPasskeyName: the user has another passkey of that name.
	ErrPasskeyName = errors.New("login: passkey name is in use")
	// ErrNoPasskey: the user has none of that name.
	ErrNoPasskey = errors.New("login: no such passkey")
	// ErrLastFactor: a second factor is required, and this is the last one.
	ErrLastFactor = errors.New("login: the last second factor must stay")
)
