package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/twofold-auth/twofold/federated"
)

// metadataLife is the time for which a provider's metadata are cached. Keys are fetched again
// whenever a token names an unknown key.
const metadataLife = 24 * time.Hour

// failureLife is the time after a failure in which metadata are not requested again. askWithin is
// the time limit of one request.
const (
	failureLife = time.Minute
	askWithin   = 30 * time.Second
)

// skew is the tolerated error of the provider's clock.
const skew = time.Minute

type provider struct {
	s Settings

	mu       sync.Mutex
	found    *oidc.Provider
	at       time.Time
	asking   chan struct{} // closed when the request ends; nil if there is no request
	failure  error         // error of the last request; nil if it succeeded
	failedAt time.Time
}

func (p *provider) Name() string          { return p.s.Name }
func (p *provider) Title() string         { return p.s.Title }
func (p *provider) Reauthenticates() bool { return !p.s.NoReauthentication }

func (p *provider) Begin(ctx context.Context, q federated.Question) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)}
	if !q.Since.IsZero() {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.client(found, q).AuthCodeURL(q.State, options...), nil
}

// scopes returns the scopes to request. The user's address and names are requested only if they are
// needed.
func (p *provider) scopes(q federated.Question) []string {
	scopes := append([]string{oidc.ScopeOpenID}, p.s.Scopes...)
	if q.Address {
		scopes = append(scopes, "email", "profile")
	}
	var out []string
	for _, s := range scopes {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (p *provider) Finish(ctx context.Context, q federated.Question, a federated.Answer) (federated.Identity, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return federated.Identity{}, err
	}
	if err := p.checkAnswer(found, a); err != nil {
		return federated.Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.s.Client)
	token, err := p.client(found, q).Exchange(ctx, a.Code, oauth2.VerifierOption(q.Verifier))
	if err != nil {
		return federated.Identity{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return federated.Identity{}, refused("no ID token came with the access token")
	}
	verified, err := found.Verifier(&oidc.Config{ClientID: p.s.ClientID, Now: p.s.Now}).Verify(ctx, raw)
	if err != nil {
		return federated.Identity{}, fmt.Errorf("%w: %w", federated.ErrRefused, err)
	}
	id, err := p.read(q, verified)
	if err == nil && q.Address && id.Email == "" {
		p.askMore(ctx, found, token, &id)
	}
	return id, err
}

// askMore requests the claims that the ID token omits from the UserInfo endpoint (OpenID Connect
// Core, section 5.4). If there is no answer, the address is empty, so no account is created. Users
// who have an account can still sign in.
func (p *provider) askMore(ctx context.Context, found *oidc.Provider, token *oauth2.Token, id *federated.Identity) {
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != id.Subject { // section 5.3.2: claims of another user are not used
		return
	}
	var c claims
	if info.Claims(&c) == nil {
		c.describe(id, p.s.Domains)
	}
}

// claims contains the claims of an ID token that the library does not check.
type claims struct {
	AuthorizedParty string   `json:"azp"`
	AuthTime        *float64 `json:"auth_time"`
	Email           any      `json:"email"`
	EmailVerified   any      `json:"email_verified"`
	Username        any      `json:"preferred_username"`
	Name            any      `json:"name"`
	GivenName       any      `json:"given_name"`
	FamilyName      any      `json:"family_name"`
}

// read makes the checks that the library leaves to its caller (OpenID Connect Core, section
// 3.1.3.7, numbers 4, 5, 11 and 13).
func (p *provider) read(q federated.Question, t *oidc.IDToken) (federated.Identity, error) {
	var c claims
	if err := t.Claims(&c); err != nil {
		return federated.Identity{}, refused("the ID token cannot be read")
	}
	switch {
	case q.Nonce == "" || subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(q.Nonce)) != 1:
		return federated.Identity{}, refused("the nonce is another one")
	case c.AuthorizedParty != "" && c.AuthorizedParty != p.s.ClientID:
		return federated.Identity{}, refused("the ID token was issued to another client")
	case len(t.Audience) > 1 && c.AuthorizedParty == "":
		return federated.Identity{}, refused("the ID token is for several and names no authorized party")
	case t.Subject == "" || len(t.Subject) > 255 || !utf8.ValidString(t.Subject):
		return federated.Identity{}, refused("the ID token names no user")
	}
	if !q.Since.IsZero() && (c.AuthTime == nil || time.Unix(int64(*c.AuthTime), 0).Before(q.Since.Add(-skew))) {
		return federated.Identity{}, refused("the provider does not say that its user authenticated again")
	}
	label, _ := c.Email.(string)
	if label == "" {
		label, _ = c.Username.(string)
	}
	id := federated.Identity{Issuer: p.s.Issuer, Subject: t.Subject, Label: tidy(label)}
	if q.Address {
		c.describe(&id, p.s.Domains)
	}
	return id, nil
}

// describe adds the data with which an account can be created. An address counts as verified only
// if the claim is the boolean true (OpenID Connect Core, section 5.1). A provider that sends a
// string may also send "false", which must not count as true.
func (c claims) describe(id *federated.Identity, domains []string) {
	if email, _ := c.Email.(string); c.EmailVerified == true && plausible(email) {
		id.Email, id.Authoritative = email, runs(domains, email)
	}
	for to, claim := range map[*string]any{
		&id.Name: c.Name, &id.GivenName: c.GivenName, &id.FamilyName: c.FamilyName, &id.Username: c.Username,
	} {
		text, _ := claim.(string)
		*to = tidy(text)
	}
}

// plausible reports whether a text looks like an address. Further checks are made before it is
// stored.
func plausible(email string) bool {
	return len(email) <= maxEmail && tidyUpTo(email, maxEmail) == email
}

const maxEmail = 254 // RFC 5321 section 4.5.3.1.3, without the angle brackets

// runs reports whether the domain of the address is exactly one of the domains.
func runs(domains []string, email string) bool {
	at := strings.LastIndexByte(email, '@')
	return at > 0 && slices.Contains(domains, strings.ToLower(email[at+1:]))
}

// checkAnswer checks the query parameters of the answer. An issuer in it must be this provider's,
// so that an answer of another provider is not sent to this one's token endpoint (mix-up attack,
// RFC 9207).
func (p *provider) checkAnswer(found *oidc.Provider, a federated.Answer) error {
	var says struct {
		Names bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&says); err != nil {
		return fmt.Errorf("%w: %w", federated.ErrUnreachable, err)
	}
	if a.Issuer != "" && a.Issuer != p.s.Issuer || a.Issuer == "" && says.Names {
		return refused("the answer is of another issuer")
	}
	return answered(a)
}

func answered(a federated.Answer) error {
	if a.Error != "" {
		return refused("it answered " + tidy(a.Error))
	}
	if a.Code == "" {
		return refused("there is no code in the answer")
	}
	return nil
}

func (p *provider) client(found *oidc.Provider, q federated.Question) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.s.ClientID, ClientSecret: p.s.ClientSecret, RedirectURL: q.Redirect, Endpoint: found.Endpoint(),
		Scopes: p.scopes(q),
	}
}

// discover returns the metadata. While new metadata are fetched, the old ones are used, so no
// caller waits for a slow provider. If there are none, one caller fetches them and the others wait
// for the same answer. If there are old ones, a failed request is not repeated for failureLife.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	now := p.s.Now()
	if p.found != nil && (now.Sub(p.at) < metadataLife || p.failedSince(now)) {
		defer p.mu.Unlock()
		return p.found, nil
	}
	if p.asking == nil {
		p.asking = make(chan struct{})
		// All callers use the answer, so it must not depend on the context of one caller.
		go p.ask(context.WithoutCancel(ctx), p.asking)
	}
	old, asking := p.found, p.asking
	p.mu.Unlock()
	if old != nil {
		return old, nil
	}
	select {
	case <-asking:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", federated.ErrUnreachable, ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		return nil, p.failure
	}
	return p.found, nil
}

// failedSince reports whether a request failed within the last failureLife.
func (p *provider) failedSince(now time.Time) bool {
	age := now.Sub(p.failedAt)
	return p.failure != nil && age < failureLife && age > -failureLife
}

// ask fetches the metadata. It does not hold the lock during the request.
func (p *provider) ask(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.s.Client), p.s.Issuer)
	if err == nil {
		err = secureAddress(found.Endpoint().AuthURL)
	}
	if err == nil {
		err = secureAddress(found.Endpoint().TokenURL)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.found, p.at, p.failure = found, p.s.Now(), nil
	} else {
		p.failure, p.failedAt = fmt.Errorf("%w: %w", federated.ErrUnreachable, err), p.s.Now()
	}
	p.asking = nil
	close(done)
}

// exchangeError distinguishes a refusal by the provider from a provider that cannot be reached.
func exchangeError(err error) error {
	var refusal *oauth2.RetrieveError
	if errors.As(err, &refusal) && refusal.Response != nil && refusal.Response.StatusCode < 500 {
		// Omit the body: it may repeat the code.
		return refused("it refuses the code: " + tidy(refusal.ErrorCode))
	}
	return fmt.Errorf("%w: the code could not be redeemed", federated.ErrUnreachable)
}

func refused(why string) error { return fmt.Errorf("%w: %s", federated.ErrRefused, why) }

// tidy makes a text from a provider safe to show and log.
func tidy(s string) string { return tidyUpTo(s, 100) }

func tidyUpTo(s string, size int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > size {
		s = strings.ToValidUTF8(s[:size], "")
	}
	return s
}
