package deletion

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Errors of requests.
var (
	// ErrWaits is returned if a deletion was requested already.
	ErrWaits = errors.New("deletion: a request is already pending")
	// ErrLink is returned if a link does not stop a deletion: it is invalid, was
	// used, or the deletion is over.
	ErrLink = errors.New("deletion: no request for this link")
)

// MailKind names the mail that a request sends, and its link.
const MailKind = "delete"

// purpose is the purpose of the link's signature.
const purpose = "stop-deletion"

// Owners configures the requests of owners.
type Owners struct {
	Keys *seal.Keys
	// Mailer sends the mail. Without mail, no deletion can be requested.
	Mailer auth.Mailer
	// Wait is the waiting period of a request.
	Wait time.Duration
	// Fresh returns an error unless the caller has recently proven everything that
	// the account asks for.
	Fresh func(ctx context.Context, who auth.Principal) error
}

// link is the content of the mailed link.
type link struct {
	User string `json:"u"`
	ID   string `json:"i"`
}

// Request asks for the deletion of the caller's account. Everything that was issued
// to the account ends at once. Its address gets a mail with a link that stops the
// deletion. The error is auth.ErrReauthenticate, auth.ErrSend or ErrWaits.
func (d *Deletions) Request(ctx context.Context, who auth.Principal, b auth.Client) (due time.Time, err error) {
	o, u, now := d.c.Owners, who.User, d.c.Now()
	if !o.Mailer.On() {
		return due, auth.ErrSend
	}
	if err := o.Fresh(ctx, who); err != nil {
		return due, err
	}
	r := storage.DeletionRequest{
		UserID: u.ID, ID: storage.NewID(), CredentialVersion: account.NewUniquifier(), CreatedAt: now,
		DueAt: now.Add(o.Wait),
	}
	raw, err := json.Marshal(link{u.ID, r.ID})
	if err != nil {
		return due, err
	}
	m, err := o.Mailer.Seal(auth.Email{
		Kind: MailKind, To: u.Email, User: u, Token: o.Keys.Sign(purpose, raw), Life: o.Wait,
		Opens: r.DueAt, Browser: b,
	})
	if err != nil {
		return due, err
	}
	e := event.DeletionRequested{User: subject(u), Due: r.DueAt, Context: d.at(b)}
	r.Event = d.c.Trail.Row(e)
	defer d.c.Changed(u.ID)
	switch err := d.c.Store.PutDeletion(ctx, r, u.CredentialVersion, m...); {
	case errors.Is(err, storage.ErrExists):
		return due, ErrWaits
	case errors.Is(err, storage.ErrUsed), errors.Is(err, storage.ErrNotFound):
		return due, auth.ErrState
	case err != nil:
		return due, err
	}
	o.Mailer.Wake()
	if d.c.Events != nil {
		d.c.Events(ctx, e)
	}
	return r.DueAt, nil
}

// open returns the request of a link. The error is ErrLink.
func (d *Deletions) open(ctx context.Context, token string) (storage.DeletionRequest, error) {
	var l link
	raw, err := d.c.Owners.Keys.Verify(purpose, token)
	if err != nil || json.Unmarshal(raw, &l) != nil || l.User == "" || l.ID == "" {
		return storage.DeletionRequest{}, ErrLink
	}
	r, err := d.c.Store.DeletionOf(ctx, l.User)
	if errors.Is(err, storage.ErrNotFound) || err == nil && r.ID != l.ID {
		err = ErrLink
	}
	return r, err
}

// Check returns ErrLink if a link does not cancel a deletion. It changes nothing.
func (d *Deletions) Check(ctx context.Context, token string) error {
	_, err := d.open(ctx, token)
	return err
}

// Stop cancels a deletion for anyone who has the mailed link, which works once. The
// error is ErrLink.
func (d *Deletions) Stop(ctx context.Context, token string, b auth.Client) error {
	r, err := d.open(ctx, token)
	if err != nil {
		return err
	}
	if err = d.c.Store.EndDeletion(ctx, r.UserID, r.ID); errors.Is(err, storage.ErrNotFound) {
		return ErrLink
	} else if err != nil {
		return err
	}
	u, err := d.c.Store.UserByID(ctx, r.UserID)
	if err != nil {
		return err
	}
	e := event.DeletionStopped{User: subject(u), Why: "link", Context: d.at(b)}
	return d.c.Trail.Tell(ctx, e, d.c.Events)
}

// Keep cancels a deletion because of an action of the owner. It reports whether a
// deletion was waiting.
func (d *Deletions) Keep(ctx context.Context, u storage.User, why string, b auth.Client) (bool, error) {
	r, err := d.c.Store.DeletionOf(ctx, u.ID)
	if err == nil {
		err = d.c.Store.EndDeletion(ctx, u.ID, r.ID)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	e := event.DeletionStopped{User: subject(u), Why: why, Context: d.at(b)}
	return true, d.c.Trail.Tell(ctx, e, d.c.Events)
}

// batch is the number of requests that are read at once.
const batch = 100

// Due deletes the accounts whose waiting period is over. A deletion that fails is
// tried again by the next call and does not prevent others. Requests that failed
// come first in the list, so Due reads further.
func (d *Deletions) Due(ctx context.Context) error {
	failed, errs := map[string]bool{}, []error(nil)
	for {
		list, err := d.c.Store.DueDeletions(ctx, d.c.Now(), len(failed)+batch)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		more := false
		for _, r := range list {
			if failed[r.ID] {
				continue
			}
			more = true
			switch err := d.delete(ctx, r.UserID, r.ID); {
			case errors.Is(err, storage.ErrUsed), errors.Is(err, storage.ErrNotFound):
				failed[r.ID] = true // it was canceled, or another node was faster
			case err != nil:
				failed[r.ID] = true
				errs = append(errs, err)
			}
		}
		if !more || ctx.Err() != nil {
			return errors.Join(errs...)
		}
	}
}

func subject(u storage.User) event.Subject {
	return event.Subject{ID: u.ID, Email: u.Email, Username: u.Username}
}

func (d *Deletions) at(b auth.Client) event.Context {
	return event.Context{At: d.c.Now(), Address: b.Address, Agent: b.Agent, Request: b.Request}
}
