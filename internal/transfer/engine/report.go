package engine

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// Report is the result of an import.
type Report struct {
	Source    string    `json:"source"`
	DryRun    bool      `json:"dry_run,omitempty"`
	Accounts  int       `json:"accounts"`  // read
	New       int       `json:"new"`       // created, or to create
	Updated   int       `json:"updated"`   // changed there since the last import, and not here
	Unchanged int       `json:"unchanged"` // imported earlier and not changed there
	Changed   int       `json:"changed"`   // changed both there and here, so left unchanged
	Refused   int       `json:"refused"`   // cannot be imported
	OtherID   int       `json:"other_id"`  // have another ID here
	Passwords counts    `json:"passwords"` // by scheme
	Factors   counts    `json:"factors"`   // by kind
	Left      counts    `json:"left,omitempty"`
	Notices   []string  `json:"notices,omitempty"` // what users will notice
	Problems  []Problem `json:"problems,omitempty"`
	Roles     []string  `json:"roles,omitempty"` // created, or to create

	// Done reports whether the import was completed.
	Done bool `json:"done,omitempty"`

	facts facts
}

// counts are numbers by category.
type counts map[string]int

// Problem is the reason why an account cannot be imported or was not changed.
type Problem struct {
	Line int64  `json:"line"`
	ID   string `json:"id,omitempty"` // in the source
	Text string `json:"text"`
}

// maxProblems is the maximum number of problems in a report. All are counted.
const maxProblems = 1000

// facts are the numbers from which notices are made.
type facts struct {
	unproven, inactive, keyless, mailFactor, smsFactor, single, passkeys, shortKeys, seconds int
}

func newReport(source string, dry bool) *Report {
	return &Report{Source: source, DryRun: dry, Passwords: counts{}, Factors: counts{}, Left: counts{}}
}

func (r *Report) problem(line int64, id, text string) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{line, short(id), short(text)})
	}
}

// maxLeft is the maximum number of kinds of things in Left, and maxText the maximum
// length of their names and of problems. Both can come from a hostile file.
const (
	maxLeft = 50
	maxText = 300
)

// otherwise is the name under which further kinds are counted.
const otherwise = "other things"

// leave counts something that was left out.
func (r *Report) leave(text string) {
	text = short(text)
	if r.Left[text] == 0 && len(r.Left) >= maxLeft {
		text = otherwise
	}
	r.Left[text]++
}

// short returns a string of at most about maxText bytes, on one line, that is safe
// to print.
func short(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + " ..."
	}
	return text
}

// count adds an account that can be imported.
func (r *Report) count(d *draft) {
	scheme := d.scheme
	if d.Password == nil {
		scheme = "none"
		r.facts.keyless++
	}
	r.Passwords[scheme]++
	for _, text := range d.left {
		r.leave(text)
	}
	for _, f := range d.Authenticators {
		r.Factors[used("authenticator apps", f.Use)]++
		if len(f.Secret) < 16 {
			r.facts.shortKeys++
		}
	}
	for _, f := range d.Phones {
		r.Factors[used("phones", f.Use)]++
	}
	for _, f := range d.Mailboxes {
		r.Factors[used("mailboxes", f.Use)]++
	}
	for _, f := range d.Passkeys {
		r.Factors[used("passkeys", f.Use)]++
	}
	if n := len(d.codes); n > 0 {
		r.Factors["recovery codes"] += n
	}
	if n := len(d.Connections); n > 0 {
		r.Factors["connections"] += n
	}
	r.facts.of(d)
}

func used(kind, use string) string {
	if use == transfer.UseFirst {
		return kind + " in place of a password"
	}
	return kind
}

func (f *facts) of(d *draft) {
	for _, c := range []struct {
		n  *int
		is bool
	}{
		{&f.unproven, d.user.ProvenKey == ""}, {&f.inactive, !d.Active}, {&f.mailFactor, len(d.Mailboxes) > 0},
		{&f.smsFactor, len(d.Phones) > 0}, {&f.single, d.seconds() == 0}, {&f.seconds, d.seconds() > 0},
	} {
		if c.is {
			*c.n++
		}
	}
	f.passkeys += len(d.passkeys)
}

// notices sets what users will notice. rp is the ID of the relying party for which
// the passkeys were made.
func (e *Engine) notices(r *Report, rp string) {
	f, here := r.facts, e.c.Passkeys.RPID()
	note := func(n int, format string, a ...any) {
		if n > 0 {
			r.Notices = append(r.Notices, fmt.Sprintf(format, append([]any{n}, a...)...))
		}
	}
	switch {
	case rp == "":
		note(f.passkeys, "Passkeys: %d. They work only if the site had the host %s before, too.", here)
	case rp != here:
		note(f.passkeys, "Passkeys: %d. They were made for %s. The host here is %s: none of them will work.", rp, here)
	}
	if !e.c.SMS {
		note(f.smsFactor, "Accounts that get codes by text message: %d. No sender for SMS is set up here.")
	}
	if !e.c.Mail {
		note(f.mailFactor, "Accounts that get codes by e-mail: %d. No sender for mail is set up here.")
	}
	note(f.unproven, "Accounts whose address was never proven: %d. They confirm it when it matters.")
	note(f.keyless, "Accounts without a password: %d.")
	note(f.inactive, "Accounts that are switched off, and stay so: %d.")
	note(f.single, "Accounts without a second factor: %d. Where one is required, they set it up at the next sign-in.")
	note(f.shortKeys, "Authenticator apps with a key of less than 16 bytes: %d. They work; a new set-up has more.")
	if r.New+r.Updated > 0 {
		r.Notices = append(r.Notices, "Everyone signs in once: sessions and trusted browsers do not move.")
	}
}

// WriteNotices prints what users will notice.
func (r *Report) WriteNotices(w io.Writer) error {
	p := &printer{w: w}
	p.list("What people will notice", r.Notices)
	return p.err
}

// Write prints the report.
func (r *Report) Write(w io.Writer) error {
	p := &printer{w: w}
	verb := "imported"
	if !r.Done {
		verb = "can come"
	}
	p.line("Accounts of %s: %d. %d %s, %d brought up to date, %d unchanged, %d changed here since, %d refused.",
		r.Source, r.Accounts, r.New, verb, r.Updated, r.Unchanged, r.Changed, r.Refused)
	if r.OtherID > 0 {
		p.line("Accounts that get another id here: %d. The former one is recorded.", r.OtherID)
	}
	p.table("Passwords", r.Passwords)
	p.table("Factors", r.Factors)
	p.table("Left behind, by accounts", r.Left)
	if len(r.Roles) > 0 {
		p.line("Roles that are new: %s", strings.Join(r.Roles, ", "))
	}
	p.list("What people will notice", r.Notices)
	var texts []string
	for _, one := range r.Problems {
		text := fmt.Sprintf("line %d", one.Line)
		if one.ID != "" {
			text += fmt.Sprintf(" (id %.60q)", one.ID)
		}
		texts = append(texts, text+": "+one.Text)
	}
	if n := r.Refused + r.Changed - len(r.Problems); n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	p.list("Refused, or left as they are here", texts)
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", a...)
	}
}

func (p *printer) table(title string, c counts) {
	if len(c) == 0 {
		return
	}
	p.line("%s:", title)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		p.line("  %6d  %s", c[name], name)
	}
}

func (p *printer) list(title string, texts []string) {
	if len(texts) == 0 {
		return
	}
	p.line("%s:", title)
	for _, text := range texts {
		p.line("  %s", text)
	}
}
