package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store"
	"golang.org/x/term"
)

// passwordSource reads the password of a command. It is never an argument, because all users of the
// machine can read arguments.
type passwordSource struct {
	PasswordStdin bool `help:"Read the password from standard input (one line) instead of asking for it."`
}

func (c passwordSource) read(p process) (string, error) {
	if c.PasswordStdin {
		return firstLine(p.in)
	}
	fd := int(p.in.Fd())
	if !term.IsTerminal(fd) {
		return "", usageError("no terminal to ask for the password: give it on standard input with --password-stdin")
	}
	first, err := ask(p, fd, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask(p, fd, "Repeat: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ: try again")
	}
	return first, nil
}

func ask(p process, fd int, prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	raw, err := term.ReadPassword(fd)
	fmt.Fprintln(p.err)
	if err == nil && len(raw) == 0 {
		err = errors.New("the password is empty: type one")
	}
	return string(raw), err
}

// firstLine reads one line without its line break. More than one line is an error.
func firstLine(in io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, password.MaxBytes+3))
	if err != nil {
		return "", errors.New("cannot read the password from standard input")
	}
	text, after, _ := bytes.Cut(raw, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	switch {
	case len(after) > 0:
		return "", errors.New("standard input contains more than one line: give only the password")
	case len(text) == 0:
		return "", errors.New("standard input is empty: give the password on it, e.g. --password-stdin < password.txt")
	}
	return string(text), nil
}

// sayUser returns an error about an account with its solution.
func sayUser(err error, identity string, s *settings) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct {
		is  error
		say string
	}{
		{store.ErrNotFound, fmt.Sprintf("there is no user %q: `twofold user list` shows all", identity)},
		{store.ErrExists, fmt.Sprintf(
			"user %q already exists, or another account has the e-mail address or username: `twofold user list` "+
				"shows all",
			identity)},
		{twofold.ErrNoSecondFactor, fmt.Sprintf("user %q has no second factor: there is nothing to recover", identity)},
		{account.ErrEmail, fmt.Sprintf("%q is not a single plain e-mail address: write e.g. "+
			"ann@example.org", identity)},
		{account.ErrUsernameCharacters, "the username may contain only letters and digits: choose another one"},
		{account.ErrUsernameLength, "the username must have 4 to 32 characters: choose another one"},
		{password.ErrTooShort, fmt.Sprintf("the password is too short: use at least %d characters",
			s.Config.Password.MinLength)},
		{password.ErrTooLong, "the password is too long: use at most 128 characters"},
		{password.ErrCommon, "the password is one that attackers try first: choose another one"},
		{password.ErrContext, "the password is the user's or the site's name or address: choose another one"},
		{password.ErrMalformed, "the password is not UTF-8 text: type it again"},
	} {
		if errors.Is(err, known.is) {
			return errors.New(known.say)
		}
	}
	return err
}
