package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// examinations lists inconsistencies that no method causes: a query for the names of such records
// ($1 is now), and the problem. Conditions that the schema enforces are not checked again.
var examinations = [...]struct{ query, wrong string }{
	{`SELECT name FROM twofold_challenges WHERE tries < 0`, "the code %s was tried more often than it bears"},
	{`SELECT name FROM twofold_challenges WHERE taken = 1 AND tries <= 0`, "the code %s was taken after its last try"},
	// Reserve closes a budget with the claim that reaches the limit, and Release opens it below the
	// limit.
	{`SELECT name FROM twofold_counters WHERE ends_at > $1 AND (n < 0 OR ceiling < 1)`, "the budget %s counts nothing"},
	{`SELECT name FROM twofold_counters WHERE ends_at > $1 AND n >= ceiling AND opens_at = 0`,
		"the budget %s is used up and was never closed"},
	{`SELECT name FROM twofold_counters WHERE opens_at > $1 AND n < ceiling`,
		"the budget %s is closed though it is not used up"},
	{`SELECT name FROM twofold_counters WHERE ends_at > $1 AND ends_at < opens_at`,
		"the budget %s is forgotten before it opens"},
	// What goes through once (a link) has a budget of one for all its life.
	{`SELECT name FROM twofold_counters WHERE ends_at > $1 AND name LIKE 'once:%' AND n > 1`,
		"the mark %s let more than one through"},
	{`SELECT user_id FROM twofold_recovery_codes GROUP BY user_id HAVING MIN(created_at) < MAX(created_at)`,
		"the recovery codes of account %s are of more than one set"},
	{`SELECT user_id FROM twofold_recovery_codes WHERE LENGTH(mac) = 0`, "account %s has an invalid recovery code"},
	{`SELECT id FROM twofold_messages WHERE LENGTH(body) = 0`, "the message %s is empty"},
	// No record is left of an account that is gone. A table with a foreign key keeps
	// that by itself. A store without any account is the volatile one of two.
	{`SELECT hash FROM twofold_sessions WHERE` + orphaned, "the session %s is of an account that does not exist"},
	{`SELECT hash FROM twofold_pendings WHERE` + orphaned,
		"the pending sign-in %s is of an account that does not exist"},
	{`SELECT owner FROM twofold_drafts WHERE` + orphaned, "the draft %s is of an account that does not exist"},
	{`SELECT name FROM twofold_challenges WHERE` + orphaned, "the code %s is of an account that does not exist"},
	{`SELECT id FROM twofold_messages WHERE` + orphaned, "the message %s is for an account that does not exist"},
	{`SELECT id FROM twofold_events WHERE LENGTH(erased) = 0 AND name <> '` + deletionName + `' AND` + orphaned,
		"the audit trail's event %s is of an account that does not exist"},
}

// deletionName is the name of the event that a deletion adds, under a pseudonym.
const deletionName = "user-deleted"

// orphaned is the condition of a record whose account does not exist.
const orphaned = ` user_id <> '' AND NOT EXISTS (SELECT 1 FROM twofold_users AS u WHERE u.id = user_id)
	AND EXISTS (SELECT 1 FROM twofold_users)`

// Examine implements storage.Store. It reads whole tables, so it has the
// caller's time and not a verb's.
func (s *Store) Examine(ctx context.Context, now time.Time) ([]string, error) {
	out := []string{}
	for _, e := range examinations {
		var args []any
		if strings.Contains(e.query, "$1") {
			args = []any{micros(now)}
		}
		rows, err := s.read.query(ctx, e.query, args)
		names, err := collect(rows, err,
			func(scan scanner) (name string, err error) { err = scan(&name); return name, err })
		if err != nil {
			return nil, s.fail("examine", err)
		}
		for _, name := range names {
			out = append(out, fmt.Sprintf(e.wrong, name))
		}
	}
	return out, nil
}
