package security_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// The tests here reproduce published vulnerabilities in paths around the sign-in that the tests of
// the sign-in itself do not cover.

// TestR127_TextsOnlyAroundTheSignIn checks that an object, an array or a number is not accepted as
// an address, password or token (CVE-2013-0233, CVE-2023-7028).
func TestR127_TextsOnlyAroundTheSignIn(t *testing.T) {
	w := newWorld(t, life, unified, tokens)
	p := w.person("alice")
	session := w.plantSession(p)
	strangers := map[string][]string{
		"/reset": {"email"}, "/confirm": {"email"}, "/recover-username": {"email"},
		"/reset/x": {"password", "password_confirm"}, "/confirm/x": {"password"},
		"/us-signin":           {"identity", "email", "username", "passcode"},
		"/us-signin/send-code": {"identity", "chosen_method"},
		"/refresh-token":       {"refresh_token"}, "/wan-signin": {"identity"}, "/mf-recovery": {"code"},
	}
	owners := map[string][]string{
		"/change": {"password", "new_password", "new_password_confirm"}, "/change-email": {"email"},
		"/change-username": {"username"},
		"/us-setup":        {"chosen_method", "phone"}, "/us-setup/x": {"passcode"}, "/us-verify": {"passcode"},
		"/us-verify/send-code": {"chosen_method"},
		"/access-tokens":       {"name", "days"}, "/wan-register": {"name", "usage"}, "/wan-delete": {"name"},
	}
	before, sent := w.rows("users", "factors", "sessions", "counters", "drafts", "tokens"), w.mails()
	try := func(paths map[string][]string, from func() *browser) {
		for path, names := range paths {
			for _, name := range names {
				for _, value := range append(typed(), `["alice@good.test","evil@evil.test"]`, "null") {
					if name == "passcode" && strings.Trim(value, "0123456789") == "" {
						continue // stands for six digits (R185)
					}
					if path == "/wan-signin" && value == "null" {
						continue // no name at all: a question for anyone who comes
					}
					if r := from().Post(path, `{"`+name+`":`+value+`}`); r.Status != 400 {
						t.Errorf("%s with %s %s: status %d: %s", path, name, value, r.Status, r.Body)
					}
				}
			}
		}
	}
	try(strangers, w.browser)
	try(owners, session.copy)
	after := w.rows("users", "factors", "sessions", "counters", "drafts", "tokens")
	if after != before || w.mails() != sent {
		t.Errorf("a value of the wrong type changed something, counted, or sent a mail:\n%s\nwas\n%s", after, before)
	}
	session.in(p, 1)
}

// TestR045_NoOtherRecipientGetsMail checks that a list, a second name or a line feed in an address does
// not send mail to another recipient (CVE-2022-35924, GHSA-5jpx-9hw9-2fx4).
func TestR045_NoOtherRecipientGetsMail(t *testing.T) {
	w := newWorld(t, life, unified)
	p := w.person("erika")
	for _, path := range []string{"/reset", "/confirm", "/recover-username", "/us-signin/send-code"} {
		for _, typed := range []string{
			"erika@good.test,evil@evil.test", "evil@evil.test,erika@good.test", "erika@good.test;evil@evil.test",
			"erika@good.test evil@evil.test",
			"erika@good.test\r\nCc: evil@evil.test", `"evil@evil.test,"@good.test`, `"erika@good.test"@evil.test`,
			"<erika@good.test> <evil@evil.test>",
			"erika@good.test\u0000evil@evil.test", "erika@good.test@evil.test", "erika@good.test%0aCc:evil@evil.test",
		} {
			body := m{"email": typed}
			if path == "/us-signin/send-code" {
				body = m{"identity": typed, "chosen_method": "email"}
			}
			if r := w.browser().Post(path, body); r.Status >= 500 {
				t.Errorf("%s for %q: %d", path, typed, r.Status)
			}
			w.write(`DELETE FROM twofold_counters`)
		}
	}
	w.settled()
	for _, mail := range w.Mail.All() {
		if mail.To != p.Email {
			t.Errorf("a mail %q went to %q", mail.Kind, mail.To)
		}
	}
}

// TestR057_TwoNewAddressesDoNotMix requests two new addresses at once. The link sent to one address must
// not set the other one (CVE-2026-32700).
func TestR057_TwoNewAddressesDoNotMix(t *testing.T) {
	w := newWorld(t, life)
	wanted := [2]string{"first@good.test", "second@good.test"}
	for i, to := range wanted {
		p := w.person("mover" + string(rune('a'+i)))
		b := w.plantSession(p)
		testkit.Par(8, func(n int) { b.copy().Post("/change-email", m{"email": wanted[n%2]}) })
		w.settled()
		link, other := w.link("change_email", to), w.link("change_email", wanted[1-i])
		w.plantSession(p).Post(link, m{}).Want(200)
		u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
		w.Must(err)
		if u.Email != to {
			t.Errorf("the link mailed to %s made it %s", to, u.Email)
		}
		w.plantSession(p).Post(other, m{}).Want(400).Refused("the link to the other address after it")
		w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, "gone"+p.Email, ""))
	}
}

// TestR117_UnifiedSignInCountsTheSame checks that password guesses in unified sign-in count with
// those of /login (CVE-2026-9798), and that guesses in a session count with those of the session.
func TestR117_UnifiedSignInCountsTheSame(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{FirstFailures: 6} })
	p := w.person("alice")
	b := w.plantSession(p)
	for range 3 {
		w.signsIn(p.Email, "wrong password").Want(400)
		w.browser().passcode(p, "wrong password").Want(400)
	}
	for range 3 {
		b.Post("/us-verify", m{"passcode": "wrong password"}).Want(400)
		b.Post("/verify", m{"password": "wrong password"}).Want(400)
	}
	w.signsIn(p.Email, secret).Want(429)
	w.browser().passcode(p, secret).Want(429)
	b.Post("/us-verify", m{"passcode": secret}).Want(429)
	if !strings.Contains(w.browser().Form("/us-signin", "identity", p.Email, "passcode", secret).Body,
		"Too many attempts") {
		t.Error("the page does not say that it is closed")
	}
}
