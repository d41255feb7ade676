// Package dossier collects the data that are stored about one account, for its
// owner. It contains no secrets.
package dossier

import (
	"context"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Dossier is everything that is stored about an account.
type Dossier struct {
	At          time.Time    `json:"at"`
	Account     Account      `json:"account"`
	Factors     []Factor     `json:"factors"`
	CodesLeft   int          `json:"recovery_codes_left"`
	Connections []Connection `json:"connections"`
	Sessions    []Session    `json:"sessions"`
	Browsers    []Browser    `json:"trusted_browsers"`
	Tokens      []Token      `json:"tokens"`
	SignIns     *SignIns     `json:"sign_ins,omitempty"`
	Deletion    *time.Time   `json:"deletion_at,omitempty"`
	Recovery    *time.Time   `json:"recovery_asked_at,omitempty"`
	Events      []Event      `json:"events"`
}

type Account struct {
	ID       string   `json:"id"`
	Email    string   `json:"email"`
	Username string   `json:"username,omitempty"`
	Roles    []string `json:"roles"`
	Active   bool     `json:"active"`
	Password bool     `json:"has_password"`
	Language string   `json:"language,omitempty"`
	// Fields are the profile fields.
	Fields    map[string]any `json:"fields,omitempty"`
	Proven    bool           `json:"address_proven"`
	Created   time.Time      `json:"created_at"`
	Updated   time.Time      `json:"updated_at,omitzero"`
	Confirmed time.Time      `json:"confirmed_at,omitzero"`
	Reset     time.Time      `json:"password_reset_at,omitzero"`
	Replaced  time.Time      `json:"password_replaced_at,omitzero"`
	Moved     time.Time      `json:"address_changed_at,omitzero"`
}

// Factor is a first or second factor, or a passkey.
type Factor struct {
	ID          string    `json:"id"`
	Method      string    `json:"method"`
	Usage       string    `json:"usage,omitempty"`
	Name        string    `json:"name,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Default     bool      `json:"default,omitempty"`
	Created     time.Time `json:"created_at"`
	LastUsed    time.Time `json:"last_used_at,omitzero"`
}

// Connection is an account at another site that opens this one.
type Connection struct {
	Provider string    `json:"provider"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created_at"`
}

// Session is a session that has not ended.
type Session struct {
	ID      string    `json:"id"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"seen_at"`
	Expires time.Time `json:"expires_at"`
}

// Browser is a browser that is trusted or stays signed in.
type Browser struct {
	Name    string    `json:"name"`
	Address string    `json:"address"`
	Stays   bool      `json:"stays_signed_in"`
	Created time.Time `json:"created_at"`
	Seen    time.Time `json:"seen_at"`
	Expires time.Time `json:"expires_at"`
}

// Token is a personal access token, or a family of refresh tokens.
type Token struct {
	Name     string    `json:"name,omitempty"`
	Personal bool      `json:"personal"`
	Scopes   []string  `json:"scopes,omitempty"`
	Created  time.Time `json:"created_at"`
	Used     time.Time `json:"used_at,omitzero"`
	Expires  time.Time `json:"expires_at"`
}

// SignIns contains the counted sign-ins.
type SignIns struct {
	Count          int64     `json:"count"`
	CurrentAt      time.Time `json:"current_at"`
	CurrentAddress string    `json:"current_address"`
	LastAt         time.Time `json:"last_at,omitzero"`
	LastAddress    string    `json:"last_address,omitempty"`
}

// Event is a row of the audit trail.
type Event struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Method  string    `json:"method,omitempty"`
	Result  string    `json:"result"`
	Reason  string    `json:"reason,omitempty"`
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
}

// Of returns the dossier of an account.
func Of(ctx context.Context, s storage.Store, u storage.User, now time.Time) (Dossier, error) {
	c := collector{ctx: ctx, s: s, id: u.ID, now: now, d: Dossier{At: now.UTC(), Account: Account{
		ID: u.ID, Email: u.Email, Username: u.Username, Roles: append([]string{}, u.Roles...), Active: u.Active,
		Password: u.PasswordHash != "", Language: u.Language, Fields: profile.Decode(u.Profile), Proven: u.Proven(),
		Created: u.CreatedAt,
		Updated: u.UpdatedAt, Confirmed: u.ConfirmedAt, Reset: u.ResetAt, Replaced: u.PasswordAt,
		Moved: u.MovedAt,
	}}}
	for _, step := range []func() error{
		c.factors, c.connections, c.sessions, c.browsers, c.tokens, c.signIns, c.requests, c.events,
	} {
		if err := step(); err != nil {
			return Dossier{}, err
		}
	}
	return c.d, nil
}

type collector struct {
	ctx context.Context
	s   storage.Store
	id  string
	now time.Time
	d   Dossier
}

func (c *collector) factors() (err error) {
	c.d.Factors = []Factor{}
	seen := map[string]bool{}
	for _, list := range []func(context.Context, string) ([]storage.Factor, error){
		c.s.FactorsOf, c.s.FirstFactorsOf, c.s.PasskeysOf,
	} {
		all, err := list(c.ctx, c.id)
		if err != nil {
			return err
		}
		for _, f := range all {
			if seen[f.ID] {
				continue
			}
			seen[f.ID] = true
			c.d.Factors = append(c.d.Factors, Factor{
				ID: f.ID, Method: f.Method, Usage: f.Usage, Name: f.Name, Destination: f.Destination,
				Default: f.Primary, Created: f.CreatedAt, LastUsed: f.LastUsedAt,
			})
		}
	}
	c.d.CodesLeft, err = c.s.RecoveryCodesLeft(c.ctx, c.id, time.Time{})
	return err
}

func (c *collector) connections() error {
	c.d.Connections = []Connection{}
	all, err := c.s.ConnectionsOf(c.ctx, c.id)
	for _, n := range all {
		c.d.Connections = append(c.d.Connections, Connection{n.Provider, n.Issuer, n.Subject, n.Label, n.CreatedAt})
	}
	return err
}

func (c *collector) sessions() error {
	c.d.Sessions = []Session{}
	all, err := c.s.SessionsOf(c.ctx, c.id, c.now)
	for _, v := range all {
		c.d.Sessions = append(c.d.Sessions, Session{v.ID, v.Address, v.Agent, v.CreatedAt, v.SeenAt, v.ExpiresAt})
	}
	return err
}

func (c *collector) browsers() error {
	c.d.Browsers = []Browser{}
	all, err := c.s.DevicesOf(c.ctx, c.id, c.now)
	for _, v := range all {
		c.d.Browsers = append(c.d.Browsers,
			Browser{v.Name, v.Address, v.RememberMe, v.CreatedAt, v.LastSeenAt, v.ExpiresAt})
	}
	return err
}

func (c *collector) tokens() error {
	c.d.Tokens = []Token{}
	all, err := c.s.TokensOf(c.ctx, c.id, c.now)
	for _, t := range all {
		c.d.Tokens = append(c.d.Tokens, Token{t.Name, t.Personal, t.Scopes, t.CreatedAt, t.UsedAt, t.ExpiresAt})
	}
	return err
}

func (c *collector) signIns() error {
	n, err := c.s.SignInsOf(c.ctx, c.id)
	if err == nil && n.Count > 0 {
		c.d.SignIns = &SignIns{n.Count, n.CurrentAt, n.CurrentAddress, n.LastAt, n.LastAddress}
	}
	return err
}

func (c *collector) requests() error {
	r, err := c.s.Recovery(c.ctx, c.id)
	switch {
	case err == nil:
		c.d.Recovery = &r.CreatedAt
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	d, err := c.s.DeletionOf(c.ctx, c.id)
	switch {
	case err == nil:
		c.d.Deletion = &d.DueAt
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	return nil
}

func (c *collector) events() error {
	c.d.Events = []Event{}
	for after := int64(0); ; {
		rows, err := c.s.EventsBy(c.ctx, storage.EventFilter{UserID: c.id, After: after})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			c.d.Events = append(c.d.Events, Event{e.At.UTC(), e.Name, e.Method, e.Result, e.Reason, e.Address, e.Agent})
			after = e.Row
		}
	}
}
