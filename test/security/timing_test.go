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

// timed repeats a comparison of the quickest answers so far up to ten times: the more there are, the less
// a busy machine matters.
func (w *world) timed(compare func() error) {
	w.T.Helper()
	var err error
	for range 10 {
		if err = compare(); err == nil {
			return
		}
	}
	w.T.Error(err)
}

// TestR123_SameTime checks that unknown identities take as long; without the dummy hash they would
// be many times faster. BenchmarkRefusals measures smaller differences.
func TestR123_SameTime(t *testing.T) {
	w := newWorld(t, with(limit.Limits{FirstFailures: 100, AddressFailures: 10_000}))
	emails := w.classes()
	quickest := map[string]time.Duration{}
	w.timed(func() error {
		for range 8 {
			for _, email := range emails {
				took := w.refusal(email)
				if best, ok := quickest[email]; !ok || took < best {
					quickest[email] = took
				}
			}
		}
		all := slices.Sorted(maps.Values(quickest))
		if low, high := all[0], all[len(all)-1]; high > 3*low {
			return fmt.Errorf("the quickest refusals: %v", quickest)
		}
		return nil
	})
}

// refusal returns the time that a wrong password takes.
func (w *world) refusal(email string) time.Duration {
	w.T.Helper()
	b := w.browser()
	begin := time.Now()
	b.Post("/login", m{"email": email, "password": "wrong password"}).Want(400)
	return time.Since(begin)
}

// TestR123_MailRequestsTakeTheSameTime checks that a request for an unknown address writes the same
// rows, and that no request waits for the mail server.
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

// sameTime compares requests for mail to an account and to an unknown address.
func (w *world) sameTime(paths []string) {
	w.T.Helper()
	known, unknown := w.person("known").Email, "nobody@good.test"
	w.Mail.FailWith(errors.New("the mail server is down"))
	for _, path := range paths {
		best := map[string]time.Duration{}
		w.timed(func() error {
			for range 25 {
				for _, email := range []string{known, unknown} {
					if took := w.request(path, email); best[email] == 0 || took < best[email] {
						best[email] = took
					}
				}
			}
			if a, b := best[known], best[unknown]; max(a, b) > 3*min(a, b) {
				return fmt.Errorf("%s: the quickest answers: %v", path, best)
			}
			return nil
		})
	}
}

// request returns the time that a request for mail takes.
func (w *world) request(path, email string) time.Duration {
	w.T.Helper()
	w.Advance(time.Second)
	b := w.browser()
	begin := time.Now()
	b.Post(path, m{"email": email}).Want(200)
	return time.Since(begin)
}

// BenchmarkMailRequests measures R123 for requests for mail.
func BenchmarkMailRequests(b *testing.B) {
	w := newWorld(b, life)
	known, unknown := w.person("known").Email, "nobody@good.test"
	var took [2][]float64
	for b.Loop() {
		w.Advance(25 * time.Hour)
		for i, email := range []string{known, unknown} {
			took[i] = append(took[i], float64(w.request("/reset", email))/float64(time.Millisecond))
		}
	}
	for i, name := range []string{"known", "unknown"} {
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2], name+"-ms")
	}
}

// BenchmarkRefusals measures R123: it reports the medians of interleaved samples for a known and an
// unknown identity, and their difference.
func BenchmarkRefusals(b *testing.B) {
	w := newWorld(b, with(limit.Limits{FirstFailures: 100, AddressFailures: 10_000}))
	emails := w.classes()
	known, unknown := emails[1], emails[len(emails)-1]
	var took [2][]float64
	for b.Loop() {
		w.Advance(time.Hour) // past every pause
		// The order is random. Otherwise the garbage collection of hashes, which runs every few
		// requests, would always fall on the same one.
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
