package twofold

import (
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/login"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Passkeys says whether passkeys and security keys are taken (WebAuthn), and
// for what. The relying party is the host of Config.Origin, which must be a
// name: browsers make no passkeys for addresses such as 127.0.0.1. A passkey is
// for that host alone; a new host means new passkeys.
type Passkeys struct {
	// On lets people register them as second factors. Off: those that exist
	// count as second factors still, and cannot be used.
	On bool
	// Name is what authenticators show; Site if empty.
	Name string
	// FirstFactor lets people register them for signing in without a password.
	FirstFactor bool
	// MultiFactor: one that verified its user by finger, face or PIN is both
	// factors. It costs this: the device, and what unlocks it, are enough.
	MultiFactor bool
	// Verify are the uses, "first" and "secondary", that prove a signed-in user
	// anew; if empty, passkeys do not. Where the account has a second factor only
	// one that verifies its user will do, and only with MultiFactor.
	Verify []string
	// Hints names the passkeys of who types his name, so that security keys which
	// cannot be found otherwise work as first factor. It costs little: names that
	// do not exist get an answer as well, but how many passkeys somebody has shows.
	Hints bool
	// ChallengeBytes of each question: 32 if zero, 16 to 64.
	ChallengeBytes int
	// RegisterWithin and SignInWithin are how long a question stands: 5 minutes if
	// zero, 1 second to 10 minutes (WebAuthn level 3 section 15.1 has 5 to 10).
	RegisterWithin, SignInWithin time.Duration
	// RegisterTimeout and SignInTimeout are hints to the browser: how long it
	// waits for its user. A minute if zero.
	RegisterTimeout, SignInTimeout time.Duration
	// NameMaxLength of a passkey in code points: 64 if zero.
	NameMaxLength int
}

func (p Passkeys) withDefaults(site string) Passkeys {
	if p.Name == "" {
		p.Name = site
	}
	setDefault(&p.RegisterWithin, 5*time.Minute)
	setDefault(&p.SignInWithin, 5*time.Minute)
	if p.NameMaxLength == 0 {
		p.NameMaxLength = 64
	}
	return p
}

func (p Passkeys) check(bad func(field, text string)) {
	for _, use := range p.Verify {
		if use != store.UseFirst && use != store.UseSecond {
			bad("Passkeys.Verify", fmt.Sprintf("%q is none of first, secondary", use))
		}
	}
	if n := p.ChallengeBytes; n != 0 && (n < 16 || n > 64) {
		bad("Passkeys.ChallengeBytes", "must be between 16 and 64")
	}
	for field, d := range map[string]time.Duration{"RegisterWithin": p.RegisterWithin, "SignInWithin": p.SignInWithin} {
		if d != 0 && (d < time.Second || d > 10*time.Minute) {
			bad("Passkeys."+field, "must be between 1s and 10m0s")
		}
	}
	for field, d := range map[string]time.Duration{"RegisterTimeout": p.RegisterTimeout, "SignInTimeout": p.SignInTimeout} {
		if d != 0 && (d < time.Second || d > 10*time.Minute) {
			bad("Passkeys."+field, "must be between 1s and 10m0s")
		}
	}
	if n := p.NameMaxLength; n < 0 || n > 64 {
		bad("Passkeys.NameMaxLength", "must be between 1 and 64")
	}
}

// passkeys builds the method; nil where there are none.
func (b *builder) passkeys() (factor.Passkeys, error) {
	p := b.c.Passkeys
	if !p.On {
		return nil, nil
	}
	m, err := passkey.New(passkey.Config{
		Factors: b.c.Store, Ring: b.ring, Origin: b.c.Origin, App: b.c.SPA.Origin, Name: p.Name, Challenge: p.ChallengeBytes,
		CreateHint: p.RegisterTimeout, GetHint: p.SignInTimeout, Now: b.c.Now, Label: b.nameOf,
	})
	if err != nil {
		return nil, field("Passkeys", err)
	}
	return m, nil
}

func (p Passkeys) policy() login.PasskeyPolicy {
	return login.PasskeyPolicy{
		First: p.FirstFactor, Both: p.MultiFactor, Verify: p.Verify, Hints: p.Hints, CreateWithin: p.RegisterWithin, GetWithin: p.SignInWithin,
	}
}

func (p Passkeys) paths() web.Passkeys {
	return web.Passkeys{
		On: p.On, First: p.FirstFactor, Verify: len(p.Verify) > 0, Hints: p.Hints, MaxName: p.NameMaxLength,
		CreateWithin: p.RegisterWithin, GetWithin: p.SignInWithin,
	}
}
