package login

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/store"
)

// A browser keeps a signed note of the accounts that signed in there. The note
// proves nothing and opens nothing: it only chooses budgets, so that a stranger
// who uses up what everybody may try does not use up what the owner may try. A
// new password ends all notes of the account, since other people may have known
// the former one. The browser in which the owner sets it gets another note. A hash
// that is renewed as its user signs in ends those of other browsers too: their next
// sign-in writes one.
const (
	knownPurpose = "known-browser"
	// KnownLife is how long a browser or network counts as known after a sign-in.
	KnownLife = 180 * 24 * time.Hour
	// knownRenewed is how old a note may be before a sign-in writes it again.
	knownRenewed = 7 * 24 * time.Hour
	// knownUsers bounds how many accounts one browser remembers.
	knownUsers = 8
	// knownRows bounds how many sign-ins are looked through for a network.
	knownRows = 50
)

// note is the cookie's content. The field names are short as the cookie travels
// with every request.
type note struct {
	Browser string     `json:"b"`
	Users   []noteUser `json:"u"` // the newest first
}

type noteUser struct {
	User     string `json:"i"` // hash of the id
	Password string `json:"p"` // hash of what the password was stored as
	At       int64  `json:"t"` // microseconds
}

// notes read and write the notes of browsers.
type notes struct{ c *Config }

func (l *Login) notes() notes { return notes{&l.c} }

func (k notes) note(cookie string) (n note, ok bool) {
	raw, err := k.c.Keys.Verify(knownPurpose, cookie)
	return n, err == nil && json.Unmarshal(raw, &n) == nil && n.Browser != ""
}

func noted(userID string) string { return hash("known:" + userID)[:22] }

// notedPassword stands for an account's password in a note.
func notedPassword(u store.User) string {
	return hash("known-password:" + u.ID + ":" + u.PasswordHash)[:22]
}

// current says whether a sign-in at that time still makes a browser or network
// known.
func (k notes) current(u store.User, at time.Time) bool {
	return !at.Before(u.ResetAt) && k.c.Now().Sub(at) < KnownLife
}

// stands says whether an entry of a note makes its browser known to the account.
func (k notes) stands(u store.User, e noteUser) bool {
	return e.User == noted(u.ID) && e.Password == notedPassword(u) && k.current(u, time.UnixMicro(e.At))
}

// browser is the id of the browser if it signed in to the account before;
// else empty. A trusted browser's cookie says the same.
func (k notes) browser(u store.User, b Browser) string {
	if u.ID == "" {
		return ""
	}
	n, ok := k.note(b.Known)
	if ok && slices.ContainsFunc(n.Users, func(e noteUser) bool { return k.stands(u, e) }) {
		return n.Browser
	}
	return k.c.Devices.ID(u, b.Device)
}

const (
	// newBrowserWithin is how long the owner is not told again of sign-ins from the
	// same network and kind of browser: a program that keeps no cookies is a new
	// browser each time.
	newBrowserWithin = 24 * time.Hour
	// firstSignInWithin is how young an account is whose first sign-in is its
	// owner's. Of one that is older, the trail may have forgotten the first.
	firstSignInWithin = 30 * 24 * time.Hour
)

// arrived follows a sign-in: the account's language is learned from the first
// browser that says one, and its owner is told of a browser that has not signed in
// before. A failure keeps no one out: the sign-in itself was written down.
func (l *Login) arrived(ctx context.Context, u store.User, b Browser) {
	err := l.c.Accounts.LearnLanguage(ctx, u, b.Speaks)
	if l.c.Policy.TellNewBrowsers {
		err = errors.Join(err, l.newBrowser(ctx, u, b))
	}
	if err != nil {
		l.c.Log.WarnContext(ctx, "what follows a sign-in was not done", "user", u.ID, "cause", err)
	}
}

// newBrowser tells the owner, unless the browser has signed in to the account
// before. Unlike notes.browser it goes by no password: one that the owner has
// changed does not make the owner's other browsers new.
func (l *Login) newBrowser(ctx context.Context, u store.User, b Browser) error {
	n, ok := l.notes().note(b.Known)
	before := ok && slices.ContainsFunc(n.Users, func(e noteUser) bool {
		return e.User == noted(u.ID) && l.notes().current(u, time.UnixMicro(e.At))
	})
	if before || l.c.Devices.ID(u, b.Device) != "" {
		return nil
	}
	rows, err := l.c.Trail.List(ctx, store.EventFilter{
		UserID: u.ID, Names: []string{event.UserAuthenticated{}.Name()}, Newest: true, Limit: 2,
	})
	if err != nil || len(rows) < 2 && l.c.Now().Sub(u.CreatedAt) < firstSignInWithin {
		return err
	}
	key := NewBrowser + ":" + u.ID + ":" + limit.Network(b.Address) + ":" + device.Name(b.Agent)
	if err := l.c.Limits.Once(ctx, key, newBrowserWithin); paused(err) {
		return nil
	} else if err != nil {
		return err
	}
	l.notify(ctx, u, NewBrowser, "", b)
	return l.tell(ctx, event.NewBrowser{User: subject(u), Context: l.at(b)})
}

// remember is the note of a browser in which an account has just signed in, or
// empty if the one that it has will do.
func (k notes) remember(u store.User, b Browser) (string, error) {
	now := k.c.Now()
	n, ok := k.note(b.Known)
	if !ok {
		n = note{Browser: store.NewID()}
	}
	fresh := func(e noteUser) bool {
		return k.stands(u, e) && now.Sub(time.UnixMicro(e.At)) < knownRenewed
	}
	if slices.ContainsFunc(n.Users, fresh) {
		return "", nil
	}
	n.Users = slices.DeleteFunc(n.Users, func(e noteUser) bool { return e.User == noted(u.ID) })
	n.Users = append([]noteUser{{User: noted(u.ID), Password: notedPassword(u), At: now.UnixMicro()}}, n.Users...)
	n.Users = n.Users[:min(len(n.Users), knownUsers)]
	raw, err := json.Marshal(n)
	return k.c.Keys.Sign(knownPurpose, raw), err
}

// from is who asks for something of an account, as far as the request shows it.
func (l *Login) from(u store.User, b Browser) limit.From {
	return limit.From{Address: b.Address, Browser: l.notes().browser(u, b), Session: b.within}
}

// claim takes places in budgets: in those of anybody, or, if the request shows
// that its browser is known, in those of that browser. If strangers have used up
// theirs, it looks whether the network is known.
func (l *Login) claim(ctx context.Context, u store.User, b Browser, take func(limit.From) error) error {
	from := l.from(u, b)
	err := take(from)
	if !paused(err) || from.Own() {
		return err
	}
	known, failed := l.notes().network(ctx, u, b.Address)
	if failed != nil {
		return failed
	}
	if !known {
		return err
	}
	from.Network = true
	return take(from)
}

// claimPlace is claim for what hands out a place.
func (l *Login) claimPlace(ctx context.Context, u store.User, b Browser,
	take func(limit.From) (*limit.Place, error)) (place *limit.Place, err error) {
	err = l.claim(ctx, u, b, func(from limit.From) (err error) {
		place, err = take(from)
		return err
	})
	return place, err
}

// network says whether the account signed in from the network of an address
// before, since its password was last set. Strangers add no such rows to the
// trail, so they cannot push them out.
func (k notes) network(ctx context.Context, u store.User, address string) (bool, error) {
	id := u.ID
	if id == "" { // the same cost for who does not exist
		id = "nobody"
	}
	rows, err := k.c.Trail.List(ctx, store.EventFilter{UserID: id, Names: []string{
		event.UserAuthenticated{}.Name(), event.PasswordChanged{}.Name(), event.PasswordReset{}.Name(), event.AccountChanged{}.Name(),
	}, Newest: true, Limit: knownRows})
	for _, e := range rows {
		switch e.Name {
		case event.UserAuthenticated{}.Name():
			if k.current(u, e.At) && limit.Network(e.Address) == limit.Network(address) {
				return true, err
			}
		case event.AccountChanged{}.Name():
			if e.Reason == PasswordChanged {
				return false, err
			}
		default:
			return false, err
		}
	}
	return false, err
}

// send takes the places of one code behind a first factor.
func (l *Login) send(ctx context.Context, u store.User, m limit.Message, b Browser) error {
	m.Account = u.ID
	return l.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.Send(ctx, m)
	})
}

// sent is the message whose code came back.
func (l *Login) sent(u store.User, class limit.Class, channel, destination string, b Browser) limit.Message {
	return limit.Message{Class: class, Account: u.ID, Channel: channel, Destination: destination, From: l.from(u, b)}
}

// sendFirst takes the places of one code or link in place of a password.
func (l *Login) sendFirst(ctx context.Context, u store.User, m limit.First, b Browser) error {
	m.Transaction, m.Account = asked(b), budgetOf(u, m.Identity)
	return l.claim(ctx, u, b, func(from limit.From) error {
		m.From = from
		return l.c.Limits.SendFirst(ctx, m)
	})
}

// answeredFirst gives back what a code or link in place of a password took.
func (l *Login) answeredFirst(ctx context.Context, u store.User, channel string, b Browser) error {
	_, key, err := account.ParseEmail(u.Email)
	if err != nil {
		return nil // it has no address, so nothing was asked for by it
	}
	return l.c.Limits.AnsweredFirst(ctx, limit.First{Channel: channel, Identity: typed(key), Account: budgetOf(u, ""), From: l.from(u, b)})
}

func paused(err error) bool {
	var p *limit.Paused
	return errors.As(err, &p)
}
