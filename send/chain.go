package send

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A sender that fails is tried last for a while, so that people do not wait
// for its time-out one after the other; the pause doubles up to its bound.
const (
	firstRest = 30 * time.Second
	maxRest   = 5 * time.Minute
)

// How an attempt ended.
const (
	Accepted = "accepted" // the provider took the message
	Refused  = "refused"  // it never will, for this recipient
	Failed   = "failed"   // it may, another time
)

// Attempt is one try of one sender, as metrics want to know it: it names no
// recipient and holds nothing of the message.
type Attempt struct {
	Channel string        // Email or SMS
	Kind    string        // name of the template
	Sender  string        // package of the sender, e.g. "smtp"
	Place   int           // 1: the first of its channel, 2: the one that takes over
	Outcome string        // Accepted, Refused or Failed
	Took    time.Duration // this try
	Waited  time.Duration // from the moment the message was stored to the end of this try
}

// chain is the senders of a channel, in the order they were configured.
type chain []*link

// link is one sender and whether it works.
type link struct {
	Sender
	name  string
	place int

	mu    sync.Mutex
	fails int
	rests time.Time // tried last until then
}

func newChain(senders []Sender) chain {
	var c chain
	for i, s := range senders {
		// "*smtp.Sender" is "smtp".
		name, _, _ := strings.Cut(strings.TrimLeft(fmt.Sprintf("%T", s), "*"), ".")
		c = append(c, &link{Sender: s, name: name, place: i + 1})
	}
	return c
}

// order returns which sender to try first: those that rest come last. None is left
// out, so with one sender, or with all of them broken, resting changes nothing.
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
	// A clock that was set back must not make the rest longer.
	left := l.rests.Sub(now)
	return left > 0 && left <= maxRest
}

// settle remembers how a try ended. A refused recipient says nothing about the
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
