package factor

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

var (
	// ErrWrong says the code is not right: wrong, spent, expired, of another
	// method or never sent. The person is told no more than that.
	ErrWrong = errors.New("factor: wrong code")
	// ErrReplayed is an ErrWrong: the code was right and has been used before. The
	// audit trail tells the two apart, the person is not told.
	ErrReplayed = fmt.Errorf("%w: used before", ErrWrong)
	// ErrDestination says that nothing can be sent to that destination.
	ErrDestination = errors.New("factor: destination is not valid")
	// ErrSend says that a code could not be sent.
	ErrSend = errors.New("factor: code could not be sent")
	// ErrSecret says that a stored secret could not be opened. It is an
	// operator's problem, and a refusal for the person.
	ErrSecret = errors.New("factor: stored secret cannot be opened")
)

// Purpose is what a code is for. A code of one purpose is nothing for another.
type Purpose string

// The purposes.
const (
	SignIn Purpose = "sign-in"
	Verify Purpose = "verify"
	SetUp  Purpose = "setup"
	Rescue Purpose = "rescue"
	Owner  Purpose = "owner" // the mailbox, before a first enrolment
	// First and FirstAgain are for codes in place of a password, at a sign-in
	// and at a re-authentication.
	First      Purpose = "first"
	FirstAgain Purpose = "first-again"
	SignUp     Purpose = "sign-up" // the mailbox, before an account is made
)

// Transaction is what a code is bound to.
type Transaction struct {
	ID      string // the pending sign-in or the draft; never shown
	Purpose Purpose
	User    store.User
	Locale  string // language of what is sent
	// Link makes the link that is mailed with a code and does the same; nil:
	// none is.
	Link func(code string) (string, error)
}

// Key names the running code of this transaction and purpose.
func (t Transaction) Key() string { return string(t.Purpose) + ":" + t.ID }

// EnrollmentSecret is what a person must see to enrol. Only authenticator apps need it. It
// holds the secret: it is kept nowhere in the clear, and only the browser that
// began the set-up sees it, until the set-up is completed.
type EnrollmentSecret struct {
	Key      string // base32 in groups of four
	B32Key   string // base32
	Username string // the label
	Issuer   string // who the code is for
	URI      string // otpauth://totp/...
	// QR draws the URI as data:image/svg+xml;base64,... It is a function as
	// drawing costs milliseconds and JSON callers draw for themselves.
	QR func() template.URL
}

// Method is one kind of second factor.
type Method interface {
	// Channel is the channel a code is sent through; empty if none is sent.
	Channel() string
	// BeginEnrol fills in Destination and Secret of the draft, from what the
	// person gave as destination. It sends nothing. ErrDestination.
	BeginEnrol(ctx context.Context, t Transaction, destination string, d *store.Draft) (*EnrollmentSecret, error)
	// FinishEnrol returns the factor if the code proves that the person holds
	// what the draft says, and spends the code. ErrWrong.
	FinishEnrol(ctx context.Context, t Transaction, d store.Draft, code string) (store.Factor, error)
	// Send sends a code for the transaction; a former one is void then. A method
	// without a channel does nothing. ErrSend.
	Send(ctx context.Context, t Transaction, destination string) error
	// Verify returns nil only if the code proves the factor, and then it is
	// spent: no other caller gets nil for it. ErrWrong.
	Verify(ctx context.Context, t Transaction, f store.Factor, code string) error
}

// Shower is a Method whose draft can be shown again to the person who began it,
// until it is confirmed.
type Shower interface {
	Show(t Transaction, d store.Draft) (*EnrollmentSecret, error)
}

// Reader is a Method whose factors may have codes of another size than Size.
type Reader interface {
	// Reads reports whether a text could be a code of the factor. It uses up
	// nothing, and a text that could not be a code is not a guess.
	Reads(f store.Factor, typed string) bool
	// Digits is the number of digits of the factor's codes.
	Digits(f store.Factor) int
}

// Comparer is a Method whose codes are compared without a store.
type Comparer interface {
	// Compare returns the TOTP step of a code, and spends nothing. ErrWrong; ErrReplayed
	// if the factor has accepted it or a later one; ErrSecret, as for a Method, or if
	// only Verify can tell.
	Compare(f store.Factor, code string) (step int64, err error)
}

// DigitsOf returns how many digits the codes of a factor have; zero if it has none.
func DigitsOf(m Method, f store.Factor) int {
	switch r, ok := m.(Reader); {
	case m == nil:
		return 0
	case ok:
		return r.Digits(f)
	}
	return Size
}

// Reads reports whether a text could be a code of a factor of a method.
func Reads(m Method, f store.Factor, typed string) bool {
	if r, ok := m.(Reader); ok {
		return r.Reads(f, typed)
	}
	_, err := Digits(typed, Size)
	return err == nil
}

// Size is the number of digits of a code, except for apps that were set up elsewhere: these
// have up to MaxSize.
const (
	Size    = 6
	MaxSize = 8
)

// Readable reports whether a text could be a code of any factor.
func Readable(typed string) bool {
	for n := Size; n <= MaxSize; n++ {
		if _, err := Digits(typed, n); err == nil {
			return true
		}
	}
	return false
}

// maxTyped bounds what is looked at as a code: six digits, each between marks
// that take three bytes.
const maxTyped = 96

// Digits returns the code in its bare form if exactly n digits are left, and
// ErrWrong otherwise. Nothing else is a code.
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

// FromDraft is the factor that a draft becomes.
func FromDraft(d store.Draft) store.Factor {
	return store.Factor{
		ID: d.FactorID, UserID: d.UserID, Method: d.Method, Name: d.Name,
		Destination: d.Destination, Secret: d.Secret, Primary: !d.Add,
	}
}

// SecretError wraps the cause of an ErrSecret for the operator's log.
func SecretError(cause error) error { return fmt.Errorf("%w: %w", ErrSecret, cause) }

// Why nothing can be sent to a phone number.
const (
	NoNumber      = "no number"       // it is not a phone number
	NoCountryCode = "no country code" // there is no such country code
	TooShort      = "too short"
	TooLong       = "too long"
	OtherKind     = "other kind"    // premium rate, toll-free and the like, or an extension
	UnknownRange  = "unknown range" // it may be right, but is in no range that is known
	NotServed     = "not served"    // it belongs to a country that texts are not sent to
)

// DestinationError is an ErrDestination with its reason.
type DestinationError struct{ Reason string }

// Error implements error.
func (e *DestinationError) Error() string { return ErrDestination.Error() + ": " + e.Reason }

// Is makes it an ErrDestination.
func (e *DestinationError) Is(err error) bool { return err == ErrDestination }
