package contract_test

import (
	"encoding/json"
	"html"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// withPasskeys enables all features of passkeys, like the original's tests.
func withPasskeys(c *twofold.Config) {
	c.Passkeys = &twofold.Passkeys{Name: "My Flask App", FirstFactor: true, MultiFactor: true,
		Verify: []string{"first", "secondary"}, Hints: true}
	c.Pages.AccountPage = true
}

// question returns the options and the state of a JSON answer.
func (r *reply) question() (options []byte, state string) {
	r.T.Helper()
	r.want(200)
	options, err := json.Marshal(r.JSON["credential_options"])
	if err != nil {
		r.T.Fatal(err)
	}
	return options, r.Text("wan_state")
}

// key returns a new passkey on a separate device.
func (s *site) key(lies ...func(*softkey.Key)) *softkey.Key {
	s.T.Helper()
	k, err := softkey.New(s.Origin, softkey.ES256)
	if err != nil {
		s.T.Fatal(err)
	}
	for _, lie := range lies {
		lie(k)
	}
	return k
}

// plainKey returns a simple security key, which neither verifies its user nor syncs.
func plainKey(k *softkey.Key) { k.Flags = softkey.UP }

func (s *site) made(answer string, err error) string {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
	return answer
}

// addKey registers a passkey with JSON.
func (c *client) addKey(k *softkey.Key, name, usage string, lies ...softkey.Lie) *reply {
	c.T.Helper()
	options, state := c.post("/wan-register", m{"name": name, "usage": usage}).question()
	return c.post("/wan-register/"+state, m{"credential": c.s.made(k.Create(options, lies...))})
}

// useKey responds to the challenge of a path with JSON.
func (c *client) useKey(path string, k *softkey.Key, ask m, lies ...softkey.Lie) *reply {
	c.T.Helper()
	options, state := c.post(path, ask).question()
	return c.post(path+"/"+state, m{"credential": c.s.made(k.Get(options, lies...))})
}

// owner returns a signed-in client with a passkey.
func (s *site) owner(user, usage string, lies ...func(*softkey.Key)) (*client, *softkey.Key) {
	s.T.Helper()
	c, k := s.client(), s.key(lies...)
	c.login(user).want(200)
	c.addKey(k, "testr1", usage).want(200)
	return c, k
}

// Row W15, tf_json.
func TestJSONProvesThePasskeyAsSecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "secondary", plainKey)
	c := s.client()
	c.login("matt").want(200).has("tf_required", true, "tf_state", "ready", "tf_method", "webauthn", "tf_signin_url",
		"/wan-signin")
	c.stranger()
	c.get("/wan-signin").want(200).has("is_secondary", true)
	c.useKey("/wan-signin", k, m{"identity": "joe@lp.com"}).want(200).has("tf_required", false)
	c.signedIn("matt", 2)
}

// Row W1, basic.
func TestAFormRegistersAPasskeyAndSignsIn(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.loginForm("matt").to("/")
	c.page("/wan-register").shows(`name="usage"`, `value="first"`, `value="secondary"`)
	c.form("/wan-register", "name", "", "usage", "secondary").shows("Nickname for new passkey is required.")
	page := c.form("/wan-register", "name", "testr1", "usage", "first").want(200)
	options, action := page.asked(t)
	for _, want := range []string{`"name":"My Flask App"`, `"name":"matt@lp.com"`, `"excludeCredentials":[]`,
		`"residentKey":"preferred"`, `"credProps":true`} {
		if !strings.Contains(string(options), want) {
			t.Errorf("no %s in %s", want, options)
		}
	}
	c.form(action, "credential", s.made(k.Create(options))).to("/wan-register")
	c.page("/wan-register").shows("Successfully added the passkey", "testr1")
	if e := testkit.EventsOf[event.PasskeyRegistered](s.Events); len(e) != 1 || e[0].PasskeyName != "testr1" ||
		e[0].Name() != "wan-registered" {
		t.Errorf("events %+v", e)
	}
	c.logout()
	s.Events.Reset()
	page = c.form("/wan-signin", "identity", "matt@lp.com").want(200)
	options, action = page.asked(t)
	for _, want := range []string{`"id":"` + softkey.Text(k.ID) + `"`, `"transports":["internal","hybrid"]`,
		`"userVerification":"preferred"`, `"timeout":60000`} {
		if !strings.Contains(string(options), want) {
			t.Errorf("no %s in %s", want, options)
		}
	}
	c.form(action, "credential", s.made(k.Get(options))).to("/")
	c.signedIn("matt", 2)
	if e := testkit.EventsOf[event.UserAuthenticated](s.Events); len(e) != 1 || !slices.Equal(e[0].Via,
		[]string{"webauthn"}) {
		t.Errorf("events %+v", e)
	}
}

// asked returns the challenge on a page.
func (r *reply) asked(t *testing.T) (options []byte, action string) {
	t.Helper()
	found := regexp.MustCompile(`data-options="([^"]*)" data-answer="([^"]*)"`).FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no question on the page:\n%s", r.Body)
	}
	return []byte(html.UnescapeString(found[1])), html.UnescapeString(found[2])
}

// Row W2, basic_json.
func TestJSONRegistersAPasskeyAndSignsIn(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	list := c.get("/wan-register").want(200).JSON["registered_credentials"].([]any)[0].(m)
	for name, want := range map[string]any{
		"name": "testr1", "credential_id": softkey.Text(k.ID), "usage": "first", "backup_state": true,
		"device_type":  "multi_device",
		"discoverable": true,
	} {
		if list[name] != want {
			t.Errorf("%s is %v, want %v", name, list[name], want)
		}
	}
	if !reflect.DeepEqual(list["transports"], []any{"internal", "hybrid"}) {
		t.Errorf("transports %v", list["transports"])
	}
	before := list["lastuse"]
	c.logout()
	s.Advance(time.Minute)
	c.post("/wan-signin", m{"identity": "whoever@lp.com"}).want(200).has("user", absent)
	options, state := c.post("/wan-signin", m{"identity": "matt@lp.com"}).want(200).has("user", absent, "is_secondary",
		false, "remember", false).question()
	r := c.post("/wan-signin/"+state+"?include_auth_token",
		m{"credential": s.made(k.Get(options))}).want(200).has("tf_required", false)
	token := s.client()
	token.Header["Authentication-Token"] = r.JSON["user"].(m)["authentication_token"].(string)
	token.signedIn("matt", 2)
	credentials := c.get("/wan-register").want(200).JSON["registered_credentials"].([]any)
	if after := credentials[0].(m)["lastuse"]; after == before {
		t.Errorf("lastuse is still %v", after)
	}
}

// Row W3, basic_json_nohints.
func TestWithoutHintsAPasskeyIsDiscoverable(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Hints = false })
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	options, state := c.post("/wan-register", m{"name": "testr1", "usage": "first"}).question()
	if !strings.Contains(string(options), `"residentKey":"required"`) {
		t.Errorf("options %s", options)
	}
	c.post("/wan-register/"+state, m{"credential": s.made(k.Create(options))}).want(200)
	c.logout()
	options, state = c.post("/wan-signin", m{"identity": "matt@lp.com"}).question()
	if !strings.Contains(string(options), `"allowCredentials":[]`) {
		t.Errorf("options %s", options)
	}
	c.post("/wan-signin/"+state, m{"credential": s.made(k.Get(options))}).want(200)
	c.signedIn("matt", 2)
}

// Row W4, usage.
func TestAPasskeyForTheSecondFactorCannotBeginASignIn(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "secondary")
	s.client().useKey("/wan-signin", k, m{}).refused(400, "credential",
		"Passkey not registered for this use (first or secondary)")
}

// Row W5, constraints.
func TestPasskeysAndTheirNamesAreUnique(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.post("/wan-register", m{"name": "testr1"}).refused(400, "name", "testr1 is already associated with a passkey.")
	other := s.client()
	other.login("joe").want(200)
	other.addKey(k, "testr1", "first").refused(400, "credential", "Passkey already registered.")
	other.addKey(s.key(), "testr1", "first").want(200)
}

// Row W6, bad_data_register.
func TestABadAnswerRegistersNoPasskey(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.client(), s.key()
	c.login("matt").want(200)
	for _, body := range []m{{}, {"credential": "hi there"}, {"credential": ""}, {"credential": nil},
		{"credential": `{"id":"AA"}`}, {"credential": 7}} {
		_, state := c.post("/wan-register", m{"name": "testr1"}).question()
		c.post("/wan-register/"+state, body).refused(400, "credential", "Input not appropriate for requested API")
	}
	c.addKey(k, "testr1", "first", softkey.ForRP(make([]byte, 32))).want(400)
	options, action := c.form("/wan-register", "name", "testr1", "usage", "first").asked(t)
	c.form(action, "credential", s.made(k.Create(options, softkey.ForRP(make([]byte, 32))))).to("/wan-register")
	c.page("/wan-register").shows("That passkey did not work here.")
}

// Row W7, bad_data_signin.
func TestABadPasskeyAnswerDoesNotSignIn(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.logout()
	s.Events.Reset()
	for _, body := range []m{{}, {"credential": "hi there"}, {"credential": ""}} {
		_, state := c.post("/wan-signin", m{}).question()
		c.post("/wan-signin/"+state, body).refused(400, "credential", "Input not appropriate for requested API")
	}
	r := c.useKey("/wan-signin", k, m{}, softkey.SendAs("signature", "AAAA")).want(400)
	if !strings.HasPrefix(r.JSON["errors"].([]any)[0].(string), "Could not verify passkey: ") {
		t.Errorf("errors %s", r.Body)
	}
	failed := testkit.EventsOf[event.UserFailedAuthn](s.Events)
	if len(failed) != 1 || failed[0].AuthType != "passkey" || failed[0].SecondFactor ||
		failed[0].User.Email != "matt@lp.com" {
		t.Errorf("events %+v", failed)
	}
	options, action := c.form("/wan-signin").asked(t)
	c.form(action, "credential", s.made(k.Get(options, softkey.SendAs("signature", "AAAA")))).to("/wan-signin")
	c.page("/wan-signin").shows("That passkey did not work here.")
}

// Row W8, delete.
func TestAFormDeletesAPasskey(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, _ := s.owner("matt", "first")
	c.page("/wan-delete").to("/wan-register")
	c.form("/wan-delete", "name", "testr9").shows("testr9 not registered with current user.")
	c.form("/wan-delete", "name", "testr1").to("/wan-register")
	c.page("/wan-register").shows("Successfully deleted the passkey").hides("testr1")
	if e := testkit.EventsOf[event.PasskeyDeleted](s.Events); len(e) != 1 || e[0].PasskeyName != "testr1" ||
		e[0].Name() != "wan-deleted" {
		t.Errorf("events %+v", e)
	}
}

// Row W9, delete_json.
func TestJSONDeletesAPasskey(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, _ := s.owner("matt", "first")
	c.post("/wan-delete", m{}).refused(400, "name", "Nickname for new passkey is required.")
	c.post("/wan-delete", m{"name": "testr9"}).refused(400, "name", "testr9 not registered with current user.")
	c.post("/wan-delete", m{"name": "testr1"}).want(200).has("user", m{"id": s.id("matt"), "email": "matt@lp.com"})
}

// Row W10, disabled_account.
func TestAPasskeyOfADisabledAccountDoesNotSignIn(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.logout()
	if err := s.Auth.SetActive(t.Context(), s.id("matt"), false); err != nil {
		t.Fatal(err)
	}
	s.client().useKey("/wan-signin", k, m{}).refused(400, "credential", "Account is disabled.")
	s.client().stranger()
}

// Row W12, unk_credid.
func TestAnUnregisteredPasskeyIsRefused(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "first")
	stranger := s.key()
	stranger.RPID, stranger.Handle = k.RPID, k.Handle
	c := s.client()
	c.useKey("/wan-signin", stranger, m{}).refused(400, "credential", "Unregistered passkey.")
	options, action := c.form("/wan-signin").asked(t)
	c.form(action, "credential", s.made(stranger.Get(options))).to("/wan-signin")
	c.page("/wan-signin").shows("Unregistered passkey.")
}

// Row W13, no_first_factor.
func TestPasskeysCanBeSecondFactorsOnly(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	s.client().get("/wan-signin").want(404)
	s.client().post("/wan-signin", m{}).want(404)
}

// Row W14, tf.
func TestAFormProvesThePasskeyAsSecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, first := s.owner("matt", "first")
	second := s.key(plainKey)
	c.addKey(second, "second", "secondary").want(200)
	c = s.client()
	c.loginForm("matt", "next", "/profile").to("/wan-signin?next=/profile")
	c.page("/wan-signin").shows("Confirm with your passkey")
	options, action := c.form("/wan-signin", "next", "/profile").asked(t)
	if text := string(options); !strings.Contains(text, softkey.Text(second.ID)) ||
		strings.Contains(text, softkey.Text(first.ID)) {
		t.Errorf("options %s", text)
	}
	c.form(action, "credential", s.made(second.Get(options)), "next", "/profile").to("/profile")
	c.signedIn("matt", 2)
}

// Row W16, tf_validity_window.
func TestABrowserIsTrustedAfterAPasskeyByForm(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.TwoFactor.LoginValidity = 24 * time.Hour })
	_, k := s.owner("matt", "secondary")
	c := s.client()
	c.loginForm("matt").to("/wan-signin")
	options, action := c.form("/wan-signin").asked(t)
	c.form(action, "credential", s.made(k.Get(options))).to("/")
	c.logout()
	c.loginForm("matt", "remember", "true").to("/wan-signin")
	options, action = c.form("/wan-signin").asked(t)
	c.form(action, "credential", s.made(k.Get(options))).to("/")
	c.logout()
	c.loginForm("matt").to("/")
	c.page("/profile").shows("level 1 trusted true")
}

// Row W17, tf_validity_window_json.
func TestABrowserIsTrustedAfterAPasskeyByJSON(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.TwoFactor.LoginValidity = 24 * time.Hour })
	_, k := s.owner("matt", "secondary")
	c := s.client()
	for _, remember := range []bool{false, true} {
		c.login("matt", "remember", remember).want(200).has("tf_required", true)
		c.useKey("/wan-signin", k, m{}).want(200)
		c.logout()
	}
	c.login("matt").want(200).has("tf_required", false)
}

// Row W18, register_timeout.
func TestRegisteringAPasskeyHasATimeLimit(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.RegisterWithin = time.Second })
	c := s.client()
	c.login("matt").want(200)
	options, state := c.post("/wan-register", m{"name": "testr1"}).question()
	s.Advance(time.Second)
	c.post("/wan-register/"+state, m{"credential": s.made(s.key().Create(options))}).
		refused(400, "", "Passkey operations must be completed within 1 second. Please start over.")
}

// Row W19, signin_timeout.
func TestSigningInByPasskeyHasATimeLimit(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.SignInWithin = 2 * time.Second })
	_, k := s.owner("matt", "first")
	c := s.client()
	options, state := c.post("/wan-signin", m{}).question()
	s.Advance(2 * time.Second)
	c.post("/wan-signin/"+state, m{"credential": s.made(k.Get(options))}).
		refused(400, "", "Passkey operations must be completed within 2 seconds. Please start over.")
}

// Row W20, bad_token.
func TestAWrongStateOfAPasskeyIsRefused(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, _ := s.owner("matt", "first")
	c.post("/wan-register/nosuch", m{"credential": "{}"}).refused(400, "", "Input not appropriate for requested API")
	c.post("/wan-verify/nosuch", m{"credential": "{}"}).refused(400, "", "Input not appropriate for requested API")
	c.form("/wan-register/nosuch", "credential", "{}").to("/wan-register")
	c.page("/wan-register").shows("Input not appropriate for requested API")
	c.logout()
	c.post("/wan-signin/nosuch", m{"credential": "{}"}).refused(400, "", "Input not appropriate for requested API")
	c.form("/wan-signin/nosuch", "credential", "{}").to("/wan-signin")
}

// Row W22, alt_tf.
func TestAPasskeyThatVerifiesNoUserNeedsASecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys)
	s.enroll("matt", storage.SMS)
	c, k := s.fresh("matt"), s.key(plainKey)
	c.addKey(k, "testr1", "first").want(200)
	c.logout()
	s.Advance(time.Minute)
	c.useKey("/wan-signin", k, m{"identity": "matt@lp.com"}).want(200).has("tf_required", true, "tf_method", "sms",
		"user", absent)
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	c.signedIn("matt", 2)
}

// fresh returns a client that has just signed in with both factors.
func (s *site) fresh(user string) *client {
	s.T.Helper()
	s.Advance(time.Minute)
	c := s.client()
	c.login(user).want(200)
	c.post("/tf-validate", m{"code": s.code(phone)}).want(200)
	return c
}

// Row W23, all_in_one.
func TestAPasskeyThatVerifiesItsUserIsBothFactors(t *testing.T) {
	s := newSite(t, withPasskeys)
	s.enroll("matt", storage.SMS)
	c, k := s.fresh("matt"), s.key()
	c.addKey(k, "testr1", "first").want(200)
	c.logout()
	c.useKey("/wan-signin", k, m{"identity": "matt@lp.com"}).want(200).has("tf_required", false)
	c.signedIn("matt", 2)
}

// Row W24, all_in_one_not_allowed.
func TestWithoutMultiFactorAPasskeyIsOneFactor(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.MultiFactor = false })
	s.enroll("matt", storage.SMS)
	c, k := s.fresh("matt"), s.key()
	c.addKey(k, "testr1", "first").want(200)
	c.logout()
	s.Advance(time.Minute)
	c.useKey("/wan-signin", k, m{"identity": "matt@lp.com"}).want(200).has("tf_required", true)
}

// Row W25, reset.
func TestResetAccessRemovesPasskeys(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	c.addKey(s.key(), "second", "secondary").want(200)
	if err := s.Auth.ResetAccess(t.Context(), s.id("matt")); err != nil {
		t.Fatal(err)
	}
	s.client().useKey("/wan-signin", k, m{}).refused(400, "credential", "Unregistered passkey.")
	c = s.client()
	c.login("matt").want(200).has("tf_required", false)
	c.get("/wan-register").has("registered_credentials", []any{})
}

// Row W26, user_handle.
func TestAnotherUserHandleIsRefused(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "first")
	c := s.client()
	c.useKey("/wan-signin", k, m{}, softkey.SendAs("userHandle", softkey.Text([]byte("1234")))).want(400)
	c.useKey("/wan-signin", k, m{}).want(200)
	c.signedIn("matt", 2)
}

// Row W27, autogen_user_handle.
func TestAUserHandleIsRandomAndOnePerUser(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.owner("matt", "first")
	if len(k.Handle) != 64 || strings.Contains(string(k.Handle), s.id("matt")) {
		t.Errorf("handle %x", k.Handle)
	}
	another := s.key()
	c.addKey(another, "two", "first").want(200)
	if string(another.Handle) != string(k.Handle) {
		t.Error("two passkeys of one user have two handles")
	}
}
