package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
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
	app  testkit.App
	// opened is the browser of the last successful sign-in.
	opened *browser
}

// patience is the time for which a person retries. It is longer than the pause after too many codes
// that were already used because their answers were lost.
const patience = 5 * time.Minute

func trouble(a *testkit.Answer) bool { return a.Status == 0 || a.Status >= 500 }

// signIn completes one sign-in and returns how many steps failed.
func (p *signer) signIn() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		b := p.c.browser()
		if a := b.login(p.c.front, p.u); a.Status != http.StatusOK {
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
		before, opened, in := p.c.sessions(p.u), 0, &testkit.Answer{}
		for range 2 { // who got no answer tries the same code again, and some who got one
			a := b.send("/tf-validate", map[string]any{"code": code})
			switch {
			case a.Status == http.StatusOK:
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
			b.Keep(in)
			p.opened = b
			return broken
		}
	}
	p.c.t.Error("nobody gets in any more")
	return broken
}

func (c *cluster) expect(a *testkit.Answer, what string) {
	if !trouble(a) && a.Status != http.StatusTooManyRequests {
		c.t.Errorf("%s: %d %s", what, a.Status, a.Body)
	}
}

// setUp signs in with the password and adds an authenticator app.
func (p *signer) setUp() (broken int64) {
	for begun := time.Now(); time.Since(begun) < patience; {
		b := p.c.browser()
		a := b.login(p.c.front, p.u)
		if a.Status == http.StatusOK && a.Field("tf_state") != "" {
			return broken // an earlier try came through, though its answer did not
		}
		if a.Status != http.StatusOK {
			p.c.expect(a, "sign-in")
			broken++
			continue
		}
		if a = b.Post(p.c.front+"/tf-setup", map[string]any{"setup": "authenticator"}); a.Status != http.StatusOK {
			p.c.expect(a, "set-up")
			broken++
			continue
		}
		app := testkit.ReadApp(p.c.t, a.Field("tf_authr_b32key"))
		if app == nil {
			return broken
		}
		p.app = app // if it is stored, it is this one: the next try begins with a sign-in
		if a = b.Post(p.c.front+"/tf-setup/"+a.Field("tf_state_token"),
			map[string]any{"code": p.app.Code(time.Now())}); a.Status == http.StatusOK {
			return broken
		}
		if !trouble(a) {
			p.c.t.Errorf("set-up: %d %s", a.Status, a.Body)
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
	if a := b.login(p.c.front, p.u); a.Status != http.StatusOK || a.Field("tf_state") == "" {
		p.c.t.Errorf("%s: sign-in: %d %s", p.u.Email, a.Status, a.Body)
	}
	// Try the next code and the one after it, because the enrollment used one.
	a := b.Post(p.c.front+"/tf-validate", map[string]any{"code": p.app.Code(time.Now().Add(testkit.Step))})
	if a.Status != http.StatusOK {
		a = b.Post(p.c.front+"/tf-validate", map[string]any{"code": p.app.Code(time.Now())})
	}
	if a.Status != http.StatusOK || p.c.sessions(p.u) == 0 {
		p.c.t.Errorf("%s: code: %d %s", p.u.Email, a.Status, a.Body)
	}
}
