package login

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Ticket says to another host whose browser comes from the host of the sign-in. It
// grants nothing by itself: it names a session, which is looked up at every request.
type Ticket struct {
	ID        string `json:"i"`
	UserID    string `json:"u"`
	SessionID string `json:"s"`
	Host      string `json:"h"`
	To        string `json:"t"` // path and query on that host
}

// TicketLife is how long a ticket can be taken.
const TicketLife = time.Minute

// ticketPurpose keeps tickets apart from everything else that is signed.
const ticketPurpose = "gate ticket"

// SealTicket returns a ticket for the caller's browser session. Only the browser that
// can show what bind is made of, at that host, can take it.
func SealTicket(ctx context.Context, l *Login, who Who, host, to, bind string) (string, error) {
	if who.Program != nil || who.Session.Token {
		return "", ErrState
	}
	t := Ticket{ID: store.NewID(), UserID: who.User.ID, SessionID: who.Session.ID, Host: host, To: to}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	now := l.c.Now()
	err = l.c.Challenges.PutChallenge(ctx, store.Challenge{
		Key: ticketKey(t), UserID: t.UserID, Channel: "gate", Destination: host, Tries: 1, CreatedAt: now,
		ExpiresAt: now.Add(TicketLife),
		MAC:       l.c.Keys.MAC(ticketPurpose, t.ID, t.UserID, t.SessionID, host, bind),
	})
	if err != nil {
		return "", err
	}
	return l.c.Keys.Sign(ticketPurpose, raw), nil
}

// ReadTicket returns what a ticket says, taken or not. store.ErrNotFound: it is not
// one for that host.
func ReadTicket(l *Login, text, host string) (Ticket, error) {
	var t Ticket
	raw, err := l.c.Keys.Verify(ticketPurpose, text)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Host != host {
		return Ticket{}, store.ErrNotFound
	}
	return t, nil
}

// TakeTicket spends a ticket: one of several callers gets it, and only with the host
// and the binding that it was made for. A wrong one spends it, too.
// store.ErrNotFound: it is spent, expired, or not for them.
func TakeTicket(ctx context.Context, l *Login, text, host, bind string) (Ticket, error) {
	t, err := ReadTicket(l, text, host)
	if err != nil {
		return Ticket{}, err
	}
	macs := l.c.Keys.MACs(ticketPurpose, t.ID, t.UserID, t.SessionID, host, bind)
	err = l.c.Challenges.TryChallenge(ctx, ticketKey(t), macs, l.c.Now())
	if errors.Is(err, store.ErrWrong) {
		err = store.ErrNotFound
	}
	return t, err
}

func ticketKey(t Ticket) string { return "gate:" + t.ID }
