package auth

// services are the features. They share what Login has, and call each other through it.
type services struct {
	Account      Account
	Enroll       Enroll
	Guesses      Guesses
	Invitations  Invitations
	Links        Links
	OAuth        OAuth
	Passwordless Passwordless
	Reauth       Reauth
	Recovery     Recovery
	Repeats      Repeats
	SecondFactor SecondFactor
	Sessions     Sessions
	SignUps      SignUps
	Tickets      Tickets
	Tokens       Tokens
	WebAuthn     WebAuthn

	budgets budgets
	mail    mail
}

type (
	// Account signs in with a password, registers accounts, changes passwords, addresses and
	// usernames, and lists an account's activity.
	Account struct{ *Login }
	// Enroll sets up second factors. SecondFactor removes them and turns them off.
	Enroll struct{ *Login }
	// Guesses checks first factors within budgets, hashing slots and captchas.
	Guesses struct{ *Login }
	// Invitations lets invited people register a passkey, and signs them in.
	Invitations struct{ *Login }
	// Links creates and uses mailed links, and takes the answer to a notice.
	Links struct{ *Login }
	// OAuth signs in through accounts at other sites, and connects them.
	OAuth struct{ *Login }
	// Passwordless signs in by mailed codes and links and other first factors, and sets them up.
	Passwordless struct{ *Login }
	// Reauth checks how recently a signed-in user proved who they are, and lets them prove it again.
	Reauth struct{ *Login }
	// Recovery replaces a lost second factor by a recovery code, a mailed code or a recovery link.
	Recovery struct{ *Login }
	// Repeats gives a repeated request the answer of the first one.
	Repeats struct{ *Login }
	// SecondFactor asks for second factors, proves, lists and removes them, and manages trusted
	// browsers.
	SecondFactor struct{ *Login }
	// Sessions validates, lists and ends sessions, and remembers browsers.
	Sessions struct{ *Login }
	// SignUps creates accounts for users of identity providers.
	SignUps struct{ *Login }
	// Tickets takes a session to another host of the gate.
	Tickets struct{ *Login }
	// Tokens issues, exchanges, lists and revokes refresh tokens and personal access tokens.
	Tokens struct{ *Login }
	// WebAuthn registers passkeys and signs in with them.
	WebAuthn struct{ *Login }

	// budgets limits how often a browser, a network and an account may try and be sent something.
	budgets struct{ *Login }
	// mail sends messages.
	mail struct{ *Login }
)

func servicesOf(l *Login) services {
	return services{
		Account{l}, Enroll{l}, Guesses{l}, Invitations{l}, Links{l}, OAuth{l}, Passwordless{l}, Reauth{l}, Recovery{l},
		Repeats{l}, SecondFactor{l}, Sessions{l}, SignUps{l}, Tickets{l}, Tokens{l}, WebAuthn{l}, budgets{l}, mail{l},
	}
}
