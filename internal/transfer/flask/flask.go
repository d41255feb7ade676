package flask

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// Options contain the information that the database lacks.
type Options struct {
	// Address is the address of the database.
	Address string
	// TOTPSecrets are SECURITY_TOTP_SECRETS by tag.
	TOTPSecrets map[string]string
	// RecoveryKeys are SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS. If there are
	// none, the codes are not encrypted. CodeLife is
	// SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL; unlimited if zero.
	RecoveryKeys []string
	CodeLife     time.Duration
	// SingleHash is SECURITY_PASSWORD_SINGLE_HASH: the schemes, by passlib's names,
	// whose hashes do not use the salt. If it is nil, the default of Flask-Security
	// applies.
	SingleHash []string
	// RPID is the host for which passkeys were made.
	RPID string
	// Tables are the names of the tables, if they are not the default ones.
	Tables Tables
	// Fields are additional columns that become profile fields.
	Fields []string
	Now    func() time.Time
}

// EverySingle stands for SECURITY_PASSWORD_SINGLE_HASH = True: no hash uses the
// salt.
var EverySingle = []string{"*"}

// Tables are names of tables. The defaults are those of Flask-Security.
type Tables struct{ User, Role, RolesUsers, WebAuthn string }

// webAuthn are the default names of the table of passkeys: that in the
// documentation, and that which Flask-SQLAlchemy derives from the class WebAuthn.
var webAuthn = []string{"webauthn", "web_authn"}

func (t *Tables) defaults() {
	for to, name := range map[*string]string{&t.User: "user", &t.Role: "role", &t.RolesUsers: "roles_users"} {
		if *to == "" {
			*to = name
		}
	}
}

// complete refuses a database that has only one of the two tables of roles, because
// accounts would lose their roles. A site without roles has neither.
func (t Tables) complete(roles, ofUsers bool) error {
	missing, there := t.Role, t.RolesUsers
	if roles {
		missing, there = there, missing
	}
	if roles == ofUsers {
		return nil
	}
	return fmt.Errorf("the database has a table %s but no table %s: name the table of your roles", there, missing)
}

// New returns a source that reads the database. Each reading opens the database.
func New(o Options) transfer.Source {
	o.Tables.defaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	return source{o}
}

type source struct{ o Options }

// Header implements transfer.Source.
func (s source) Header(ctx context.Context) (transfer.Header, error) {
	h := transfer.Header{Twofold: transfer.Version, Source: "flask-security", RPID: s.o.RPID}
	if _, err := fernetKeys(s.o.RecoveryKeys); err != nil {
		return h, err
	}
	db, err := rows.Open(ctx, s.o.Address)
	if err != nil {
		return h, err
	}
	defer db.Close()
	roles, err := db.Table(ctx, s.o.Tables.Role, "id", "name", "description", "permissions")
	if err != nil || roles == nil {
		return h, err
	}
	return h, db.Each(ctx, roles, func(list []rows.Row) error {
		for _, r := range list {
			h.Roles = append(h.Roles, transfer.Role{
				Name: r.Text("name"), Description: r.Text("description"), Permissions: split(r.Text("permissions")),
			})
		}
		return nil
	})
}

// columns are the columns of the user table in all versions.
var columns = []string{
	"email", "username", "password", "active", "confirmed_at", "current_login_at", "last_login_at",
	"current_login_ip", "last_login_ip", "login_count", "tf_primary_method", "tf_totp_secret", "tf_phone_number",
	"create_datetime", "us_totp_secrets", "us_phone_number", "fs_webauthn_user_handle", "mf_recovery_codes",
}

// reading is one pass through the database.
type reading struct {
	o                           Options
	db                          *rows.DB
	users, ofRoles, credentials *rows.Table
	roles                       map[string]string // names by id
	wallet                      *wallet
	fernet                      []fernetKey
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
	roles, err := r.db.Of(ctx, r.ofRoles, users, "id")
	if err != nil {
		return nil, err
	}
	passkeys, err := r.db.Of(ctx, r.credentials, users, "id")
	return func(u rows.Row) *transfer.Draft {
		return r.account(u, roles[u.Text("id")], passkeys[u.Text("id")])
	}, err
}

func (s source) prepare(ctx context.Context, db *rows.DB) (*reading, error) {
	r := &reading{o: s.o, db: db, roles: map[string]string{}, wallet: newWallet(s.o.TOTPSecrets)}
	var err error
	if r.fernet, err = fernetKeys(s.o.RecoveryKeys); err != nil {
		return nil, err
	}
	r.users, err = db.Table(ctx, s.o.Tables.User, "id", append(s.o.Fields, columns...)...)
	switch {
	case err != nil:
		return nil, err
	case r.users == nil:
		return nil, errors.New("the database has no table " + s.o.Tables.User + ": name that of your users")
	case !r.users.Has("password") || !r.users.Has("email"):
		return nil, errors.New("table " + s.o.Tables.User + " has no columns email and password")
	}
	for _, f := range s.o.Fields {
		if !r.users.Has(f) {
			return nil, errors.New("table " + s.o.Tables.User + " has no column " + f)
		}
	}
	if r.ofRoles, err = db.Table(ctx, s.o.Tables.RolesUsers, "user_id", "role_id"); err != nil {
		return nil, err
	}
	if err := r.findPasskeys(ctx); err != nil {
		return nil, err
	}
	roles, err := db.Table(ctx, s.o.Tables.Role, "id", "name")
	if err == nil {
		err = s.o.Tables.complete(roles != nil, r.ofRoles != nil)
	}
	if err != nil || roles == nil {
		return r, err
	}
	return r, db.Each(ctx, roles, func(list []rows.Row) error {
		for _, row := range list {
			r.roles[row.Text("id")] = row.Text("name")
		}
		return nil
	})
}

// findPasskeys finds the table of passkeys. A site without passkeys does not have
// it. A table that was named must exist, because accounts would lose their passkeys
// otherwise.
func (r *reading) findPasskeys(ctx context.Context) (err error) {
	names := webAuthn
	if r.o.Tables.WebAuthn != "" {
		names = []string{r.o.Tables.WebAuthn}
	}
	for _, name := range names {
		r.credentials, err = r.db.Table(ctx, name, "user_id", "credential_id", "public_key", "sign_count", "transports",
			"backup_state", "device_type", "extensions", "create_datetime", "lastuse_datetime", "name", "usage")
		if err != nil || r.credentials != nil {
			return err
		}
	}
	if r.o.Tables.WebAuthn != "" {
		return errors.New("the database has no table " + r.o.Tables.WebAuthn)
	}
	return nil
}
