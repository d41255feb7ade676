// Package columns reads accounts from tables with one column for each field: a CSV
// file, and the users table of an application with authboss.
package columns

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// Names returns the known columns in the order of the documentation. A column
// "field.NAME" is the profile field NAME.
func Names() []string {
	return []string{
		"id", "email", "email_verified", "username", "active", "created", "language", "roles",
		"password", "password_scheme", "password_params", "password_pre",
		"totp_secret", "totp_digits", "totp_period", "totp_algorithm", "phone",
		"recovery_codes", "recovery_scheme", "provider", "issuer", "subject",
	}
}

const fieldPrefix = "field."

func knows(name string) bool {
	return slices.Contains(Names(), name) || len(name) > len(fieldPrefix) && strings.HasPrefix(name, fieldPrefix)
}

// values are the values of a row by column. An empty value is a missing one.
type values map[string]string

// draft returns the account of a row.
func (v values) draft() *transfer.Draft {
	d := &transfer.Draft{}
	d.Active = v.truth(d, "active", true)
	d.Created, d.Language = v.time(d, "created"), v["language"]
	d.AddAddress(transfer.Address{Address: v["email"], Proven: v.truth(d, "email_verified", false) &&
		v["email"] != ""})
	d.SetUsername(v["username"])
	for _, id := range []string{v["id"], v["email"], v["username"]} {
		if d.ID == "" {
			d.ID = id
		}
	}
	for _, role := range list(v["roles"]) {
		d.AddRole(role)
	}
	for name, value := range v {
		if field, ok := strings.CutPrefix(name, fieldPrefix); ok {
			d.SetField(field, value)
		}
	}
	v.password(d)
	v.factors(d)
	if v["subject"] != "" {
		issuer := v["issuer"]
		if issuer == "" {
			issuer = transfer.Issuer(v["provider"])
		}
		if issuer == "" {
			d.Leave("the connection to %s: its issuer is not known", v["provider"])
		} else {
			d.Connections = append(d.Connections, transfer.Connection{
				Provider: v["provider"], Issuer: issuer, Subject: v["subject"],
			})
		}
	}
	return d
}

// list splits a list at commas, semicolons or spaces.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}

func (v values) password(d *transfer.Draft) {
	if v["password"] == "" {
		return
	}
	d.Password = &transfer.Password{Scheme: v["password_scheme"], Value: v["password"]}
	for _, p := range strings.Split(v["password_params"], ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if p != "" && !ok {
			d.Refuse("password_params: not of the form name=value;name=value")
		} else if ok {
			if d.Password.Params == nil {
				d.Password.Params = map[string]string{}
			}
			d.Password.Params[name] = value
		}
	}
	d.Password.Pre = v["password_pre"]
}

func (v values) factors(d *transfer.Draft) {
	if v["totp_secret"] != "" {
		secret, err := transfer.DecodeBase32(v["totp_secret"])
		if err != nil {
			d.Refuse("totp_secret: not base32")
		}
		d.Authenticators = append(d.Authenticators, transfer.Authenticator{
			Secret: secret, Digits: v.number(d, "totp_digits"), Period: v.number(d, "totp_period"),
			Algorithm: strings.ToUpper(v["totp_algorithm"]),
		})
	}
	if v["phone"] != "" {
		d.Phones = append(d.Phones, transfer.Phone{Number: v["phone"]})
	}
	for _, code := range list(v["recovery_codes"]) {
		if scheme := v["recovery_scheme"]; scheme != "" && scheme != "plain" {
			d.RecoveryCodes = append(d.RecoveryCodes, transfer.RecoveryCode{Scheme: scheme, Value: code})
		} else {
			d.AddCode(transfer.RecoveryCode{Plain: code})
		}
	}
}

func (v values) number(d *transfer.Draft, name string) int {
	if v[name] == "" {
		return 0
	}
	n, err := strconv.Atoi(v[name])
	if err != nil {
		d.Refuse("%s: not a number", name)
	}
	return n
}

// truth parses a boolean as spreadsheets and databases write it.
func (v values) truth(d *transfer.Draft, name string, otherwise bool) bool {
	switch strings.ToLower(v[name]) {
	case "":
		return otherwise
	case "true", "t", "yes", "y", "1":
		return true
	case "false", "f", "no", "n", "0":
		return false
	}
	d.Refuse("%s: neither true nor false", name)
	return false
}

func (v values) time(d *transfer.Draft, name string) time.Time {
	if v[name] == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999",
		"2006-01-02 15:04:05.999999999Z07", "2006-01-02"} {
		if t, err := time.Parse(layout, v[name]); err == nil {
			return t.UTC()
		}
	}
	d.Refuse("%s: not a time like 2026-01-31T12:00:00Z", name)
	return time.Time{}
}
