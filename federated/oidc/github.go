package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/twofold-auth/twofold/federated"
)

// github uses OAuth 2.0 and an API call. GitHub does not issue ID tokens for users, so there is no
// nonce in its answer. State and PKCE bind the code to the browser, and the code is redeemed over
// TLS at GitHub itself.
type github struct {
	s         Settings
	site, api string
}

// GitHub returns a provider that identifies GitHub accounts by their number. Unlike a name, a
// number is never reassigned.
func GitHub(clientID, clientSecret string) (federated.Provider, error) {
	return newGitHub(Settings{ClientID: clientID, ClientSecret: clientSecret}, "https://github.com",
		"https://api.github.com")
}

func newGitHub(s Settings, site, api string) (federated.Provider, error) {
	s.Name, s.Title = "github", "GitHub"
	if err := s.check(); err != nil {
		return nil, err
	}
	return &github{s: s.withDefaults(), site: site, api: api}, nil
}

func (g *github) Name() string          { return g.s.Name }
func (g *github) Title() string         { return g.s.Title }
func (g *github) Reauthenticates() bool { return false }

func (g *github) client(q federated.Question) *oauth2.Config {
	scopes := g.s.Scopes
	if q.Address {
		scopes = append(slices.Clone(scopes), "user:email")
	}
	return &oauth2.Config{
		ClientID: g.s.ClientID, ClientSecret: g.s.ClientSecret, RedirectURL: q.Redirect, Scopes: scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: g.site + "/login/oauth/authorize", TokenURL: g.site + "/login/oauth/access_token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

func (g *github) Begin(_ context.Context, q federated.Question) (string, error) {
	return g.client(q).AuthCodeURL(q.State, oauth2.S256ChallengeOption(q.Verifier)), nil
}

func (g *github) Finish(ctx context.Context, q federated.Question, a federated.Answer) (federated.Identity, error) {
	if !q.Since.IsZero() {
		return federated.Identity{}, refused("GitHub does not say when its user authenticated")
	}
	if a.Issuer != "" && a.Issuer != g.site && a.Issuer != g.site+"/login/oauth" {
		return federated.Identity{}, refused("the answer is of another issuer")
	}
	if err := answered(a); err != nil {
		return federated.Identity{}, err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, g.s.Client)
	token, err := g.client(q).Exchange(ctx, a.Code, oauth2.VerifierOption(q.Verifier))
	if err != nil {
		return federated.Identity{}, exchangeError(err)
	}
	return g.user(ctx, q, token)
}

// user returns the owner of the access token. The token is not used afterwards.
func (g *github) user(ctx context.Context, q federated.Question, token *oauth2.Token) (federated.Identity, error) {
	var u struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	known, err := g.ask(ctx, token, "/user", &u)
	if err != nil {
		return federated.Identity{}, err
	}
	if !known || u.ID <= 0 {
		return federated.Identity{}, refused("its API does not say who the user is")
	}
	id := federated.Identity{Issuer: g.site, Subject: strconv.FormatInt(u.ID, 10), Label: tidy(u.Login)}
	if q.Address {
		id.Name, id.Username = tidy(u.Name), tidy(u.Login)
		id.Email, err = g.email(ctx, token)
	}
	return id, err
}

// email returns the user's primary address if it is verified. GitHub runs no mailboxes, so it is
// never authoritative.
func (g *github) email(ctx context.Context, token *oauth2.Token) (string, error) {
	var all []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	told, err := g.ask(ctx, token, "/user/emails", &all)
	if err != nil || !told { // the user did not grant access to addresses
		return "", err
	}
	for _, e := range all {
		if e.Primary && e.Verified && plausible(e.Email) {
			return e.Email, nil
		}
	}
	return "", nil
}

// ask reads one answer of the API. It reports false if the answer is a refusal or cannot be read.
func (g *github) ask(ctx context.Context, token *oauth2.Token, path string, into any) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.api+path, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	r.Header.Set("Accept", "application/vnd.github+json")
	resp, err := g.s.Client.Do(r)
	if err != nil {
		return false, fmt.Errorf("%w: its API did not answer", federated.ErrUnreachable)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		return false, fmt.Errorf("%w: its API answered with status %d", federated.ErrUnreachable, resp.StatusCode)
	}
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil, nil
}
