package main

// tokenTable returns the settings of tokens.
func tokenTable() []setting {
	path := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		{Name: "SECURITY_REFRESH_TOKEN", Type: flag, Default: "false", Field: "Tokens",
			Doc: "Issues a refresh token with each header token (`?include_auth_token`). At `/refresh-token` a " +
				"program exchanges it for a new header token and a new refresh token. Each refresh token works " +
				"once; reuse revokes all tokens of that sign-in.",
			Cost: "Anyone who steals a program's token stays signed in for as long as the next two settings " +
				"allow, unless the owner ends it.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Tokens.Refresh })},
		{Name: "SECURITY_REFRESH_TOKEN_MAX_AGE", Field: "Tokens.RefreshLife",
			Doc: "How long a program can exchange refresh tokens after its sign-in."},
		{Name: "SECURITY_REFRESH_TOKEN_MAX_IDLE", Field: "Tokens.RefreshIdle",
			Doc: "Lifetime of a refresh token that is not exchanged."},
		{Name: "SECURITY_REFRESH_TOKEN_COOKIE_NAME", Field: "Tokens.RefreshCookie",
			TakesNone: true,
			Doc: "Name of the cookie of refresh tokens. `None` puts the tokens into the body of answers " +
				"instead.",
			Cost:  "Scripts of the page can read a token in the body.",
			Apply: applyRefreshCookie},
		path("SECURITY_REFRESH_TOKEN_URL", "/refresh-token", "Exchanging a refresh token.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Tokens.Refresh }),
		{Name: "SECURITY_ACCESS_TOKEN_SCOPES", Type: list, Empty: "none: personal access tokens are off",
			Field: "Tokens.Scopes",
			Doc: "Scopes that users can give to personal access tokens for their programs, e.g. `read,write`. " +
				"Applications ask `/token-check?scope=read` whose token they received.",
			Cost:  "Such a token alone replaces both factors, within its scopes and until it expires.",
			Apply: toList(func(s *settings) *[]string { return &s.Config.Tokens.Scopes })},
		{Name: "SECURITY_ACCESS_TOKEN_MAX_AGE", Field: "Tokens.PersonalLife",
			Doc:  "Maximum lifetime of a personal access token.",
			Cost: "A stolen token works for that long."},
		path("SECURITY_ACCESS_TOKENS_URL", "/access-tokens", "Listing, creating and revoking "+
			"personal access tokens.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Tokens.Personal }),
		path("SECURITY_TOKEN_CHECK_URL", "/token-check", "Checking whose token an "+
			"application received.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Tokens.Check }),
	}
}

func applyRefreshCookie(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	if v == "" || v == "None" {
		s.Config.Tokens.RefreshInBody = true
		return nil
	}
	s.Config.Tokens.RefreshCookie = v
	return nil
}
