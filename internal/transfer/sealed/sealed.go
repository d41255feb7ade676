// Package sealed encrypts files with age (https://age-encryption.org/v1), to a
// passphrase or to age keys. No other package imports filippo.io/age.
package sealed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// workFactor is the logarithm of scrypt's rounds. 2^18 rounds need 256 MiB and
// about a second. A file that requires more is refused.
const workFactor = 18

var (
	// ErrKey is returned if a file is encrypted to other keys or with another
	// passphrase.
	ErrKey = errors.New("the file is encrypted to another key or passphrase")
	// ErrDamaged is returned if a file was changed or cut off.
	ErrDamaged = errors.New("the file is damaged or cut off")
)

// Keys encrypt or decrypt a file. They are a passphrase or age keys.
type Keys struct {
	Passphrase string
	Recipients []string // public keys, "age1..."
	Identities string   // the content of a file of secret keys, "AGE-SECRET-KEY-1..."
}

// Empty reports whether there is no key.
func (k Keys) Empty() bool { return k.Passphrase == "" && len(k.Recipients) == 0 && k.Identities == "" }

// Encrypt returns a writer that encrypts to w. If it is not closed, the file counts
// as cut off.
func Encrypt(w io.Writer, k Keys) (io.WriteCloser, error) {
	var to []age.Recipient
	for _, text := range k.Recipients {
		r, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(r) != 1 {
			return nil, fmt.Errorf("%.80q is not an age recipient: it begins with age1", text)
		}
		to = append(to, r...)
	}
	if k.Passphrase != "" {
		if len(to) > 0 {
			return nil, errors.New("a file is encrypted to a passphrase or to recipients, not to both")
		}
		r, err := age.NewScryptRecipient(k.Passphrase)
		if err != nil {
			return nil, err
		}
		r.SetWorkFactor(workFactor)
		to = append(to, r)
	}
	if len(to) == 0 {
		return nil, errors.New("no recipient and no passphrase")
	}
	return age.Encrypt(w, to...)
}

// intro and armored are the beginnings of an encrypted file.
const (
	intro   = "age-encryption.org/"
	armored = armor.Header
)

// Is reports whether r contains an encrypted file. It does not advance r.
func Is(r *bufio.Reader) bool {
	head, _ := r.Peek(len(armored)) // a shorter file is not encrypted
	return bytes.HasPrefix(head, []byte(intro)) || bytes.HasPrefix(head, []byte(armored))
}

// Decrypt returns a reader of the decrypted content of r.
func Decrypt(r *bufio.Reader, k Keys) (io.Reader, error) {
	var ids []age.Identity
	if k.Identities != "" {
		more, err := age.ParseIdentities(strings.NewReader(k.Identities))
		if err != nil {
			return nil, errors.New("the file of identities has no AGE-SECRET-KEY")
		}
		ids = more
	}
	if k.Passphrase != "" {
		id, err := age.NewScryptIdentity(k.Passphrase)
		if err != nil {
			return nil, err
		}
		id.SetMaxWorkFactor(workFactor)
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errors.New("the file is encrypted: give its passphrase or an age identity")
	}
	var from io.Reader = r
	if head, _ := r.Peek(len(armored)); string(head) == armored {
		from = armor.NewReader(r)
	}
	plain, err := age.Decrypt(from, ids...)
	var other *age.NoIdentityMatchError
	switch {
	case errors.As(err, &other):
		return nil, ErrKey
	case err != nil:
		return nil, fmt.Errorf("%w: %.200s", ErrDamaged, err)
	}
	return checked{plain}, nil
}

// checked is a reader that returns ErrDamaged for a damaged file.
type checked struct{ r io.Reader }

func (c checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %.200s", ErrDamaged, err)
	}
	return n, err
}

// scratch implements transfer.Scratch. Only this process has its key. The file has
// no name if the system allows that.
type scratch struct {
	f    *os.File
	name string         // empty if the file has no name
	w    io.WriteCloser // nil after Rewind
	id   *age.X25519Identity
}

// NewScratch creates an encrypted file in the directory for temporary files.
func NewScratch() (transfer.Scratch, error) {
	f, err := os.CreateTemp("", "twofold-*") // mode 0600
	if err != nil {
		return nil, err
	}
	s := &scratch{f: f, name: f.Name()}
	if os.Remove(f.Name()) == nil { // fails on Windows, where Close removes the file
		s.name = ""
	}
	if s.id, err = age.GenerateX25519Identity(); err == nil {
		s.w, err = age.Encrypt(f, s.id.Recipient())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Write appends to the file.
func (s *scratch) Write(p []byte) (int, error) { return s.w.Write(p) }

// Rewind ends the writing and returns a reader of the file from its beginning.
func (s *scratch) Rewind() (io.Reader, error) {
	if s.w != nil {
		if err := s.w.Close(); err != nil {
			return nil, err
		}
		s.w = nil
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return age.Decrypt(bufio.NewReaderSize(s.f, 128<<10), s.id)
}

// Close removes the file.
func (s *scratch) Close() error {
	err := s.f.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
