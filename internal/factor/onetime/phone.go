package onetime

import (
	"slices"

	"github.com/nyaruka/phonenumbers"

	"github.com/twofold-auth/twofold/internal/factor"
)

// KnownRegion says whether a text is the code of a region with phone numbers.
func KnownRegion(region string) bool { return phonenumbers.GetSupportedRegions()[region] }

// served says whether texts are sent to where a number (in E.164) belongs.
func (m *Method) served(number string) bool {
	if len(m.c.Countries) == 0 {
		return true
	}
	n, err := phonenumbers.Parse(number, "ZZ")
	return err == nil && slices.Contains(m.c.Countries, phonenumbers.GetRegionCodeForNumber(n))
}

// ParsePhone returns the E.164 form of a number as people type it. Numbers
// without a country code belong to region. Premium-rate, shared-cost, toll-free
// and other special numbers are refused, since sending there is how toll fraud
// earns; so is a number with an extension. Land lines are taken: many carriers
// deliver texts to them.
func ParsePhone(s, region string) (string, error) {
	if len(s) > 128 {
		return "", factor.ErrDestination
	}
	if s = factor.Tidy(s); s == "" || len(s) > 64 {
		return "", factor.ErrDestination
	}
	if region == "" {
		region = "US"
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || !phonenumbers.IsValidNumber(n) || n.GetExtension() != "" {
		return "", factor.ErrDestination
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.FIXED_LINE,
		phonenumbers.PERSONAL_NUMBER, phonenumbers.VOIP:
		return phonenumbers.Format(n, phonenumbers.E164), nil
	default:
		return "", factor.ErrDestination
	}
}
