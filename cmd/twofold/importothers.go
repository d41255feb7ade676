package main

import (
	"context"
	"os"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/betterauth"
	tables "github.com/twofold-auth/twofold/internal/transfer/columns"
	"github.com/twofold-auth/twofold/internal/transfer/django"
	"github.com/twofold-auth/twofold/internal/transfer/keycloak"
)

type importDjango struct {
	importing
	Database       string `arg:"" name:"DATABASE" help:"Database address: sqlite:///db.sqlite3, postgresql://..."`
	UserTable      string `default:"auth_user" help:"Table of the site's user model." placeholder:"NAME"`
	RecoveryCodes  int    `default:"10" help:"MFA_RECOVERY_CODE_COUNT of django-allauth." placeholder:"N"`
	RecoveryDigits int    `default:"8" help:"MFA_RECOVERY_CODE_DIGITS of django-allauth." placeholder:"N"`
}

// Help implements kong.HelpProvider.
func (importDjango) Help() string {
	return `Reads the tables of django.contrib.auth, django-otp, django-two-factor-auth and django-allauth, and changes
nothing in them.

Examples:
  twofold import django sqlite:////srv/site/db.sqlite3 --dry-run
  twofold import django postgresql://site@localhost/site --user-table accounts_user --rp-id example.org`
}

// Run imports the accounts of a Django site.
func (c importDjango) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		return django.New(django.Options{
			Address: c.Database, UserTable: c.UserTable, RPID: c.RPID,
			Codes: c.RecoveryCodes, Digits: c.RecoveryDigits,
		}), nil
	})
}

type importKeycloak struct {
	importing
	Path string `arg:"" name:"FILE" help:"Export of the realm: a file, or the folder written by kc.sh export --dir."`
}

// Help implements kong.HelpProvider.
func (importKeycloak) Help() string {
	return `Reads an export made with "kc.sh export" that includes users.

Examples:
  twofold import keycloak site-realm.json --dry-run
  twofold import keycloak /srv/export --rp-id login.example.org`
}

// Run imports the accounts of a realm.
func (c importKeycloak) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		return keycloak.New(keycloak.Options{Path: c.Path, RPID: c.RPID}), nil
	})
}

type importBetterAuth struct {
	importing
	Database string `arg:"" name:"DATABASE" help:"Database address: sqlite:///app.db, postgresql://..."`
}

// Help implements kong.HelpProvider.
func (importBetterAuth) Help() string {
	return `Reads the database and changes nothing in it. BETTER_AUTH_SECRET, and BETTER_AUTH_SECRETS if the site has
it, must be set in the environment: they decrypt the keys of authenticator apps.

Examples:
  BETTER_AUTH_SECRET=... twofold import better-auth sqlite:////srv/site/app.db --dry-run`
}

// Run imports the accounts of a site with Better Auth.
func (c importBetterAuth) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		s, err := betterauth.ParseSecrets(os.Getenv("BETTER_AUTH_SECRET"), os.Getenv("BETTER_AUTH_SECRETS"))
		return betterauth.New(betterauth.Options{Address: c.Database, Secrets: s, RPID: c.RPID}), err
	})
}

// mapped contains the flags that the readers of columns share.
type mapped struct {
	Column map[string]string `help:"Source column for one of our fields, e.g. email=mail; may be repeated." placeholder:"FIELD=COLUMN"`
}

type importAuthboss struct {
	importing
	mapped
	Database string `arg:"" name:"DATABASE" help:"Database address: sqlite:///app.db, postgresql://..."`
	Table    string `default:"users" help:"Table of users." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (importAuthboss) Help() string {
	return `Reads the users table of an application that uses authboss. If a column does not have its usual name, name it
with --column; docs/recipes.md lists the fields.

Examples:
  twofold import authboss postgresql://site@localhost/site --table people --column totp_secret=otp_key --dry-run`
}

// Run imports the accounts of an application with authboss.
func (c importAuthboss) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		return tables.NewAuthboss(tables.Authboss{Address: c.Database, Table: c.Table, Columns: c.Column}), nil
	})
}

type importCSV struct {
	importing
	mapped
	Path   string   `arg:"" name:"FILE" help:"CSV file in UTF-8 with a header."`
	Ignore []string `help:"Column to ignore; may be repeated." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (importCSV) Help() string {
	return `docs/recipes.md lists the known column names. Map other columns with --column, or skip them with --ignore.

Examples:
  twofold import csv people.csv --dry-run
  twofold import csv people.csv --source crm --column email=E-Mail --ignore Notes`
}

// Run imports the accounts of a CSV file.
func (c importCSV) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		return tables.NewCSV(tables.CSV{Path: c.Path, Columns: c.Column, Ignore: c.Ignore}), nil
	})
}
