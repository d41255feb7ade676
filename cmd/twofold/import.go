package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
)

// importGC is the value of GOGC during an import.
const importGC = 200

// importCommands contains the commands that import accounts, one for each system.
type importCommands struct {
	File  importFile  `cmd:"" default:"withargs" help:"Import from a file written by export (docs/transfer.md)."`
	Flask importFlask `cmd:"" name:"flask-security" help:"Import from the database of a Flask-Security site."`

	Django     importDjango     `cmd:"" help:"Import from the database of a Django site."`
	Keycloak   importKeycloak   `cmd:"" help:"Import from the export of a Keycloak realm."`
	BetterAuth importBetterAuth `cmd:"" name:"better-auth" help:"Import from the database of a site that uses Better Auth."`
	Authboss   importAuthboss   `cmd:"" help:"Import from the users table of an application that uses authboss."`
	CSV        importCSV        `cmd:"" name:"csv" help:"Import from a CSV file."`
}

// Help implements kong.HelpProvider.
func (importCommands) Help() string {
	return `Checks all accounts before it changes anything: if one cannot be imported, none is, unless --skip-bad is given.
It can be repeated: accounts that were imported earlier and not changed here since are brought up to date.

Examples:
  twofold import accounts.jsonl --dry-run
  twofold import accounts.jsonl.age --identity key.txt
  twofold import flask-security sqlite:////srv/site/app.db --dry-run`
}

// importing contains the flags that all imports share.
type importing struct {
	where
	DryRun  bool   `help:"Report what would be imported and what not, and change nothing."`
	SkipBad bool   `help:"Skip accounts that cannot be imported, instead of importing none."`
	Source  string `help:"Name of the source system, to tell apart several of the same kind." placeholder:"NAME"`
	RPID    string `name:"rp-id" help:"Host that passkeys were created for, e.g. example.org." placeholder:"HOST"`
	JSON    bool   `name:"json" help:"Print the report as JSON."`
}

// from runs the import of a source.
func (c importing) from(ctx context.Context, p process, open func(*settings) (transfer.Source, error)) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	if c.DryRun {
		if s.Database.missing() { // it does not create the database either
			dir, err := os.MkdirTemp("", "twofold-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			s.Database.file = filepath.Join(dir, "dry-run.db")
		}
	}
	return c.withLoaded(ctx, p, s, true, func(auth *twofold.Auth, s *settings) error {
		src, err := open(s)
		if err != nil {
			return err
		}
		e, err := auth.Transfers(sealed.NewScratch)
		if err != nil {
			return err
		}
		o := engine.Options{Source: c.Source, RPID: c.RPID, DryRun: c.DryRun, SkipBad: c.SkipBad}
		if !c.DryRun { // print the effects on users before the import
			o.Plan = func(r *engine.Report) error { return r.WriteNotices(p.err) }
		}
		// Most allocations are short-lived, so the garbage collector need not run often.
		defer debug.SetGCPercent(debug.SetGCPercent(importGC))
		report, err := e.Import(ctx, src, o)
		if c.JSON {
			out := json.NewEncoder(p.out)
			out.SetIndent("", "  ")
			return errors.Join(out.Encode(report), err)
		}
		return errors.Join(report.Write(p.out), err)
	})
}

// fileKeys contains the flags for the keys of an encrypted file.
type fileKeys struct {
	PassphraseFile string `help:"File with the passphrase; if omitted, the command asks for it." placeholder:"FILE"`
}

// passphrase reads the passphrase from the file or the terminal.
func (k fileKeys) passphrase(p process, twice bool) (string, error) {
	if k.PassphraseFile != "" {
		raw, err := os.ReadFile(k.PassphraseFile)
		text, _, _ := strings.Cut(string(raw), "\n")
		if text = strings.TrimSuffix(text, "\r"); err == nil && text == "" {
			err = errors.New("the passphrase file is empty")
		}
		return text, err
	}
	fd := int(p.in.Fd())
	if !term.IsTerminal(fd) {
		return "", usageError("no terminal to ask for the passphrase: give it with --passphrase-file")
	}
	text, err := ask(p, fd, "Passphrase: ")
	if err != nil || !twice {
		return text, err
	}
	again, err := ask(p, fd, "Repeat: ")
	if err == nil && text != again {
		err = errors.New("the two passphrases differ: try again")
	}
	return text, err
}

type importFile struct {
	importing
	fileKeys
	Identity string `help:"File with the age private key that decrypts the accounts." placeholder:"FILE"`
	Path     string `arg:"" name:"FILE" help:"File of accounts; - for standard input."`
}

// Run imports the accounts of a file.
func (c importFile) Run(ctx context.Context, p process) error {
	var in io.Reader = p.in
	if c.Path != "-" {
		f, err := os.Open(c.Path)
		if err != nil {
			return fmt.Errorf("cannot open the file: %s", fileCause(err))
		}
		defer f.Close()
		in = f
	}
	return c.from(ctx, p, func(*settings) (transfer.Source, error) {
		plain, err := c.decrypted(p, bufio.NewReaderSize(in, 64<<10))
		if err != nil {
			return nil, err
		}
		return transfer.NewFile(plain), nil
	})
}

func (c importFile) decrypted(p process, in *bufio.Reader) (io.Reader, error) {
	if !sealed.Is(in) {
		return in, nil
	}
	var k sealed.Keys
	if c.Identity != "" {
		raw, err := os.ReadFile(c.Identity)
		if err != nil {
			return nil, fmt.Errorf("cannot read the identity file: %s", fileCause(err))
		}
		k.Identities = string(raw)
	} else {
		var err error
		if k.Passphrase, err = c.passphrase(p, false); err != nil {
			return nil, err
		}
	}
	return sealed.Decrypt(in, k)
}
