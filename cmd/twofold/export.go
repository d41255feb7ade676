package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
)

type exportCommand struct {
	where
	fileKeys
	WithSecrets bool     `help:"Also export passwords, factors and recovery codes; the file is encrypted."`
	Recipient   []string `help:"age public key to encrypt to, instead of a passphrase; may be repeated." placeholder:"age1..."`
	User        string   `help:"Only this account: e-mail address, username or id." placeholder:"USER"`
	Out         string   `short:"o" help:"File to create; standard output if omitted." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (exportCommand) Help() string {
	return `Writes a snapshot of all accounts, one per line, in the format of docs/transfer.md. Without --with-secrets
the file contains nothing that anyone could sign in with, and says so. With it, the file also contains password hashes,
authenticator secrets, recovery codes and passkeys. Every export is recorded in the audit trail.

Examples:
  twofold export -o accounts.jsonl
  twofold export --with-secrets --recipient age1... -o accounts.jsonl.age
  twofold export --with-secrets --passphrase-file pass.txt --user ann@example.org -o ann.age`
}

// Run writes accounts to a file.
func (c exportCommand) Run(ctx context.Context, p process) error {
	if !c.WithSecrets && (len(c.Recipient) > 0 || c.PassphraseFile != "") {
		return usageError("only an export with --with-secrets is encrypted: leave out --recipient and " +
			"--passphrase-file")
	}
	k := sealed.Keys{Recipients: c.Recipient}
	if c.WithSecrets && len(c.Recipient) == 0 {
		var err error
		if k.Passphrase, err = c.passphrase(p, true); err != nil {
			return err
		}
	}
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, s *settings) error {
		o := engine.ExportOptions{Secrets: c.WithSecrets}
		if c.User != "" {
			u, err := auth.FindUser(ctx, c.User)
			if err != nil {
				return sayUser(err, c.User, s)
			}
			o.UserID = u.ID
		}
		e, err := auth.Transfers(sealed.NewScratch)
		if err != nil {
			return err
		}
		n, err := c.write(p, k, func(w io.Writer) (int, error) { return e.Export(ctx, w, o) })
		if err != nil {
			return err
		}
		text := "Exported %d accounts with passwords, authenticator apps, recovery codes and passkeys."
		if !c.WithSecrets {
			text = "Exported %d accounts. Left out: passwords, authenticator apps, recovery codes and passkeys."
		}
		_, err = fmt.Fprintf(p.err, text+"\n", n)
		return err
	})
}

// write makes the file.
func (c exportCommand) write(p process, k sealed.Keys, export func(io.Writer) (int, error)) (n int, err error) {
	out, finish, err := c.open(p)
	if err != nil {
		return 0, err
	}
	defer func() { err = finish(err) }()
	if !c.WithSecrets {
		return export(out)
	}
	w, err := sealed.Encrypt(out, k)
	if err != nil {
		return 0, err
	}
	if n, err = export(w); err != nil {
		return n, err
	}
	return n, w.Close()
}

// open opens a temporary file and returns a function that completes it. An incomplete file never
// gets the requested name.
func (c exportCommand) open(p process) (io.Writer, func(error) error, error) {
	if c.Out == "" {
		return p.out, func(err error) error { return err }, nil
	}
	if _, err := os.Lstat(c.Out); err == nil {
		return nil, nil, fmt.Errorf("%s already exists: choose another name", c.Out)
	}
	part := c.Out + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot write %s: %s", c.Out, fileCause(err))
	}
	return f, func(err error) error {
		err = errors.Join(err, f.Sync(), f.Close())
		if err != nil {
			return errors.Join(err, os.Remove(part))
		}
		return os.Rename(part, c.Out)
	}, nil
}
