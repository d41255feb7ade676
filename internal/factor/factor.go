package factor

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strings"

	"github.com/twofold-auth/twofold/internal/storage"
)

var (
	// ErrWrong is returned if a code is wrong, spent, expired, of another method or
	// was never sent. The user is not told which.
	ErrWrong = errors.New("factor: wrong code")
	// ErrReplayed is an ErrWrong for a code that is right but was used before. The
	// audit trail tells the two apart; the user is not told.
	ErrReplayed = fmt.Errorf("%w: used before", ErrWrong)
	// ErrDestination is returned if nothing can be sent to a destination.
	ErrDestination = errors.New("factor: destination is not valid")
	// ErrSend is returned if a code could not be sent.
	ErrSend = errors.New("factor: code could not be sent")
	// ErrSecret is returned if a stored secret cannot be decrypted. The user is
	// refused, and only the operator can solve the problem.
	ErrSecret = errors.New("factor: stored secret cannot be decrypted")
)

// Purpose is the purpose of a code. A code is valid for one purpose only.
type Purpose string

// Purposes of codes.
const (
	SignIn Purpose = "sign-in"
	Verify Purpose = "verify"
	SetUp  Purpose = "setup"
	Rescue Purpose = "rescue"
	Owner  Purpose = "owner" // proves the mailbox, before a first enrollment
	// First and FirstAgain are for codes that replace the password, at a sign-in
	// and at a re-authentication.
	First      Purpose = "first"
	FirstAgain Purpose = "first-again"
	SignUp     Purpose = "sign-up" // proves the mailbox, before an account is created
)

// Transaction is the transaction to which a code is bound.
type Transaction struct {
	ID      string // of the pending sign-in or the draft; never shown
	Purpose Purpose
	User    storage.User
	Locale  string // language of the message
	// Link returns the link that is mailed with a code and can be used in place of
	// it. If Link is nil, no link is mailed.
	Link func(code string) (string, error)
}

// Key returns the key of the challenge for this transaction and purpose.
func (t Transaction) Key() string { return string(t.Purpose) + ":" + t.ID }

// EnrollmentSecret contains the values that a user must see to enroll. Only
// authenticator apps need it. It contains the secret in the clear, which is never
// stored in that form. Only the browser that started the set-up sees it, until the
// set-up is completed.
type EnrollmentSecret struct {
	Key      string // base32 in groups of four
	B32Key   string // base32
	Username string // label in the app
	Issuer   string // name of the site in the app
	URI      string // otpauth://totp/...
	// QR returns the QR code of the URI as data:image/svg+xml;base64,... It is a
	// function because drawing takes milliseconds and JSON callers do not need the
	// image.
	QR func() template.URL
}

// Method is one kind of second factor.
type Method interface {
	// Channel returns the channel through which codes are sent, or "" if none are.
	Channel() string
	// BeginEnroll fills in Destination and Secret of the draft, from the destination
	// that the user entered. It sends nothing. It returns ErrDestination if the
	// destination is not valid.
	BeginEnroll(ctx context.Context, t Transaction, destination string, d *storage.Draft) (*EnrollmentSecret, error)
	// FinishEnroll returns the factor if the code proves that the user holds what
	// the draft describes, and spends the code. Otherwise it returns ErrWrong.
	FinishEnroll(ctx context.Context, t Transaction, d storage.Draft, code string) (storage.Factor, error)
	// Send sends a code for the transaction. The previous code becomes invalid. A
	// method without a channel does nothing. If sending fails, Send returns
	// ErrSend.
	Send(ctx context.Context, t Transaction, destination string) error
	// Verify returns nil if the code proves the factor, and spends the code: only
	// one caller gets nil for it. Otherwise it returns ErrWrong.
	Verify(ctx context.Context, t Transaction, f storage.Factor, code string) error
}

// Shower is a Method that can show a draft again to the user who started it, until
// the draft is confirmed.
type Shower interface {
	Show(t Transaction, d storage.Draft) (*EnrollmentSecret, error)
}

// Reader is a Method whose codes may have a number of digits other than Size.
type Reader interface {
	// Reads reports whether a string could be a code of the factor. It changes
	// nothing. A text that could not be a code does not count as a guess.
	Reads(f storage.Factor, typed string) bool
	// Digits returns the number of digits of the factor's codes.
	Digits(f storage.Factor) int
}

// Comparer is a Method whose codes are compared without a store.
type Comparer interface {
	// Compare returns the TOTP step of a code and does not spend it. It returns
	// ErrWrong if the code is wrong, and ErrReplayed if the factor has accepted
	// this step or a later one. It returns ErrSecret if the secret cannot be
	// decrypted, or if only Verify can check the code.
	Compare(f storage.Factor, code string) (step int64, err error)
}

// DigitsOf returns the number of digits of a factor's codes, or zero if it has no
// codes.
func DigitsOf(m Method, f storage.Factor) int {
	switch r, ok := m.(Reader); {
	case m == nil:
		return 0
	case ok:
		return r.Digits(f)
	}
	return Size
}

// Reads reports whether a string could be a code of a factor of a method.
func Reads(m Method, f storage.Factor, typed string) bool {
	if r, ok := m.(Reader); ok {
		return r.Reads(f, typed)
	}
	_, err := Digits(typed, Size)
	return err == nil
}

// Size is the number of digits of a code. Apps that were set up elsewhere may have
// codes of up to MaxSize digits.
const (
	Size    = 6
	MaxSize = 8
)

// Readable reports whether a string could be a code of any factor.
func Readable(typed string) bool {
	for n := Size; n <= MaxSize; n++ {
		if _, err := Digits(typed, n); err == nil {
			return true
		}
	}
	return false
}

// maxTyped is the maximum length of a string that is read as a code: six digits
// between separators of three bytes each.
const maxTyped = 96

// Digits returns a code without separators if it has exactly n digits, and ErrWrong
// otherwise.
func Digits(code string, n int) (string, error) {
	if len(code) > maxTyped {
		return "", ErrWrong
	}
	code = Bare(code)
	if len(code) != n || strings.Trim(code, "0123456789") != "" {
		return "", ErrWrong
	}
	return code, nil
}

// FromDraft returns the factor that a draft describes.
func FromDraft(d storage.Draft) storage.Factor {
	return storage.Factor{
		ID: d.FactorID, UserID: d.UserID, Method: d.Method, Name: d.Name,
		Destination: d.Destination, Secret: d.Secret, Primary: !d.Add,
	}
}

// SecretError wraps the cause of an ErrSecret for the operator's log.
func SecretError(cause error) error { return fmt.Errorf("%w: %w", ErrSecret, cause) }

// Reasons for which nothing can be sent to a phone number.
const (
	NoNumber      = "no number"       // not a phone number
	NoCountryCode = "no country code" // the country code does not exist
	TooShort      = "too short"
	TooLong       = "too long"
	OtherKind     = "other kind"    // premium-rate, toll-free or another special number, or one with an extension
	UnknownRange  = "unknown range" // possible, but in no known range
	NotServed     = "not served"    // of a country to which text messages are not sent
)

// DestinationError is an ErrDestination with a reason.
type DestinationError struct{ Reason string }

// Error implements error.
func (e *DestinationError) Error() string { return ErrDestination.Error() + ": " + e.Reason }

// Is reports whether err is ErrDestination.
func (e *DestinationError) Is(err error) bool { return err == ErrDestination }
