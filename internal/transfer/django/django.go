// Package django reads the accounts of a Django site from its database: django.contrib.auth,
// django-otp (with the phones of django-two-factor-auth) and django-allauth.
package django

import (
	"context"
	"errors"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// Options contain the information that the database lacks.
type Options struct {
	// Address is the address of the database.
	Address string
	// UserTable is the table of the site's user model; auth_user if empty.
	UserTable string
	// RPID is the host for which passkeys were made.
	RPID string
	// Codes and Digits are MFA_RECOVERY_CODE_COUNT and MFA_RECOVERY_CODE_DIGITS of
	// allauth; 10 and 8 if zero.
	Codes, Digits int
}

// New returns a source that reads the database. Each reading opens the database.
func New(o Options) transfer.Source {
	if o.UserTable == "" {
		o.UserTable = "auth_user"
	}
	if o.Codes == 0 {
		o.Codes = 10
	}
	if o.Digits == 0 {
		o.Digits = 8
	}
	return source{o}
}

type source struct{ o Options }

// Header implements transfer.Source.
func (s source) Header(ctx context.Context) (transfer.Header, error) {
	h := transfer.Header{Twofold: transfer.Version, Source: "django", RPID: s.o.RPID}
	if s.o.Codes < 1 || s.o.Codes > 64 || s.o.Digits < 6 || s.o.Digits > 18 {
		return h, errors.New("allauth has 1 to 64 recovery codes of 6 to 18 digits")
	}
	db, err := rows.Open(ctx, s.o.Address)
	if err != nil {
		return h, err
	}
	defer db.Close()
	groups, err := db.Table(ctx, "auth_group", "id", "name")
	if err != nil || groups == nil {
		return h, err
	}
	h.Roles = []transfer.Role{
		{Name: roleStaff, Description: "may use Django's administration pages"},
		{Name: roleSuperuser, Description: "has all permissions in Django"},
	}
	return h, db.Each(ctx, groups, func(list []rows.Row) error {
		for _, r := range list {
			h.Roles = append(h.Roles, transfer.Role{Name: roleName(r.Text("name"))})
		}
		return nil
	})
}

const (
	roleStaff     = "django-staff"
	roleSuperuser = "django-superuser"
)

// roleName converts the name of a group to a role name, which has no spaces or
// commas.
func roleName(group string) string {
	return strings.Join(strings.FieldsFunc(group, func(r rune) bool { return r == ' ' || r == ',' }), "-")
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
	own, err := r.belongings(ctx, users)
	return func(u rows.Row) *transfer.Draft { return r.account(u, own) }, err
}

// reading is one pass through the database.
type reading struct {
	o      Options
	db     *rows.DB
	users  *rows.Table
	tables map[string]*rows.Table // tables of belongings that exist, by name
	static *rows.Table            // tokens of static devices
	groups map[string]string      // names by id
	issuer map[string]string      // issuers of allauth's OpenID Connect, by provider
}

// parts are the tables whose column user_id names the user.
var parts = map[string][]string{
	"account_emailaddress":            {"email", "verified", "primary"},
	"socialaccount_socialaccount":     {"provider", "uid", "date_joined"},
	"mfa_authenticator":               {"type", "data", "created_at", "last_used_at"},
	"otp_totp_totpdevice":             {"id", "name", "confirmed", "key", "step", "t0", "digits", "drift", "last_t"},
	"otp_hotp_hotpdevice":             {"confirmed"},
	"otp_email_emaildevice":           {"name", "confirmed", "email"},
	"otp_static_staticdevice":         {"id", "confirmed"},
	"otp_yubikey_yubikeydevice":       {"confirmed"},
	"otp_yubikey_remoteyubikeydevice": {"confirmed"},
	"otp_twilio_twiliosmsdevice":      {"name", "confirmed", "number"},
	"two_factor_phonedevice":          {"name", "confirmed", "number", "method"},
	"otp_webauthn_webauthncredential": {"confirmed"},
}

func (s source) prepare(ctx context.Context, db *rows.DB) (*reading, error) {
	r := &reading{o: s.o, db: db, tables: map[string]*rows.Table{}, groups: map[string]string{},
		issuer: map[string]string{}}
	var err error
	r.users, err = db.Table(ctx, s.o.UserTable, "id", "password", "last_login", "is_superuser", "username",
		"first_name",
		"last_name", "email", "is_staff", "is_active", "date_joined")
	switch {
	case err != nil:
		return nil, err
	case r.users == nil:
		return nil, errors.New("the database has no table " + s.o.UserTable + ": name that of your user model")
	case !r.users.Has("password"):
		return nil, errors.New("table " + s.o.UserTable + " has no column password: it is not that of a user model")
	}
	for name, columns := range parts {
		if r.tables[name], err = db.Table(ctx, name, "user_id", columns...); err != nil {
			return nil, err
		}
	}
	if r.static, err = db.Table(ctx, "otp_static_statictoken", "device_id", "token"); err != nil {
		return nil, err
	}
	if err := r.findGroups(ctx); err != nil {
		return nil, err
	}
	return r, r.findIssuers(ctx)
}

// findGroups finds the table that assigns users to groups. The name of its column
// depends on the user model.
func (r *reading) findGroups(ctx context.Context) error {
	name := r.o.UserTable + "_groups"
	columns, err := r.db.Columns(ctx, name)
	if err != nil {
		return err
	}
	for _, c := range columns {
		if c != "id" && c != "group_id" && strings.HasSuffix(c, "_id") {
			if r.tables["groups"], err = r.db.Table(ctx, name, c, "group_id"); err != nil {
				return err
			}
		}
	}
	groups, err := r.db.Table(ctx, "auth_group", "id", "name")
	if err != nil || groups == nil {
		return err
	}
	return r.db.Each(ctx, groups, func(list []rows.Row) error {
		for _, g := range list {
			r.groups[g.Text("id")] = g.Text("name")
		}
		return nil
	})
}

// belongings returns the rows of some users, by table and user.
func (r *reading) belongings(ctx context.Context, users []rows.Row) (own map[string]map[string][]rows.Row,
	err error) {
	if own, err = r.db.Belonging(ctx, r.tables, users, "id"); err != nil {
		return nil, err
	}
	var devices []rows.Row
	for _, list := range own["otp_static_staticdevice"] {
		devices = append(devices, list...)
	}
	own["tokens"], err = r.db.Of(ctx, r.static, devices, "id")
	return own, err
}
