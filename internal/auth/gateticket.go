package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Ticket tells another host which session a browser has at the host of the sign-in. It grants
// nothing by itself: the session is looked up for every request.
type Ticket struct {
	ID        string `json:"i"`
	UserID    string `json:"u"`
	SessionID string `json:"s"`
	Host      string `json:"h"`
	To        string `json:"t"` // path and query on that host
}

// TicketLife is the lifetime of a ticket.
const TicketLife = time.Minute

// ticketPurpose distinguishes tickets from other signed data.
const ticketPurpose = "gate ticket"

// Seal returns a ticket for the caller's browser session. Only a browser that presents the
// value behind bind at that host can use it.
func (l Tickets) Seal(ctx context.Context, who Principal, host, to, bind string) (string, error) {
	if who.Program != nil || who.Session.Token {
		return "", ErrState
	}
	t := Ticket{ID: storage.NewID(), UserID: who.User.ID, SessionID: who.Session.ID, Host: host, To: to}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	now := l.c.Now()
	err = l.c.Challenges.PutChallenge(ctx, storage.Challenge{
		Key: ticketKey(t), UserID: t.UserID, Channel: "gate", Destination: host, Tries: 1, CreatedAt: now,
		ExpiresAt: now.Add(TicketLife),
		MAC:       l.c.Keys.MAC(ticketPurpose, t.ID, t.UserID, t.SessionID, host, bind),
	})
	if err != nil {
		return "", err
	}
	return l.c.Keys.Sign(ticketPurpose, raw), nil
}

// Read returns the content of a ticket, even if it was used. It returns storage.ErrNotFound if
// it is not a ticket for that host.
func (l Tickets) Read(text, host string) (Ticket, error) {
	var t Ticket
	raw, err := l.c.Keys.Verify(ticketPurpose, text)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Host != host {
		return Ticket{}, storage.ErrNotFound
	}
	return t, nil
}

// Take uses up a ticket. One of several callers gets it, and only with the right host and
// binding. A wrong binding also uses it up. It returns storage.ErrNotFound if the ticket is used,
// expired, or for another host or binding.
func (l Tickets) Take(ctx context.Context, text, host, bind string) (Ticket, error) {
	t, err := l.Read(text, host)
	if err != nil {
		return Ticket{}, err
	}
	macs := l.c.Keys.MACs(ticketPurpose, t.ID, t.UserID, t.SessionID, host, bind)
	err = l.c.Challenges.TryChallenge(ctx, ticketKey(t), macs, l.c.Now())
	if errors.Is(err, storage.ErrWrong) {
		err = storage.ErrNotFound
	}
	return t, err
}

func ticketKey(t Ticket) string { return "gate:" + t.ID }
