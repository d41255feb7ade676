package columns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// Authboss describes the users table of an application with authboss. The
// application defines the table, so its columns may have any names.
type Authboss struct {
	Address string
	// Table is the name of the table; users if empty.
	Table string
	// Columns maps the names of this package to those of the table that are not
	// among the usual ones.
	Columns map[string]string
}

// usual are the usual names of columns, after the methods of authboss's interfaces.
var usual = map[string][]string{
	"id":             {"id"},
	"email":          {"email"},
	"email_verified": {"confirmed"},
	"username":       {"username"},
	"created":        {"created_at"},
	"password":       {"password"},
	"totp_secret":    {"totp_secret_key", "totp_secret"},
	"phone":          {"sms_phone_number"},
	"recovery_codes": {"recovery_codes"},
	"provider":       {"oauth2_provider"},
	"subject":        {"oauth2_uid"},
}

// NewAuthboss returns a source that reads the table. Each reading opens the database.
func NewAuthboss(a Authboss) transfer.Source {
	if a.Table == "" {
		a.Table = "users"
	}
	return authboss{a}
}

type authboss struct{ a Authboss }

// Header implements transfer.Source.
func (s authboss) Header(ctx context.Context) (transfer.Header, error) {
	h := transfer.Header{Twofold: transfer.Version, Source: "authboss"}
	db, err := rows.Open(ctx, s.a.Address)
	if err != nil {
		return h, err
	}
	defer db.Close()
	_, _, err = s.find(ctx, db)
	return h, err
}

// find returns the table, and its column for each name of this package.
func (s authboss) find(ctx context.Context, db *rows.DB) (*rows.Table, map[string]string, error) {
	has, err := db.Columns(ctx, s.a.Table)
	if err != nil {
		return nil, nil, err
	}
	if len(has) == 0 {
		return nil, nil, fmt.Errorf("the database has no table %s: name it (--table)", s.a.Table)
	}
	names := maps.Clone(s.a.Columns)
	if names == nil {
		names = map[string]string{}
	}
	for ours, theirs := range names {
		switch {
		case !knows(ours):
			return nil, nil, fmt.Errorf("%q is not a field of an account", ours)
		case !slices.Contains(has, theirs):
			return nil, nil, fmt.Errorf("table %s has no column %s", s.a.Table, theirs)
		}
	}
	for ours, list := range usual {
		for _, theirs := range list {
			if names[ours] == "" && slices.Contains(has, theirs) {
				names[ours] = theirs
			}
		}
	}
	switch {
	case names["id"] == "":
		return nil, nil, errors.New("name the column with the id (--column id=NAME)")
	case names["password"] == "":
		return nil, nil, errors.New("name the column with the password (--column password=NAME)")
	}
	t, err := db.Table(ctx, s.a.Table, names["id"], slices.Collect(maps.Values(names))...)
	return t, names, err
}

// Read implements transfer.Source.
func (s authboss) Read(ctx context.Context, each func(transfer.Entry) error) error {
	return rows.Read(ctx, s.a.Address, each, func(db *rows.DB) (*rows.Table, rows.Accounts, error) {
		t, names, err := s.find(ctx, db)
		return t, func(context.Context, []rows.Row) (func(rows.Row) *transfer.Draft, error) {
			return func(row rows.Row) *transfer.Draft { return account(row, names) }, nil
		}, err
	})
}

// account returns the account of a row. authboss hashes recovery codes with bcrypt.
func account(row rows.Row, names map[string]string) *transfer.Draft {
	v := values{"recovery_scheme": "bcrypt"}
	for ours, theirs := range names {
		switch ours {
		case "email_verified", "active":
			if !row.Null(theirs) {
				v[ours] = fmt.Sprint(row.Bool(theirs))
			}
		case "created":
		default:
			v[ours] = row.Text(theirs)
		}
	}
	d := v.draft()
	d.Created = row.Time(names["created"])
	if p := row.Problem(); p != "" {
		d.Refuse("%s", p)
	}
	return d
}
