package limit

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

// sending limits the messages that a Limiter lets through.
type sending struct{ *Limiter }

// Class is the purpose of a code.
type Class string

// The classes of codes after a first factor.
const (
	Proven  Class = "proven"  // to a proven destination
	Claimed Class = "claimed" // to a destination that is being set up
	Rescued Class = "rescue"  // to the mailbox, to replace a lost factor
	Again   Class = "again"   // to a signed-in user who proves a first factor again
)

// Message is one code that is sent to a user who has proven a first factor.
type Message struct {
	Class       Class
	Transaction string // sign-in, set-up or session
	Account     string // id
	Channel     string
	Destination string
	From        From
}

// to returns the key of the users who share the destination's budgets.
func (m Message) to() string {
	if m.Class == Claimed {
		return string(Claimed)
	}
	return string(m.Class) + " " + m.From.kind()
}

// answerable returns the claims that a correct answer returns.
func (l sending) answerable(m Message) []storage.Claim {
	claims := []storage.Claim{
		l.claim(sendShortly, m.Destination, m.Channel, m.to()),
		l.claim(sendUnanswered, m.Destination, m.Channel, m.to()),
	}
	if m.Class == Claimed {
		claims = append(claims, l.claim(sendClaimed, m.Account, m.Channel))
	}
	return append(claims, l.sends(m.From)...)
}

// Send reserves one message. While guesses at its code are paused, no message is sent, because its
// code could not be used. Reservation.Answered returns the places after a correct answer.
func (l sending) Send(ctx context.Context, m Message) error {
	kind := m.From.kind()
	claims := append(l.answerable(m), l.claim(gap, m.Transaction, m.Channel),
		l.claim(sendMost, m.Destination, m.Channel, m.to()))
	switch m.Class {
	case Claimed:
		kind = string(Claimed)
	case Proven, Rescued:
		claims = append(claims, looking(l.pause(m.Account, m.From))...)
	}
	_, err := l.reserve(ctx, &Reservation{}, append(claims, l.claim(sendAll, m.Channel, kind))...)
	return err
}

// Answered adds the budgets of a message whose code was right, so that Succeed or Release also
// returns their places. Budgets that bound costs keep theirs.
func (p *Reservation) Answered(m Message) *Reservation {
	if m.Destination != "" {
		p.own = append(p.own, Keys(p.l.answerable(m))...)
	}
	return p
}

// First is one code or link that replaces a password.
type First struct {
	Transaction string // the browser that requests it
	Channel     string
	Identity    string // as typed, in canonical form
	Account     string // ID, or Identity if there is no such account
	Decoy       bool   // nothing is sent, so nothing is counted as sent
	Paid        bool   // the message has been counted
	From        From
}

// answerableFirst returns the claims that a correct code returns.
func (l sending) answerableFirst(m First) []storage.Claim {
	claims := l.sends(m.From)
	if m.From.Own() {
		return append(claims, l.claim(firstKnownShort, m.Account, m.Channel, m.From.mark()))
	}
	claims = append(claims, l.byNetwork(firstShort, m.From.Address, m.Identity, m.Channel)...)
	if m.From.known() {
		return claims
	}
	share, most := firstShare, firstDay
	if m.Channel == storage.SMS {
		share, most = firstShareText, firstDayText
	}
	return append(append(claims, l.byNetwork(share, m.From.Address, m.Identity, m.Channel)...),
		l.claim(most, m.Account, m.Channel))
}

// SendFirst reserves one code that replaces a password, for an account or a typed identity. The
// limit of the network is checked first, so that a stranger does not use up the owner's budget
// (R50). Second factors have separate budgets.
func (l sending) SendFirst(ctx context.Context, m First) error {
	kind, most := "anybody", firstMost
	if m.From.known() {
		kind = "known"
	}
	if m.Channel == storage.SMS {
		most = firstMostText
	}
	_, err := l.reserve(ctx, &Reservation{}, append(l.answerableFirst(m), l.claim(gap, m.Transaction, m.Channel),
		l.claim(most, m.Account, kind), l.sent(m.Channel, kind, m.Decoy || m.Paid))...)
	return err
}

// sent returns a claim for one of all messages that are sent. For a message that is not sent or was
// already counted, it only checks the budget, so that the result looks the same.
func (l sending) sent(channel, kind string, look bool) storage.Claim {
	c := l.claim(sendAll, channel, kind)
	c.Look = look
	return c
}

// AnsweredFirst is like Answered, for a code of SendFirst.
func (l sending) AnsweredFirst(ctx context.Context, m First) error {
	return l.counters.Release(ctx, Keys(l.answerableFirst(m)), nil)
}

// Mail is one requested mail.
type Mail struct {
	Kind     string
	Identity string // in canonical form
	Decoy    bool   // nothing is sent, so nothing is counted as sent
	Paid     bool   // counted with the registration
	From     From
}

// Link reserves one letter for an identity, known or not. The budgets of identity and network
// together are checked first, so that one stranger cannot use up the owner's budget.
func (l sending) Link(ctx context.Context, m Mail) error {
	var claims []storage.Claim
	kind := "anybody"
	if m.From.known() {
		kind = "known"
	}
	if m.From.Own() {
		claims = []storage.Claim{l.claim(linkHour, m.Identity, m.Kind, m.From.mark())}
	} else {
		claims = l.byNetwork(linkHour, m.From.Address, m.Identity, m.Kind)
	}
	if !m.From.known() {
		claims = append(claims, l.byNetwork(linkAddress, m.From.Address)...)
		claims = append(claims, l.byNetwork(linkShare, m.From.Address, m.Identity, m.Kind)...)
	}
	claims = append(claims, l.claim(linkDay, m.Identity, m.Kind, m.From.among()),
		l.sent(storage.Email, kind, m.Decoy || m.Paid))
	_, err := l.reserve(ctx, &Reservation{}, claims...)
	return err
}

// ChangeLetter reserves one letter to the new address that the owner of an account wants. It counts
// for the account, which must not write to an unlimited number of addresses, and for the address,
// which others may claim, too.
func (l sending) ChangeLetter(ctx context.Context, kind, userID, identity string) error {
	_, err := l.reserve(ctx, &Reservation{},
		l.claim(linkHour, userID, kind), l.claim(linkDay, userID, kind),
		l.claim(linkHour, identity, kind, userID), l.claim(linkDay, identity, kind, string(Claimed)),
		l.claim(sendAll, storage.Email, string(Claimed)))
	return err
}

// Register reserves one registration from a client address, and its mail.
func (l sending) Register(ctx context.Context, address string, letter bool) error {
	claims := l.byNetwork(register, address)
	if letter {
		claims = append(claims, l.claim(sendAll, storage.Email, "anybody"))
	}
	_, err := l.reserve(ctx, &Reservation{}, claims...)
	return err
}
