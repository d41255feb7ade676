package oidc_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
)

// slow answers late.
type slow struct {
	late  atomic.Int64 // nanoseconds
	asked atomic.Int64
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	time.Sleep(time.Duration(s.late.Load()))
	return http.DefaultTransport.RoundTrip(r)
}

// TestASlowProviderMakesNoQueue checks that each caller waits at most once, and that none waits
// while the previous metadata are valid.
func TestASlowProviderMakesNoQueue(t *testing.T) {
	t.Parallel()
	site, wire, ahead := federatedtest.New(t, time.Now), &slow{}, atomic.Int64{}
	p, err := oidc.New(oidc.Settings{
		Name: "corp", Issuer: site.URL, ClientID: site.ClientID, ClientSecret: site.Secret,
		Client: &http.Client{Transport: wire},
		Now:    func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() time.Duration {
		begun := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := p.Begin(t.Context(), question()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		return time.Since(begun)
	}
	wire.late.Store(int64(500 * time.Millisecond))
	if took := ask(); took > 2*time.Second || wire.asked.Load() != 1 {
		t.Errorf("the first eight waited %v, and asked %d times", took, wire.asked.Load())
	}
	ahead.Store(int64(25 * time.Hour))
	wire.late.Store(int64(5 * time.Second))
	for range 3 {
		if took := ask(); took > 3*time.Second {
			t.Errorf("with former metadata eight waited %v", took)
		}
		// A separate goroutine makes the only request for new metadata.
		for end := time.Now().Add(time.Minute); wire.asked.Load() < 2 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if asked := wire.asked.Load(); asked != 2 {
			t.Errorf("with former metadata %d requests were made, want 2", asked)
		}
	}
}
