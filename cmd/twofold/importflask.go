package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/flask"
)

type importFlask struct {
	importing
	Database      string   `arg:"" name:"DATABASE" help:"Database address, as in SQLALCHEMY_DATABASE_URI."`
	TOTPSecrets   string   `name:"totp-secrets" help:"Keys of authenticator apps; overrides the setting." placeholder:"FILE"`
	RecoveryKeys  string   `help:"Keys of recovery codes; overrides the setting." placeholder:"FILE"`
	SingleHash    bool     `help:"SECURITY_PASSWORD_SINGLE_HASH is true: no hash includes the salt."`
	UserTable     string   `default:"user" help:"Table of users." placeholder:"NAME"`
	RoleTable     string   `default:"role" help:"Table of roles." placeholder:"NAME"`
	RolesTable    string   `name:"roles-users-table" default:"roles_users" help:"Table of the roles of users." placeholder:"NAME"`
	WebauthnTable string   `help:"Table of passkeys; webauthn or web_authn if omitted." placeholder:"NAME"`
	Field         []string `help:"Column of the user table to import as a profile field; may be repeated." placeholder:"COLUMN"`
}

// Help implements kong.HelpProvider.
func (importFlask) Help() string {
	return `Reads the database and changes nothing in it. The keys are read from the server's settings, under their names
in Flask-Security: SECURITY_PASSWORD_SALT for passwords, SECURITY_TOTP_SECRETS for authenticator apps and
SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS for recovery codes. SECURITY_PASSWORD_SINGLE_HASH says which hashes do not
include the salt. The file for --totp-secrets contains a JSON object, or lines of the form "tag: secret". The file for
--recovery-keys contains one key per line.

Examples:
  twofold import flask-security sqlite:////srv/site/app.db --dry-run
  twofold import flask-security postgresql://site@localhost/site --totp-secrets secrets.txt`
}

// Run imports the accounts of a Flask-Security site.
func (c importFlask) Run(ctx context.Context, p process) error {
	return c.from(ctx, p, func(s *settings) (transfer.Source, error) {
		o := flask.Options{
			Address: c.Database, TOTPSecrets: s.Config.TwoFactor.Secrets, Fields: c.Field,
			CodeLife: s.codes.with.Life,
			Tables: flask.Tables{
				User: c.UserTable, Role: c.RoleTable, RolesUsers: c.RolesTable, WebAuthn: c.WebauthnTable,
			},
		}
		var err error
		if o.SingleHash, err = c.singleHash(s); err != nil {
			return nil, err
		}
		if c.TOTPSecrets != "" {
			if o.TOTPSecrets, err = secretsOf(c.TOTPSecrets); err != nil {
				return nil, err
			}
		}
		if o.RecoveryKeys, err = c.recoveryKeys(s); err != nil {
			return nil, err
		}
		return flask.New(o), nil
	})
}

// singleHash returns the schemes without a salt. It reads a setting that is otherwise unused: as in
// the original, True means all schemes, and False and None only plaintext.
func (c importFlask) singleHash(s *settings) ([]string, error) {
	const name = "SECURITY_PASSWORD_SINGLE_HASH"
	if c.SingleHash {
		return flask.EverySingle, nil
	}
	v, given := s.values[name]
	if !given {
		return nil, nil
	}
	if all, err := asBool(v.raw); err == nil && all {
		return flask.EverySingle, nil
	} else if err == nil || isNone(v.raw) {
		return []string{"plaintext"}, nil
	}
	raw := v.raw
	if text, ok := raw.(string); ok { // a Python set
		if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "{"); ok {
			raw = "[" + strings.TrimSuffix(inner, "}") + "]"
		}
	}
	list, err := asList(raw)
	if err == nil && len(list) == 0 {
		list = []string{"plaintext"}
	}
	if err != nil {
		return nil, problems{{name, err.Error()}}
	}
	return list, nil
}

// secretsOf reads secrets by tag from a JSON object or from lines in the format of passlib.
func secretsOf(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read --totp-secrets: %s", fileCause(err))
	}
	out := map[string]string{}
	if json.Unmarshal(raw, &out) == nil {
		return out, nil
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		tag, secret, ok := strings.Cut(line, ":")
		switch {
		case line == "" || line[0] == '#':
		case !ok:
			return nil, errors.New("--totp-secrets has a line without a colon: write tag: secret")
		default:
			out[strings.TrimSpace(tag)] = strings.TrimSpace(secret)
		}
	}
	return out, nil
}

// recoveryKeys returns the keys in the file, or in the setting, which is otherwise unused.
func (c importFlask) recoveryKeys(s *settings) (keys []string, err error) {
	const name = "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS"
	if c.RecoveryKeys != "" {
		raw, err := os.ReadFile(c.RecoveryKeys)
		if err != nil {
			return nil, fmt.Errorf("cannot read --recovery-keys: %s", fileCause(err))
		}
		return strings.Fields(string(raw)), nil
	}
	v, given := s.values[name]
	if !given || isNone(v.raw) {
		return nil, nil
	}
	if keys, err = asList(v.raw); err != nil {
		return nil, problems{{name, err.Error()}}
	}
	return keys, nil
}
