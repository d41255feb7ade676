package cluster_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/seal"
)

const setSize = 10

// keeper is a person who creates sets of recovery codes and signs in with them.
type keeper struct {
	signer
	codes *recovery.Codes // looks into the store, past all nodes
	in    *browser        // signed in; nil if that is not known
	set   []string        // codes that were handed out and not given yet
}

func (c *cluster) keeper(name string) *keeper {
	c.t.Helper()
	keys, err := seal.NewKeys(key)
	c.must(err)
	codes, err := recovery.New(recovery.Config{Number: 10, Codes: c.db, Keys: keys, Now: time.Now})
	c.must(err)
	return &keeper{signer: signer{c: c, u: c.person(name, true)}, codes: codes}
}

// holds returns how many of these codes would be accepted.
func (p *keeper) holds(codes []string) (n int) {
	for _, code := range codes {
		if p.codes.Holds(p.c.t.Context(), p.u.ID, code) == nil {
			n++
		}
	}
	return n
}

func (p *keeper) left() int {
	n, err := p.codes.Left(p.c.t.Context(), p.u.ID)
	if err != nil {
		p.c.t.Error(err)
	}
	return n
}

// newSet replaces the set of codes and returns how many steps failed. Whatever the answer is,
// either all old codes are valid or only a complete new set is.
func (p *keeper) newSet() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		if p.in == nil {
			broken += p.signIn()
			p.in = p.opened
		}
		old := p.set
		a := p.in.Post(p.c.front+"/mf-recovery-codes", map[string]any{})
		if a.Status != http.StatusOK {
			p.in = nil
			broken++
			if a.Status == http.StatusUnauthorized || a.Status == http.StatusBadRequest {
				continue // the change before it came through, its session did not
			}
			p.c.expect(a, "new codes")
		}
		kept, left := p.holds(old), p.left()
		if wholly := kept == len(old) && left >= len(old); !wholly && (kept > 0 || left != setSize) {
			p.c.t.Errorf("status %d: %d of %d old codes are good, %d in all: neither the old set nor the new one",
				a.Status, kept, len(old), left)
		}
		if a.Status == http.StatusOK {
			var body struct {
				Response struct {
					Codes []string `json:"recovery_codes"`
				}
			}
			_ = json.Unmarshal([]byte(a.Body), &body)
			p.set = body.Response.Codes
			if n := p.holds(p.set); n != setSize || kept > 0 {
				p.c.t.Errorf("%d new codes are good and %d old ones", n, kept)
			}
			return broken
		}
		if kept == 0 {
			p.set = nil // a new one that no one has seen
		}
	}
	p.c.t.Error("nobody can make codes any more")
	return broken
}

// spend signs in with a code. It opens one session at most, whatever the answers are, and none when
// it is used again.
func (p *keeper) spend() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		if len(p.set) == 0 {
			broken += p.newSet()
		}
		if len(p.set) == 0 {
			return broken
		}
		b := p.c.browser()
		if a := b.login(p.c.front, p.u); a.Status != http.StatusOK {
			p.c.expect(a, "sign-in")
			broken++
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if mailed := p.c.code(p.u.Email, p.last); mailed != "" {
			p.last = mailed // the app's own code: not wanted here
		}
		code := p.set[0]
		before, opened := p.c.sessions(p.u), 0
		for range 2 {
			a := b.send("/mf-recovery", map[string]any{"code": code})
			switch {
			case a.Status == http.StatusOK:
				opened++
			case trouble(a):
				broken++
				continue
			}
			if rand.IntN(5) > 0 {
				break
			}
		}
		n := p.c.sessions(p.u) - before
		if n > 1 || opened > 0 && n < 1 {
			p.c.t.Errorf("one recovery code: %d answers let in, %d sessions more", opened, n)
		}
		gone := p.holds([]string{code}) == 0
		if (opened > 0 || n > 0) && !gone {
			p.c.t.Error("a recovery code let in and is still good")
		}
		if gone {
			p.set = p.set[1:]
		}
		if opened > 0 {
			return broken
		}
	}
	p.c.t.Error("nobody gets in with recovery codes any more")
	return broken
}
