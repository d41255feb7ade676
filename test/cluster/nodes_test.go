package cluster_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

const parallel = 50

func TestOneOfFiftySubmitsOverThreeNodesGetsASession(t *testing.T) {
	c := start(t)
	rounds := number(t, "TWOFOLD_NODES_ROUNDS", 4, 10)
	begun := time.Now()
	for round := range rounds {
		u := c.person(fmt.Sprintf("fifty%d", round), true)
		b := c.browser()
		if a := b.login(c.front, u); a.Status != http.StatusOK {
			t.Fatalf("round %d: sign-in: %d %s", round, a.Status, a.Body)
		}
		code := c.code(u.Email, "")
		status := make([]int, parallel)
		testkit.Par(parallel, func(i int) {
			status[i] = b.send("/tf-validate", map[string]any{"code": code}).Status
		})
		won := 0
		for _, s := range status {
			switch s {
			case http.StatusOK:
				won++
			case http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests:
			default:
				t.Errorf("round %d: status %d", round, s)
			}
		}
		// A repeated answer from the browser with the cookie gets the same session.
		if n := c.sessions(u); won < 1 || n != 1 {
			t.Fatalf("round %d: %d submits won, %d sessions", round, won, n)
		}
	}
	t.Logf("%d rounds of %d parallel submits in %v: one session each", rounds, parallel,
		time.Since(begun).Round(time.Second))
}

func TestASignInBegunOnOneNodeEndsOnAnother(t *testing.T) {
	c := start(t)
	for i := range c.nodes {
		u := c.person(fmt.Sprintf("moves%d", i), true)
		b := c.browser()
		here, there := c.nodes[i].URL, c.nodes[(i+1)%3].URL
		if a := b.login(here, u); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := b.Post(there+"/tf-validate", map[string]any{"code": c.code(u.Email, "")}); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if n := c.sessions(u); n != 1 {
			t.Errorf("%d sessions", n)
		}
	}
}

func TestNodesShareTheBudgetOfGuesses(t *testing.T) {
	c := start(t)
	u := c.person("guessed", true)
	b := c.browser()
	b.login(c.front, u)
	code := c.code(u.Email, "")
	for i := range 5 {
		wrong := fmt.Sprintf("00000%d", i)
		if code == wrong {
			wrong = "000009"
		}
		if a := b.Post(c.nodes[i%3].URL+"/tf-validate", map[string]any{"code": wrong}); a.Status == http.StatusOK {
			t.Fatalf("guess %d: %d", i, a.Status)
		}
	}
	for i, n := range c.nodes {
		if a := b.Post(n.URL+"/tf-validate", map[string]any{"code": code}); a.Status == http.StatusOK {
			t.Errorf("node %d takes the right code after five wrong ones elsewhere", i)
		}
	}
	if n := c.sessions(u); n != 0 {
		t.Errorf("%d sessions", n)
	}
}
