package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// key is the application's key in every seeded database.
const key = "bench: this key protects nothing at all, everybody can read it"

// ring seals every seeded TOTP secret with its own tag, so that a seeded file stays valid if the
// tags of keys change.
var ring = map[string]string{"bench": key}

// password is the password of every user.
const password = "correct horse battery staple"

// person is the user with a number. Ids and tokens have realistic lengths and are evenly
// distributed, so the database's trees are like those of a real site.
type person int

func (p person) derive(what string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "bench/%s/%d", what, int(p)))
	return sum[:]
}

func (p person) id26(what string) string {
	return base32.StdEncoding.EncodeToString(p.derive(what))[:26]
}

func (p person) email() string             { return fmt.Sprintf("user%07d@example.com", int(p)) }
func (p person) id() string                { return p.id26("user") }
func (p person) factor() string            { return p.id26("factor") }
func (p person) sessionID() string         { return p.id26("session") }
func (p person) credentialVersion() string { return strings.ToLower(p.id26("uniquifier")) }
func (p person) secret() []byte            { return p.derive("secret")[:20] }
func (p person) token() string             { return base64.RawURLEncoding.EncodeToString(p.derive("token")) }

// away reports whether the person's session was last used long ago, so that its next request must
// update it. This holds for one in ten sessions; the others need no such write during a run.
func (p person) away() bool { return p%10 == 9 }
