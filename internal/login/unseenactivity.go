package login

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// How many of the newest rows of a kind are looked at. The numbers bound what a
// sign-in costs. Each kind has its own, so that what strangers cause without a
// right first factor takes the place of nothing else.
const (
	newsRows   = 24  // changes of the account's security
	markRows   = 10  // marks of what was seen
	pausedRows = 3   // pauses, which anyone can cause
	signInRows = 200 // halves of sign-ins, the owner's too
)

// News are what happened to the caller's account and what he has not marked as
// seen: changes of its security, and half a sign-in by someone who knew the
// first factor and failed at the second or gave up (R143). The newest first.
// What he did himself in this session, and own slips that a sign-in from the
// same browser made good, are not among them.
func (l *Login) News(ctx context.Context, who Who) ([]store.Event, error) {
	newest := func(limit int, names ...string) store.EventFilter {
		return store.EventFilter{UserID: who.User.ID, Names: names, Newest: true, Limit: limit}
	}
	rows, err := l.c.Trail.List(ctx, newest(newsRows, telltale()...), newest(markRows, event.NewsSeen{}.Name()),
		newest(pausedRows, event.UserPaused{}.Name()), newest(signInRows, signIns()...))
	if err != nil {
		return nil, err
	}
	seen := int64(0)
	for _, e := range rows {
		if e.Name == (event.NewsSeen{}).Name() {
			through, _ := strconv.ParseInt(e.Reason, 10, 64)
			seen = max(seen, min(through, e.Row)) // nothing is seen before it happens
		}
	}
	var out []store.Event
	for i, e := range rows {
		own := e.Address == who.Session.Address && e.Agent == who.Session.Agent && !e.At.Before(ownFrom(e, who.Session))
		if e.Row > seen && !own && telling(e, rows[:i]) {
			out = append(out, e)
		}
	}
	return out, nil
}

// ownFrom is when the acts of a session begin. A set-up that a sign-in demanded was
// written down before its session was there.
func ownFrom(e store.Event, s store.Session) time.Time {
	enrolls := e.Name == event.TFEnrolled{}.Name() || e.Name == event.PasskeyRegistered{}.Name()
	if enrolls && len(s.Proofs) > 0 && s.Proofs[0].At.Before(s.CreatedAt) {
		return s.Proofs[0].At
	}
	return s.CreatedAt
}

// signIns are the rows by which half a sign-in is told from a whole one.
func signIns() []string {
	return []string{event.FirstFactorProven{}.Name(), event.UserAuthenticated{}.Name(), event.UserReauthenticated{}.Name()}
}

// telling says whether a row is news, given the rows after it.
func telling(e store.Event, later []store.Event) bool {
	if e.Name == (event.FirstFactorProven{}).Name() {
		return !madeGood(e, later) // whatever codes were tried then
	}
	return e.Name == event.UserPaused{}.Name() || slices.Contains(telltale(), e.Name) && e.Reason != Created
}

// madeGood says that the same browser was let in before the sign-in was over.
func madeGood(e store.Event, later []store.Event) bool {
	return slices.ContainsFunc(later, func(n store.Event) bool {
		in := n.Name == event.UserAuthenticated{}.Name() || n.Name == event.UserReauthenticated{}.Name()
		return in && n.Address == e.Address && n.Agent == e.Agent && n.At.Sub(e.At) <= PendingLife+time.Minute
	})
}

// telltale are the kinds of rows that owners are told of, but for pauses.
func telltale() []string {
	return append(changes(), event.TFRescueRequested{}.Name(), event.TFPaused{}.Name())
}

// changes are the kinds of rows that say what became of an account's security.
func changes() []string {
	return []string{
		event.TFProfileChanged{}.Name(), event.TFEnrolled{}.Name(), event.TFDisabled{}.Name(), event.TFRescued{}.Name(),
		event.UserDisowned{}.Name(), event.RecoveryStarted{}.Name(),
		event.DeviceTrusted{}.Name(), event.DeviceCopied{}.Name(), event.BrowserStays{}.Name(), event.StayingCopied{}.Name(),
		event.NewBrowser{}.Name(), event.TokenCopied{}.Name(), event.AccountChanged{}.Name(),
		event.PasskeyRegistered{}.Name(), event.PasskeyDeleted{}.Name(), event.USProfileChanged{}.Name(),
		event.ConnectionChanged{}.Name(), event.ConnectionChanged{Removed: true}.Name(),
		event.PasswordReset{}.Name(), event.PasswordChanged{}.Name(), event.ChangeEmailConfirmed{}.Name(), event.UsernameChanged{}.Name(),
	}
}

// SeenNews marks the news up to a row as seen. It writes a row of its own, so
// that the trail says who took note, when and where.
func (l *Login) SeenNews(ctx context.Context, who Who, through int64, b Browser) error {
	if through <= 0 {
		return nil
	}
	return l.tell(ctx, event.NewsSeen{User: subject(who.User), Through: through, Context: l.at(b)})
}

// withNews counts the news for who has just signed in. A trail that cannot be
// read does not keep anybody out.
func (l *Login) withNews(ctx context.Context, out Outcome, g granted) Outcome {
	if g.quiet || g.verified || out.Session == nil {
		return out
	}
	news, err := l.News(ctx, Who{User: out.User, Session: out.Session.Session})
	if err != nil {
		l.c.Log.WarnContext(ctx, "the news of an account could not be read", "user", out.User.ID, "cause", err)
	}
	out.News = len(news)
	return out
}
