package sqlstore

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Reserve implements storage.Counters. One statement checks all budgets and writes only if none is
// closed. They are locked in order of name, so two callers never wait for each other.
func (s counters) Reserve(ctx context.Context, now time.Time, claims ...storage.Claim) (time.Time, error) {
	const verb = "reserve"
	if err := countable(claims); err != nil {
		return time.Time{}, s.fail(verb, err)
	}
	names := claimed(claims)
	for range tries {
		statements := claimStatements(claims, now)
		if len(statements) > 0 {
			err := script(ctx, s.Store, verb, append(s.d.locked("counter:", names), statements...))
			if _, refused := missed(err); !refused {
				return time.Time{}, err
			}
		}
		until, err := opens(ctx, s.Store, verb, names, now)
		if err != nil || len(statements) == 0 && until.IsZero() {
			return time.Time{}, err
		}
		if !until.IsZero() {
			return until, storage.ErrUsed
		}
		// The budget was opened meanwhile.
	}
	return time.Time{}, s.fail(verb, storage.ErrUnavailable)
}

// claimed returns the names of the budgets of claims, sorted and each once.
func claimed(claims []storage.Claim) []string {
	names := make([]string, len(claims))
	for i, c := range claims {
		names[i] = c.Key
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// closedAt is the condition of a budget that is closed at $1. When $1 has reached ends_at, the row
// counts as absent; ends_at is never before opens_at, so a hold outlives a window that ends
// earlier.
const closedAt = `opens_at > CAST($1 AS BIGINT) AND ends_at > CAST($1 AS BIGINT)`

// opens returns when the last of the closed budgets opens, or zero if all are open.
func opens(ctx context.Context, s *Store, verb string, names []string, now time.Time) (time.Time, error) {
	if len(names) == 0 {
		return time.Time{}, nil
	}
	n, err := one(ctx, s, verb, `SELECT COALESCE(MAX(opens_at), 0) FROM twofold_counters
		WHERE `+closedAt+` AND name IN (`+places(2, len(names))+`)`, scanInt, append([]any{micros(now)}, anys(names)...)...)
	return moment(n), err
}

// claimStatements returns the statement that takes the places of claims, whose budgets must be
// locked, or nothing if all claims only look. It writes one row for each budget to count in, or no
// row if a budget of any claim is closed.
//
// The first claim sets the end of the window, which later claims do not change. opens_at only
// increases, so a clock that steps back opens no budget and resets none.
func claimStatements(claims []storage.Claim, now time.Time) []Statement {
	times, args := map[string]int{}, []any{micros(now)}
	for _, c := range claims {
		if !c.Look {
			times[c.Key] += max(1, c.Times)
		}
	}
	var values []string
	for i, c := range claims {
		later := func(o storage.Claim) bool { return !o.Look && o.Key == c.Key }
		if c.Look || slices.ContainsFunc(claims[i+1:], later) {
			continue
		}
		list := make([]string, 7)
		for i, kind := range []string{"TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "INTEGER"} {
			list[i] = "CAST($" + strconv.Itoa(len(args)+1+i) + " AS " + kind + ")"
		}
		values = append(values, "("+strings.Join(list, ", ")+")")
		args = append(args, c.Key, int64(times[c.Key]), int64(c.Limit), micros(now)+c.Window.Microseconds(),
			c.Hold.Microseconds(), max(c.Hold, c.MaxHold).Microseconds(), doublings(c))
	}
	if len(values) == 0 {
		return nil
	}
	names := claimed(claims)
	query := `INSERT INTO twofold_counters (name, n, ceiling, opens_at, ends_at)
		SELECT name, n, ceiling, opens, CASE WHEN opens > ends THEN opens ELSE ends END FROM (
			SELECT name, n, ceiling, ends, CASE WHEN hold > opens THEN hold ELSE opens END AS opens FROM (
				SELECT name, n, ceiling, opens, ends, CASE WHEN n < ceiling THEN 0 WHEN hold = 0 THEN ends
					WHEN n - ceiling >= doublings THEN CAST($1 AS BIGINT) + longest
					ELSE CAST($1 AS BIGINT) + (hold << CAST(n - ceiling AS INTEGER)) END AS hold FROM (
					SELECT v.column1 AS name, COALESCE(c.n, 0) + v.column2 AS n, v.column3 AS ceiling,
						COALESCE(c.opens_at, 0) AS opens, COALESCE(c.ends_at, v.column4) AS ends,
						v.column5 AS hold, v.column6 AS longest, v.column7 AS doublings
					FROM (VALUES ` + strings.Join(values, ", ") + `) AS v
					LEFT JOIN twofold_counters AS c ON c.name = v.column1 AND c.ends_at > CAST($1 AS BIGINT)
				) AS counted
			) AS held
		) AS budgets
		WHERE NOT EXISTS (SELECT 1 FROM twofold_counters WHERE ` + closedAt + `
			AND name IN (` + places(len(args)+1, len(names)) + `))
		ON CONFLICT (name) DO UPDATE SET n = excluded.n, ceiling = excluded.ceiling,
			opens_at = excluded.opens_at, ends_at = excluded.ends_at`
	return []Statement{{query, append(args, anys(names)...), int64(len(values))}}
}

// doublings returns the number of claims beyond the limit after which a hold has its maximum
// length.
func doublings(c storage.Claim) (n int64) {
	most := max(c.Hold, c.MaxHold)
	for hold := c.Hold; hold > 0 && hold < most; n++ {
		if hold > most/2 { // doubling would pass it, or overflow
			return n + 1
		}
		hold *= 2
	}
	return n
}

// Release implements storage.Counters. Like Reserve it locks in order of name.
func (s counters) Release(ctx context.Context, own, whole []string) error {
	statements := releaseStatements(own, whole)
	if len(statements) == 0 {
		return nil
	}
	names := slices.Concat(own, whole)
	slices.Sort(names)
	return script(ctx, s.Store, "release", append(s.d.locked("counter:", slices.Compact(names)), statements...))
}

// releaseStatements returns the statements of Release. The budgets must be locked.
func releaseStatements(own, whole []string) (statements []Statement) {
	own = slices.DeleteFunc(slices.Clone(own), func(key string) bool { return slices.Contains(whole, key) })
	if len(own) > 0 {
		statements = append(statements,
			Statement{`UPDATE twofold_counters SET n = CASE WHEN n > 0 THEN n - 1 ELSE 0 END,
			opens_at = CASE WHEN n - 1 < ceiling THEN 0 ELSE opens_at END
			WHERE name IN (` + places(1, len(own)) + `)`, anys(own), Any})
	}
	if len(whole) > 0 {
		query := `DELETE FROM twofold_counters WHERE name IN (` + places(1, len(whole)) + `)`
		statements = append(statements, Statement{query, anys(whole), Any})
	}
	return statements
}

// Forget implements storage.Counters. It reads ranges of the primary key.
func (s counters) Forget(ctx context.Context, prefixes ...string) error {
	return s.tx(ctx, "forget", func(t *txn) error { return t.forget(prefixes) })
}

func (t *txn) forget(prefixes []string) error {
	for _, prefix := range prefixes {
		before, ok := strings.CutSuffix(prefix, ":")
		if !ok || before == "" {
			return &rowError{"a prefix of budgets ends in a colon"}
		}
		// The range ends at the character after the colon.
		if _, err := t.exec(`DELETE FROM twofold_counters WHERE name >= $1 AND name < $2`, prefix,
			before+";"); err != nil {
			return err
		}
	}
	return nil
}

// places returns the n parameters of a list, starting with $from.
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
