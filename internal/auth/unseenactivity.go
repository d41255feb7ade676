package auth

import (
	"context"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The numbers of newest rows of each kind that are read. They bound the cost of a sign-in. Each
// kind has its own number, so that rows that strangers cause without a right first factor do not
// displace others.
const (
	newsRows   = 24  // changes of the account's security
	pausedRows = 3   // pauses, which anyone can cause
	signInRows = 200 // incomplete and complete sign-ins
)

// News returns the events of the caller's account that the caller has not marked as seen, newest
// first: security changes, and sign-ins that proved the first factor but not the second (R143). It
// omits the caller's own actions in this session, and incomplete sign-ins that the same browser
// completed later.
func (l Account) News(ctx context.Context, who Principal) ([]storage.Event, error) {
	newest := func(limit int, names ...string) storage.EventFilter {
		return storage.EventFilter{UserID: who.User.ID, Names: names, Newest: true, Limit: limit, Unseen: true}
	}
	rows, err := l.c.Trail.List(ctx, newest(newsRows, notableKinds()...),
		newest(pausedRows, event.UserPaused{}.Name()), newest(signInRows, signIns()...))
	if err != nil {
		return nil, err
	}
	var out []storage.Event
	for i, e := range rows {
		own := e.Address == who.Session.Address && e.Agent == who.Session.Agent && !e.At.Before(ownFrom(e, who.Session))
		if !own && notable(e, rows[:i]) {
			out = append(out, e)
		}
	}
	return out, nil
}

// ownFrom returns the time from which events belong to a session. A set-up required by a sign-in is
// recorded before its session exists.
func ownFrom(e storage.Event, s storage.Session) time.Time {
	enrolls := e.Name == event.TFEnrolled{}.Name() || e.Name == event.PasskeyRegistered{}.Name()
	if enrolls && len(s.Proofs) > 0 && s.Proofs[0].At.Before(s.CreatedAt) {
		return s.Proofs[0].At
	}
	return s.CreatedAt
}

// signIns returns the names of the events that distinguish incomplete from complete sign-ins.
func signIns() []string {
	return []string{event.FirstFactorProven{}.Name(), event.UserAuthenticated{}.Name(),
		event.UserReauthenticated{}.Name()}
}

// notable reports whether a row is news, given the rows after it.
func notable(e storage.Event, later []storage.Event) bool {
	if e.Name == (event.FirstFactorProven{}).Name() {
		return !madeGood(e, later) // regardless of the codes tried then
	}
	return e.Name == event.UserPaused{}.Name() || slices.Contains(notableKinds(), e.Name)
}

// madeGood reports whether the same browser completed a sign-in before this one expired.
func madeGood(e storage.Event, later []storage.Event) bool {
	return slices.ContainsFunc(later, func(n storage.Event) bool {
		in := n.Name == event.UserAuthenticated{}.Name() || n.Name == event.UserReauthenticated{}.Name()
		return in && n.Address == e.Address && n.Agent == e.Agent && n.At.Sub(e.At) <= PendingLife+time.Minute
	})
}

// notableKinds returns the names of events that owners are informed about, except pauses.
func notableKinds() []string {
	return append(changes(), event.TFRescueRequested{}.Name(), event.TFPaused{}.Name())
}

// changes returns the names of events that are security changes.
func changes() []string {
	return []string{
		event.TFProfileChanged{}.Name(), event.TFEnrolled{}.Name(), event.TFDisabled{}.Name(), event.TFRescued{}.Name(),
		event.UserDisowned{}.Name(), event.RecoveryStarted{}.Name(),
		event.DeviceTrusted{}.Name(), event.DeviceCopied{}.Name(), event.BrowserStays{}.Name(),
		event.StayingCopied{}.Name(),
		event.NewBrowser{}.Name(), event.TokenCopied{}.Name(), event.AccountChanged{}.Name(),
		event.PasskeyRegistered{}.Name(), event.PasskeyDeleted{}.Name(), event.USProfileChanged{}.Name(),
		event.ConnectionChanged{}.Name(), event.ConnectionChanged{Removed: true}.Name(),
		event.PasswordReset{}.Name(), event.PasswordChanged{}.Name(), event.ChangeEmailConfirmed{}.Name(),
		event.UsernameChanged{}.Name(),
	}
}

// SeenNews marks the news up to a row as seen. With the mark it adds a row to the audit trail, which
// records when and where the owner did so.
func (l Account) SeenNews(ctx context.Context, who Principal, through int64, b Client) error {
	if through <= 0 {
		return nil
	}
	e := event.NewsSeen{User: subject(who.User), Through: through, Context: l.at(b)}
	if err := l.c.Marks.MarkSeen(ctx, who.User.ID, through, l.c.Trail.Row(e)); err != nil {
		return err
	}
	l.emit(ctx, e)
	return nil
}

// withNews counts the news for a user who has just signed in. An error in reading the audit trail
// does not prevent the sign-in.
func (l Account) withNews(ctx context.Context, out Outcome, g granted) Outcome {
	if g.quiet || g.verified || out.Session == nil {
		return out
	}
	news, err := l.News(ctx, Principal{User: out.User, Session: out.Session.Session})
	if err != nil {
		l.c.Log.WarnContext(ctx, "the news of an account could not be read", "user", out.User.ID, "cause", err)
	}
	out.News = len(news)
	return out
}
