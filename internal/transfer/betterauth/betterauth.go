// Package betterauth reads the accounts of a site that uses Better Auth from its
// database. It reads the tables user, account, twoFactor and passkey, and the
// columns of the plugins for usernames, roles and phone numbers.
package betterauth

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// Options contain the information that the database lacks.
type Options struct {
	// Address is the address of the database.
	Address string
	// Secrets are the secrets of the application: BETTER_AUTH_SECRET and, if they
	// are set, BETTER_AUTH_SECRETS. They decrypt the keys of authenticator apps.
	Secrets Secrets
	// RPID is the host for which passkeys were made.
	RPID string
}

// New returns a source that reads the database. Each reading opens the database.
func New(o Options) transfer.Source { return source{o} }

type source struct{ o Options }

// Header implements transfer.Source.
func (s source) Header(ctx context.Context) (transfer.Header, error) {
	h := transfer.Header{Twofold: transfer.Version, Source: "better-auth", RPID: s.o.RPID}
	db, err := rows.Open(ctx, s.o.Address)
	if err != nil {
		return h, err
	}
	defer db.Close()
	_, err = s.prepare(ctx, db)
	return h, err
}

// tables are the tables that belong to users, with the columns that are read.
var tables = map[string][]string{
	"account": {"accountId", "providerId", "password", "createdAt"},
	"passkey": {
		"name", "publicKey", "credentialID", "counter", "deviceType", "backedUp", "transports", "createdAt", "aaguid",
	},
	"twoFactor": {"secret", "backupCodes", "verified"},
}

// reading is one pass through the database.
type reading struct {
	o      Options
	db     *rows.DB
	users  *rows.Table
	tables map[string]*rows.Table
}

func (s source) prepare(ctx context.Context, db *rows.DB) (*reading, error) {
	r := &reading{o: s.o, db: db, tables: map[string]*rows.Table{}}
	var err error
	r.users, err = db.Table(ctx, "user", "id", "name", "email", "emailVerified", "createdAt", "twoFactorEnabled",
		"username", "displayUsername", "role", "banned", "phoneNumber", "phoneNumberVerified")
	switch {
	case err != nil:
		return nil, err
	case r.users == nil:
		return nil, errors.New("the database has no table user")
	case !r.users.Has("emailVerified"):
		return nil, errors.New("table user has no column emailVerified: it is not one of Better Auth")
	}
	for name, columns := range tables {
		if r.tables[name], err = db.Table(ctx, name, "userId", columns...); err != nil {
			return nil, err
		}
	}
	if r.tables["twoFactor"] != nil && s.o.Secrets.empty() {
		return nil, errors.New("authenticators' keys are encrypted: BETTER_AUTH_SECRET is needed")
	}
	return r, nil
}

// Read implements transfer.Source.
func (s source) Read(ctx context.Context, each func(transfer.Entry) error) error {
	return rows.Read(ctx, s.o.Address, each, func(db *rows.DB) (*rows.Table, rows.Accounts, error) {
		r, err := s.prepare(ctx, db)
		if err != nil {
			return nil, nil, err
		}
		return r.users, r.accounts, nil
	})
}

func (r *reading) accounts(ctx context.Context, users []rows.Row) (func(rows.Row) *transfer.Draft, error) {
	own, err := r.db.Belonging(ctx, r.tables, users, "id")
	return func(u rows.Row) *transfer.Draft {
		return r.account(u, func(table string) []rows.Row { return own[table][u.Text("id")] })
	}, err
}

// account returns the account of a row.
func (r *reading) account(u rows.Row, of func(table string) []rows.Row) *transfer.Draft {
	d := &transfer.Draft{}
	d.ID, d.Created, d.Active = u.Text("id"), u.Time("createdAt"), !u.Bool("banned")
	d.AddAddress(transfer.Address{Address: u.Text("email"), Proven: u.Bool("emailVerified")})
	if name := u.Text("displayUsername"); strings.EqualFold(name, u.Text("username")) {
		d.SetUsername(name)
	} else {
		d.SetUsername(u.Text("username"))
	}
	d.SetField("name", u.Text("name"))
	for _, role := range strings.Split(u.Text("role"), ",") {
		if role = strings.TrimSpace(role); role != "user" { // every user has this role
			d.AddRole(role)
		}
	}
	if u.Bool("phoneNumberVerified") {
		d.Phones = append(d.Phones, transfer.Phone{Number: u.Text("phoneNumber"), Use: transfer.UseFirst})
	} else if !u.Null("phoneNumber") {
		d.Leave("a phone number that was never verified")
	}
	all := []rows.Row{u}
	for _, a := range of("account") {
		connect(d, a)
		all = append(all, a)
	}
	for _, p := range of("passkey") {
		addPasskey(d, p)
		all = append(all, p)
	}
	r.twoFactor(d, u.Bool("twoFactorEnabled"), of("twoFactor"))
	for _, row := range append(all, of("twoFactor")...) {
		if p := row.Problem(); p != "" {
			d.Refuse("%s", p)
		}
	}
	return d
}

// connect adds the password, or an account at another site.
func connect(d *transfer.Draft, a rows.Row) {
	provider := a.Text("providerId")
	if provider == "credential" {
		if hash := a.Text("password"); hash != "" {
			d.Password = &transfer.Password{Scheme: "better-auth", Value: hash}
		}
		return
	}
	issuer := transfer.Issuer(provider)
	if issuer == "" {
		d.Leave("the connection to %s: its issuer is not known", provider)
		return
	}
	d.Connections = append(d.Connections, transfer.Connection{
		Provider: provider, Issuer: issuer, Subject: a.Text("accountId"), Created: a.Time("createdAt"),
	})
}

// addPasskey adds a passkey. In Better Auth, passkeys only replace the password. It
// makes a new user handle for each passkey and does not keep it.
func addPasskey(d *transfer.Draft, p rows.Row) {
	id, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(p.Text("credentialID"), "="))
	key, err2 := base64.StdEncoding.DecodeString(p.Text("publicKey"))
	if err != nil || err2 != nil {
		d.Refuse("passkey: its id or its key is not base64")
		return
	}
	counter := p.Int("counter")
	if counter < 0 || counter > 1<<32-1 {
		d.Refuse("passkey: its counter is not a number of 32 bits")
		return
	}
	k := transfer.Passkey{
		CredentialID: id, PublicKey: key, Counter: uint32(counter),
		BackupEligible: p.Text("deviceType") == "multiDevice",
		BackedUp:       p.Bool("backedUp"), Name: p.Text("name"), Use: transfer.UseFirst,
		Created: p.Time("createdAt"),
	}
	if t := p.Text("transports"); t != "" {
		k.Transports = strings.Split(t, ",")
	}
	model, err := hex.DecodeString(strings.ReplaceAll(p.Text("aaguid"), "-", ""))
	if err == nil && len(model) == 16 {
		k.AAGUID = model
	}
	d.Passkeys = append(d.Passkeys, k)
}

// twoFactor adds the authenticator app and the backup codes. A set-up that was not
// completed is not a factor.
func (r *reading) twoFactor(d *transfer.Draft, enabled bool, list []rows.Row) {
	if !enabled {
		if len(list) > 0 {
			d.Leave("an authenticator that was never confirmed")
		}
		return
	}
	if len(list) == 0 {
		d.Refuse("two-factor sign-in is enabled, but the account has no row in twoFactor")
	}
	for _, row := range list {
		if !row.Null("verified") && !row.Bool("verified") {
			d.Refuse("two-factor sign-in is enabled, but the authenticator was never confirmed")
			continue
		}
		secret, err := r.o.Secrets.decrypt(row.Text("secret"))
		if err != nil {
			d.Refuse("authenticator: %s", err)
			continue
		}
		d.Authenticators = append(d.Authenticators, transfer.Authenticator{Secret: secret})
		codes, err := r.o.Secrets.codes(row.Text("backupCodes"))
		if err != nil {
			d.Leave("recovery codes: %s", err)
		}
		for _, c := range codes {
			d.AddCode(transfer.RecoveryCode{Plain: c})
		}
	}
}
