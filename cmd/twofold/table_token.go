package main

// tokenTable returns the settings of tokens.
func tokenTable() []setting {
	path := func(name, def, doc string, p func(*settings) *string) setting {
		return setting{Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p)}
	}
	return []setting{
		{Name: "SECURITY_REFRESH_TOKEN", Type: flag, Default: "false", Field: "Tokens",
			Doc: "Issues a refresh token with each header token (`?include_auth_token`). A program exchanges it at " +
				"`/refresh-token` for a header token and the next refresh token. Each is single-use; reuse revokes " +
				"all tokens of that sign-in.",
			Cost: "A stolen refresh token works for the time that the next two settings allow, unless its owner " +
				"revokes it.",
			Apply: toBool(func(s *settings) *bool { return &s.Config.Tokens.Refresh })},
		{Name: "SECURITY_REFRESH_TOKEN_MAX_AGE", Field: "Tokens.RefreshLife",
			Doc: "Lifetime of the refresh tokens that follow one sign-in, in all."},
		{Name: "SECURITY_REFRESH_TOKEN_MAX_IDLE", Field: "Tokens.RefreshIdle",
			Doc: "Ends that earlier, after this time without a refresh."},
		{Name: "SECURITY_REFRESH_TOKEN_COOKIE_NAME", Field: "Tokens.RefreshCookie",
			TakesNone: true,
			Doc:       "The cookie of refresh tokens; `None` puts them into the body of answers.",
			Cost:      "In the body, scripts of the page can read them.",
			Apply:     applyRefreshCookie},
		path("SECURITY_REFRESH_TOKEN_URL", "/refresh-token", "Exchanges a refresh token.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Tokens.Refresh }),
		{Name: "SECURITY_ACCESS_TOKEN_SCOPES", Type: list, Empty: "none: there are no such tokens",
			Field: "Tokens.Scopes",
			Doc: "Scopes that people may give to personal access tokens for their programs, e.g. `read,write`. " +
				"Applications ask `/token-check?scope=read` whose token they were sent.",
			Cost:  "Such a token is one thing in place of two factors, within its scopes and until it expires.",
			Apply: toList(func(s *settings) *[]string { return &s.Config.Tokens.Scopes })},
		{Name: "SECURITY_ACCESS_TOKEN_MAX_AGE", Field: "Tokens.PersonalLife",
			Doc:  "Maximum lifetime of a personal access token.",
			Cost: "A stolen token works for that long."},
		path("SECURITY_ACCESS_TOKENS_URL", "/access-tokens", "Tokens: list, make, end.",
			func(s *settings) *string { return &s.Config.Pages.Paths.Tokens.Personal }),
		path("SECURITY_TOKEN_CHECK_URL", "/token-check", "Whose token it is.",
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
