package twofold

import (
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
)

// Passkeys configures passkeys and security keys (WebAuthn). The relying party
// is the host of Config.Origin, which must be a name, because browsers create
// no passkeys for addresses such as 127.0.0.1. A passkey works for that host
// only; after a change of host users need new passkeys.
//
// An empty Passkeys lets users register passkeys as second factors. If
// Config.Passkeys becomes nil later, existing passkeys still count as second
// factors but cannot be used.
type Passkeys struct {
	// Name is the name of the site in authenticators. If it is empty, Pages.Site is
	// used.
	Name string
	// FirstFactor lets users register passkeys that sign in without a password.
	FirstFactor bool
	// If MultiFactor is set, a passkey that verified its user by fingerprint,
	// face or PIN counts as both factors. Trade-off: the device and what
	// unlocks it are enough.
	MultiFactor bool
	// Verify lists the uses, "first" and "secondary", of passkeys that may
	// prove a signed-in user again. If it is empty, no passkey may. If the
	// account has a second factor, the passkey must verify its user, and
	// MultiFactor must be set.
	Verify []string
	// Hints returns the passkeys of the account whose name was entered, so that
	// security keys without discoverable credentials work as first factor.
	// Names without an account get an answer too. Trade-off: the answer shows
	// how many passkeys an account has.
	Hints bool
	// ChallengeBytes is the length of a challenge in bytes: between 16 and 64. The default is 32.
	ChallengeBytes int
	// RegisterWithin and SignInWithin are the lifetimes of challenges: between 1 second and 10
	// minutes. The default is 5 minutes (WebAuthn level 3 section 15.1 recommends 5 to 10).
	RegisterWithin, SignInWithin time.Duration
	// RegisterTimeout and SignInTimeout tell the browser how long to wait for its user: between 1
	// second and 10 minutes. The default is 1 minute.
	RegisterTimeout, SignInTimeout time.Duration
	// NameMaxLength is the maximum length of a passkey's name in code points: between 1 and 64. The
	// default is 64.
	NameMaxLength int
}

func (p Passkeys) check(bad func(field, text string)) {
	for _, use := range p.Verify {
		if use != storage.UseFirst && use != storage.UseSecond {
			bad("Passkeys.Verify", fmt.Sprintf("%q is not one of first, secondary", use))
		}
	}
}

// passkeys builds the method, or returns nil if passkeys are off.
func (b *builder) passkeys() (factor.Passkeys, error) {
	p := b.c.Passkeys
	if p == nil {
		return nil, nil
	}
	m, err := passkey.New(passkey.Config{
		Factors: b.c.Store, Ring: b.ring, Origin: b.c.Origin, App: b.c.Pages.SPA.Origin, Name: p.Name,
		Challenge:  p.ChallengeBytes,
		CreateHint: p.RegisterTimeout, GetHint: p.SignInTimeout, Now: b.c.Advanced.Now, Label: b.nameOf,
	})
	if err != nil {
		return nil, field("Passkeys", err)
	}
	return m, nil
}

func (p Passkeys) policy() auth.PasskeyPolicy {
	return auth.PasskeyPolicy{
		FirstFactor: p.FirstFactor, UserVerified: p.MultiFactor, Verify: p.Verify, Hints: p.Hints,
		CreateWithin: p.RegisterWithin, GetWithin: p.SignInWithin,
	}
}

func (p Passkeys) paths(on bool) web.Passkeys {
	return web.Passkeys{
		On: on, First: p.FirstFactor, Verify: len(p.Verify) > 0, Hints: p.Hints, MaxName: p.NameMaxLength,
		CreateWithin: p.RegisterWithin, GetWithin: p.SignInWithin,
	}
}
