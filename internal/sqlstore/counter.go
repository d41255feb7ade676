package sqlstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// counter is a row of twofold_counters. Once now has reached endsAt, the row
// counts as absent. endsAt is never before opensAt, so a hold outlives a window
// that ends earlier.
type counter struct {
	n               int64
	opensAt, endsAt int64 // microseconds
}

// named is a counter with the name of its budget.
type named struct {
	name string
	counter
}

func scanCounter(scan scanner) (c named, err error) {
	err = scan(&c.name, &c.n, &c.opensAt, &c.endsAt)
	return c, err
}

// Reserve implements store.Counters. All budgets are read before any is
// written, in one transaction: if one is closed, none has lost a place. They
// are locked in order of name, so two callers never wait for each other.
func (s *Store) Reserve(ctx context.Context, now time.Time, claims ...store.Claim) (time.Time, error) {
	const verb = "reserve"
	if len(claims) == 0 {
		return time.Time{}, nil
	}
	names := make([]string, len(claims))
	for i, c := range claims {
		if !c.Look && (c.Limit < 1 || c.Window <= 0) { // nothing would be counted
			return time.Time{}, s.fail(verb, &rowError{"a claim needs a limit and a window"})
		}
		names[i] = c.Key
	}
	slices.Sort(names)
	names = slices.Compact(names)
	at := micros(now)
	var opens int64
	err := s.tx(ctx, verb, func(t *txn) error {
		opens = 0
		rows, err := t.counters(names, at)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.opensAt > at {
				opens = max(opens, row.opensAt)
			}
		}
		if opens != 0 {
			return store.ErrUsed
		}
		return t.claim(claims, rows, at)
	})
	if !errors.Is(err, store.ErrUsed) {
		opens = 0
	}
	return moment(opens), err
}

// counters locks and reads budgets as they stand at now. One that is forgotten
// is not among them.
func (t *txn) counters(names []string, now int64) (map[string]counter, error) {
	if err := t.locks("counter:", names); err != nil {
		return nil, err
	}
	rows, err := t.query(`SELECT name, n, opens_at, ends_at FROM twofold_counters WHERE name IN (`+places(1, len(names))+`)`, anys(names)...)
	list, err := collect(rows, err, scanCounter)
	out := make(map[string]counter, len(names))
	for _, row := range list {
		if row.endsAt > now {
			out[row.name] = row.counter
		}
	}
	return out, err
}

// claim takes the places and writes the budgets down, in one statement.
func (t *txn) claim(claims []store.Claim, rows map[string]counter, at int64) error {
	limits := map[string]int{}
	for _, c := range claims {
		if !c.Look {
			rows[c.Key] = rows[c.Key].claim(c, at)
			limits[c.Key] = c.Limit
		}
	}
	if len(limits) == 0 {
		return nil
	}
	var values []string
	var args []any
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		row := rows[name]
		values = append(values, "("+places(len(args)+1, 5)+")")
		args = append(args, name, row.n, int64(limits[name]), row.opensAt, row.endsAt)
	}
	_, err := t.exec(`INSERT INTO twofold_counters (name, n, ceiling, opens_at, ends_at) VALUES `+strings.Join(values, ", ")+`
		ON CONFLICT (name) DO UPDATE SET n = excluded.n, ceiling = excluded.ceiling,
			opens_at = excluded.opens_at, ends_at = excluded.ends_at`, args...)
	return err
}

// claim counts one more. The first claim sets when the window ends, and no
// later one moves it. opensAt only ever grows: a clock that steps back opens
// nothing and forgets nothing.
func (c counter) claim(by store.Claim, now int64) counter {
	if c.n += int64(max(1, by.Times)); c.endsAt == 0 {
		c.endsAt = now + by.Window.Microseconds()
	}
	if over := c.n - int64(by.Limit); over >= 0 {
		opens := c.endsAt
		if by.Hold > 0 {
			opens = now + holdFor(by, over).Microseconds()
		}
		c.opensAt = max(c.opensAt, opens)
	}
	c.endsAt = max(c.endsAt, c.opensAt)
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

// Release implements store.Counters. Like Reserve it locks in order of name.
func (s *Store) Release(ctx context.Context, own, whole []string) error {
	own = slices.DeleteFunc(slices.Clone(own), func(key string) bool { return slices.Contains(whole, key) })
	keys := slices.Concat(own, whole)
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return s.tx(ctx, "release", func(t *txn) error {
		if err := t.locks("counter:", keys); err != nil {
			return err
		}
		if len(own) > 0 {
			if _, err := t.exec(`UPDATE twofold_counters SET n = CASE WHEN n > 0 THEN n - 1 ELSE 0 END,
				opens_at = CASE WHEN n - 1 < ceiling THEN 0 ELSE opens_at END
				WHERE name IN (`+places(1, len(own))+`)`, anys(own)...); err != nil {
				return err
			}
		}
		if len(whole) == 0 {
			return nil
		}
		_, err := t.exec(`DELETE FROM twofold_counters WHERE name IN (`+places(1, len(whole))+`)`, anys(whole)...)
		return err
	})
}

// Forget implements store.Counters. It reads ranges of the primary key.
func (s *Store) Forget(ctx context.Context, prefixes ...string) error {
	return s.tx(ctx, "forget", func(t *txn) error { return t.forget(prefixes) })
}

func (t *txn) forget(prefixes []string) error {
	for _, prefix := range prefixes {
		before, ok := strings.CutSuffix(prefix, ":")
		if !ok || before == "" {
			return &rowError{"a prefix of budgets ends in a colon"}
		}
		// The next character after the colon ends the range.
		if _, err := t.exec(`DELETE FROM twofold_counters WHERE name >= $1 AND name < $2`, prefix, before+";"); err != nil {
			return err
		}
	}
	return nil
}

// places are the parameters of a list: $from, and so on for n of them.
func places(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(list, ", ")
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
