package security_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
)

// timed tries a comparison of times up to ten times: a busy machine can make
// one wrong, but not all.
func (w *world) timed(compare func() error) {
	w.t.Helper()
	var err error
	for range 10 {
		if err = compare(); err == nil {
			return
		}
	}
	w.t.Error(err)
}

// TestR123_SameTime: without the dummy hash the unknown would be many times
// faster. What can be measured more finely is BenchmarkRefusals'.
func TestR123_SameTime(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 100, AddressFailures: 10_000}))
	emails := w.classes()
	w.timed(func() error {
		quickest := map[string]time.Duration{}
		for range 8 {
			for _, email := range emails {
				took := w.refusal(email)
				if best, ok := quickest[email]; !ok || took < best {
					quickest[email] = took
				}
			}
		}
		all := slices.Sorted(maps.Values(quickest))
		if low, high := all[0], all[len(all)-1]; high > low*3/2 {
			return fmt.Errorf("the quickest refusals: %v", quickest)
		}
		return nil
	})
}

// refusal is how long a wrong password takes.
func (w *world) refusal(email string) time.Duration {
	w.t.Helper()
	b := w.browser()
	begin := time.Now()
	b.post("/login", m{"email": email, "password": "wrong password"}).want(400)
	return time.Since(begin)
}

// TestR123_MailRequestsTakeTheSameTime: what is written for an account is
// written for no one too, and no mail server is waited for.
func TestR123_MailRequestsTakeTheSameTime(t *testing.T) {
	for site, paths := range map[string][]string{"life": {"/reset", "/recover-username"}, "by link": {"/login"}} {
		t.Run(site, func(t *testing.T) {
			w := newWorld(t, life, func(c *twofold.Config) {
				c.Accounts.MagicLink = site == "by link"
				l := &c.Advanced.Limits
				l.SendShort, l.FirstDay, l.SendAddress = 1000, 10_000, 1_000_000
			})
			w.sameTime(paths)
		})
	}
}

// sameTime asks for mail to an account and to no one.
func (w *world) sameTime(paths []string) {
	w.t.Helper()
	known, unknown := w.person("known").email, "nobody@good.test"
	w.mail.FailWith(errors.New("the mail server is down"))
	for _, path := range paths {
		w.timed(func() error {
			best := map[string]time.Duration{}
			for range 25 {
				for _, email := range []string{known, unknown} {
					if took := w.request(path, email); best[email] == 0 || took < best[email] {
						best[email] = took
					}
				}
			}
			if a, b := best[known], best[unknown]; max(a, b) > 2*min(a, b) {
				return fmt.Errorf("%s: the quickest answers: %v", path, best)
			}
			return nil
		})
	}
}

// request is how long a request for mail takes.
func (w *world) request(path, email string) time.Duration {
	w.t.Helper()
	w.clock.advance(time.Second)
	b := w.browser()
	begin := time.Now()
	b.post(path, m{"email": email}).want(200)
	return time.Since(begin)
}

// BenchmarkMailRequests is R123 in figures for requests for mail.
func BenchmarkMailRequests(b *testing.B) {
	w := newWorld(b, life)
	known, unknown := w.person("known").email, "nobody@good.test"
	var took [2][]float64
	for b.Loop() {
		w.clock.advance(25 * time.Hour)
		for i, email := range []string{known, unknown} {
			took[i] = append(took[i], float64(w.request("/reset", email))/float64(time.Millisecond))
		}
	}
	for i, name := range []string{"known", "unknown"} {
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2], name+"-ms")
	}
}

// BenchmarkRefusals is R123 in figures: the medians of interleaved samples for
// an identity that exists and one that does not, and how far they are apart.
func BenchmarkRefusals(b *testing.B) {
	w := newWorld(b, with(limit.Limits{FirstFailures: 100, AddressFailures: 10_000}))
	emails := w.classes()
	known, unknown := emails[1], emails[len(emails)-1]
	var took [2][]float64
	for b.Loop() {
		w.clock.advance(time.Hour) // past every pause
		// In random order: what a hash leaves behind is collected every few
		// requests, and would fall upon the same of the two each time.
		for _, i := range rand.Perm(2) {
			took[i] = append(took[i], float64(w.refusal([]string{known, unknown}[i]))/float64(time.Millisecond))
		}
	}
	median := func(list []float64) float64 { slices.Sort(list); return list[len(list)/2] }
	a, z := median(took[0]), median(took[1])
	b.ReportMetric(a, "ms/known")
	b.ReportMetric(z, "ms/unknown")
	b.ReportMetric(100*math.Abs(a-z)/max(a, z), "%apart")
}
