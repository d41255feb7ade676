package captcha

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// used implements Config.Once.
type used struct {
	mu    sync.Mutex
	seen  map[string]bool
	fails bool
}

func (u *used) once(_ context.Context, what string, within time.Duration) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fails || within <= 0 {
		return false, errors.New("down")
	}
	first := !u.seen[what]
	u.seen[what] = true
	return first, nil
}

// own is an Altcha checker with a test clock and a low cost.
type own struct {
	*Checker
	used
	now time.Time
}

func newOwn(t *testing.T, keys ...string) *own {
	t.Helper()
	o := &own{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), used: used{seen: map[string]bool{}}}
	c := Config{Provider: Altcha, Cost: 1000, Once: o.once, Now: func() time.Time { return o.now }}
	for _, k := range append(keys, "a key of 32 bytes for this test.") {
		c.Keys = append(c.Keys, []byte(k))
	}
	o.Checker = checker(t, c)
	return o
}

// solved returns the answer to a new challenge as JSON, after change was called
// with it.
func (o *own) solved(t *testing.T, change func(s map[string]any)) string {
	t.Helper()
	w, err := o.Widget("register", "en")
	if err != nil {
		t.Fatal(err)
	}
	var q question
	if err := json.Unmarshal([]byte(w.Challenge), &q); err != nil {
		t.Fatal(err)
	}
	n := 0
	for hashed(q.Salt, n) != q.Challenge {
		if n++; n > q.MaxNumber {
			t.Fatal("no number solves the challenge")
		}
	}
	s := map[string]any{
		"algorithm": q.Algorithm, "challenge": q.Challenge, "number": n, "salt": q.Salt,
		"signature": q.Signature, "took": 12,
	}
	if change != nil {
		change(s)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// TestR382_AnAnswerToAltchaIsTakenOnce checks that an answer is accepted once,
// before it expires, and only for a challenge of this site.
func TestR382_AnAnswerToAltchaIsTakenOnce(t *testing.T) {
	o := newOwn(t)
	answer := o.solved(t, nil)
	if got, err := asked(o.Checker, answer, "register"); got != takes {
		t.Fatal(got, err)
	}
	if got, _ := asked(o.Checker, answer, "register"); got != wrong {
		t.Errorf("the second use is %s", got)
	}
	late := o.solved(t, nil)
	o.now = o.now.Add(altchaLife)
	if got, _ := asked(o.Checker, late, "register"); got != wrong {
		t.Errorf("an answer that has expired is %s", got)
	}
	theirs := newOwn(t, "another key of 32 bytes, for it.").solved(t, nil)
	if got, _ := asked(o.Checker, theirs, "register"); got != wrong {
		t.Errorf("an answer to another site's challenge is %s", got)
	}
	former := newOwn(t)
	rotated := newOwn(t, "the newest key")
	if got, _ := asked(rotated.Checker, former.solved(t, nil), "register"); got != takes {
		t.Errorf("after a rotation of keys an answer is %s", got)
	}
	o.fails = true
	if got, _ := asked(o.Checker, o.solved(t, nil), "register"); got != broken {
		t.Errorf("while the store fails an answer is %s", got)
	}
}

// TestR382_AltchaRacesEndWithOneUse checks that one of several concurrent uses is
// accepted.
func TestR382_AltchaRacesEndWithOneUse(t *testing.T) {
	o := newOwn(t)
	answer := o.solved(t, nil)
	var group sync.WaitGroup
	results := make(chan string, 16)
	for range cap(results) {
		group.Go(func() {
			got, _ := asked(o.Checker, answer, "register")
			results <- got
		})
	}
	group.Wait()
	close(results)
	n := 0
	for got := range results {
		if got == takes {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d uses", n)
	}
}

// TestR382_NoChangeOfAnAnswerIsTaken checks that neither the parts of an answer nor
// the borders between them can be changed. So no one can extend the life of an
// answer or make another one from it (CVE-2025-68113).
func TestR382_NoChangeOfAnAnswerIsTaken(t *testing.T) {
	o := newOwn(t)
	text := func(s map[string]any, key string) string { v, _ := s[key].(string); return v }
	for name, change := range map[string]func(s map[string]any){
		"number":           func(s map[string]any) { s["number"] = s["number"].(int) + 1 },
		"no number":        func(s map[string]any) { delete(s, "number") },
		"number as text":   func(s map[string]any) { s["number"] = strconv.Itoa(s["number"].(int)) },
		"negative":         func(s map[string]any) { s["number"] = -s["number"].(int) - 1 },
		"fraction":         func(s map[string]any) { s["number"] = float64(s["number"].(int)) + 0.5 },
		"algorithm":        func(s map[string]any) { s["algorithm"] = "SHA-1" },
		"challenge":        func(s map[string]any) { s["challenge"] = hashed(text(s, "salt"), s["number"].(int)+1) },
		"signature":        func(s map[string]any) { s["signature"] = strings.Repeat("0", 64) },
		"no signature":     func(s map[string]any) { s["signature"] = "" },
		"signature octets": func(s map[string]any) { s["signature"] = text(s, "signature") + "00" },
		"later": func(s map[string]any) {
			s["salt"] = strings.Replace(text(s, "salt"), "expires=1", "expires=9", 1)
		},
		"spliced into the salt": func(s map[string]any) {
			n := strconv.Itoa(s["number"].(int))
			s["salt"], s["number"] = text(s, "salt")+n[:1], 0
			if rest, err := strconv.Atoi(n[1:]); err == nil {
				s["number"] = rest
			}
		},
		"spliced out of it": func(s map[string]any) {
			salt, expires, _ := strings.Cut(text(s, "salt"), "?")
			s["salt"], s["number"] = salt, "?"+expires+strconv.Itoa(s["number"].(int))
		},
		"a challenge of one's own": func(s map[string]any) {
			s["salt"] = "000000000000000000000000?expires=99999999999&"
			s["number"], s["challenge"] = 1, hashed("000000000000000000000000?expires=99999999999&", 1)
		},
	} {
		if got, err := asked(o.Checker, o.solved(t, change), "register"); got != wrong {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	good := o.solved(t, nil)
	for _, answer := range []string{
		"", "%", "e30=", "bnVsbA==", "W10=", good[:len(good)-4], good + good, strings.Repeat("A", 20<<10),
	} {
		if got, err := asked(o.Checker, answer, "register"); got != wrong {
			t.Errorf("%.20q: %s, %v", answer, got, err)
		}
	}
	if got, err := asked(o.Checker, good, "register"); got != takes {
		t.Errorf("what was refused used the honest answer up: %s, %v", got, err)
	}
}

// FuzzAltcha checks that any input is refused without a panic.
func FuzzAltcha(f *testing.F) {
	f.Add("eyJudW1iZXIiOjF9")
	f.Add("")
	f.Fuzz(func(t *testing.T, answer string) {
		if got, _ := asked(newOwn(t).Checker, answer, "register"); got != wrong {
			t.Errorf("%q is %s", answer, got)
		}
	})
}
