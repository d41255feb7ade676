package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A browser keeps a signed note of the accounts that have signed in there. The note proves nothing
// and gives no access: it only selects budgets, so that strangers who use up the public budgets do
// not use up the owner's. A new password invalidates all notes of the account, because other people
// may have known the old one. The browser in which the owner sets it gets a new note. A hash that
// is replaced at a sign-in also invalidates the notes of other browsers; their next sign-in writes
// new ones.
const (
	knownPurpose = "known-browser"
	// KnownLife is the time for which a browser or network counts as known after a sign-in.
	KnownLife = 180 * 24 * time.Hour
	// knownRenewed is the age from which a sign-in rewrites a note.
	knownRenewed = 7 * 24 * time.Hour
	// knownUsers is the maximum number of accounts in a note.
	knownUsers = 8
	// knownRows is the maximum number of sign-ins that are searched for a network.
	knownRows = 50
)

// note is the content of the cookie. The field names are short because the cookie is sent with
// every request.
type note struct {
	Browser string     `json:"b"`
	Users   []noteUser `json:"u"` // newest first
}

type noteUser struct {
	User     string `json:"i"` // hash of the ID
	Password string `json:"p"` // hash of the stored password hash
	At       int64  `json:"t"` // microseconds
}

// notes read and write the notes of browsers.
type notes struct{ c *Config }

func (l Sessions) notes() notes { return notes{&l.c} }

func (k notes) note(cookie string) (n note, ok bool) {
	raw, err := k.c.Keys.Verify(knownPurpose, cookie)
	return n, err == nil && json.Unmarshal(raw, &n) == nil && n.Browser != ""
}

func noted(userID string) string { return hash("known:" + userID)[:22] }

// notedPassword returns the value that represents an account's password in a note.
func notedPassword(u storage.User) string {
	return hash("known-password:" + u.ID + ":" + u.PasswordHash)[:22]
}

// current reports whether a sign-in at the given time still makes a browser or network known.
func (k notes) current(u storage.User, at time.Time) bool {
	return !at.Before(u.ResetAt) && k.c.Now().Sub(at) < KnownLife
}

// stands reports whether an entry of a note makes its browser known to the account.
func (k notes) stands(u storage.User, e noteUser) bool {
	return e.User == noted(u.ID) && e.Password == notedPassword(u) && k.current(u, time.UnixMicro(e.At))
}

// browser returns the ID of the browser if it has signed in to the account before, or an empty
// string. The cookie of a trusted browser also counts.
func (k notes) browser(u storage.User, b Client) string {
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
	// newBrowserWithin is the time for which the owner is not notified again of sign-ins from the
	// same network and kind of browser, because a program without cookies is a new browser each
	// time.
	newBrowserWithin = 24 * time.Hour
	// firstSignInWithin is the age up to which the first sign-in to an account counts as its
	// owner's. For an older account, the first sign-in may have been removed from the audit trail.
	firstSignInWithin = 30 * 24 * time.Hour
)

// arrived is called after a sign-in. It takes the account's language from the first browser that
// sends one, and notifies the owner of a browser that has not signed in before. An error does not
// prevent the sign-in, which has already been recorded.
func (l Sessions) arrived(ctx context.Context, u storage.User, b Client) {
	err := l.c.Accounts.LearnLanguage(ctx, u, b.Speaks)
	if l.c.Policy.TellNewBrowsers {
		err = errors.Join(err, l.newBrowser(ctx, u, b))
	}
	if err != nil {
		l.c.Log.WarnContext(ctx, "what follows a sign-in was not done", "user", u.ID, "cause", err)
	}
}

// newBrowser notifies the owner, unless the browser has signed in to the account before. Unlike
// notes.browser it ignores the password, so that a change of the password does not make the owner's
// other browsers new.
func (l Sessions) newBrowser(ctx context.Context, u storage.User, b Client) error {
	n, ok := l.notes().note(b.Known)
	before := ok && slices.ContainsFunc(n.Users, func(e noteUser) bool {
		return e.User == noted(u.ID) && l.notes().current(u, time.UnixMicro(e.At))
	})
	if before || l.c.Devices.ID(u, b.Device) != "" {
		return nil
	}
	rows, err := l.c.Trail.List(ctx, storage.EventFilter{
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
	l.mail.notify(ctx, u, NewBrowser, "", b)
	return l.tell(ctx, event.NewBrowser{User: subject(u), Context: l.at(b)})
}

// add returns the new note of a browser in which an account has just signed in, or an empty
// string if its note is recent enough.
func (k notes) add(u storage.User, b Client) (string, error) {
	now := k.c.Now()
	n, ok := k.note(b.Known)
	if !ok {
		n = note{Browser: storage.NewID()}
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

// network reports whether the account has signed in from the network of an address since a password
// last replaced another. Strangers cannot add such rows to the audit trail, so they cannot displace
// them.
func (k notes) network(ctx context.Context, u storage.User, address string) (bool, error) {
	id := u.ID
	if id == "" { // an unknown account takes as long
		id = "nobody"
	}
	rows, err := k.c.Trail.List(ctx, storage.EventFilter{
		UserID: id, Names: []string{event.UserAuthenticated{}.Name()}, Newest: true, Limit: knownRows,
	})
	return slices.ContainsFunc(rows, func(e storage.Event) bool {
		return k.current(u, e.At) && !e.At.Before(u.PasswordAt) && limit.Network(e.Address) == limit.Network(address)
	}), err
}

func paused(err error) bool {
	var p *limit.Paused
	return errors.As(err, &p)
}
