package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

type auditCommands struct {
	List      auditList      `cmd:"" help:"List audit events."`
	Verify    auditVerify    `cmd:"" help:"Check that no row of the trail was changed or removed."`
	Partition auditPartition `cmd:"" help:"Store each month of the trail in its own partition (PostgreSQL)."`
}

type auditList struct {
	where
	User    string   `help:"Only this account: e-mail address, username or id." placeholder:"USER"`
	Since   string   `help:"Only events since then: a duration before now (\"24 hours\") or a time (2026-11-23, 2026-11-23T15:04:05Z)." placeholder:"WHEN"`
	After   int64    `help:"Only rows after this row number, e.g. the last one of an earlier list." placeholder:"ROW"`
	Event   []string `help:"Only events with this name, e.g. user-authenticated; may be repeated." placeholder:"NAME"`
	From    string   `help:"Only events from this client address." placeholder:"ADDRESS"`
	Refused bool     `help:"Only events that were refused."`
	JSON    bool     `help:"Print one JSON object per line."`
}

// wants reports whether a row is printed.
func (c auditList) wants(e event.AuditEntry) bool {
	return (len(c.Event) == 0 || slices.Contains(c.Event, e.Event)) && (c.From == "" || c.From == e.Address) &&
		(!c.Refused || e.Result != "ok")
}

// auditRow is a row of the audit trail with the address of its account. The address of a deleted
// account is empty.
type auditRow struct {
	event.AuditEntry
	Email string `json:"email,omitempty"`
}

// Help implements kong.HelpProvider.
func (auditList) Help() string {
	return `Examples:
  twofold audit list --user ann@example.org --since "2 days"
  twofold audit list --refused --event user-failed-authn --since "1 hour"
  twofold audit list --from 203.0.113.9
  twofold audit list --since 2026-11-01 --json
  twofold audit list --after 120345 --json >>audit.jsonl`
}

// Run prints rows, oldest first.
func (c auditList) Run(ctx context.Context, p process) error {
	since, err := moment(c.Since, time.Now())
	if err != nil {
		return err
	}
	c.anyKey = true
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, s *settings) error {
		filter := event.AuditFilter{Since: since, After: c.After}
		if c.User != "" {
			u, err := auth.FindUser(ctx, c.User)
			if err != nil {
				return sayUser(err, c.User, s)
			}
			filter.User = u.ID
		}
		table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		enc := json.NewEncoder(p.out)
		emails, names := map[string]string{}, map[string]bool{}
		for {
			rows, err := auth.Audit().List(ctx, filter)
			if err != nil || len(rows) == 0 {
				return errors.Join(err, table.Flush(), c.missing(p, names))
			}
			for _, e := range rows {
				filter.After, names[e.Event] = e.Row, true
				if !c.wants(e) {
					continue
				}
				if _, known := emails[e.User]; !known {
					u, _ := auth.FindUser(ctx, e.User) // a deleted account has no address
					emails[e.User] = u.Email
				}
				if c.JSON {
					err = enc.Encode(auditRow{e, emails[e.User]})
				} else {
					_, err = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
						e.Row, e.At.Format(time.RFC3339), e.Event, e.Result, e.Method, e.Reason,
						cmp.Or(emails[e.User], e.User), cmp.Or(e.Address, e.By))
				}
				if err != nil {
					return err
				}
			}
		}
	})
}

// missing says which names of events no row had: a name may be misspelled.
func (c auditList) missing(p process, names map[string]bool) error {
	for _, name := range c.Event {
		if names[name] {
			continue
		}
		const text = "twofold: none of these rows has the event %q: docs/events.md lists all names\n"
		if _, err := fmt.Fprintf(p.err, text, name); err != nil {
			return err
		}
	}
	return nil
}

// moment parses a time, or a duration before now.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if d, err := parseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, usageError(
		fmt.Sprintf("--since %q is not a time: write how far to go back, such as \"24 hours\", or a date such as "+
			"2026-11-23",
			text))
}

type auditVerify struct {
	where
	Files []string `arg:"" optional:"" name:"FILE" help:"Files of TWOFOLD_AUDIT_ARCHIVE to check in place of the database, oldest first."`
	Head  *string  `help:"A head from an earlier run or from the log; the trail in the database must still contain it." placeholder:"HEAD"`
}

// Help implements kong.HelpProvider.
func (auditVerify) Help() string {
	return `Examples:
  twofold audit verify
  twofold audit verify --head "$(cat audit-head-of-last-week)"
  twofold audit verify /archive/audit-*.jsonl

Exits with 1 if a row was changed, removed or inserted. If the newest rows were removed together with their
seals, only a head that was kept elsewhere can show it. Rows that were removed because of TWOFOLD_AUDIT_DAYS are
reported but are not an error, because their removal is recorded under a seal.

Files are checked with the settings and the key, without the database. The printed head is that of the newest file:
the trail in the database contains it for as long as it contains the following month. The output says where the oldest
file begins. --head cannot be given with files.`
}

// aHead is the form of a head: the number of a row and a keyed hash, which is empty if no row is sealed.
var aHead = regexp.MustCompile(`^[0-9]+:[0-9a-f]*$`)

// Run reads the whole trail.
func (c auditVerify) Run(ctx context.Context, p process) error {
	c.anyKey = true
	if len(c.Files) > 0 {
		return c.verifyFiles(ctx, p)
	}
	head := ""
	if c.Head != nil { // a file that is missing must not make the check weaker
		if head = strings.TrimSpace(*c.Head); !aHead.MatchString(head) {
			return usageError(fmt.Sprintf("--head %q is not a head: write what `twofold audit verify` printed after "+
				"\"Head:\"", *c.Head))
		}
	}
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		r, err := auth.Audit().Verify(ctx, head)
		if err != nil {
			return err
		}
		if len(r.Problems) > 0 {
			return found(r.Problems, "the audit trail was tampered with, or the key that sealed it is missing: keep "+
				"the database as it is and check the backups")
		}
		err = line(p, "The audit trail is intact: %s, %s, %s not sealed yet.",
			amount(r.Rows, "row", "rows"), amount(r.Seals, "sealed range", "sealed ranges"),
			amount(r.Unsealed, "row", "rows"))
		if err != nil {
			return err
		}
		if r.RemovedThrough > 0 {
			if err := line(p, "%s.", removedRows(r)); err != nil {
				return err
			}
		}
		return line(p, "Head: %s", r.Head)
	})
}

// removedRows describes the rows that were removed because of their age.
func removedRows(r event.Report) string {
	return fmt.Sprintf("Rows before %d were removed by policy: %d in all, most recently on %s, all written before %s",
		r.RemovedThrough+1, r.RemovedRows, r.RemovedAt.Format(time.RFC3339), r.RemovedBefore.Format(time.RFC3339))
}
