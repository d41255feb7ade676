package send

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A sender that fails is tried last for a while, so that not every user waits for its timeout. The
// time doubles with each failure, up to a maximum.
const (
	firstRest = 30 * time.Second
	maxRest   = 5 * time.Minute
)

// The outcomes of an attempt.
const (
	Accepted = "accepted" // the provider accepted the message
	Refused  = "refused"  // the provider will never accept this recipient
	Failed   = "failed"   // a later attempt may succeed
)

// Attempt describes one attempt of one sender, for metrics. It contains neither the recipient nor
// the content of the message.
type Attempt struct {
	Channel string        // Email or SMS
	Kind    string        // name of the template
	Sender  string        // package of the sender, e.g. "smtp"
	Place   int           // position in its channel: 1 for the first sender, 2 for its first fallback
	Outcome string        // Accepted, Refused or Failed
	Took    time.Duration // duration of this attempt
	Waited  time.Duration // time from storing the message to the end of this attempt
}

// chain contains the senders of a channel in the configured order.
type chain []*link

// link is one sender and its state.
type link struct {
	Sender
	name  string
	place int

	mu    sync.Mutex
	fails int
	rests time.Time // time until which it is tried last
}

func newChain(senders []Sender) chain {
	var c chain
	for i, s := range senders {
		// For example, "*smtp.Sender" becomes "smtp".
		name, _, _ := strings.Cut(strings.TrimLeft(fmt.Sprintf("%T", s), "*"), ".")
		c = append(c, &link{Sender: s, name: name, place: i + 1})
	}
	return c
}

// order returns the senders in the order in which to try them. Senders that failed recently come
// last. None is omitted, so the order does not matter if there is one sender or all have failed.
func (c chain) order(now time.Time) chain {
	out := slices.Clone(c)
	slices.SortStableFunc(out, func(a, b *link) int {
		switch ra, rb := a.resting(now), b.resting(now); {
		case ra == rb:
			return 0
		case ra:
			return 1
		default:
			return -1
		}
	})
	return out
}

func (l *link) resting(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A clock that was set back must not extend the time.
	left := l.rests.Sub(now)
	return left > 0 && left <= maxRest
}

// settle records the outcome of an attempt. A refused recipient does not count as a failure of the
// sender.
func (l *link) settle(now time.Time, err error) (outcome string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.fails, l.rests = 0, time.Time{}
		return Accepted
	case errors.Is(err, ErrRefused):
		return Refused
	}
	l.rests = now.Add(min(firstRest<<min(l.fails, 8), maxRest))
	l.fails++
	return Failed
}
