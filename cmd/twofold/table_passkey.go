package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	inner "github.com/twofold-auth/twofold/internal/settings"
)

func passkeyTable() []setting {
	return []setting{
		{Name: "SECURITY_WEBAUTHN", Type: flag, Default: "false", Field: "Passkeys",
			Doc: "Lets users sign in with passkeys and security keys. They are bound to the host of " +
				"`TWOFOLD_ORIGIN`, which must be a name, not an IP address.",
			Apply: toBool(func(s *settings) *bool { return &s.passkeys.on })},
		{Name: "SECURITY_WAN_RP_NAME", Type: text, Empty: "`TWOFOLD_SITE`", Field: "Passkeys.Name",
			Doc:   "Name of the site that authenticators show.",
			Apply: toText(func(s *settings) *string { return &s.passkeys.with.Name })},
		{Name: "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR", Type: flag, Default: "true", Field: "Passkeys.FirstFactor",
			Doc:   "Lets passkeys that were registered as a first factor replace the password.",
			Apply: toBool(func(s *settings) *bool { return &s.passkeys.with.FirstFactor })},
		{Name: "SECURITY_WAN_ALLOW_AS_MULTI_FACTOR", Type: flag, Default: "true", Field: "Passkeys.MultiFactor",
			Doc: "Counts a first-factor passkey that verified its user by fingerprint, face or PIN as both " +
				"factors.",
			Cost:  "Anyone who has the device and can unlock it can open the account.",
			Apply: toBool(func(s *settings) *bool { return &s.passkeys.with.MultiFactor })},
		{Name: "SECURITY_WAN_ALLOW_AS_VERIFY", Type: list, Default: "first,secondary", Field: "Passkeys.Verify",
			Doc: "Kinds of passkeys that can be used for re-authentication; if the list is empty, none can. If " +
				"the account has a second factor, the passkey must verify its user.",
			Apply: applyVerify},
		{Name: "SECURITY_WAN_ALLOW_USER_HINTS", Type: flag, Default: "true", Field: "Passkeys.Hints",
			Doc: "Tells anyone who types a name which passkeys to use for it. Names that do not exist get the " +
				"same kind of answer.",
			Cost: "Anyone who knows a name learns how many passkeys it has. With `false`, the browser must find " +
				"the passkeys itself, and security keys for which it cannot do so are only second factors.",
			Apply: toBool(func(s *settings) *bool { return &s.passkeys.with.Hints })},
		{Name: "SECURITY_WAN_CHALLENGE_BYTES", Field: "Passkeys.ChallengeBytes",
			Empty: standard("Passkeys.ChallengeBytes"),
			Doc:   "Number of random bytes in each challenge."},
		{Name: "SECURITY_WAN_REGISTER_WITHIN", Field: "Passkeys.RegisterWithin",
			Doc: "How long registering a passkey may take."},
		{Name: "SECURITY_WAN_SIGNIN_WITHIN", Field: "Passkeys.SignInWithin",
			Doc: "How long signing in with a passkey may take."},
		{Name: "SECURITY_WAN_REGISTER_TIMEOUT", Field: "Passkeys.RegisterTimeout", Type: number,
			Default: standardMillis("Passkeys.RegisterTimeout"),
			Doc: "How long the browser waits for its user at a registration, in milliseconds. Browsers may " +
				"ignore it.",
			Apply: toMillis("Passkeys.RegisterTimeout")},
		{Name: "SECURITY_WAN_SIGNIN_TIMEOUT", Field: "Passkeys.SignInTimeout", Type: number,
			Default: standardMillis("Passkeys.SignInTimeout"),
			Doc: "How long the browser waits for its user at a sign-in, in milliseconds. Browsers may ignore " +
				"it.",
			Apply: toMillis("Passkeys.SignInTimeout")},
		{Name: "SECURITY_WAN_NAME_MAX_LENGTH", Field: "Passkeys.NameMaxLength",
			Doc: "Maximum length of a passkey's name, in characters."},
		{Name: "SECURITY_WAN_NAME_ALLOWED_CHARS", Type: list, Default: "L,N,Pc,Pd,Zs",
			Doc: "Unicode categories that a passkey's name may contain. They cannot be changed in this " +
				"version.",
			Apply: applyNameChars},
		passkeyPath("SECURITY_WAN_REGISTER_URL", "/wan-register", "The list of the user's "+
			"passkeys.",
			func(s *settings) *string { return &s.Config.Pages.Paths.WanRegister }),
		passkeyPath("SECURITY_WAN_SIGNIN_URL", "/wan-signin", "Signing in with a passkey.",
			func(s *settings) *string { return &s.Config.Pages.Paths.WanSignin }),
		passkeyPath("SECURITY_WAN_DELETE_URL", "/wan-delete", "Removing a passkey.",
			func(s *settings) *string { return &s.Config.Pages.Paths.WanDelete }),
		passkeyPath("SECURITY_WAN_VERIFY_URL", "/wan-verify", "Re-authentication with a "+
			"passkey.",
			func(s *settings) *string { return &s.Config.Pages.Paths.WanVerify }),
		{Name: "SECURITY_WAN_POST_REGISTER_VIEW", Type: text, Empty: "the page with the passkeys",
			Field: "Pages.Views.PostWanRegister",
			Doc:   "The page after a passkey was registered.",
			Apply: toView(func(s *settings) *string { return &s.Config.Pages.Views.PostWanRegister }, ".wan_register")},
	}
}

func passkeyPath(name, def, doc string, p func(*settings) *string) setting {
	return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
}

// toMillis accepts a number of milliseconds for a field that is a duration.
func toMillis(field string) func(*settings, any) error {
	r := of(field)
	return func(s *settings, raw any) error {
		milli := int64(time.Millisecond)
		in := inner.Row{Safer: r.Safer, ServerMin: r.ServerMin / milli, ServerMax: r.ServerMax / milli}
		return bounded(in, func(s *settings, v int64) { r.Set(&s.Config, v*milli) })(s, raw)
	}
}

func applyVerify(s *settings, raw any) error {
	uses, err := asList(raw)
	if err != nil {
		return err
	}
	for _, use := range uses {
		if use != "first" && use != "secondary" {
			return errors.New("contains something other than first and secondary: remove it")
		}
	}
	s.passkeys.with.Verify = uses
	return nil
}

func applyNameChars(_ *settings, raw any) error {
	got, err := asList(raw)
	if err == nil && !slices.Equal(got, strings.Split("L,N,Pc,Pd,Zs", ",")) {
		return errors.New("cannot be changed in this version: remove the setting")
	}
	return err
}
