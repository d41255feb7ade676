package event

import "fmt"

// ImportStarted reports that an import was checked and is about to change accounts. Source is the
// system that the accounts come from.
type ImportStarted struct {
	Source                string
	New, Updated, Refused int // numbers of accounts
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

// AccountsExported reports that accounts were exported to a file. User is the only account, or
// empty for all accounts. Secrets is set if the file contains their credentials.
type AccountsExported struct {
	User    Subject
	Secrets bool
	Context
}

// Name implements [Event].
func (ImportStarted) Name() string { return "import-started" }

// Name implements [Event].
func (AccountsImported) Name() string { return "accounts-imported" }

// Name implements [Event].
func (AccountsExported) Name() string { return "accounts-exported" }

// transferEntry returns the entry of an event in this file.
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
