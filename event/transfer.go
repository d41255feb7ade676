package event

import "fmt"

// ImportStarted reports that an import was judged and is about to change accounts.
// Source is the system that they come from.
type ImportStarted struct {
	Source                string
	New, Updated, Refused int // accounts
	Context
}

// AccountsImported reports the end of an import. Failed is set if it stopped early; the
// numbers are those of the accounts that were stored.
type AccountsImported struct {
	Source       string
	New, Updated int
	Failed       bool
	Context
}

// AccountsExported reports that accounts were asked for as a file. User is the one
// account, or empty for all. Secrets is set if the file holds what they sign in with.
type AccountsExported struct {
	User    Subject
	Secrets bool
	Context
}

// The names are spelled like those of the wire contract, which has none for these.
func (ImportStarted) Name() string    { return "import-started" }
func (AccountsImported) Name() string { return "accounts-imported" }
func (AccountsExported) Name() string { return "accounts-exported" }

// transferEntry is EntryOf for these.
func transferEntry(e Event, entry Entry) (Entry, bool) {
	switch e := e.(type) {
	case ImportStarted:
		entry.of(Subject{}, e.Context)
		entry.Reason = fmt.Sprintf("%s: %d new, %d changed, %d refused", e.Source, e.New, e.Updated, e.Refused)
	case AccountsImported:
		entry.of(Subject{}, e.Context)
		entry.Reason = fmt.Sprintf("%s: %d new, %d changed", e.Source, e.New, e.Updated)
		if e.Failed {
			entry.Result = Refused
		}
	case AccountsExported:
		entry.of(e.User, e.Context)
		entry.Reason = "without secrets"
		if e.Secrets {
			entry.Reason = "with secrets"
		}
	default:
		return invitationEntry(e, entry)
	}
	return entry, true
}
