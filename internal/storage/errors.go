package storage

import "errors"

// The errors that an engine may return, besides its own. Engines translate their driver's errors
// into these; callers use errors.Is.
var (
	// ErrNotFound means that no such record exists, or that it has expired.
	ErrNotFound = errors.New("store: not found")
	// ErrExists means that a unique value, such as an ID or an identity, is taken.
	ErrExists = errors.New("store: already exists")
	// ErrUsed means that the condition of a write no longer holds: another caller has used,
	// replaced or changed the record.
	ErrUsed = errors.New("store: already used")
	// ErrWrong means that a challenge exists and the code was wrong. The attempt has been counted.
	ErrWrong = errors.New("store: wrong code")
	// ErrNoFactor means that the change would leave the account without a second factor, or that
	// the account has none.
	ErrNoFactor = errors.New("store: no second factor")
	// ErrUnavailable means that the store could not be reached, or was busy until the timeout. The
	// caller answers 503 and grants nothing.
	ErrUnavailable = errors.New("store: unavailable")
)
