package event

import "strconv"

// EntryOf returns the row of the audit trail for an event. ok is false if the event is not a
// security event.
func EntryOf(e Event) (entry Entry, ok bool) {
	entry = Entry{Name: e.Name(), Result: OK}
	of := entry.of
	switch e := e.(type) {
	case UserAuthenticated:
		of(e.User, e.Context)
		entry.Method = last(e.Via)
		if e.Trusted {
			entry.Reason = "trusted device"
		}
	case UserReauthenticated:
		of(e.User, e.Context)
		entry.Method = last(e.Via)
	case FirstFactorProven:
		of(e.User, e.Context)
		entry.Method = e.Method
	case UserFailedAuthn:
		of(e.User, e.Context)
		entry.Method, entry.Result, entry.Reason = e.AuthType, Refused, e.Reason
		if e.Method != "" {
			entry.Method = e.Method
		}
	case TFPaused:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "too many wrong codes"
	case UserPaused:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "too many wrong passwords"
	case UserRegistered:
		of(e.User, e.Context)
		entry.Reason = e.Provider
	case UserNotRegistered:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "identity is taken"
	case TFSecurityTokenSent:
		of(e.User, e.Context)
		entry.Method = e.Method
	case TFProfileChanged:
		of(e.User, e.Context)
		entry.Method = e.Method
	case TFFactorEdited:
		of(e.User, e.Context)
		entry.Method, entry.Reason = e.Method, e.What
	case TFFactorRemoved:
		of(e.User, e.Context)
		entry.Method = e.Method
	case RecoveryCodesMade:
		of(e.User, e.Context)
		entry.Reason = strconv.Itoa(e.Number)
	case TFDisabled:
		of(e.User, e.Context)
	case TFRescueRequested:
		of(e.User, e.Context)
		entry.Method = e.Option
	case PasskeyRegistered:
		of(e.User, e.Context)
		entry.Method, entry.Reason = "webauthn", e.Usage
	case PasskeyDeleted:
		of(e.User, e.Context)
		entry.Method = "webauthn"
	default:
		return entryOfChange(e, entry)
	}
	return entry, true
}

// of sets the account, the time and the origin of the entry.
func (n *Entry) of(s Subject, c Context) {
	n.User, n.Address, n.Agent, n.Request, n.Session = s.ID, c.Address, c.agent(), c.Request, c.Session
}

// entryOfChange returns the entry of a change to an account or its browsers.
func entryOfChange(e Event, entry Entry) (Entry, bool) {
	of := entry.of
	switch e := e.(type) {
	case DeviceTrusted:
		of(e.User, e.Context)
	case NewBrowser:
		of(e.User, e.Context)
	case BrowserStays:
		of(e.User, e.Context)
	case StayingCopied:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "retired secret"
	case DeviceCopied:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "retired secret"
	case UserDisowned:
		of(e.User, e.Context)
	case UserLoggedOut:
		of(e.User, e.Context)
	case ConnectionChanged:
		of(e.User, e.Context)
		entry.Method, entry.Reason = "oauth", e.Provider
	case AccountChanged:
		of(e.User, e.Context)
		entry.Reason = e.What
	case USSecurityTokenSent:
		of(e.User, e.Context)
		entry.Method = e.Method
	case USProfileChanged:
		of(e.User, e.Context)
		entry.Method = last(e.Methods)
		if e.Delete {
			entry.Reason = "removed"
		}
	case TokenMinted:
		of(e.User, e.Context)
		entry.Method = e.Kind
	case TokenRevoked:
		of(e.User, e.Context)
		entry.Reason = excess(e.Excess)
	case TokenCopied:
		of(e.User, e.Context)
		entry.Result, entry.Reason = Refused, "exchanged before"
	default:
		if s, c, refused, ok := accountEntry(e); ok {
			of(s, c)
			if refused != "" {
				entry.Result, entry.Reason = Refused, refused
			}
			return entry, true
		}
		return entryOfOwner(e, entry)
	}
	return entry, true
}

// entryOfOwner returns the entry of a recovery, or of an owner's action on a list of sessions,
// browsers or tokens.
func entryOfOwner(e Event, entry Entry) (Entry, bool) {
	of := entry.of
	switch e := e.(type) {
	case PasskeyRefused:
		of(e.User, e.Context)
		entry.Method, entry.Result, entry.Reason = "webauthn", Refused, e.Reason
	case TFEnrolled:
		of(e.User, e.Context)
		entry.Method = e.Method
	case TFRescued:
		of(e.User, e.Context)
		entry.Method = e.Option
	case RecoveryStarted:
		of(e.User, e.Context)
		entry.Reason = e.Reason
	case RecoveryEnded:
		of(e.User, e.Context)
		entry.Reason = e.Why
	case NewsSeen:
		of(e.User, e.Context)
		entry.Reason = strconv.FormatInt(e.Through, 10)
	case PasswordsGuessed:
		of(Subject{}, e.Context)
		entry.Result = Refused
	case DeviceRevoked:
		of(e.User, e.Context)
		entry.Reason = excess(e.Excess)
		if e.All {
			entry.Reason = "all"
		}
	case SessionEnded:
		of(e.User, e.Context)
		entry.Reason = excess(e.Excess)
		if e.Others {
			entry.Reason = "all others"
		}
	default:
		return deletionEntry(e, entry) // TFCodeConfirmed has no row: UserAuthenticated covers it
	}
	return entry, true
}

func last(via []string) string {
	if len(via) == 0 {
		return ""
	}
	return via[len(via)-1]
}

// excess returns the reason of a row for an item that ended because the account exceeded a limit.
func excess(is bool) string {
	if is {
		return "too many"
	}
	return ""
}
