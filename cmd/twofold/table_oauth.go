package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
)

// oauthSettings contains the settings of identity providers.
type oauthSettings struct {
	enable                 bool
	builtin                []string
	githubID, githubSecret string
	googleID, googleSecret string
	providers              map[string]map[string]string
	independent            []string
}

func oauthTable() []setting {
	o := func(f func(*oauthSettings) *string) func(*settings, any) error {
		return toText(func(s *settings) *string { return f(&s.oauth) })
	}
	rows := []setting{
		{Name: "SECURITY_OAUTH_ENABLE", Type: flag, Default: "false", Field: "Accounts.OAuth",
			Doc: "Lets users sign in through other sites. They first connect their account there on their " +
				"account page, unless `SECURITY_OAUTH_SIGN_UP` lets them create an account. Accounts are never " +
				"matched by e-mail address. The second factor is still asked for.",
			Cost:  "Anyone who can sign in at the other site has the first factor here.",
			Apply: toBool(func(s *settings) *bool { return &s.oauth.enable })},
		{Name: "SECURITY_OAUTH_BUILTIN_PROVIDERS", Type: list, Default: "github,google",
			Doc:   "Built-in providers to offer, if their client id is set.",
			Apply: toList(func(s *settings) *[]string { return &s.oauth.builtin })},
		{Name: "GITHUB_CLIENT_ID", Type: text, Empty: "GitHub is not offered", Doc: "Client id that GitHub issued.",
			Apply: o(func(o *oauthSettings) *string { return &o.githubID })},
		{Name: "GITHUB_CLIENT_SECRET", Type: secret, Empty: "none", Doc: "Client secret that GitHub issued.",
			Apply: o(func(o *oauthSettings) *string { return &o.githubSecret })},
		{Name: "GOOGLE_CLIENT_ID", Type: text, Empty: "Google is not offered", Doc: "Client id that Google issued.",
			Apply: o(func(o *oauthSettings) *string { return &o.googleID })},
		{Name: "GOOGLE_CLIENT_SECRET", Type: secret, Empty: "none", Doc: "Client secret that Google issued.",
			Apply: o(func(o *oauthSettings) *string { return &o.googleSecret })},
		{Name: "SECURITY_OAUTH_PROVIDERS", Type: secretMap, Empty: "none",
			Doc: "OpenID Connect providers, each under a name of your own: `{\"corp\": {\"ISSUER\": " +
				"\"https://login.example.org\", \"CLIENT_ID\": \"..\", \"CLIENT_SECRET\": \"..\", \"TITLE\": " +
				"\"Example\", \"SCOPES\": \"email\", \"DOMAINS\": \"example.org\"}}`. `TITLE`, `SCOPES` and " +
				"`DOMAINS` are optional, and so is the secret of a public client. `DOMAINS` lists the domains in " +
				"which the provider itself runs every mailbox: see `SECURITY_OAUTH_SIGN_UP`. Register " +
				"`<origin>/login/oauthresponse/<name>` and `<origin>/login/oauth-verify-response/<name>` with the " +
				"provider.",
			Apply: applyProviders},
	}
	rows = append(rows, setting{Name: "SECURITY_OAUTH_INDEPENDENT_PROVIDERS", Type: list, Empty: "none",
		Doc: "Names of providers whose accounts cannot be opened through a mailbox. An account at any " +
			"other provider counts as its user's mailbox: after signing in with it, a mailed code does not " +
			"count as a second factor, and rescue by mail is not possible.",
		Cost: "If such an account can be opened through the user's mailbox after all, that mailbox alone " +
			"opens accounts that have a second factor.",
		Apply: toList(func(s *settings) *[]string { return &s.oauth.independent })})
	rows = append(rows, setting{
		Name: "SECURITY_OAUTH_SIGN_UP", Type: list, Empty: "none", Field: "Accounts.OAuthSignUp",
		Doc: "Names of providers whose users can create an account, such as `google,corp`, whether or not " +
			"`SECURITY_REGISTERABLE` is set. The provider must report an address that it verified. A code is " +
			"sent to the address first, unless the provider runs the mailboxes of its domain (`DOMAINS`; for " +
			"Google gmail.com). If the address already has an account, none is created and none is connected: " +
			"the owner signs in and connects the other account. Required profile fields that the provider does " +
			"not supply are asked for.",
		Cost: "A provider that reports addresses as verified although they are not lets its users learn " +
			"which addresses have accounts.",
		Apply: toList(func(s *settings) *[]string { return &s.Config.Accounts.OAuthSignUp }),
	})
	return append(rows, oauthPaths()...)
}

// oauthPaths returns the settings of the paths of identity providers and of the pages afterwards.
func oauthPaths() []setting {
	var rows []setting
	path := func(name, def, doc string, p func(*settings) *string) {
		rows = append(rows, setting{
			Name: name, Type: text, Default: def, Doc: doc, Field: "Pages.Paths", Apply: toPath(p),
		})
	}
	path("SECURITY_OAUTH_START_URL", "/login/oauthstart", "Start of a sign-in at another "+
		"site; the name of the provider follows.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.Start })
	path("SECURITY_OAUTH_RESPONSE_URL", "/login/oauthresponse", "Callback of a sign-in.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.Response })
	path("SECURITY_OAUTH_VERIFY_START_URL", "/login/oauth-verify-start", "Start of a re-authentication "+
		"at another site.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.VerifyStart })
	path("SECURITY_OAUTH_VERIFY_RESPONSE_URL", "/login/oauth-verify-response", "Callback of a "+
		"re-authentication.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.VerifyResponse })
	path("SECURITY_OAUTH_CONNECT_URL", "/login/oauth-connect", "Connecting an account of "+
		"another site.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.Connect })
	path("SECURITY_OAUTH_DISCONNECT_URL", "/login/oauth-disconnect", "Disconnecting such an account.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.Disconnect })
	path("SECURITY_OAUTH_SIGN_UP_URL", "/login/oauth-signup", "Details that are still needed "+
		"to create an account.",
		func(s *settings) *string { return &s.Config.Pages.Paths.OAuth.SignUp })
	return append(rows,
		setting{Name: "SECURITY_POST_OAUTH_LOGIN_VIEW", Type: text, Empty: "`SECURITY_POST_LOGIN_VIEW`",
			Field: "Pages.Views",
			Doc:   "The page after a sign-in with a provider.",
			Apply: toView(func(s *settings) *string { return &s.Config.Pages.Views.OAuth.PostLogin }, "")},
		setting{Name: "SECURITY_POST_OAUTH_VERIFY_VIEW", Type: text, Empty: "`SECURITY_POST_VERIFY_VIEW`",
			Field: "Pages.Views",
			Doc:   "The page after a re-authentication with a provider.",
			Apply: toView(func(s *settings) *string { return &s.Config.Pages.Views.OAuth.PostVerify }, "")})
}

// applyProviders accepts a dict of dicts. Its errors do not contain values.
func applyProviders(s *settings, raw any) error {
	bad := errors.New(`is not a dict of dicts: write {"corp": {"ISSUER": "https://..", "CLIENT_ID": "..", "CLIENT_SECRET": ".."}}`)
	if text, isText := raw.(string); isText {
		var err error
		if raw, err = decode(text); err != nil {
			return bad
		}
	}
	all := map[string]map[string]string{}
	if b, err := json.Marshal(raw); err != nil || json.Unmarshal(b, &all) != nil {
		return bad
	}
	for _, p := range all {
		for key := range p {
			if !slices.Contains(providerKeys(), key) {
				return errors.New("has a key that is not one of " + strings.Join(providerKeys(), ", ") + ": remove it")
			}
		}
	}
	s.oauth.providers = all
	return nil
}

// providerKeys returns the keys of a provider.
func providerKeys() []string {
	return []string{"ISSUER", "CLIENT_ID", "CLIENT_SECRET", "TITLE", "SCOPES", "DOMAINS"}
}

// halves returns the problems of clients whose ID or secret is missing.
func (o oauthSettings) halves() (bad problems) {
	for name, c := range map[string][2]string{"GITHUB": {o.githubID, o.githubSecret},
		"GOOGLE": {o.googleID, o.googleSecret}} {
		switch {
		case c[0] != "" && c[1] == "":
			bad = append(bad, problem{name + "_CLIENT_SECRET",
				"is not set, and " + name + "_CLIENT_ID is: set both or neither"})
		case c[0] == "" && c[1] != "":
			bad = append(bad, problem{name + "_CLIENT_ID", "is not set, and " + name +
				"_CLIENT_SECRET is: set both or neither"})
		}
	}
	return bad
}

// finishOAuth creates the providers.
func (s *settings) finishOAuth() problems {
	o, all := s.oauth, []federated.Provider{}
	if bad := o.halves(); len(bad) > 0 {
		return bad
	}
	if !o.enable {
		if len(s.Config.Accounts.OAuthSignUp) > 0 {
			const text = "needs SECURITY_OAUTH_ENABLE: set that to true, or leave this out"
			return problems{{"SECURITY_OAUTH_SIGN_UP", text}}
		}
		if o.githubID+o.googleID != "" || len(o.providers) > 0 {
			s.note("SECURITY_OAUTH_ENABLE is false: no one can sign in through another site")
		}
		return nil
	}
	var bad problems
	add := func(setting string) func(federated.Provider, error) {
		return func(p federated.Provider, err error) {
			if err != nil {
				bad = append(bad, problem{setting, strings.TrimPrefix(err.Error(), "oidc: ")})
				return
			}
			all = append(all, p)
		}
	}
	for _, name := range o.builtin {
		switch {
		case name == "github" && o.githubID != "":
			add("GITHUB_CLIENT_ID")(oidc.GitHub(o.githubID, o.githubSecret))
		case name == "google" && o.googleID != "":
			add("GOOGLE_CLIENT_ID")(oidc.Google(o.googleID, o.googleSecret))
		case name != "github" && name != "google":
			bad = append(bad, problem{"SECURITY_OAUTH_BUILTIN_PROVIDERS",
				fmt.Sprintf("%q is neither github nor google: set others in SECURITY_OAUTH_PROVIDERS", name)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.providers)) {
		p := o.providers[name]
		add("SECURITY_OAUTH_PROVIDERS")(oidc.New(oidc.Settings{
			Name: name, Title: p["TITLE"], Issuer: p["ISSUER"],
			ClientID: p["CLIENT_ID"], ClientSecret: p["CLIENT_SECRET"],
			Scopes: strings.Fields(p["SCOPES"]), Domains: strings.Fields(strings.ReplaceAll(p["DOMAINS"], ",", " ")),
		}))
	}
	for _, name := range o.independent {
		i := slices.IndexFunc(all, func(p federated.Provider) bool { return p.Name() == name })
		if i < 0 {
			bad = append(bad, problem{"SECURITY_OAUTH_INDEPENDENT_PROVIDERS",
				fmt.Sprintf("%q: no such provider is configured", name)})
			continue
		}
		all[i] = federated.Independent(all[i])
	}
	if len(all) == 0 && len(bad) == 0 {
		bad = append(bad, problem{"SECURITY_OAUTH_ENABLE",
			"is on, but no provider is configured: set GITHUB_CLIENT_ID, GOOGLE_CLIENT_ID or SECURITY_OAUTH_PROVIDERS"})
	}
	s.Config.Accounts.OAuth = all
	return bad
}
