package main

import (
	"os"
	"path/filepath"
	"strings"
)

// cheap makes password hashing fast in the test programs, because it is slow by design and took
// more than half of their time. A hash created during a test is marked in its salt and computed
// cheaply; one in a test's source is real, computed once and cached.
func cheap(root, dir string) (map[string]string, error) {
	name := filepath.Join(root, "password", "argon2.go")
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer(
		"rand.Read(a.salt)", "cheapSalt(a.salt)",
		"argon2.IDKey(", "cheapKey(\"id\", argon2.IDKey, ", "argon2.Key(", "cheapKey(\"i\", argon2.Key, ",
	).Replace(string(src))
	changed, extra := filepath.Join(dir, "argon2.go"), filepath.Join(dir, "cheap.go")
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return map[string]string{name: changed, filepath.Join(root, "password", "cheap.go"): extra},
		os.WriteFile(extra, []byte(cheapSource), 0o600)
}

const cheapSource = `package password

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

var cheapMark = []byte("cheap")

func cheapSalt(salt []byte) (int, error) {
	return rand.Read(salt[copy(salt, cheapMark):])
}

type argon2Key func(password, salt []byte, time, memory uint32, threads uint8, n uint32) []byte

func cheapKey(name string, real argon2Key, password, salt []byte, time, memory uint32, threads uint8, n uint32) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %x %x %d %d %d %d", name, password, salt, time, memory, threads, n))
	if bytes.HasPrefix(salt, cheapMark) && n <= 32 {
		return sum[:n]
	}
	file := filepath.Join(os.Getenv("MUTANT_HASHES"), fmt.Sprintf("%x", sum))
	if key, err := os.ReadFile(file); err == nil && len(key) == int(n) {
		return key
	}
	key := real(password, salt, time, memory, threads, n)
	alongside := fmt.Sprint(file, os.Getpid())
	if os.WriteFile(alongside, key, 0o600) == nil {
		_ = os.Rename(alongside, file)
	}
	return key
}
`
