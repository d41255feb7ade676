package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
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
	contract         string // the text for JSON
	Refused          bool
	Times            string // number of times, if more than one
	Browser, Address string
	At               time.Time
}

// recentSection adds the recent activity of the account, from the audit trail. Failed attempts are
// counted in separate lines.
func (s profileSteps) recentSection(c *call, p *AccountPage, body map[string]any) error {
	rows, err := s.c.Login.Account.Activity(c.r.Context(), *c.who, recentRows, attemptRows)
	if err != nil {
		return err
	}
	var all []line
	for _, e := range rows.Done {
		if n, ok := c.lineOf(e); ok && len(p.Lately) < recentLines {
			p.Lately = append(p.Lately, n.Happened)
			all = append(all, n)
		}
	}
	for _, n := range c.attempts(rows.Tried) {
		p.Attempts = append(p.Attempts, n.Happened)
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b line) int { return cmp.Compare(b.row.Row, a.row.Row) })
	list := []map[string]any{}
	for _, n := range all {
		list = append(list, map[string]any{
			"at": stamp(n.row.At), "event": n.row.Name, "method": n.row.Method, "result": n.row.Result,
			"text":    n.contract,
			"browser": n.Browser, "address": n.row.Address, "count": n.count,
		})
	}
	body["events"] = list
	return nil
}

// line is one line of recent activity: a row, or the newest of several similar ones.
type line struct {
	Happened
	row   storage.Event
	count int
}

func (c *call) lineOf(e storage.Event) (line, bool) {
	text, said, ok := happened(c.words, e)
	n := line{row: e, count: 1, Happened: Happened{
		Text: said, contract: text, Refused: e.Result == event.Refused, Address: e.Address, At: e.At,
	}}
	if e.Agent != "" {
		n.Browser = device.Name(e.Agent)
	}
	return n, ok
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
	key := "attempts"
	if len(rows) == attemptRows { // there may be more rows
		key = "attempts_at_least"
	}
	for i, n := range lines {
		if n.count > 1 {
			lines[i].Times = c.words.Page(key, "N", n.count)
		}
	}
	return lines[:min(len(lines), attemptLines)]
}

// happened returns the text of an event for JSON and for pages: the text "lately_" + name, followed
// by the kind of change for a change of the account. An event without a text is not shown.
func happened(w *Words, e storage.Event) (text, page string, ok bool) {
	key := "lately_" + event.Current(e.Name)
	switch {
	case e.Name == event.AccountChanged{}.Name(), e.Name == event.TFFactorEdited{}.Name():
		key += "_" + e.Reason
	case e.Name == event.UserAuthenticated{}.Name() && e.Reason != "":
		key += "_trusted"
	}
	key = strings.NewReplacer("-", "_", " ", "_").Replace(key)
	method := ""
	if e.Method != "" {
		method = w.Text("method_" + e.Method)
	}
	text = w.Text(key, "method", method)
	return text, w.Page(key, "method", method), text != key
}
