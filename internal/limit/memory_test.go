package limit_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// memory stores counters by the contract of storage.Counters. If dry is set, it answers without
// counting.
type memory struct {
	mu   sync.Mutex
	rows map[string]*counted
	dry  bool
}

type counted struct {
	n, limit    int
	opens, ends time.Time
}

func (m *memory) Reserve(_ context.Context, now time.Time, claims ...storage.Claim) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var opens time.Time
	for _, c := range claims {
		if r := m.rows[c.Key]; r != nil && now.Before(r.ends) && now.Before(r.opens) && r.opens.After(opens) {
			opens = r.opens
		}
	}
	if !opens.IsZero() {
		return opens, storage.ErrUsed
	}
	for _, c := range claims {
		if c.Look || m.dry {
			continue
		}
		r := m.rows[c.Key]
		if r == nil || !now.Before(r.ends) {
			r = &counted{ends: now.Add(c.Window)}
			m.rows[c.Key] = r
		}
		if r.n, r.limit = r.n+1, c.Limit; r.n < c.Limit {
			continue
		}
		hold, most := c.Hold, max(c.Hold, c.MaxHold)
		for range r.n - c.Limit {
			hold = min(2*hold, most)
		}
		if r.opens = now.Add(hold); c.Hold == 0 {
			r.opens = r.ends
		}
		if r.opens.After(r.ends) {
			r.ends = r.opens
		}
	}
	return time.Time{}, nil
}

func (m *memory) Release(_ context.Context, own, whole []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range own {
		if r := m.rows[key]; r != nil {
			if r.n = max(0, r.n-1); r.n < r.limit {
				r.opens = time.Time{}
			}
		}
	}
	for _, key := range whole {
		delete(m.rows, key)
	}
	return nil
}

func (m *memory) Forget(_ context.Context, prefixes ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.rows {
		for _, p := range prefixes {
			if strings.HasPrefix(key, p) {
				delete(m.rows, key)
			}
		}
	}
	return nil
}

// sweep deletes expired counters.
func (m *memory) sweep(now time.Time) {
	for key, r := range m.rows {
		if !now.Before(r.ends) {
			delete(m.rows, key)
		}
	}
}
