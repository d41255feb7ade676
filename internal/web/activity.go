package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The number of lines that are shown, and of rows of the audit trail that are read for them. More
// rows are read, because some have no text and attempts are counted.
const (
	recentLines  = 8
	recentRows   = 2 * recentLines
	attemptLines = 5
	attemptRows  = 100
)

// Happened is one line of recent activity.
type Happened struct {
	Text             string
	Refused          bool
	Times            string // number of times, if more than one
	Browser, Address string
	At               time.Time
}

// recentSection adds the recent activity of the account, from the audit trail. Failed attempts are
// counted in separate lines.
func (s profileSteps) recentSection(c *call) (part, error) {
	rows, err := s.c.Login.Account.Activity(c.r.Context(), *c.who, recentRows, attemptRows)
	var done []line
	for _, e := range rows.Done {
		if n, ok := c.lineOf(e); ok && len(done) < recentLines {
			done = append(done, n)
		}
	}
	tried := c.attempts(rows.Tried)
	return part{
		json: func(body *accountBody) { body.Events = c.eventBodies(slices.Concat(done, tried)) },
		page: func(p *AccountPage) {
			for _, n := range done {
				p.Recent = append(p.Recent, c.happened(n))
			}
			for _, n := range tried {
				p.Attempts = append(p.Attempts, c.times(n, len(rows.Tried)))
			}
		},
	}, err
}

// eventBody is a line of recent activity.
type eventBody struct {
	At      *string `json:"at"`
	Event   string  `json:"event"`
	Method  string  `json:"method"`
	Result  string  `json:"result"`
	Text    string  `json:"text"`
	Browser string  `json:"browser"`
	Address string  `json:"address"`
	Count   int     `json:"count"`
}

// eventBodies returns lines for JSON, newest first.
func (c *call) eventBodies(all []line) []eventBody {
	slices.SortFunc(all, func(a, b line) int { return cmp.Compare(b.row.Row, a.row.Row) })
	out := []eventBody{}
	for _, n := range all {
		out = append(out, eventBody{
			At: stamp(n.row.At), Event: n.row.Name, Method: n.row.Method, Result: n.row.Result,
			Text: c.words.Text(n.key, n.args(c.words)...), Browser: n.browser(), Address: n.row.Address, Count: n.count,
		})
	}
	return out
}

// line is one line of recent activity: a row, or the newest of several similar ones.
type line struct {
	row   storage.Event
	key   string // of its text
	count int
}

// lineOf returns the line of a row: the text "lately_" + name, followed by the kind of change for a
// change of the account. A row without a text is not shown.
func (c *call) lineOf(e storage.Event) (line, bool) {
	key := "lately_" + event.Current(e.Name)
	switch {
	case e.Name == event.AccountChanged{}.Name(), e.Name == event.TFFactorEdited{}.Name():
		key += "_" + e.Reason
	case e.Name == event.UserAuthenticated{}.Name() && e.Reason != "":
		key += "_trusted"
	}
	key = strings.NewReplacer("-", "_", " ", "_").Replace(key)
	return line{row: e, key: key, count: 1}, c.words.Has(key)
}

// args returns the arguments of the text.
func (n line) args(w *i18n.Words) []any {
	method := ""
	if n.row.Method != "" {
		method = w.Text("method_" + n.row.Method)
	}
	return []any{"method", method}
}

func (n line) browser() string {
	if n.row.Agent == "" {
		return ""
	}
	return device.Name(n.row.Agent)
}

// happened returns a line for the page.
func (c *call) happened(n line) Happened {
	return Happened{
		Text: c.words.Page(n.key, n.args(c.words)...), Refused: n.row.Result == event.Refused,
		Browser: n.browser(), Address: n.row.Address, At: n.row.At,
	}
}

// times returns the line of an attempt for the page, with the number of times. rows is the number of
// rows that were counted.
func (c *call) times(n line, rows int) Happened {
	h, key := c.happened(n), "attempts"
	if rows == attemptRows { // there may be more rows
		key = "attempts_at_least"
	}
	if n.count > 1 {
		h.Times = c.words.Page(key, "N", n.count)
	}
	return h
}

// attempts counts rows with the same event and method, newest first.
func (c *call) attempts(rows []storage.Event) (lines []line) {
	for _, e := range rows {
		at := slices.IndexFunc(lines, func(n line) bool { return n.row.Name == e.Name && n.row.Method == e.Method })
		if at >= 0 {
			lines[at].count++
		} else if n, ok := c.lineOf(e); ok {
			lines = append(lines, n)
		}
	}
	return lines[:min(len(lines), attemptLines)]
}
