package cluster_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const workers = 4

// TestKilledNodesBreakNothing kills nodes in turn, at random moments, while people sign in, enroll
// second factors, create recovery codes and sign in with them. A code may open one session at most,
// whatever the answer is; a set of recovery codes must be the old or the new one; the doctor must
// find nothing; and all people must be able to sign in afterwards.
func TestKilledNodesBreakNothing(t *testing.T) {
	c := start(t)
	signIns, setUps := number(t, "TWOFOLD_NODES_SIGNINS", 8, 20), number(t, "TWOFOLD_NODES_SETUPS", 4, 10)
	sets := number(t, "TWOFOLD_NODES_CODES", 4, 10)
	stop, stopped := make(chan struct{}), make(chan struct{})
	kills := 0
	go func() {
		defer close(stopped)
		wait := time.Duration(0) // a fast machine may be done before the second one
		for {
			select {
			case <-stop:
				return
			case <-time.After(wait):
				wait = time.Duration(100+rand.IntN(600)) * time.Millisecond
				n := c.nodes[rand.IntN(len(c.nodes))]
				n.Stop(t) // SIGKILL
				n.Start(t)
				kills++
			}
		}
	}()

	var broken atomic.Int64
	people := make([]*signer, workers)
	apps := make([]*signer, setUps)
	keepers := make([]*keeper, workers)
	var all sync.WaitGroup
	var next atomic.Int64
	for w := range workers {
		people[w] = &signer{c: c, u: c.person(fmt.Sprintf("often%d", w), true)}
		keepers[w] = c.keeper(fmt.Sprintf("keeps%d", w))
		all.Go(func() {
			for i := w; i < signIns; i += workers {
				broken.Add(people[w].signIn())
			}
			for i := next.Add(1) - 1; i < int64(setUps); i = next.Add(1) - 1 {
				apps[i] = &signer{c: c, u: c.person(fmt.Sprintf("sets%d", i), false)}
				broken.Add(apps[i].setUp())
			}
			for i := w; i < sets; i += workers {
				broken.Add(keepers[w].newSet() + keepers[w].spend() + keepers[w].spend())
			}
		})
	}
	all.Wait()
	close(stop)
	<-stopped
	t.Logf("%d sign-ins, %d set-ups and %d sets of recovery codes done, %d nodes killed, %d steps without an answer "+
		"or with a 5xx", signIns, setUps, sets, kills, broken.Load())
	if kills == 0 {
		t.Error("nothing was killed: this test shows nothing")
	}

	doctor := exec.Command(c.program, "doctor", "--store")
	doctor.Env = c.env
	if out, err := doctor.CombinedOutput(); err != nil {
		t.Errorf("the doctor: %v\n%s", err, out)
	} else {
		t.Logf("the doctor: %s", out)
	}
	for _, p := range keepers {
		people = append(people, &p.signer)
	}
	for _, p := range append(people, apps...) {
		if p.stillSignsIn(); t.Failed() {
			return
		}
	}
}

// signer is a person who retries until a sign-in succeeds.
type signer struct {
	c    *cluster
	u    storage.User
	last string // code that was given before
	app  []byte
	// opened is the browser of the last successful sign-in.
	opened *browser
}

// patience is the time for which a person retries. It is longer than the pause after too many codes
// that were already used because their answers were lost.
const patience = 5 * time.Minute

func trouble(a answer) bool { return a.status == 0 || a.status >= 500 }

// signIn completes one sign-in and returns how many steps failed.
func (p *signer) signIn() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		b := p.c.browser()
		if a := b.login(p.c.front, p.u); a.status != http.StatusOK {
			p.c.expect(a, "sign-in")
			broken++
			time.Sleep(50 * time.Millisecond)
			continue
		}
		code := p.c.code(p.u.Email, p.last)
		if code == "" {
			broken++
			continue // its node died with it; after a while it would come
		}
		p.last = code
		before, opened, in := p.c.sessions(p.u), 0, answer{}
		for range 2 { // who got no answer tries the same code again, and some who got one
			a := b.send(p.c.front, "/tf-validate", map[string]any{"code": code})
			switch {
			case a.status == http.StatusOK:
				opened++
				in = a
			case trouble(a):
				broken++
				continue
			}
			if rand.IntN(5) > 0 {
				break
			}
		}
		if n := p.c.sessions(p.u) - before; n > 1 || opened > 0 && n < 1 {
			p.c.t.Errorf("one code: %d answers let in, %d sessions more", opened, n)
		}
		if opened > 0 {
			b.keep(in)
			p.opened = b
			return broken
		}
	}
	p.c.t.Error("nobody gets in any more")
	return broken
}

func (c *cluster) expect(a answer, what string) {
	if !trouble(a) && a.status != http.StatusTooManyRequests {
		c.t.Errorf("%s: %d %s", what, a.status, a.body)
	}
}

// setUp signs in with the password and adds an authenticator app.
func (p *signer) setUp() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		b := p.c.browser()
		a := b.login(p.c.front, p.u)
		if a.status == http.StatusOK && a.field("tf_state") != "" {
			return broken // an earlier try came through, though its answer did not
		}
		if a.status != http.StatusOK {
			p.c.expect(a, "sign-in")
			broken++
			continue
		}
		if a = b.post(p.c.front, "/tf-setup", map[string]any{"setup": "authenticator"}); a.status != http.StatusOK {
			p.c.expect(a, "set-up")
			broken++
			continue
		}
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.field("tf_authr_b32key"))
		if err != nil || len(key) == 0 {
			p.c.t.Errorf("set-up without a key: %s", a.body)
			return broken
		}
		p.app = key // if it is stored, it is this one: the next try begins with a sign-in
		if a = b.post(p.c.front, "/tf-setup/"+a.field("tf_state_token"),
			map[string]any{"code": totp(key, 0)}); a.status == http.StatusOK {
			return broken
		}
		if !trouble(a) {
			p.c.t.Errorf("set-up: %d %s", a.status, a.body)
		}
		broken++
	}
	p.c.t.Error("nobody can set anything up any more")
	return broken
}

// stillSignsIn signs in once more while all nodes are up.
func (p *signer) stillSignsIn() {
	if p.app == nil {
		if n := p.signIn(); n > 2 {
			p.c.t.Errorf("with all nodes up %d steps went wrong", n)
		}
		return
	}
	b := p.c.browser()
	if a := b.login(p.c.front, p.u); a.status != http.StatusOK || a.field("tf_state") == "" {
		p.c.t.Errorf("%s: sign-in: %d %s", p.u.Email, a.status, a.body)
	}
	// Try the next code and the one after it, because the enrollment used one.
	a := b.post(p.c.front, "/tf-validate", map[string]any{"code": totp(p.app, 1)})
	if a.status != http.StatusOK {
		a = b.post(p.c.front, "/tf-validate", map[string]any{"code": totp(p.app, 0)})
	}
	if a.status != http.StatusOK || p.c.sessions(p.u) == 0 {
		p.c.t.Errorf("%s: code: %d %s", p.u.Email, a.status, a.body)
	}
}

// totp implements RFC 6238 for the current step or one next to it.
func totp(key []byte, away int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30+away)
	sum := mac.Sum(nil)
	part := sum[sum[19]&15:]
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(part)&0x7fffffff)%1_000_000)
}
