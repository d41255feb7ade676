package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// counter is a row of twofold_counters. Once now has reached endsAt, the row is
// as good as none; endsAt is never before opensAt, so a hold outlives the
// window that is shorter.
type counter struct {
	n               int64
	opensAt, endsAt int64 // microseconds
}

func scanCounter(scan scanner) (c counter, err error) {
	err = scan(&c.n, &c.opensAt, &c.endsAt)
	return c, err
}

// Reserve implements store.Counters. All budgets are read before any is
// written, in one transaction: a closed one takes the others' places back by
// never having taken them. They are locked in order of name, so two callers
// never wait for each other.
func (s *Store) Reserve(ctx context.Context, now time.Time, claims ...store.Claim) (time.Time, error) {
	const verb = "reserve"
	if len(claims) == 0 {
		return time.Time{}, nil
	}
	for _, c := range claims {
		if !c.Look && (c.Limit < 1 || c.Window <= 0) { // nothing would be counted
			return time.Time{}, s.fail(verb, &rowError{"a claim needs a limit and a window"})
		}
	}
	claims = slices.Clone(claims)
	slices.SortFunc(claims, func(a, b store.Claim) int { return strings.Compare(a.Key, b.Key) })
	at := micros(now)
	var opens int64
	err := s.tx(ctx, verb, func(t *txn) error {
		opens = 0
		rows := make(map[string]counter, len(claims))
		for _, c := range claims {
			row, err := t.counter(c.Key, at)
			if err != nil {
				return err
			}
			rows[c.Key] = row
			if row.opensAt > at {
				opens = max(opens, row.opensAt)
			}
		}
		if opens != 0 {
			return store.ErrUsed
		}
		for _, c := range claims {
			if c.Look {
				continue
			}
			rows[c.Key] = rows[c.Key].claim(c, at)
			if err := t.putCounter(c, rows[c.Key]); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, store.ErrUsed) {
		opens = 0
	}
	return moment(opens), err
}

// counter reads a budget as it stands at now; the zero one if it is forgotten.
func (t *txn) counter(key string, now int64) (counter, error) {
	if err := t.lock("counter:" + key); err != nil {
		return counter{}, err
	}
	row, err := get(t, `SELECT n, opens_at, ends_at FROM twofold_counters WHERE name = $1`, scanCounter, key)
	if errors.Is(err, errNone) || err == nil && row.endsAt <= now {
		return counter{}, nil
	}
	return row, err
}

// claim counts one more. Both times only ever grow: a clock that steps back
// opens nothing and forgets nothing.
func (c counter) claim(by store.Claim, now int64) counter {
	c.n++
	if over := c.n - int64(by.Limit); over >= 0 {
		c.opensAt = max(c.opensAt, now+holdFor(by, over).Microseconds())
	}
	c.endsAt = max(c.endsAt, now+by.Window.Microseconds(), c.opensAt)
	return c
}

// holdFor is Hold doubled over times, up to MaxHold.
func holdFor(c store.Claim, over int64) time.Duration {
	hold, most := c.Hold, max(c.Hold, c.MaxHold)
	for ; over > 0 && hold > 0 && hold < most; over-- {
		if hold > most/2 { // doubling would pass it, or overflow
			return most
		}
		hold *= 2
	}
	return hold
}

func (t *txn) putCounter(c store.Claim, row counter) error {
	_, err := t.exec(`INSERT INTO twofold_counters (name, n, ceiling, opens_at, ends_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET n = excluded.n, ceiling = excluded.ceiling,
			opens_at = excluded.opens_at, ends_at = excluded.ends_at`,
		c.Key, row.n, int64(c.Limit), row.opensAt, row.endsAt)
	return err
}

// Release implements store.Counters. Like Reserve it locks in order of name.
func (s *Store) Release(ctx context.Context, own, whole []string) error {
	const (
		one = `UPDATE twofold_counters SET n = CASE WHEN n > 0 THEN n - 1 ELSE 0 END,
			opens_at = CASE WHEN n - 1 < ceiling THEN 0 ELSE opens_at END WHERE name = $1`
		all = `DELETE FROM twofold_counters WHERE name = $1`
	)
	keys := slices.Concat(own, whole)
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	return s.tx(ctx, "release", func(t *txn) error {
		for _, key := range slices.Compact(keys) {
			if err := t.lock("counter:" + key); err != nil {
				return err
			}
			query := one
			if slices.Contains(whole, key) {
				query = all
			}
			if _, err := t.exec(query, key); err != nil {
				return err
			}
		}
		return nil
	})
}
