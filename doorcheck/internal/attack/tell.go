package attack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// timing is the group of attacks that run alone.
const timing = "Who has an account: time"

// samples is the number of measurements of each of two answers.
const samples = 12

// tells lists attacks that find out whether an address has an account.
func tells() []Attack {
	const g = "Who has an account: answers"
	return []Attack{
		{"tell-login", g, "compares the answers to a wrong password with and without an account", tellLogin},
		{"tell-reset", g, "compares the answers to a request for a new password", tellReset},
		{"tell-register", g, "compares the answers to a registration", tellRegister},
		{"time-login", timing, "compares the times of the answers to a wrong password", timeLogin},
		{"time-reset", timing, "compares the times of the answers to a request for a new password", timeReset},
	}
}

// long matches tokens, which differ between answers.
var long = regexp.MustCompile(`[A-Za-z0-9_+/=-]{15,}(\.[A-Za-z0-9_+/=-]+)*|\d{4}-\d\d-\d\dT[\d:.]+Z?`)

// shape returns the part of an answer that is the same for all answers of a kind.
func shape(a *door.Answer, email string) string {
	body := strings.ReplaceAll(strings.ReplaceAll(a.Body, email, "ADDRESS"), strings.Split(email, "@")[0], "ADDRESS")
	return fmt.Sprintf("%d %s %s", a.Status, long.ReplaceAllString(a.Header.Get("Location"), "TOKEN"),
		long.ReplaceAllString(body, "TOKEN"))
}

func (t *Try) compare(v door.Verb, p *Person) {
	other := t.stranger()
	word := "wrong horse 7 battery lantern"
	known, _ := t.attempt(t.browser(), v, door.In{Email: p.Email, Password: word})
	unknown, _ := t.attempt(t.browser(), v, door.In{Email: other.Email, Password: word})
	a, b := shape(known.Answer, p.Email), shape(unknown.Answer, other.Email)
	t.worksIf(a != b, "%s", difference(a, b))
}

// difference returns the first place where two texts differ.
func difference(a, b string) string {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	from := max(0, at-12)
	cut := func(s string) string { return s[min(from, len(s)):min(at+40, len(s))] }
	return fmt.Sprintf("%q with an account, %q without", cut(a), cut(b))
}

// compareTimes compares the times of two answers in alternation. It detects only large differences:
// a hash that is computed, or a mail that is sent, for one of them only. A difference must occur
// twice, because other programs use the machine too.
func (t *Try) compareTimes(v door.Verb) {
	t.needs(v)
	if t.Site.Timeless {
		t.finish(NotChecked, "passwords are hashed at the least cost here, so times say nothing")
	}
	var people []*Person
	for range 4 {
		people = append(people, t.person())
	}
	time.Sleep(time.Second) // for mails that are under way
	before := time.Duration(0)
	for range 2 {
		k, u := t.times(v, people)
		apart := max(k-u, u-k)
		if apart < 8*time.Millisecond || apart < max(k, u)*3/10 || before*(k-u) < 0 {
			return
		}
		if before != 0 {
			t.finish(Works, "%v with an account, %v without", k.Round(time.Millisecond), u.Round(time.Millisecond))
		}
		before = (k - u) / max(k-u, u-k)
	}
}

// times returns the lower quartile of the times with and without an account. Load
// makes answers slower, never faster.
func (t *Try) times(v door.Verb, people []*Person) (known, unknown time.Duration) {
	took := func(email string) time.Duration {
		b := t.browser()
		t.visit(b)
		began := time.Now()
		t.attempt(b, v, door.In{Email: email, Password: "wrong horse 7 battery lantern"})
		return time.Since(began)
	}
	var with, without []time.Duration
	for i := range samples {
		with = append(with, took(people[i%len(people)].Email))
		without = append(without, took(t.stranger().Email))
	}
	slices.Sort(with)
	slices.Sort(without)
	return with[samples/4], without[samples/4]
}

// tellLogin compares the answers to a wrong password with and without an account.
func tellLogin(t *Try) {
	p := t.person()
	t.signIn(p)
	t.compare(door.ProbeLogin, p)
}

// tellReset compares the answers to a reset request.
func tellReset(t *Try) {
	p := t.person()
	t.askReset(p)
	t.compare(door.ProbeReset, p)
}

// tellRegister compares the answers to a registration.
func tellRegister(t *Try) {
	p := t.person()
	t.signIn(p)
	t.compare(door.ProbeRegister, p)
}

// timeLogin compares the times of the answers to a wrong password.
func timeLogin(t *Try) {
	t.compareTimes(door.ProbeLogin)
}

// timeReset compares the times of the answers to a reset request.
func timeReset(t *Try) {
	t.compareTimes(door.ProbeReset)
}
