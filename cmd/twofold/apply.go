package main

import (
	"errors"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/web"
)

func applyOrigin(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.User != nil ||
		u.Fragment != "" {
		return errors.New("is not just a scheme and a host: write e.g. https://login.example.org, without a path or " +
			"a slash at the end")
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && web.Loopback(u.Hostname()):
		s.Config.Origin = v
		return nil
	case u.Scheme == "http":
		return errors.New("is plain http, so passwords and codes would travel in the clear: put a TLS proxy in " +
			"front and write https:// (http is for localhost only)")
	}
	return errors.New("is neither https nor http: write e.g. https://login.example.org")
}

// toAddress accepts an address and a port to listen on.
func toAddress(p func(*settings) *string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := asText(raw)
		if err != nil {
			return err
		}
		if err := checkAddress(v); err != nil {
			return err
		}
		*p(s) = v
		return nil
	}
}

func checkAddress(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return errors.New("is not an address with a port: write e.g. 127.0.0.1:8080 or :8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("has no port between 0 and 65535: write e.g. 127.0.0.1:8080")
	}
	if host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return errors.New("is a host name: write its IP address, or localhost")
	}
	return nil
}

// applySender reads a sender as text or, as Flask-Mail does, as name and address.
func applySender(p func(*mailSettings) *string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		var v string
		if pair, ok := raw.([]any); ok {
			parts, err := asList(pair)
			if err != nil || len(parts) != 2 {
				return errors.New(`is not a sender: write "Name <no-reply@example.org>" or ["Name", "no-reply@example.org"]`)
			}
			v = (&mail.Address{Name: parts[0], Address: parts[1]}).String()
		} else {
			var err error
			if v, err = asText(raw); err != nil {
				return err
			}
			list := strings.TrimSpace(v)
			if inner, ok := strings.CutPrefix(list, "("); ok && strings.HasSuffix(inner, ")") { // a Python tuple
				list = "[" + strings.ReplaceAll(strings.TrimSuffix(inner, ")"), "'", `"`) + "]"
			}
			if parts, err := asList(list); err == nil && len(parts) == 2 && strings.HasPrefix(list, "[") {
				v = (&mail.Address{Name: parts[0], Address: parts[1]}).String()
			}
		}
		sender, err := parseSender(v)
		if err != nil {
			return err
		}
		*p(&s.mail) = sender
		return nil
	}
}

// parseSender parses a sender. The name need not be quoted, and the domain may contain non-ASCII
// letters.
func parseSender(v string) (string, error) {
	const example = `write no-reply@example.org or "Name <no-reply@example.org>"`
	name, address := "", strings.TrimSpace(v)
	if a, err := mail.ParseAddress(v); err == nil {
		name, address = a.Name, a.Address
	} else if i := strings.LastIndexByte(address, '<'); i >= 0 && strings.HasSuffix(address, ">") {
		name, address = strings.Trim(strings.TrimSpace(address[:i]), `"`), address[i+1:len(address)-1]
	}
	local, domain, found := strings.Cut(address, "@")
	switch {
	case !found:
		return "", errors.New("has no @ in its address: " + example)
	case strings.Contains(domain, "@"):
		return "", errors.New("is more than one address: " + example)
	case local == "":
		return "", errors.New("has nothing before the @: " + example)
	case strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII }):
		return "", errors.New("has non-ASCII letters before the @, which many servers refuse: " + example)
	}
	ascii := domain
	var err error
	if strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		ascii, err = idna.Lookup.ToASCII(domain)
	}
	if err != nil || ascii == "" {
		return "", errors.New("has no domain after the @: " + example)
	}
	a, err := mail.ParseAddress((&mail.Address{Name: name, Address: local + "@" + ascii}).String())
	if err != nil {
		return "", errors.New("is not a sender: " + example)
	}
	return a.String(), nil
}

func applyRegion(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	if len(v) != 2 || v[0] < 'A' || v[0] > 'Z' || v[1] < 'A' || v[1] > 'Z' {
		return errors.New("is not a region: write two capital letters, e.g. US or DE")
	}
	s.Config.TwoFactor.PhoneRegion = v
	return nil
}

func applyPermanent(s *settings, raw any) error {
	d, err := asDuration(raw)
	if err != nil {
		return err
	}
	if d < day {
		return errors.New("is not supported, and sessions would last longer than it says: remove it and set " +
			"SECURITY_SESSION_IDLE and SECURITY_SESSION_LIFETIME")
	}
	s.note("PERMANENT_SESSION_LIFETIME has no effect: SECURITY_SESSION_IDLE and SECURITY_SESSION_LIFETIME " +
		"set how long sessions last")
	return nil
}

var cookieName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func applyCookieName(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	if !cookieName.MatchString(v) {
		return errors.New("is not a valid cookie name: use only letters, digits, - and _")
	}
	s.Config.Pages.Paths.DeviceCookie = v
	return nil
}

func applyRescueMail(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	if v == "no-reply@localhost" { // the contract's default, whose mailbox does not exist
		s.note("SECURITY_TWO_FACTOR_RESCUE_MAIL has no effect: no one reads no-reply@localhost, so help is not offered")
		return nil
	}
	address, _, err := account.ParseEmail(v)
	if err != nil {
		return errors.New("is not a single plain e-mail address: write e.g. help@example.org")
	}
	s.Config.TwoFactor.HelpAddress = address
	return nil
}
