package contract_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// Row W21, wan_context_processors.
func TestPagesOfPasskeysCanBeReplaced(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) {
		c.Pages.Templates = fstest.MapFS{
			"wan_signin.html": {Data: []byte(
				`{{define "title"}}{{end}}{{define "content"}}my sign-in {{.Data.Second}}{{end}}`)},
			"wan_register.html": {Data: []byte(
				`{{define "title"}}{{end}}{{define "content"}}my passkeys {{len .Data.Passkeys}}{{end}}`)},
			"wan_verify.html": {Data: []byte(`{{define "title"}}{{end}}{{define "content"}}my proof{{end}}`)},
		}
	})
	c, _ := s.owner("matt", "first")
	c.page("/wan-register").shows("my passkeys 1")
	c.page("/wan-verify").shows("my proof")
	s.client().page("/wan-signin").shows("my sign-in false")
}

// staleOwner returns an owner whose last proof is too old for changes.
func (s *site) staleOwner(usage string, lies ...func(*softkey.Key)) (*client, *softkey.Key) {
	s.T.Helper()
	c, k := s.owner("matt", usage, lies...)
	s.Advance(20 * time.Minute)
	return c, k
}

// Row W28, verify_json.
func TestJSONMakesASessionFreshByPasskey(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.staleOwner("first")
	c.get("/wan-register").want(401).has("reauth_required", true, "has_webauthn_verify_credential", true)
	c.get("/verify").want(200).has("has_webauthn_verify_credential", true)
	options, state := c.post("/wan-verify", m{}).question()
	if !strings.Contains(string(options), `"userVerification":"discouraged"`) {
		t.Errorf("options %s", options)
	}
	r := c.post("/wan-verify/"+state+"?include_auth_token", m{"credential": s.made(k.Get(options))}).want(200)
	if token, _ := r.JSON["user"].(m)["authentication_token"].(string); token == "" {
		t.Errorf("no token: %s", r.Body)
	}
	c.get("/wan-register").want(200)
}

// Row W29, verify.
func TestAFormMakesASessionFreshByPasskey(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.staleOwner("first")
	c.page("/wan-register").to("/verify?next=/wan-register")
	c.page("/verify?next=/wan-register").shows("Use a passkey instead")
	options, action := c.form("/wan-verify", "next", "/wan-register").asked(t)
	c.form(action, "credential", s.made(k.Get(options)), "next", "/wan-register").to("/wan-register")
	c.page("/wan-register").shows("Reauthentication successful")
}

// Row W30, verify_timeout.
func TestVerifyingByPasskeyHasATimeLimit(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.SignInWithin = 2 * time.Second })
	c, k := s.staleOwner("first")
	options, state := c.post("/wan-verify", m{}).question()
	s.Advance(2 * time.Second)
	c.post("/wan-verify/"+state, m{"credential": s.made(k.Get(options))}).
		refused(400, "", "Passkey operations must be completed within 2 seconds. Please start over.")
}

// Row W31, verify_validate_error.
func TestAWrongPasskeyDoesNotMakeASessionFresh(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, k := s.staleOwner("first")
	stranger := s.key()
	stranger.RPID, stranger.Handle = k.RPID, k.Handle
	s.Events.Reset()
	c.useKey("/wan-verify", stranger, m{}).refused(400, "credential", "Unregistered passkey.")
	c.useKey("/wan-verify", k, m{}, softkey.SignedBy(stranger)).want(400)
	failed := testkit.EventsOf[event.UserFailedAuthn](s.Events)
	if len(failed) != 1 || failed[0].AuthType != "passkey" || failed[0].User.Email != "matt@lp.com" {
		t.Errorf("events %+v", failed)
	}
	c.get("/wan-register").want(401)
}

// Row W32, verify_rejects_cross_user_assertion.
func TestAPasskeyOfAnotherUserDoesNotMakeASessionFresh(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, theirs := s.owner("joe", "first")
	c, _ := s.staleOwner("first")
	c.useKey("/wan-verify", theirs, m{}).refused(400, "", "Credential user handle didn't match")
	c.get("/wan-register").want(401)
	options, action := c.form("/wan-verify").asked(t)
	c.form(action, "credential", s.made(theirs.Get(options))).to("/wan-verify")
	c.page("/wan-verify").shows("Credential user handle didn't match")
}

// Row W33, no_verify.
func TestVerifyingByPasskeyCanBeSwitchedOff(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Verify = nil })
	c, _ := s.staleOwner("first")
	if slices.Contains(s.Auth.Paths(), "/wan-verify") {
		t.Error("the path is there")
	}
	c.get("/verify").want(200).has("has_webauthn_verify_credential", false)
}

// Row W34, verify_usage_any_json.
func TestPasskeysOfEitherUsageMakeASessionFresh(t *testing.T) {
	s := newSite(t, withPasskeys)
	c, first := s.owner("matt", "first")
	second := s.key()
	c.addKey(second, "two", "secondary").want(200)
	for _, k := range []*softkey.Key{first, second} {
		s.Advance(20 * time.Minute)
		c.get("/wan-register").want(401)
		c.useKey("/wan-verify", k, m{}).want(200)
		c.get("/wan-register").want(200)
	}
}

// Row W35, verify_usage_first_json.
func TestOnlyFirstFactorPasskeysMayMakeASessionFresh(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Verify = []string{"first"} })
	verifyOneUsage(t, s, "first", "secondary")
}

// Row W36, verify_usage_secondary_json.
func TestOnlySecondFactorPasskeysMayMakeASessionFresh(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Passkeys.Verify = []string{"secondary"} })
	verifyOneUsage(t, s, "secondary", "first")
}

func verifyOneUsage(t *testing.T, s *site, taken, refused string) {
	t.Helper()
	c, wrong := s.owner("matt", refused)
	right := s.key()
	c.addKey(right, "two", taken).want(200)
	s.Advance(20 * time.Minute)
	options, state := c.post("/wan-verify", m{}).question()
	if text := string(options); !strings.Contains(text, softkey.Text(right.ID)) ||
		strings.Contains(text, softkey.Text(wrong.ID)) {
		t.Errorf("options %s", text)
	}
	c.post("/wan-verify/"+state, m{"credential": s.made(wrong.Get(options))}).
		refused(400, "credential", "Passkey not registered for this use (first or secondary)")
	c.get("/wan-register").want(401)
	c.useKey("/wan-verify", right, m{}).want(200)
	c.get("/wan-register").want(200)
}

// Row W39, post_register_redirect.
func TestANewPasskeyLeadsToTheConfiguredView(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Pages.Views.PostWanRegister = "/post_register" })
	c := s.client()
	c.loginForm("matt").to("/")
	options, action := c.form("/wan-register", "name", "testr1").asked(t)
	c.form(action, "credential", s.made(s.key().Create(options))).to("/post_register")
}

// Row W42, login_next.
func TestNextSurvivesASignInByPasskey(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Pages.Prefix = "/auth" })
	c, k := s.client(), s.key()
	c.form("/auth/login", "email", "matt@lp.com", "password", plain).to("/")
	options, action := c.form("/auth/wan-register", "name", "testr1", "usage", "first").asked(t)
	c.form(action, "credential", s.made(k.Create(options))).to("/auth/wan-register")
	c = s.client()
	// On an IP address, as here, the sign-in page offers no passkey, but the page for passkeys
	// exists.
	c.page("/auth/wan-signin?next=/profile").shows(`action="/auth/wan-signin"`, `name="next" value="/profile"`)
	options, action = c.form("/auth/wan-signin", "next", "/profile").asked(t)
	c.form(action, "credential", s.made(k.Get(options)), "next", "/profile").to("/profile")
	c.post("/auth/wan-signin", m{"next": "https://evil.example"}).want(400)
}

// Row W44, csrf.
func TestSigningInByPasskeyNeedsTheCSRFTokenOfTheForm(t *testing.T) {
	s := newSite(t, withPasskeys)
	_, k := s.owner("matt", "first")
	c := s.client()
	c.bareForm("/wan-signin").shows("The CSRF token is missing.")
	r := c.get("/wan-signin").want(200)
	page := c.bareForm("/wan-signin", "csrf_token", r.Text("csrf_token")).want(200)
	options, action := page.asked(t)
	answer := s.made(k.Get(options))
	c.bareForm(action, "credential", answer).want(400)
	c.bareForm(action, "credential", answer, "csrf_token", r.Text("csrf_token")).to("/")
	c.signedIn("matt", 2)
}

// Row W46, name_clean.
func TestANameOfAPasskeyHasAllowedCharacters(t *testing.T) {
	s := newSite(t, withPasskeys)
	c := s.client()
	c.login("matt").want(200)
	for _, path := range []string{"/wan-register", "/wan-delete"} {
		for _, name := range []string{"my <script>", "wat?", "a\u202eb", "a\nb"} {
			c.post(path, m{"name": name}).refused(400, "name", "Value entered is not valid for the field")
		}
		c.post(path, m{"name": strings.Repeat("a", 65)}).refused(400, "name",
			"Value entered must be less than 64 characters")
	}
	c.post("/wan-register", m{"name": "testr1", "usage": "third"}).refused(400, "usage", "Not a valid choice.")
	c.addKey(s.key(), "My phone-2_b", "first").want(200)
}

// Row W47, name_normalize.
func TestANameOfAPasskeyIsNormalized(t *testing.T) {
	s := newSite(t, withPasskeys)
	c := s.client()
	c.login("matt").want(200)
	c.addKey(s.key(), "caf\u00e9", "first").want(200)
	c.post("/wan-register", m{"name": "cafe\u0301"}).refused(400, "name",
		"cafe\u0301 is already associated with a passkey.")
	c.post("/wan-delete", m{"name": "cafe\u0301"}).want(200)
}

// Row P1, tf_select.
func TestAFormChoosesTheSecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys)
	s.enroll("matt", storage.SMS)
	c, k := s.fresh("matt"), s.key(plainKey)
	c.addKey(k, "testr1", "secondary").want(200)
	c = s.client()
	c.loginForm("matt", "next", "/profile").to("/tf-select?next=/profile")
	c.page("/tf-select").shows("Passkey")
	c.form("/tf-select", "which", "webauthn", "next", "/profile").to("/wan-signin?next=/profile")
	options, action := c.form("/wan-signin", "next", "/profile").asked(t)
	c.form(action, "credential", s.made(k.Get(options)), "next", "/profile").to("/profile")
	c.signedIn("matt", 2)
	c = s.client()
	s.Advance(time.Minute)
	c.loginForm("matt").to("/tf-select")
	c.form("/tf-select", "which", "sms").to("/tf-validate")
	c.form("/tf-validate", "code", s.code(phone)).to("/")
}

// Row P2, tf_select_json.
func TestJSONChoosesTheSecondFactor(t *testing.T) {
	s := newSite(t, withPasskeys)
	s.enroll("matt", storage.SMS)
	c, k := s.fresh("matt"), s.key(plainKey)
	c.addKey(k, "testr1", "secondary").want(200)
	c.addKey(s.key(plainKey), "testr2", "secondary").want(200) // one choice anyway
	c = s.client()
	c.login("matt").want(200).has("tf_required", true, "tf_select", true, "tf_setup_methods", list("sms", "webauthn"))
	c.get("/tf-select").want(200).has("tf_setup_methods", list("sms", "webauthn"))
	c.post("/tf-select", m{"which": "webauthn"}).want(200).has("tf_required", true, "tf_method", "webauthn",
		"tf_signin_url", "/wan-signin")
	c.useKey("/wan-signin", k, m{}).want(200)
	c.signedIn("matt", 2)
	c.get("/tf-select").want(400)
}
