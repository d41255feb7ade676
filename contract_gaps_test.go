package twofold_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/store"
)

// The tests of this file send what the original's own suite, scripts and pages
// send. Each has the name of the original's test.

// TestContractGap_wan_basic_json: the original's webauthn.js writes base64url
// with its padding.
func TestContractGap_wan_basic_json(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	c.addKey(k, "testr1", "first", softkey.Padded()).want(200)
	c.logout()
	c.useKey("/wan-signin", k, m{"identity": "matt@lp.com"}, softkey.Padded()).want(200).has("tf_required", false)
	c.useKey("/wan-verify", k, m{}, softkey.Padded()).want(200)
	c.signedIn("matt", 2)
}

// TestContractGap_simple_signin: a page posts the name of the button that was
// pressed, and the whole form.
func TestContractGap_simple_signin(t *testing.T) {
	s := newSite(t, withUnified)
	s.begins("joe", store.Email)
	c := s.client()
	send := []string{"identity", "joe@lp.com", "chosen_method", "email", "passcode", "", "remember", "y", "submit_send_code", "Send Code"}
	code := sixDigits.FindString(s.awaits("joe@lp.com", func() { c.form("/us-signin/send-code", send...).want(200).shows(codeSent) }).Text)
	c.passcodeForm("joe", code, "chosen_method", "email", "submit", "Sign In").to("/")
	c.signedIn("joe", 1)
	s.advance(time.Minute)
	code = sixDigits.FindString(s.awaits("joe@lp.com", func() {
		c.form("/us-verify/send-code", "passcode", "", "submit_send_code", "Send Code", "chosen_method", "email").want(200)
	}).Text)
	c.form("/us-verify", "passcode", code, "chosen_method", "email", "submit", "Verify Passcode").to("/")
}

// TestContractGap_verify_json: JSON has a field too many, and a code may be a
// number.
func TestContractGap_verify_json(t *testing.T) {
	s := newSite(t, withUnified)
	c, _ := s.begins("joe", store.SMS)
	code := sixDigits.FindString(s.awaits(phone, func() {
		c.post("/us-verify/send-code", m{"identity": "joe@lp.com", "chosen_method": "sms"}).want(200)
	}).Text)
	number := json.Number("0")
	if trimmed := strings.TrimLeft(code, "0"); trimmed != "" {
		number = json.Number(trimmed)
	}
	c.post("/us-verify", m{"passcode": number}).want(200)
	c.post("/us-setup", m{"email": "joe@lp.com", "chosen_method": "email"}).want(200)
}

// TestContractGap_rc: the button of the page of recovery codes.
func TestContractGap_rc(t *testing.T) {
	s := newSite(t, withCodes)
	c, _ := s.enrol("gal", store.SMS)
	c.form("/mf-recovery-codes", "generate_new_codes", "Generate New Recovery Codes").want(200)
	c.get("/mf-recovery-codes").want(200).has("recovery_codes_left", 5.0)
}

// TestContractGap_signin_pwd_json: fields of other sign-in forms of the same
// page.
func TestContractGap_signin_pwd_json(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.post("/us-signin", m{"identity": "matt@lp.com", "passcode": plain, "code": "x", "password_confirm": ""}).want(200)
	s.client().post("/login", m{"email": "matt@lp.com", "password": plain, "password_confirm": plain}).want(200)
}

// TestContractGap_bad_data_signin: one question, several wrong answers, then the
// right one, as the original's page keeps its state.
func TestContractGap_bad_data_signin(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.logout()
	s.events.reset()
	options, state := c.post("/wan-signin", m{}).question()
	path := "/wan-signin/" + state
	c.post(path, m{"credential": "hi there"}).refused(400, "credential", apiError)
	c.post(path, m{"credential": ""}).refused(400, "credential", apiError)
	c.post(path, m{"credential": s.made(k.Get(options, softkey.Send(func(out, _ map[string]any) { out["rawId"] = softkey.Text([]byte("none")) })))}).
		refused(400, "credential", "Unregistered passkey.")
	c.post(path, m{"credential": s.made(k.Get(options, softkey.Send(func(out, _ map[string]any) { out["id"] = softkey.Text([]byte("none")) })))}).
		refused(400, "credential", "Could not verify passkey: id and raw_id were not equivalent.")
	c.post(path, m{"credential": s.made(k.Get(options, softkey.SendAs("signature", "AAAA")))}).
		refused(400, "credential", "Could not verify passkey: Could not verify authentication signature.")
	if failed := eventsOf[event.UserFailedAuthn](s.events); len(failed) != 2 || failed[1].User.Email != "matt@lp.com" {
		t.Errorf("events %+v", failed)
	}
	c.post(path, m{"credential": s.made(k.Get(options))}).want(200)
	c.signedIn("matt", 2)
	c.logout()
	c.post(path, m{"credential": s.made(k.Get(options))}).refused(400, "", apiError) // a right one ended it
}

// TestContractGap_bad_data_register: the same for a new passkey.
func TestContractGap_bad_data_register(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	options, state := c.post("/wan-register", m{"name": "testr1", "usage": "first"}).question()
	c.post("/wan-register/"+state, m{"credential": "hi there"}).refused(400, "credential", apiError)
	c.post("/wan-register/"+state, m{"credential": s.made(k.Create(options, softkey.Send(func(out, _ map[string]any) { out["id"] = "unknown" })))}).
		refused(400, "credential", "Could not verify passkey: id and raw_id were not equivalent.")
	c.post("/wan-register/"+state, m{"credential": s.made(k.Create(options))}).want(200)
}

// TestContractGap_basic_json_nohints: which dialog a browser shows.
func TestContractGap_basic_json_nohints(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Hints = false })
	c := s.client()
	c.login("matt").want(200)
	options, _ := c.post("/wan-register", m{"name": "testr1", "usage": "first"}).question()
	for _, want := range []string{`"authenticatorAttachment":"cross-platform"`, `"residentKey":"required"`} {
		if !strings.Contains(string(options), want) {
			t.Errorf("no %s in %s", want, options)
		}
	}
}
