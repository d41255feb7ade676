package limit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	step    = 15 * time.Minute
	victims = 10
	robbed  = 1 // the victim whose password was stolen
	phone   = "+16505551212"
)

// world is a site over some weeks, with owners, active honest users, and an attacker.
type world struct {
	*testing.T
	*limit.Limiter
	m      *memory
	now    time.Time
	rand   *rand.Rand
	locked map[string]int // minutes, by who could not get in and how
	honest int            // honest people refused
	days   int
	// The attacker's granted requests.
	guesses, codes, messages, texts int
}

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, m: &memory{rows: map[string]*counted{}}, now: time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC),
		rand: rand.New(rand.NewPCG(1, 2)), locked: map[string]int{},
	}
	w.Limiter = limit.New(w.m, func() time.Time { return w.now }, limit.Limits{})
	return w
}

func owner(i int) string { return fmt.Sprintf("owner%d@site.test", i) }

func (w *world) guess(i int, f limit.From) (*limit.Reservation, error) {
	return w.FirstFactor(context.Background(),
		limit.Guess{Identity: owner(i), Account: owner(i), Secret: "hash", From: f})
}

// attack uses everything that the budgets grant: wrong passwords, app codes, mails and codes for
// each victim, mails for unknown identities, and enrollments of a victim's number.
func (w *world) attack(from func() limit.From) {
	ctx := context.Background()
	for i := range victims {
		for {
			f := from()
			if _, err := w.guess(i, f); err != nil {
				break
			}
			w.guesses++
			if _, err := w.FactorFirst(ctx, "app of "+owner(i), f); err == nil {
				w.codes++
			}
		}
		for range 20 { // with a stolen password of one
			if i != robbed {
				break
			}
			if _, err := w.SecondFactor(ctx, owner(i), "phone of "+owner(i), from()); err != nil {
				break
			}
		}
		for _, kind := range []string{"reset", "confirm"} {
			if w.Link(ctx, limit.Mail{Kind: kind, Identity: owner(i), From: from()}) == nil {
				w.messages++
			}
		}
		if w.SendFirst(ctx, limit.First{Transaction: storage.NewID(), Channel: storage.Email, Identity: owner(i),
			Account: owner(i), From: from()}) == nil {
			w.messages++
		}
		if w.Send(ctx, limit.Message{
			Class: limit.Claimed, Transaction: storage.NewID(), Account: fmt.Sprint("attacker", i),
			Channel:     storage.SMS,
			Destination: phone, From: from(),
		}) == nil {
			w.texts++
		}
	}
	for range 20 { // no one's addresses: nothing is sent
		_ = w.Link(ctx, limit.Mail{Kind: "reset", Identity: storage.NewID(), Decoy: true, From: from()})
	}
}

// live makes the requests of honest users in a step: 10,000 sign-ins a day with a mailed code that
// is answered, and 100 links an hour.
func (w *world) live(at int) {
	ctx := context.Background()
	for i := range 105 {
		who := (at*105 + i) % 3000
		f := limit.From{Address: fmt.Sprintf("10.1.%d.%d", who/250, who%250), Browser: fmt.Sprint("browser", who)}
		m := limit.Message{
			Class: limit.Proven, Transaction: storage.NewID(), Account: fmt.Sprint(who), Channel: storage.Email,
			Destination: fmt.Sprint(who), From: f,
		}
		err := w.Send(ctx, m)
		if err == nil {
			var p *limit.Reservation
			if p, err = w.SecondFactor(ctx, fmt.Sprint(who), fmt.Sprint("mail of ", who), f); err == nil {
				err = p.Answered(m).Succeed(ctx)
			}
		}
		if err != nil {
			w.honest++
		}
	}
	for i := range 25 {
		who := (at*25 + i) % 20000
		f := limit.From{Address: fmt.Sprintf("10.2.%d.%d", who/250, who%250)}
		if w.Link(ctx, limit.Mail{Kind: "reset", Identity: fmt.Sprint("person", who), From: f}) != nil {
			w.honest++
		}
	}
}

// look counts the minutes in which an owner could not sign in, without taking a place.
func (w *world) look() {
	ctx := context.Background()
	w.m.dry = true
	defer func() { w.m.dry = false }()
	away := limit.From{Address: "192.0.2.77"}
	for name, f := range map[string]limit.From{
		"a known browser": {Address: "192.0.2.78", Browser: "home"},
		"a known network": {Address: "192.0.2.79", Network: true},
		"a session":       {Address: "192.0.2.80", Session: "s", Browser: "home"}, "anywhere else": away,
	} {
		if _, err := w.guess(0, f); err != nil {
			w.locked["password from "+name] += int(step / time.Minute)
		}
		if _, err := w.SecondFactor(ctx, owner(robbed), "phone of "+owner(robbed), f); err != nil && f != away {
			w.locked["code from "+name] += int(step / time.Minute)
		}
		if _, err := w.FactorFirst(ctx, "app of "+owner(0), f); err != nil && f != away {
			w.locked["app from "+name] += int(step / time.Minute)
		}
		if w.Link(ctx, limit.Mail{Kind: "reset", Identity: owner(0), From: f}) != nil {
			w.locked["letter from "+name] += int(step / time.Minute)
		}
	}
	if _, err := w.Passkey(ctx, "", away); err != nil {
		w.locked["passkey"] += int(step / time.Minute)
	}
	if w.Send(ctx, limit.Message{
		Class: limit.Proven, Transaction: "t", Account: owner(0), Channel: storage.SMS, Destination: phone, From: away,
	}) != nil {
		w.locked["text to the proven number"] += int(step / time.Minute)
	}
}

// days returns the length of the attack in days: 5, or TWOFOLD_DAYS.
func days(t *testing.T) int {
	text := os.Getenv("TWOFOLD_DAYS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("TWOFOLD_DAYS: invalid number %q", text)
	}
	return n
}

// TestAMonthUnderAttack checks the bounds in docs/security.md against an attacker who has a /48 and
// makes every request that is granted.
func TestAMonthUnderAttack(t *testing.T) {
	for name, from := range map[string]func(w *world) func() limit.From{
		"one IPv4 address": func(*world) func() limit.From {
			return func() limit.From { return limit.From{Address: "198.51.100.1"} }
		},
		"a /48": func(w *world) func() limit.From {
			return func() limit.From {
				return limit.From{Address: fmt.Sprintf("2001:db8:1:%x::%x", w.rand.IntN(65536), w.rand.IntN(65536))}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.days = days(t)
			for at := range w.days * int(24*time.Hour/step) {
				w.live(at)
				w.attack(from(w))
				w.look()
				if at%96 == 33 { // the owners sign in once a day, at home
					for i := range victims {
						if p, err := w.guess(i, limit.From{Address: "192.0.2.78", Browser: "home"}); err == nil {
							_ = p.Succeed(t.Context())
						}
					}
				}
				if at%96 == 0 {
					w.m.sweep(w.now)
				}
				w.now = w.now.Add(step)
			}
			w.judge()
		})
	}
}

func (w *world) judge() {
	w.Logf("minutes locked out in %d days: %v; honest people refused: %d", w.days, w.locked, w.honest)
	w.Logf("granted to the attacker, an account and day: %.1f guesses at the password; in all %d codes of apps, %d "+
		"mails, %d texts",
		float64(w.guesses)/victims/float64(w.days), w.codes, w.messages, w.texts)
	for who, minutes := range w.locked {
		if bound := 0; who == "password from anywhere else" || who == "letter from anywhere else" {
			if bound = 60 * w.days; minutes >= bound {
				w.Errorf("%s: closed for %d minutes, an hour a day is %d", who, minutes, bound)
			}
		} else if minutes > 0 {
			w.Errorf("%s: closed for %d minutes", who, minutes)
		}
	}
	if w.honest > 0 {
		w.Errorf("%d honest people were refused", w.honest)
	}
	if w.guesses > 60*victims*w.days || w.guesses < victims*w.days {
		w.Errorf("%d guesses at passwords", w.guesses)
	}
	if w.codes > 50*victims { // half of what ends an app, never more
		w.Errorf("%d guesses at apps", w.codes)
	}
	// Each day, a victim gets ten mails of each of two kinds and sixty codes requested from a /48,
	// and the number gets ten text messages.
	if w.messages > 80*victims*w.days || w.texts > 10*(w.days+1) {
		w.Errorf("%d mails, %d texts", w.messages, w.texts)
	}
}
