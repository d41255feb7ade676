package onetime

import (
	"slices"

	"github.com/nyaruka/phonenumbers"

	"github.com/twofold-auth/twofold/internal/factor"
)

// KnownRegion reports whether a region has phone numbers.
func KnownRegion(region string) bool { return phonenumbers.GetSupportedRegions()[region] }

// served reports whether text messages are sent to the region of a number in E.164
// form.
func (m *Method) served(number string) bool {
	if len(m.c.Countries) == 0 {
		return true
	}
	n, err := phonenumbers.Parse(number, "ZZ")
	return err == nil && slices.Contains(m.c.Countries, phonenumbers.GetRegionCodeForNumber(n))
}

// ParsePhone returns the E.164 form of a number as a user types it. A number
// without a country code belongs to region. Premium-rate, shared-cost, toll-free
// and other special numbers are refused, because text messages to them are a means
// of toll fraud. A number with an extension is refused too. Land lines are
// accepted, because many carriers deliver text messages to them. A number in an
// unknown range is refused, unless possible is set; then a correct length is
// enough. The error is a *factor.DestinationError.
func ParsePhone(s, region string, possible bool) (string, error) {
	refused := func(reason string) (string, error) { return "", &factor.DestinationError{Reason: reason} }
	if len(s) > 128 {
		return refused(factor.TooLong)
	}
	if s = factor.Tidy(s); len(s) > 64 {
		return refused(factor.TooLong)
	}
	if region == "" {
		region = "US"
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil {
		return refused(unreadable(err))
	}
	if n.GetExtension() != "" {
		return refused(factor.OtherKind)
	}
	if !phonenumbers.IsValidNumber(n) {
		reason := wrongLength(n)
		if reason == factor.UnknownRange && possible {
			return phonenumbers.Format(n, phonenumbers.E164), nil
		}
		return refused(reason)
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.FIXED_LINE,
		phonenumbers.PERSONAL_NUMBER, phonenumbers.VOIP:
		return phonenumbers.Format(n, phonenumbers.E164), nil
	default:
		return refused(factor.OtherKind)
	}
}

// unreadable returns the reason for which a string was not read as a number.
func unreadable(err error) string {
	switch err {
	case phonenumbers.ErrInvalidCountryCode:
		return factor.NoCountryCode
	case phonenumbers.ErrTooShortAfterIDD, phonenumbers.ErrTooShortNSN:
		return factor.TooShort
	case phonenumbers.ErrNumTooLong:
		return factor.TooLong
	}
	return factor.NoNumber
}

// wrongLength returns the reason for which a parsed number is not valid.
func wrongLength(n *phonenumbers.PhoneNumber) string {
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.IS_POSSIBLE:
		return factor.UnknownRange
	case phonenumbers.INVALID_COUNTRY_CODE:
		return factor.NoCountryCode
	case phonenumbers.TOO_LONG:
		return factor.TooLong
	}
	return factor.TooShort
}
