package explore

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// product is a world with everything in it.
func product() World {
	return World{
		Rules: policy.Rules{
			Methods: []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey},
			Mails:   true, RescueByMail: true,
		},
		Trust: true, MailBegins: true, Recovers: true, SharesMailbox: true, Codes: true,
		Seconds: []Kind{App, Mail, Phone, Passkey}, Firsts: []Kind{App, Mail, Phone, Passkey, Site},
	}
}

// trail reads rows as "name method reason", with "-" for nothing; "+25h" lets time pass.
func trail(rows string) (out []storage.Event) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for line := range strings.SplitSeq(rows, ", ") {
		if d, err := time.ParseDuration(strings.TrimPrefix(line, "+")); err == nil {
			at = at.Add(d)
			continue
		}
		e := storage.Event{Row: int64(len(out) + 1), At: at, Result: "ok"}
		for i, word := range strings.Fields(line) {
			if word != "-" {
				*[]*string{&e.Name, &e.Method, &e.Reason}[i] = word
			}
		}
		e.Reason = strings.ReplaceAll(e.Reason, "-", " ")
		out = append(out, e)
	}
	return out
}

// What trails begin with: an owner who is signed in, and one who has an app too.
const (
	isIn   = "account-changed - created, user-authenticated password"
	hasApp = isIn + ", tf-profile-changed authenticator"
	isOut  = hasApp + ", user-logged-out"
	begins = isOut + ", first-factor-proven password"
	again  = begins + ", user-authenticated authenticator"
	// byPasskey is an account by an invitation that was accepted with a passkey.
	byPasskey = "user-invitation-accepted, wan-registered webauthn first"
)

// TestATrailIsExplained checks that the model has a run for everyday sign-ins.
func TestATrailIsExplained(t *testing.T) {
	for _, rows := range []string{
		again + ", device-trusted, user-logged-out, user-authenticated password trusted-device, " +
			"user-reauthenticated authenticator, tf-disabled, password-changed",
		again + ", device-trusted, user-logged-out, user-authenticated password trusted-device, " +
			"session-ended - all-others",
		"user-registered, user-confirmed, user-authenticated password, tf-profile-changed sms",
		begins + ", tf-rescue-requested recovery_request, +25h, tf-rescued recovery_request, " +
			"tf-enrolled sms, user-authenticated sms, recovery-codes-made",
		isOut + ", first-factor-proven email, user-authenticated authenticator, change-email-instructions-sent, " +
			"change-email-confirmed, password-reset, +25h, first-factor-proven password, user-authenticated rescue",
		byPasskey + ", user-authenticated webauthn, account-changed - password_changed, user-authenticated webauthn, " +
			"tf-profile-changed email, user-logged-out, first-factor-proven webauthn, user-authenticated email",
		isIn + ", wan-registered webauthn first, user-authenticated webauthn, wan-deleted webauthn",
		isIn + ", connection-added oauth, connection-added oauth, connection-removed oauth, user-logged-out, " +
			"user-authenticated oauth, connection-removed oauth",
		"user-registered password corp, user-authenticated oauth, connection-added oauth, connection-removed oauth, " +
			"user-logged-out, user-authenticated oauth",
		isIn + ", connection-added oauth, account-changed - identity_changed, user-authenticated password, " +
			"user-confirmed, connection-added oauth, user-logged-out, user-authenticated oauth",
		isIn + ", wan-registered webauthn first, tf-profile-changed email, " +
			"first-factor-proven webauthn, user-authenticated email",
		hasApp + ", user-deletion-requested, user-deletion-stopped - link, first-factor-proven password, " +
			"user-authenticated authenticator, user-deletion-requested, first-factor-proven password, " +
			"user-authenticated authenticator, user-deletion-stopped - signed-in",
	} {
		if err := product().Explain(trail(rows)); err != nil {
			t.Errorf("%s\n%v", rows, err)
		}
		both := product()
		both.PasskeyIsBoth = true
		if err := both.Explain(trail(rows)); err != nil {
			t.Errorf("%s\n%v", rows, err)
		}
	}
}

// TestAPasskeyThatVerifiesNoOneIsAFirstFactor checks that such a sign-in continues like any other,
// also when a factor must be enrolled.
func TestAPasskeyThatVerifiesNoOneIsAFirstFactor(t *testing.T) {
	m := product()
	m.Required, m.PasskeyIsBoth = true, true
	rows := byPasskey + ", first-factor-proven webauthn, wan-registered webauthn secondary, tf-enrolled webauthn, " +
		"user-authenticated webauthn, user-deletion-requested, user-authenticated webauthn, user-deletion-stopped"
	if err := m.Explain(trail(rows)); err != nil {
		t.Errorf("%s\n%v", rows, err)
	}
}

// TestATrailIsRefused checks that each rule of the model refuses a trail that breaks the rule at
// its last row.
func TestATrailIsRefused(t *testing.T) {
	required := func(m *World) { m.Required = true }
	for _, tt := range []struct {
		what, rows string
		set        func(m *World)
	}{
		{"a session before there is an account", "user-authenticated password", nil},
		{"one factor where the account has two", isOut + ", user-authenticated password", nil},
		{"one factor where two are required", isIn, required},
		{"a second factor after no first one", isOut + ", user-authenticated authenticator", nil},
		{"a second factor that the account does not have", begins + ", user-authenticated sms", nil},
		{"a mailbox twice",
			isIn + ", tf-profile-changed email, first-factor-proven email, user-authenticated email", nil},
		{"a rescue by the mailbox that began", isOut + ", first-factor-proven email, user-authenticated rescue", nil},
		{"a rescue within a day of a reset by mail",
			isOut + ", password-reset, first-factor-proven password, user-authenticated rescue", nil},
		{"a rescue that is not offered", begins + ", user-authenticated rescue",
			func(m *World) { m.RescueByMail = false }},
		{"a factor that does not count", isIn + ", tf-profile-changed sms", func(m *World) { m.StrongOnly = true }},
		{"a set-up by no one who is signed in", "account-changed - created, tf-profile-changed authenticator", nil},
		{"a set-up after the session ended", isIn + ", password-reset, tf-profile-changed authenticator", nil},
		{"a set-up before the address is proven",
			"user-registered, user-authenticated password, tf-profile-changed authenticator", nil},
		{"a way in before the address is proven",
			"user-registered, user-authenticated password, us-profile-changed sms", nil},
		{"a set-up in a sign-in that did not begin", "account-changed - created, tf-enrolled authenticator", required},
		{"a set-up of the mailbox after the mailbox",
			"account-changed - created, first-factor-proven email, tf-enrolled email", required},
		{"a site that is not connected anymore",
			isIn + ", connection-added oauth, connection-removed oauth, user-logged-out, " +
				"user-authenticated oauth", nil},
		{"a site and then the mailbox", isIn + ", tf-profile-changed email, connection-added oauth, user-logged-out, " +
			"first-factor-proven oauth, user-authenticated email", nil},
		{"one factor by a site where the account has two",
			hasApp + ", connection-added oauth, user-logged-out, user-authenticated oauth", nil},
		{"a connection before the address is proven",
			"user-registered, user-authenticated password, connection-added oauth", nil},
		{"the end of a required factor", "account-changed - created, first-factor-proven password, " +
			"tf-enrolled authenticator, user-authenticated authenticator, tf-disabled", required},
		{"the end of a factor that is not there", hasApp + ", tf-factor-removed sms", nil},
		{"a change in a session of a trusted browser", again + ", " +
			"device-trusted, user-logged-out, " +
			"user-authenticated password trusted-device, password-changed", nil},
		{"a trusted browser that no one trusted", isOut + ", user-authenticated password trusted-device", nil},
		{"trust that a change of the password ended", again + ", " +
			"device-trusted, password-changed, user-logged-out, " +
			"user-authenticated password trusted-device", nil},
		{"trust where there is none", again + ", " +
			"device-trusted", func(m *World) { m.Trust = false }},
		{"the link of a recovery before its day", begins + ", " +
			"tf-rescue-requested recovery_request, tf-rescued recovery_request", nil},
		{"the link of a recovery twice", begins + ", tf-rescue-requested recovery_request, " +
			"+25h, tf-rescued recovery_request, tf-rescued recovery_request", nil},
		{"a recovery that no one asked for", isOut + ", +25h, tf-rescued recovery_request", nil},
		{"codes without a second factor", isIn + ", recovery-codes-made", nil},
		{"a recovery code of an account that has none",
			begins + ", user-authenticated recovery_code", nil},
		{"a token of an account whose address is not proven",
			"user-registered, user-authenticated password, token-minted personal", nil},
		{"a change of address that no one asked for", isIn + ", change-email-confirmed", nil},
		{"a proof again by what the account does not have", hasApp + ", user-reauthenticated sms", nil},
		{"a deletion that no one who is signed in asked for", isOut + ", user-deletion-requested", nil},
		{"a session after its end by a deletion", hasApp + ", user-deletion-requested, user-logged-out", nil},
		{"a deletion by one factor", again + ", device-trusted, user-logged-out, " +
			"user-authenticated password trusted-device, user-deletion-requested", nil},
		{"a stop of a deletion that no one asked for", hasApp + ", user-deletion-stopped - link", nil},
		{"a second stop of a deletion",
			hasApp + ", user-deletion-requested, user-deletion-stopped - link, user-deletion-stopped - link", nil},
		{"a request for a deletion that is asked for already",
			hasApp + ", user-deletion-requested, user-deletion-requested", nil},
		{"an invitation that takes an account over", isIn + ", user-invitation-accepted", nil},
		{"a sign-up for an address that has an account", isIn + ", user-registered - corp", nil},
		{"a password of an account that was made through a site",
			"user-registered - corp, user-authenticated password", nil},
		{"another site than that of the sign-up", "user-registered, user-authenticated oauth", nil},
		{"a passkey of an invitation that is not the next row",
			"user-invitation-accepted, account-changed - activated, wan-registered webauthn first", nil},
		{"a deactivation leaves a session", isIn + ", account-changed - deactivated, user-logged-out", nil},
		{"a factor after a reset of the access",
			hasApp + ", account-changed - access_reset, first-factor-proven password, " +
				"user-authenticated authenticator", nil},
		{"a site after a reset of the access", isIn + ", connection-added oauth, account-changed - access_reset, " +
			"user-authenticated oauth", nil},
		{"a session after the application changed the password",
			isIn + ", account-changed - password_changed, user-logged-out", nil},
		{"a session after its owner disowned what happened", isIn + ", user-disowned, user-logged-out", nil},
		{"a session after the application changed the address", isIn + ", account-changed - identity_changed, " +
			"user-reauthenticated password", nil},
		{"the link of a recovery that an operator started for an account without a factor",
			isIn + ", recovery-started", nil},
		{"a recovery code after a rescue", again + ", recovery-codes-made, user-logged-out, " +
			"first-factor-proven password, tf-rescue-requested recovery_request, +25h, tf-rescued recovery_request, " +
			"tf-enrolled authenticator, user-authenticated authenticator, user-logged-out, " +
			"first-factor-proven password, user-authenticated recovery_code", nil},
		{"a row that the model does not know", isIn + ", something-new", nil},
		{"a change that the model does not know", isIn + ", account-changed - renamed", nil},
		{"a second end of a session", isIn + ", user-logged-out, password-changed", nil},
	} {
		m := product()
		if tt.set != nil {
			tt.set(&m)
		}
		rows := trail(tt.rows)
		err := m.Explain(rows)
		if err == nil {
			t.Errorf("%s is explained: %s", tt.what, tt.rows)
			continue
		}
		if last := told(rows[len(rows)-1]); !strings.Contains(err.Error(), last) {
			t.Errorf("%s: refused, but not for %s:\n%v", tt.what, last, err)
		}
	}
}

// TestAnotherAddressLeavesThePassword, and no proof: the row of another address does not
// tell it from another name, so no trail could be refused for it.
func TestAnotherAddressLeavesThePassword(t *testing.T) {
	m := product()
	m.Alone = true
	was := State{Exists: true, Mailbox: Ann, Proven: true, EverProven: true, HasPassword: true}
	was.Firsts, was.Sites = set(thing(Mail, Ann), thing(Phone, Ann)), set(thing(Site, Ann))
	was.Seconds = set(thing(App, Ann), thing(Mail, Ann))
	was.Browsers[0].Session.First = thing(Password, Ann)
	count := 0
	one := turn{World: &m, was: was, emit: func(_ Label, s State) {
		count++
		if s.Proven || !s.EverProven || s.Sites != 0 || s.Firsts != set(thing(Mail, Ben)) || s.alive() > 0 ||
			s.Seconds != set(thing(App, Ann), thing(Mail, Ben)) {
			t.Errorf("%s becomes %s", was, s)
		}
	}}
	outside{&one}.changesIdentity(Ben)
	if count != 1 {
		t.Errorf("another address has %d outcomes", count)
	}
}
