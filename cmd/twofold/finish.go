package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	inner "github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/internal/web"
)

// finish checks settings that depend on each other and creates the objects that they configure.
func (s *settings) finish(w where) problems {
	s.Config.Pages.AccountPage = true
	if w.Listen != "" {
		if err := checkAddress(w.Listen); err != nil {
			return problems{{"--listen", err.Error()}}
		}
		s.Listen = w.Listen
	}
	if s.given["TWOFOLD_GATE_RULES"] && len(s.Config.Advanced.TrustedProxies) == 0 {
		s.note("TWOFOLD_GATE_RULES is set and TWOFOLD_TRUSTED_PROXIES is not: /auth/verify refuses every proxy")
	}
	var bad problems
	if w.Dev {
		bad = s.finishDev(w)
	} else {
		bad = slices.Concat(s.finishOrigin(), s.finishKeys(), s.finishMail(), s.finishSMS(), finishLegacy(s))
	}
	if s.unified.with.ReplacesLogin && !s.unified.on {
		bad = append(bad, problem{"SECURITY_US_SIGNIN_REPLACES_LOGIN", "needs SECURITY_UNIFIED_SIGNIN"})
	}
	if s.Config.Accounts.AuditArchive != "" && s.Database.postgres == "" {
		bad = append(bad, problem{"TWOFOLD_AUDIT_ARCHIVE", "needs PostgreSQL: with SQLite, export rows with " +
			"`twofold audit list --json`, or leave out the setting"})
	}
	s.Config.Passkeys, s.Config.Passwordless = s.passkeys.config(), s.unified.config()
	s.Config.TwoFactor.RecoveryCodes = s.codes.config()
	_, weak := s.checkers.make(nil)
	return slices.Concat(bad, s.finishTOTP(), s.finishMethods(), s.finishOAuth(), s.finishTimes(), weak,
		finishCaptcha(s), s.finishFolders())
}

func (s *settings) finishOrigin() problems {
	if s.Config.Origin == "" && !s.given["TWOFOLD_ORIGIN"] {
		return problems{{"TWOFOLD_ORIGIN", "is not set: write the address of the site as browsers see it, e.g. " +
			"https://login.example.org (or try the server out with --dev)"}}
	}
	if u, err := url.Parse(s.Config.Origin); err == nil && s.passkeys.on && net.ParseIP(u.Hostname()) != nil {
		return problems{{"SECURITY_WEBAUTHN", "is on, but browsers create passkeys only for host names, and " +
			"TWOFOLD_ORIGIN is an IP address: use a host name (localhost on this machine), or write false"}}
	}
	host, _, err := net.SplitHostPort(s.Listen)
	if err == nil && strings.HasPrefix(s.Config.Origin, "https:") && len(s.Config.Advanced.TrustedProxies) == 0 &&
		!web.Loopback(host) {
		s.note("TWOFOLD_TRUSTED_PROXIES is not set: the address of a connection counts as the client's, even if it " +
			"is a proxy's")
	}
	return nil
}

func (s *settings) finishKeys() problems {
	var bad problems
	switch {
	case s.SecretKey != "" && s.KeyFile != "":
		return problems{{"TWOFOLD_KEY_FILE", "is set alongside SECRET_KEY: remove one of the two"}}
	case s.KeyFile != "":
		if _, err := os.Stat(s.KeyFile); err != nil {
			return problems{{"TWOFOLD_KEY_FILE", "cannot be read (" + fileCause(err) +
				"): create it with (umask 077; twofold key new > FILE)"}}
		}
		s.Config.Key = twofold.KeyFile(s.KeyFile)
		return nil
	case s.given["SECRET_KEY"] && s.SecretKey == "":
		return nil // its own problem has been reported
	case s.SecretKey == "":
		return problems{{"SECRET_KEY",
			"is not set: make one with `twofold key new` and keep it apart from the database"}}
	}
	if why := weakKey(s.SecretKey); why != "" {
		bad = append(bad, problem{"SECRET_KEY", why})
	}
	for i, k := range s.Fallbacks {
		if why := weakKey(k); why != "" {
			bad = append(bad, problem{"SECRET_KEY_FALLBACKS", "one of the keys " + why})
			break
		}
		if k == s.SecretKey || slices.Contains(s.Fallbacks[:i], k) {
			bad = append(bad, problem{"SECRET_KEY_FALLBACKS",
				"contains a key twice: list each key once, and the current one only in SECRET_KEY"})
			break
		}
	}
	if s.Config.Password.Salt == s.SecretKey {
		bad = append(bad, problem{"SECRET_KEY",
			"is the same as SECURITY_PASSWORD_SALT: make a separate one with `twofold key new`"})
	}
	s.keys = append(slices.Clone(s.Fallbacks), s.SecretKey)
	slices.Reverse(s.keys[:len(s.Fallbacks)]) // Flask lists the newest key first, Key the oldest
	s.Config.Key = twofold.KeyText(s.keys...)
	return bad
}

// finishTOTP checks the keys of authenticator secrets.
func (s *settings) finishTOTP() problems {
	m := s.Config.TwoFactor.Secrets
	if len(m) == 0 {
		return nil
	}
	for _, k := range m {
		if why := weakKey(k); why != "" {
			return problems{{"SECURITY_TOTP_SECRETS", "one of the keys " + why}}
		}
		if slices.Contains(s.keys, k) {
			return problems{{"SECURITY_TOTP_SECRETS",
				"contains the SECRET_KEY: make a separate key with `twofold key new`, or leave out the setting"}}
		}
	}
	if _, err := seal.NewRing(m); err != nil {
		return problems{{"SECURITY_TOTP_SECRETS", strings.TrimPrefix(err.Error(), "seal: ") +
			`: write {"1": "key"}, and the next key under a higher number`}}
	}
	return nil
}

func (s *settings) finishMethods() problems {
	var bad problems
	s.methodsGiven = sendable(s, s.methodsGiven)
	s.Config.TwoFactor.EnabledMethods = s.methodsGiven
	if s.twoFactorOff && s.Config.TwoFactor.Required {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR",
			"is false, and SECURITY_TWO_FACTOR_REQUIRED is true: remove one of the two"})
	}
	if slices.Contains(s.methodsGiven, "email") && s.Config.Mail == nil && !s.given["MAIL_SERVER"] {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR_ENABLED_METHODS",
			"lists email, but no mail is sent: set MAIL_SERVER or remove email"})
	}
	if slices.Contains(s.methodsGiven, "sms") && s.Config.SMS == nil && s.smsService == "Dummy" {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR_ENABLED_METHODS",
			"lists sms, but no text messages are sent: set SECURITY_SMS_SERVICE or remove sms"})
	}
	if s.Config.Mail != nil || s.given["MAIL_SERVER"] {
		return bad
	}
	if s.Config.TwoFactor.RescueEmail && s.given["SECURITY_TWO_FACTOR_RESCUE_EMAIL"] {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR_RESCUE_EMAIL", "needs mail: set MAIL_SERVER, or write false"})
	}
	if s.Config.TwoFactor.Recovery {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR_RECOVERY", "needs mail: set MAIL_SERVER, or write false"})
	}
	if s.Config.TwoFactor.HelpAddress != "" {
		bad = append(bad, problem{"SECURITY_TWO_FACTOR_RESCUE_MAIL", "needs mail: set MAIL_SERVER, or remove it"})
	}
	s.Config.TwoFactor.RescueEmail = false
	return bad
}

// sendable removes methods without a sender if the list is the default of the original, which the
// operator has not chosen.
func sendable(s *settings, methods []string) []string {
	if len(methods) != 3 {
		return methods
	}
	return slices.DeleteFunc(slices.Clone(methods), func(m string) bool {
		mute := m == "email" && s.Config.Mail == nil && !s.given["MAIL_SERVER"] ||
			m == "sms" && s.Config.SMS == nil && s.smsService == "Dummy"
		if mute {
			s.note("SECURITY_TWO_FACTOR_ENABLED_METHODS lists %s, which is not offered because no sender is "+
				"configured for it", m)
		}
		return mute
	})
}

// finishTimes converts the contract's numbers that have two meanings.
func (s *settings) finishTimes() problems {
	var bad problems
	tf := &s.Config.TwoFactor
	if !s.always {
		tf.LoginValidity = s.validity
	}
	if s.remember {
		s.Config.Sessions.Remember = s.rememberFor
		if s.always {
			s.note("SECURITY_REMEMBER_ME is on, but users with a second factor are asked for it each time: they " +
				"stay signed in only if SECURITY_TWO_FACTOR_ALWAYS_VALIDATE is false")
		}
	}
	switch {
	case s.freshness == 0:
		tf.FreshOnlyAfterVerify = true
	default:
		tf.Freshness = s.freshness
	}
	if s.freshness < 0 {
		s.note("SECURITY_FRESHNESS is negative: anyone who finds a browser that is signed in with both factors can " +
			"replace the second one")
	}
	rows := table()
	inner.Check(&s.Config, "", func(field, text string) {
		bad = append(bad, problem{settingOf(rows, field), settingNames(rows, text)})
	})
	return bad
}

func (s *settings) finishFolders() problems {
	var bad problems
	for _, f := range []struct{ name, path string }{{"TWOFOLD_TEMPLATES", s.Templates}, {"TWOFOLD_LOCALES",
		s.Locales}, {"TWOFOLD_STATIC", s.Static}} {
		if f.path == "" {
			continue
		}
		info, err := os.Stat(f.path)
		switch {
		case err != nil:
			bad = append(bad, problem{f.name, "cannot be read (" + fileCause(err) + "): name an existing folder"})
		case !info.IsDir():
			bad = append(bad, problem{f.name, "is not a folder: name the folder, not a file in it"})
		case f.name == "TWOFOLD_TEMPLATES":
			s.Config.Pages.Templates = os.DirFS(filepath.Clean(f.path))
		case f.name == "TWOFOLD_STATIC":
			s.Config.Pages.Static = os.DirFS(filepath.Clean(f.path))
		default:
			s.Config.Pages.Locales = os.DirFS(filepath.Clean(f.path))
		}
	}
	if len(s.texts) > 0 {
		locales, err := newOverlay(s.Config.Pages.Locales, s.texts)
		if err != nil {
			return append(bad, problem{messagePrefix + "*", "cannot be read: write plain text"})
		}
		s.Config.Pages.Locales = locales
	}
	return bad
}

// knownKeys lists keys from public examples, which attackers try first.
var knownKeys = []string{
	"secret", "changeme", "change-me", "change_me", "insecure", "example", "password", "replace",
	"pf9Wkove4IKEAXvy-cQkeDPhv9Cb3Ag-wyJILbq_dFw",
	"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbb5dc987d54727823bcbf",
	"TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B",
}

const minKey = 32

// weakKey returns the reason why a key is refused, or "".
func weakKey(k string) string {
	lower := strings.ToLower(k)
	for _, known := range knownKeys {
		if strings.Contains(lower, strings.ToLower(known)) {
			return "is a well-known example: make one with `twofold key new`"
		}
	}
	if len(k) < minKey {
		return "is shorter than 32 bytes: make one with `twofold key new`"
	}
	different := map[byte]bool{}
	for i := range len(k) {
		different[k[i]] = true
	}
	if len(different) < 8 {
		return "is easily guessed: make one with `twofold key new`"
	}
	return ""
}
