package login

// services are the features. They share what Login has, and call each other through it.
type services struct {
	Account      Account
	Enroll       Enroll
	Links        Links
	OAuth        OAuth
	Passwordless Passwordless
	Reauth       Reauth
	Recovery     Recovery
	Repeats      Repeats
	SecondFactor SecondFactor
	Sessions     Sessions
	Tokens       Tokens
	WebAuthn     WebAuthn

	budgets budgets
}

type (
	// Account registers accounts, proves their addresses and changes what identifies them.
	Account struct{ *Login }
	// Enroll sets up second factors.
	Enroll struct{ *Login }
	// Links are mailed links, from the request to the use.
	Links struct{ *Login }
	// OAuth signs in through accounts at other sites, and connects them.
	OAuth struct{ *Login }
	// Passwordless signs in by mailed codes and links and other first factors, and sets them up.
	Passwordless struct{ *Login }
	// Reauth checks how recently a signed-in user proved who they are, and lets them prove it again.
	Reauth struct{ *Login }
	// Recovery replaces a lost second factor: by a recovery code, a rescue or a recovery.
	Recovery struct{ *Login }
	// Repeats answers a request that the browser sends twice as it answered the first one.
	Repeats struct{ *Login }
	// SecondFactor asks for second factors and proves them, lists them and removes them.
	SecondFactor struct{ *Login }
	// Sessions validates, lists and ends sessions, and remembers browsers.
	Sessions struct{ *Login }
	// Tokens issues refresh tokens and personal access tokens.
	Tokens struct{ *Login }
	// WebAuthn registers passkeys and signs in with them.
	WebAuthn struct{ *Login }

	// budgets limits how often a browser, a network and an account may try and be sent something.
	budgets struct{ *Login }
)

func servicesOf(l *Login) services {
	return services{
		Account{l}, Enroll{l}, Links{l}, OAuth{l}, Passwordless{l}, Reauth{l}, Recovery{l}, Repeats{l}, SecondFactor{l},
		Sessions{l}, Tokens{l}, WebAuthn{l}, budgets{l},
	}
}
