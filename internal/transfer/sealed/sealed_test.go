package sealed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
)

func encrypted(t *testing.T, plain string, k Keys) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := Encrypt(&b, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decrypted(raw []byte, k Keys) (string, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	if !Is(r) {
		return "", errors.New("not taken for an encrypted file")
	}
	plain, err := Decrypt(r, k)
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(plain)
	return string(out), err
}

func TestAFileOpensWithItsKeysOnly(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a line of accounts\n", 10_000)
	raw := encrypted(t, text, Keys{Recipients: []string{id.Recipient().String()}})
	if bytes.Contains(raw, []byte("accounts")) {
		t.Error("the text is in the file")
	}
	if got, err := decrypted(raw, Keys{Identities: "# a comment\n" + id.String() + "\n"}); err != nil || got != text {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	if _, err := decrypted(raw, Keys{Identities: other.String()}); !errors.Is(err, ErrKey) {
		t.Errorf("another identity: %v", err)
	}
	if _, err := decrypted(raw, Keys{Passphrase: "x"}); !errors.Is(err, ErrKey) {
		t.Errorf("a passphrase for a file of recipients: %v", err)
	}
	if _, err := decrypted(raw[:len(raw)-100], Keys{Identities: id.String()}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that is cut off: %v", err)
	}
	raw[len(raw)/2] ^= 1
	if _, err := decrypted(raw, Keys{Identities: id.String()}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that was changed: %v", err)
	}
}

func TestAPassphraseCostsABoundedAmount(t *testing.T) {
	raw := encrypted(t, "text", Keys{Passphrase: "correct horse"})
	if got, err := decrypted(raw, Keys{Passphrase: "correct horse"}); err != nil || got != "text" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := decrypted(raw, Keys{Passphrase: "wrong horse"}); err == nil {
		t.Error("a wrong passphrase opened the file")
	}
	bomb := bytes.Replace(raw, []byte(" 18\n"), []byte(" 19\n"), 1)
	if bytes.Equal(bomb, raw) {
		t.Fatal("the work factor is not where this test looks for it")
	}
	_, err := decrypted(bomb, Keys{Passphrase: "correct horse"})
	if err == nil || !strings.Contains(err.Error(), "work factor") {
		t.Errorf("a file that asks for twice the rounds: %v", err)
	}
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	for _, k := range []Keys{
		{}, {Recipients: []string{"age1nonsense"}}, {Recipients: []string{""}},
		{Recipients: []string{"AGE-SECRET-KEY-1"}},
		{Passphrase: "x", Recipients: []string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}},
	} {
		if _, err := Encrypt(io.Discard, k); err == nil {
			t.Errorf("%+v was taken", k)
		}
	}
	for _, text := range []string{"", "{}", `{"id":"1"}`, "age"} {
		if Is(bufio.NewReader(strings.NewReader(text))) {
			t.Errorf("%q is taken for an encrypted file", text)
		}
	}
}

// TestAScratchFileIsOfThisProcessOnly checks that a scratch file has no name by
// which another program could open it, and that its content cannot be read without
// the key of this process.
func TestAScratchFileIsOfThisProcessOnly(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	made, err := NewScratch()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := made.(*scratch)
	if !ok {
		t.Fatalf("a %T was made", made)
	}
	if _, err := io.WriteString(s, "a secret of an account"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := s.Rewind()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "a secret of an account" {
			t.Errorf("%q %v", got, err)
		}
	}
	if s.name == "" {
		if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
			t.Errorf("%d files are left", len(left))
		}
	}
	raw := make([]byte, 4096)
	if n, err := s.f.ReadAt(raw, 0); n == 0 || bytes.Contains(raw[:n], []byte("secret of")) {
		t.Errorf("%d bytes, with the text: %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
