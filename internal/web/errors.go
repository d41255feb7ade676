package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/i18n"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
)

// failure is an error in the form that a user may see: a status, and texts by field. The cause, if
// any, is only logged.
type failure struct {
	status     int
	problems   []problem
	noFields   bool        // the answer has errors but no field_errors
	extras     refusedBody // further fields of the JSON answer
	retryAfter time.Duration
	to         string    // in form mode: redirect there with the first text as a note
	quiet      bool      // in form mode: no note
	until      time.Time // end of the pause
	captcha    bool      // a captcha must be solved first
	form       bool      // in form mode: the form is shown again, although it is a 503
	cause      error
	refusal    error // the error of the table row
}

// problem is a message key for a field. An empty field means the whole form.
type problem struct {
	field, key string
	args       []any
	// page is the key of the text on pages. If it is empty, key is used.
	page string
	// said is the text itself, for a refusal that is shown after a redirect.
	said string
}

func (f *failure) Error() string { return f.problems[0].key }

// Unwrap returns the error with which a step refused.
func (f *failure) Unwrap() error { return f.refusal }

func fail(status int, field, key string, args ...any) *failure {
	return &failure{status: status, problems: []problem{{field: field, key: key, args: args}}}
}

// says sets the text that pages show instead of the contract's.
func (f *failure) says(page string) *failure { f.problems[0].page = page; return f }

// silent omits the text if a redirect is clear enough. JSON keeps it.
func (f *failure) silent() *failure { f.quiet = true; return f }

// flat omits field_errors, because the error does not concern a form.
func (f *failure) flat() *failure { f.noFields = true; return f }

// goTo redirects in form mode.
func (f *failure) goTo(path string) *failure { f.to = path; return f }

// rule is a row of the table below.
type rule struct {
	err        error
	status     int
	field, key string
}

// rules returns the table that converts errors to a status, a field and a text.
func rules() []rule {
	return []rule{
		{auth.ErrUnknownUser, http.StatusBadRequest, "email", "USER_DOES_NOT_EXIST"},
		{auth.ErrPassword, http.StatusBadRequest, "password", "INVALID_PASSWORD"},
		{auth.ErrDisabled, http.StatusBadRequest, "email", "DISABLED_ACCOUNT"},
		{auth.ErrState, http.StatusBadRequest, "", "TWO_FACTOR_PERMISSION_DENIED"},
		{auth.ErrCodeUsed, http.StatusBadRequest, "code", "TWO_FACTOR_INVALID_TOKEN"},
		{auth.ErrCode, http.StatusBadRequest, "code", "TWO_FACTOR_INVALID_TOKEN"},
		{auth.ErrUndeliverable, http.StatusBadRequest, "", "CANNOT_RECEIVE"},
		{auth.ErrSend, http.StatusInternalServerError, "", "FAILED_TO_SEND_CODE"},
		{auth.ErrMethod, http.StatusBadRequest, "setup", "TWO_FACTOR_METHOD_NOT_AVAILABLE"},
		{auth.ErrChoice, http.StatusBadRequest, "which", "CHOICE_INVALID"},
		{auth.ErrPhone, http.StatusBadRequest, "phone", "PHONE_INVALID"},
		{auth.ErrSetupToken, http.StatusBadRequest, "", "API_ERROR"},
		{auth.ErrTooLong, http.StatusBadRequest, "days", "TOKEN_LIFE"},
		{auth.ErrTooMany, http.StatusBadRequest, "", "TOKEN_TOO_MANY"},
		{auth.ErrWeak, http.StatusForbidden, "", "TWO_FACTOR_WEAK"},
		{auth.ErrSameFactor, http.StatusBadRequest, "", "US_SAME_FACTOR"},
		{auth.ErrElsewhere, http.StatusBadRequest, "", "LINK_ELSEWHERE"},
		{auth.ErrUnconfirmed, http.StatusBadRequest, "email", "CONFIRMATION_REQUIRED"},
		{auth.ErrUnproven, http.StatusBadRequest, "", "ADDRESS_UNPROVEN"},
		{auth.ErrNotAsked, http.StatusBadRequest, "", "LINK_NOT_SIGNED_IN"},
		{auth.ErrConfirmed, http.StatusBadRequest, "email", "ALREADY_CONFIRMED"},
		{auth.ErrLocked, http.StatusBadRequest, "email", "ACCOUNT_LOCKED"},
		{auth.ErrUsernameTaken, http.StatusBadRequest, "username", "USERNAME_ALREADY_ASSOCIATED"},
		{auth.ErrSamePassword, http.StatusBadRequest, "password", "PASSWORD_IS_THE_SAME"},
		{auth.ErrPasswordNeeded, http.StatusBadRequest, "password", "PASSWORD_NOT_PROVIDED"},
		{auth.ErrLink, http.StatusBadRequest, "", "LINK_INVALID"},
		{auth.ErrLinkExpired, http.StatusBadRequest, "", "LINK_EXPIRED"},
		{auth.ErrNoFactor, http.StatusBadRequest, "", "RECOVERY_CODES_NEED_FACTOR"},
		{auth.ErrRecoveryCode, http.StatusBadRequest, "code", "INVALID_RECOVERY_CODE"},
		{auth.ErrNoSuch, http.StatusNotFound, "", "NOT_FOUND"},
		{auth.ErrTaken, http.StatusBadRequest, "email", "EMAIL_ALREADY_ASSOCIATED"},
		{auth.ErrCeremony, http.StatusBadRequest, "", "API_ERROR"},
		{factor.ErrMalformedAssertion, http.StatusBadRequest, "credential", "API_ERROR"},
		{auth.ErrPasskeyUnknown, http.StatusBadRequest, "credential", "WEBAUTHN_UNKNOWN_CREDENTIAL_ID"},
		{auth.ErrPasskeyOwner, http.StatusBadRequest, "credential", "WEBAUTHN_MISMATCH_USER_HANDLE"},
		{auth.ErrPasskeyUsage, http.StatusBadRequest, "credential", "WEBAUTHN_CREDENTIAL_WRONG_USAGE"},
		{auth.ErrPasskeyTaken, http.StatusBadRequest, "credential", "WEBAUTHN_CREDENTIAL_ID_INUSE"},
		{auth.ErrLastFactor, http.StatusBadRequest, "name", "LAST_FACTOR"},
		{auth.ErrLastWayIn, http.StatusBadRequest, "name", "OAUTH_LAST_WAY_IN"},
		{account.ErrEmail, http.StatusBadRequest, "email", "INVALID_EMAIL_ADDRESS"},
		{account.ErrEmailSpelling, http.StatusBadRequest, "email", "EMAIL_SPELLING"},
		{account.ErrUsernameScripts, http.StatusBadRequest, "username", "USERNAME_SCRIPTS"},
		{account.ErrUsernameCharacters, http.StatusBadRequest, "username", "USERNAME_DISALLOWED_CHARACTERS"},
		{account.ErrUsernameLength, http.StatusBadRequest, "username", "USERNAME_INVALID_LENGTH"},
		{password.ErrTooShort, http.StatusBadRequest, "password", "PASSWORD_INVALID_LENGTH"},
		{password.ErrTooLong, http.StatusBadRequest, "password", "PASSWORD_TOO_LONG"},
		{password.ErrCommon, http.StatusBadRequest, "password", "PASSWORD_COMMON"},
		{password.ErrContext, http.StatusBadRequest, "password", "PASSWORD_CONTEXT"},
		{password.ErrSimple, http.StatusBadRequest, "password", "PASSWORD_TOO_SIMPLE"},
		{password.ErrBreached, http.StatusBadRequest, "password", "PASSWORD_BREACHED"},
		{password.ErrNotChecked, http.StatusBadRequest, "password", "PASSWORD_BREACHED_SITE_ERROR"},
		{password.ErrMalformed, http.StatusBadRequest, "password", "API_ERROR"},
		// The account was deleted during the request.
		{storage.ErrNotFound, http.StatusBadRequest, "", "TWO_FACTOR_PERMISSION_DENIED"},
	}
}

// toFailure converts any error to a failure. An error that is not in the table is one of a
// dependency: the answer is 503, nothing is granted, and the cause is logged.
func (s *Site) toFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	if f = (captchas{s}).refusal(err); f != nil {
		return f
	}
	var paused *limit.Paused
	if errors.As(err, &paused) {
		wait := max(paused.Until.Sub(s.c.Now()), time.Second)
		f = fail(http.StatusTooManyRequests, "", "TOO_MANY_ATTEMPTS", "within", wait)
		f.retryAfter, f.until = wait, paused.Until
		return f
	}
	var own *auth.Refused
	if errors.As(err, &own) {
		f = fail(http.StatusBadRequest, "", "ACCOUNT_LOCKED")
		f.problems[0].said = own.Text
		return f
	}
	if errors.Is(err, auth.ErrReauthenticate) {
		f = fail(http.StatusUnauthorized, "", "REAUTHENTICATION_REQUIRED").flat().silent() // the page explains it
		f.extras.reauthBody = &reauthBody{
			Required: true, Unified: s.passwordless.unified(), verifyMethods: s.oauth.verifyMethods(false),
		}
		return f
	}
	if errors.Is(err, auth.ErrPasskeysOff) {
		return fail(http.StatusNotFound, "", "NOT_FOUND").flat()
	}
	if errors.Is(err, auth.ErrSetupExpired) {
		return fail(http.StatusBadRequest, "", "TWO_FACTOR_SETUP_EXPIRED", "within", s.c.SetupWithin)
	}
	for _, r := range rules() {
		if errors.Is(err, r.err) {
			f = fail(r.status, r.field, r.key, s.limits(r.key)...)
			f.refusal = r.err
			return f.says(pageText(r.err, err))
		}
	}
	f = fail(http.StatusServiceUnavailable, "", "SERVICE_UNAVAILABLE").flat()
	f.cause = err
	f.retryAfter = 5 * time.Second
	return f
}

// pageText returns the key of the text that a page shows for a refusal instead of the contract's,
// or an empty string.
func pageText(refusal, err error) string {
	var phone *factor.DestinationError
	switch {
	case refusal == auth.ErrCodeUsed:
		return "CODE_USED"
	case refusal == auth.ErrPhone && errors.As(err, &phone):
		return phoneTexts()[phone.Reason]
	}
	return ""
}

// phoneTexts returns the text keys of the reasons why a phone number is refused.
func phoneTexts() map[string]string {
	return map[string]string{
		factor.NoNumber: "PHONE_NO_NUMBER", factor.NoCountryCode: "PHONE_NO_COUNTRY_CODE",
		factor.TooShort: "PHONE_TOO_SHORT", factor.TooLong: "PHONE_TOO_LONG", factor.OtherKind: "PHONE_OTHER_KIND",
		factor.UnknownRange: "PHONE_UNKNOWN_RANGE", factor.NotServed: "PHONE_NOT_SERVED",
	}
}

// limits returns the figures that a text contains.
func (s *Site) limits(key string) []any {
	switch key {
	case "TOKEN_LIFE":
		return []any{"days", s.token.maxTokenDays()}
	case "PASSWORD_INVALID_LENGTH":
		return []any{"length", s.c.MinPassword}
	case "USERNAME_INVALID_LENGTH":
		return []any{"min", s.c.Life.UsernameMin, "max", s.c.Life.UsernameMax}
	}
	return nil
}

// at moves the failure's form-level or default field to another one.
func (f *failure) at(field string) *failure {
	for i := range f.problems {
		f.problems[i].field = field
	}
	return f
}

// text returns the text of a problem in a language. Durations are written in words.
func (p problem) text(w *i18n.Words) string {
	if p.said != "" {
		return p.said
	}
	return w.Text(p.key, p.words(w)...)
}

// onPage returns the text that a page shows.
func (p problem) onPage(w *i18n.Words) string {
	switch {
	case p.said != "":
		return p.said
	case p.page != "":
		return w.Page(p.page, p.words(w)...)
	}
	return w.Page(p.key, p.words(w)...)
}

// words returns the arguments in the form that texts need.
func (p problem) words(w *i18n.Words) []any {
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if d, ok := a.(time.Duration); ok {
			a = w.Duration(d)
		}
		args[i] = a
	}
	return args
}
