package contract_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// originalForms lists the forms of the original's templates: by template and form, the target and
// the fields that a browser posts, in order. A question mark marks a field that is posted only if
// it is chosen or pressed. A field that is listed twice is twice in the template. The last three
// are from a later version than the others.
const originalForms = `
	login_user/login_user_form: /login csrf_token next email username password remember? submit?
	login_user/wan_signin_form: GET /wan-signin wan_signin?
	send_login/send_login_form: /login csrf_token email submit?
	register_user/register_user_form: /register csrf_token next email username password password_confirm submit?
	send_confirmation/send_confirmation_form: /confirm csrf_token email submit?
	forgot_password/forgot_password_form: /reset csrf_token email submit?
	reset_password/reset_password_form: /reset/{token} csrf_token password password_confirm submit?
	change_password/change_password_form: /change csrf_token password new_password new_password_confirm submit?
	verify/verify_form: /verify csrf_token password submit?
	verify/wan_verify_form: /wan-verify csrf_token submit?
	two_factor_setup/two_factor_setup_form: /tf-setup csrf_token setup? submit?
	two_factor_setup/phone: /tf-setup csrf_token setup? csrf_token phone submit?
	two_factor_setup/two_factor_verify_code_form: /tf-validate csrf_token code submit?
	two_factor_select/tf_select: /tf-select csrf_token which? submit?
	two_factor_verify_code/two_factor_verify_code: /tf-validate csrf_token code submit?
	two_factor_verify_code/two_factor_rescue_form: /tf-rescue csrf_token help_setup? submit?
	mf_recovery/mf_recovery_form: /mf-recovery csrf_token code submit?
	mf_recovery_codes/show: GET /mf-recovery-codes show_codes?
	mf_recovery_codes/mf_recovery_codes_form: /mf-recovery-codes csrf_token generate_new_codes?
	us_signin/us_signin_form: /us-signin csrf_token identity passcode remember? submit? chosen_method?
	us_signin/send: /us-signin/send-code csrf_token identity passcode remember? chosen_method? submit_send_code?
	us_signin/wan_signin_form: GET /wan-signin wan_signin?
	us_setup/us_setup_form: /us-setup csrf_token chosen_method? phone delete_method? submit?
	us_setup/us_setup_validate_form: /us-setup/{token} csrf_token passcode submit?
	us_verify/us_verify_form: /us-verify csrf_token passcode submit? chosen_method?
	us_verify/send: /us-verify/send-code csrf_token passcode chosen_method? submit_send_code?
	us_verify/wan_verify_form: /wan-verify csrf_token submit?
	wan_register/wan_register_form: /wan-register csrf_token name usage? submit?
	wan_register/wan_register_response_form: /wan-register/{token} csrf_token credential
	wan_register/wan_delete_form: /wan-delete csrf_token name submit?
	wan_signin/wan_signin_form: /wan-signin csrf_token identity remember? submit?
	wan_signin/wan_signin_form+secondary: /wan-signin csrf_token submit?
	wan_signin/wan_signin_response_form: /wan-signin/{token} csrf_token remember credential credential
	wan_verify/wan_verify_form: /wan-verify csrf_token submit?
	wan_verify/wan_signin_response_form: /wan-verify/{token} csrf_token remember credential
	change_email/change_email_form: /change-email csrf_token email submit?
	change_username/change_username_form: /change-username csrf_token username submit?
	recover_username/username_recovery_form: /recover-username csrf_token email submit?
`

// formsOfTheOriginal returns path and fields by template and form.
func formsOfTheOriginal() map[string]string {
	forms := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(originalForms)) {
		name, fields, _ := strings.Cut(strings.TrimSpace(line), ": ")
		forms[name] = fields
	}
	return forms
}

var (
	setupState = regexp.MustCompile(`action="/us-setup/([^"]+)"`)
	sheetCode  = regexp.MustCompile(`[a-z2-7]{4}(?:-[a-z2-7]{4}){3}`)
)

// original posts these forms and tracks which were not posted yet.
type original struct {
	t           *testing.T
	forms, left map[string]string
}

// posts sends a form as a browser does, with all its fields; those without a value are empty. The
// value of {token} in its path is given as "token", a query as "query".
func (o *original) posts(c *client, form string, given ...string) *reply {
	o.t.Helper()
	parts := strings.Fields(o.forms[form])
	if len(parts) == 0 {
		o.t.Fatalf("there is no form %s", form)
	}
	delete(o.left, form)
	values := map[string]string{}
	for i := 0; i+1 < len(given); i += 2 {
		values[given[i]] = given[i+1]
	}
	method := http.MethodPost
	if parts[0] == http.MethodGet {
		method, parts = parts[0], parts[1:]
	}
	path := strings.Replace(parts[0], "{token}", values["token"], 1) + values["query"]
	if method == http.MethodPost {
		values["csrf_token"] = c.get("/login").Text("csrf_token")
	}
	var body []string
	used := map[string]bool{"token": true, "query": true, "csrf_token": true}
	for _, field := range parts[1:] {
		name, chosen := strings.CutSuffix(field, "?")
		value, ok := values[name]
		if chosen && !ok {
			continue
		}
		if used[name] && name != "csrf_token" {
			value = "" // the second of two stays empty
		}
		used[name] = true
		body = append(body, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	for name := range values {
		if !used[name] {
			o.t.Fatalf("the form %s has no field %s", form, name)
		}
	}
	if method == http.MethodGet {
		return c.page(path + "?" + strings.Join(body, "&"))
	}
	return c.shown(path, c.do(method, path, strings.Join(body, "&"),
		"Content-Type", testkit.TypeForm, "Accept", "text/html", "Origin", c.s.Origin, "Sec-Fetch-Site", "same-origin"))
}

// TestTheFormsOfTheOriginalAreTaken posts every form of the original's templates with exactly its
// fields and checks the result.
func TestTheFormsOfTheOriginalAreTaken(t *testing.T) {
	forms := formsOfTheOriginal()
	o := &original{t, forms, maps.Clone(forms)}
	o.accounts(newSite(t, confirming))
	o.secondFactors(anotherSite(t, withCodes))
	o.passkeys(anotherSite(t, withPasskeys, withUnified))
	o.unified(anotherSite(t, withUnified, withPasskeys))
	byLink := anotherSite(t, withLife, func(c *twofold.Config) { c.Accounts.MagicLink = true })
	o.posts(byLink.client(), "send_login/send_login_form", "email", "joe@lp.com", "submit", "Send Login Link").
		shows("a link is on its way")
	byLink.mailed("login", "joe@lp.com")
	if left := slices.Sorted(maps.Keys(o.left)); len(left) > 0 {
		t.Errorf("not posted: %v", left)
	}
}

func (o *original) accounts(s *site) {
	c := s.client()
	o.posts(c, "register_user/register_user_form", "email", "mary@lp.com", "username", "mary", "password", newPlain,
		"password_confirm", newPlain, "submit", "Register").want(303)
	first := s.linkIn("confirm", "mary@lp.com")
	s.Advance(time.Minute)
	o.posts(c, "send_confirmation/send_confirmation_form", "email", "mary@lp.com", "submit", "Resend")
	s.eventually("another link", func() bool { return s.linkIn("confirm", "mary@lp.com") != first })

	c = s.client()
	o.posts(c, "login_user/login_user_form", "query", "?next=/profile", "email", "joe@lp.com", "password", plain,
		"remember", "y", "submit", "Login").to("/profile")
	o.posts(c, "change_password/change_password_form", "password", plain, "new_password", newPlain,
		"new_password_confirm", newPlain, "submit", "Change Password").to("/")
	o.posts(c, "verify/verify_form", "query", "?next=/profile", "password", newPlain, "submit", "Verify Password").
		to("/profile")
	o.posts(c, "change_email/change_email_form", "email", "joe2@lp.com", "submit", "Submit")
	s.linkIn("change_email", "joe2@lp.com")
	c.logout()
	o.posts(c, "forgot_password/forgot_password_form", "email", "joe@lp.com", "submit", "Recover Password")
	link := s.linkIn("reset", "joe@lp.com")
	o.posts(c, "reset_password/reset_password_form", "token", strings.TrimPrefix(link, "/reset/"),
		"password", "a third "+newPlain, "password_confirm", "a third "+newPlain, "submit", "Reset Password").want(303)
	c = s.client()
	c.login("matt").want(200)
	o.posts(c, "change_username/change_username_form", "username", "mattock", "submit", "Change Username").to("/")
	c.logout()
	o.posts(c, "recover_username/username_recovery_form", "email", "matt@lp.com", "submit", "Recover Username")
	s.mailed("username", "matt@lp.com")
}

func (o *original) secondFactors(s *site) {
	c := s.client()
	c.loginForm("gal").to("/")
	page := o.posts(c, "two_factor_setup/two_factor_setup_form", "setup", "authenticator", "submit", "Submit")
	app := s.app(shownKey(page.want(200).Body))
	o.posts(c, "two_factor_setup/two_factor_verify_code_form", "code", app.next(), "submit", "Submit Code").want(303)
	s.Advance(time.Minute)
	codes := sheetCode.FindAllString(o.posts(c, "mf_recovery_codes/mf_recovery_codes_form", "generate_new_codes",
		"Generate New Recovery Codes").want(200).text(), -1)
	o.posts(c, "mf_recovery_codes/show", "show_codes", "Show Recovery Codes").want(200)
	if len(codes) < 5 {
		o.t.Fatalf("codes %v", codes)
	}
	c.logout()
	c.loginForm("gal").want(303)
	o.posts(c, "two_factor_verify_code/two_factor_rescue_form", "query", "?next=/profile", "help_setup", "email",
		"submit", "Submit").want(303)
	o.posts(c, "two_factor_verify_code/two_factor_verify_code", "query", "?next=/profile", "code", s.code("gal@lp.com"),
		"submit", "Submit Code").to("/profile")
	c.signedIn("gal", 2)
	c.logout()
	c.loginForm("gal").want(303)
	o.posts(c, "mf_recovery/mf_recovery_form", "code", codes[0], "submit", "Submit Code").to("/")
	c.signedIn("gal", 2)

	c = s.client()
	c.loginForm("gal2").to("/")
	o.posts(c, "two_factor_setup/phone", "setup", "sms", "phone", phone, "submit", "Submit").want(200)
	o.posts(c, "two_factor_setup/two_factor_verify_code_form", "code", s.code(phone), "submit", "Submit Code").want(303)
	s.Advance(time.Minute)
	o.posts(c, "two_factor_setup/two_factor_setup_form", "setup", "disable", "submit", "Submit").want(303)
	c.get("/tf-setup").want(200).has("tf_primary_method", nil)
}

func (o *original) passkeys(s *site) {
	c, k := s.client(), s.key(plainKey)
	c.loginForm("matt").to("/")
	answers := func(form string, page *reply, answer func(options []byte) (string, error), more ...string) *reply {
		o.t.Helper()
		options, action := page.want(200).asked(o.t)
		state := action[strings.LastIndexByte(action, '/')+1:]
		return o.posts(c, form, append([]string{"token", state, "credential", s.made(answer(options))}, more...)...)
	}
	create := func(options []byte) (string, error) { return k.Create(options) }
	get := func(options []byte) (string, error) { return k.Get(options) }
	page := o.posts(c, "wan_register/wan_register_form", "name", "testr1", "usage", "first", "submit", "Start")
	answers("wan_register/wan_register_response_form", page, create).to("/wan-register")
	for _, form := range []string{"verify/wan_verify_form", "us_verify/wan_verify_form", "wan_verify/wan_verify_form"} {
		page = o.posts(c, form, "submit", "Submit")
		answers("wan_verify/wan_signin_response_form", page, get).to("/")
	}
	c.logout()
	o.posts(c, "login_user/wan_signin_form", "wan_signin", "Sign in with WebAuthn").want(200)
	o.posts(c, "us_signin/wan_signin_form", "wan_signin", "Sign in with WebAuthn").want(200)
	page = o.posts(c, "wan_signin/wan_signin_form", "identity", "matt@lp.com", "submit", "Start")
	answers("wan_signin/wan_signin_response_form", page, get).to("/")
	c.signedIn("matt", 1)
	o.posts(c, "wan_register/wan_delete_form", "name", "testr1", "submit", "Delete").to("/wan-register")

	c, k = s.client(), s.key(plainKey)
	c.loginForm("gal").to("/")
	page = o.posts(c, "wan_register/wan_register_form", "name", "second", "usage", "secondary", "submit", "Start")
	answers("wan_register/wan_register_response_form", page, create).to("/wan-register")
	c.logout()
	c.loginForm("gal").want(303)
	page = o.posts(c, "wan_signin/wan_signin_form+secondary", "query", "?next=/profile", "submit", "Start")
	answers("wan_signin/wan_signin_response_form", page, get, "query", "?next=/profile").to("/profile")
	c.signedIn("gal", 2)
	begun := c.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	app := s.app(begun.Text("tf_authr_b32key"))
	c.post("/tf-setup/"+begun.Text("tf_state_token"), m{"code": app.next()}).want(200)
	c.logout()
	c.loginForm("gal").to("/tf-select")
	o.posts(c, "two_factor_select/tf_select", "query", "?next=/profile", "which", "authenticator", "submit", "Submit").
		want(303)
	o.posts(c, "two_factor_verify_code/two_factor_verify_code", "code", app.next(), "submit", "Submit Code").want(303)
	c.signedIn("gal", 2)
}

func (o *original) unified(s *site) {
	sent := func(to string, send func()) string { return testkit.Code(s.awaits(to, send).Text) }
	c := s.client()
	c.loginForm("joe").to("/")
	var page *reply
	code := sent(phone, func() {
		page = o.posts(c, "us_setup/us_setup_form", "chosen_method", "sms", "phone", phone, "submit", "Submit")
	})
	state := setupState.FindStringSubmatch(page.want(200).Body)
	if state == nil {
		o.t.Fatalf("no way on: %s", page.text())
	}
	o.posts(c, "us_setup/us_setup_validate_form", "token", state[1], "passcode", code,
		"submit", "Submit Code").want(303)
	c.get("/us-setup").want(200).has("active_methods", list("password", "sms"))
	s.Advance(time.Minute)
	code = sent(phone, func() {
		o.posts(c, "us_verify/send", "chosen_method", "sms", "submit_send_code", "Send Code").want(200)
	})
	o.posts(c, "us_verify/us_verify_form", "passcode", code, "chosen_method", "sms", "submit", "Submit").to("/")
	c.logout()
	s.Advance(time.Minute)
	code = sent(phone, func() {
		o.posts(c, "us_signin/send", "identity", "joe@lp.com", "chosen_method", "sms",
			"submit_send_code", "Send Code").want(200)
	})
	o.posts(c, "us_signin/us_signin_form", "query", "?next=/profile", "identity", "joe@lp.com", "passcode", code,
		"remember", "y", "chosen_method", "sms", "submit", "Submit").to("/profile")
	c.post("/us-verify", m{"passcode": plain}).want(200)
	o.posts(c, "us_setup/us_setup_form", "delete_method", "sms", "submit", "Submit").want(303)
	c.get("/us-setup").want(200).has("active_methods", list("password"))
}
