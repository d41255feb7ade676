package web

// features are the steps of the features, and the guards. They share what Site has, and call each
// other through it.
type features struct {
	account      accountSteps
	enroll       enrollSteps
	flash        flashSteps
	link         linkSteps
	oauth        oauthSteps
	passwordless passwordlessSteps
	profile      profileSteps
	recovery     recoverySteps
	secondFactor secondFactorSteps
	session      sessionSteps
	spa          spaSteps
	token        tokenSteps
	webauthn     webauthnSteps

	Guards Guards
}

type (
	// accountSteps are sign-in with a password, sign-up, confirmation, reset, and recovery of the
	// username.
	accountSteps struct{ *Site }
	// enrollSteps set up second factors.
	enrollSteps struct{ *Site }
	// flashSteps keep notes for the page after a redirect.
	flashSteps struct{ *Site }
	// linkSteps ask for mailed links and follow them, and take the answer to a notice.
	linkSteps struct{ *Site }
	// oauthSteps sign in through accounts at other sites.
	oauthSteps struct{ *Site }
	// passwordlessSteps sign in by codes, links and other first factors.
	passwordlessSteps struct{ *Site }
	// profileSteps are the account page, recent activity, and changes of password, address, username
	// and language.
	profileSteps struct{ *Site }
	// recoverySteps are recovery codes and recoveries.
	recoverySteps struct{ *Site }
	// secondFactorSteps prove, list and remove second factors, rescue users, and manage trusted
	// browsers.
	secondFactorSteps struct{ *Site }
	// sessionSteps list and end sessions, sign out, remember browsers, and prove again who is signed
	// in.
	sessionSteps struct{ *Site }
	// spaSteps serve an application on another origin.
	spaSteps struct{ *Site }
	// tokenSteps issue, list and revoke tokens.
	tokenSteps struct{ *Site }
	// webauthnSteps register passkeys and sign in with them.
	webauthnSteps struct{ *Site }

	// Guards let requests through to the application's pages.
	Guards struct{ *Site }
)

func featuresOf(s *Site) features {
	return features{
		accountSteps{s}, enrollSteps{s}, flashSteps{s}, linkSteps{s}, oauthSteps{s}, passwordlessSteps{s},
		profileSteps{s},
		recoverySteps{s}, secondFactorSteps{s}, sessionSteps{s}, spaSteps{s}, tokenSteps{s}, webauthnSteps{s},
		Guards{s},
	}
}
