package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
)

// PendingCookie is the value of the cookie of a pending sign-in. All steps of one request get the
// same one, so that the record, its user and its factors are read once. Each step still checks what
// it may do with them, and the statements that take or advance the record are conditional, so an
// old copy grants nothing. It is not safe for concurrent use.
type PendingCookie struct {
	value string
	// known is set if the record was read. Then found is its copy, or nil if there is none.
	known bool
	found *storage.Waiting
	// checked is set if the account was checked (see checkAllowed). Then mayEnter is the result.
	checked, mayEnter bool
}

// NewPendingCookie returns the cookie of a request. The value is empty if there is none.
func NewPendingCookie(value string) *PendingCookie { return &PendingCookie{value: value} }

// Value returns the value of the cookie, or "" if there is none.
func (p *PendingCookie) Value() string {
	if p == nil {
		return ""
	}
	return p.value
}

// read returns the record, its user and its factors. It returns storage.ErrNotFound if there is
// none.
func (p *PendingCookie) read(ctx context.Context, c Config) (storage.Waiting, error) {
	switch {
	case p.found != nil:
		return *p.found, nil
	case p.known:
		return storage.Waiting{}, storage.ErrNotFound
	}
	found, err := readPending(ctx, c, hash(p.value))
	if err == nil {
		p.found = &found
	}
	p.known = err == nil || errors.Is(err, storage.ErrNotFound)
	return found, err
}

// allowed reports whether the account of the record may sign in. The application is asked once.
func (p *PendingCookie) allowed(l *Login, u storage.User) bool {
	if !p.checked {
		p.checked, p.mayEnter = true, l.checkAllowed(u) == nil
	}
	return p.mayEnter
}

// forget makes the next step read the record again, because it may have changed.
func (p *PendingCookie) forget() { p.known, p.found, p.checked = false, nil, false }

// takePending takes a pending sign-in. Only one caller gets it; all others get storage.ErrUsed.
func (l *Login) takePending(ctx context.Context, w pendingSignIn) error {
	_, err := l.c.Pendings.TakePending(ctx, w.Hash)
	w.cookie.known, w.cookie.found = err == nil, nil
	return err
}

// advance stores the state, factor and rescue of a pending sign-in. It returns ErrState if it was
// taken or changed in the meantime.
func (l SecondFactor) advance(ctx context.Context, w pendingSignIn) error {
	err := l.c.Pendings.AdvancePending(ctx, w.Pending)
	if err != nil {
		w.cookie.forget()
	} else if w.cookie.found != nil {
		w.cookie.found.Pending = w.Pending
		w.cookie.found.Pending.Version++
	}
	if errors.Is(err, storage.ErrUsed) {
		return ErrState
	}
	return err
}
