package store

import "errors"

// The errors an engine may return besides its own. Engines translate
// their driver's errors into these; callers use errors.Is.
var (
	// ErrNotFound says that no such record exists, or that it has expired.
	ErrNotFound = errors.New("store: not found")
	// ErrExists says that a unique value (an id, an identity) is taken.
	ErrExists = errors.New("store: already exists")
	// ErrUsed says that a conditional write found its condition gone: the
	// thing was used, replaced or changed by another caller in the meantime.
	ErrUsed = errors.New("store: already used")
	// ErrWrong says that a challenge exists and was tried with the wrong code.
	// The try has been counted.
	ErrWrong = errors.New("store: wrong code")
	// ErrNoFactor says that the change would leave the account without a second
	// factor, or is about one that has none.
	ErrNoFactor = errors.New("store: no second factor")
	// ErrUnavailable says that the store could not be reached or stayed busy
	// past its time-out. The caller answers 503 and grants nothing.
	ErrUnavailable = errors.New("store: unavailable")
)
