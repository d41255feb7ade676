package twofold

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/twofold-auth/twofold/internal/seal"
)

// Key is the source of the site's keys. Use KeyFile or KeyText.
type Key struct {
	load  func() (secrets, error)
	check func() error // finds what load would, and makes nothing
}

// secrets are the loaded keys, oldest first.
type secrets []string

// newestFirst is the order in which they sign and verify.
func (s secrets) newestFirst() []string {
	out := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		out = append(out, s[i])
	}
	return out
}

// KeyFile reads the keys from a file, one a line. If the file does not exist,
// it is created with a random key and mode 0600. To rotate, append a line with
// a key of NewKey: the last key encrypts and signs, and all keys decrypt and
// verify. Anyone who has the file and the database can compute every second
// factor, so back them up separately.
func KeyFile(path string) Key {
	return Key{load: func() (secrets, error) { return loadKeyFile(path) }, check: func() error { return checkKeyFile(path) }}
}

// KeyText uses the given keys, oldest first. Each has at least 32 bytes.
func KeyText(oldestFirst ...string) Key {
	return Key{
		load:  func() (secrets, error) { return oldestFirst, nil },
		check: func() error { return checkKeys(oldestFirst) },
	}
}

// NewKey returns a new random key of 256 bits as text.
func NewKey() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// checkKeyFile finds what is wrong with a key file, which may not be there yet.
func checkKeyFile(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dirOf(path)); err != nil {
			return fmt.Errorf("%s cannot be made: its folder is not there", path)
		}
		return nil
	}
	keys, err := loadKeyFile(path)
	if err != nil {
		return err
	}
	return checkKeys(keys)
}

// checkKeys finds what is wrong with the keys themselves.
func checkKeys(oldestFirst secrets) error {
	if _, err := seal.NewKeys(oldestFirst.newestFirst()...); err != nil {
		return err
	}
	_, err := seal.NewRingOf(oldestFirst...)
	return err
}

func loadKeyFile(path string) (secrets, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeNewKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		raw, err = os.ReadFile(path) // of two processes that start at once, both read the winner's
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s cannot be read by this user: give it to the user that the program runs as; "+
			"a secret of a container belongs to the container's user by its number on the host: chown %d it there", path, os.Getuid())
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it; "+
			"a secret of a container has the owner and mode it has on the host: chown %d and chmod 400 it there", path, os.Getuid())
	}
	keys := strings.Fields(string(raw))
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no key: remove it to have one made, if nothing was sealed yet", path)
	}
	return keys, nil
}

// writeNewKey writes alongside the file and links it into place, so that no one
// ever reads half a key and of two writers one wins.
func writeNewKey(path string) error {
	tmp, err := os.CreateTemp(dirOf(path), ".twofold-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString(NewKey() + "\n"); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, os.PathSeparator); i >= 0 {
		return path[:i+1]
	}
	return "."
}
