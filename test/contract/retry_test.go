package contract_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

var (
	oneForm   = regexp.MustCompile(`(?s)<form [^>]*method="post" action="([^"]+)".*?</form>`)
	oneInput  = regexp.MustCompile(`<input [^>]*>`)
	attribute = regexp.MustCompile(`\b(name|value|type)="([^"]*)"`)
)

// step is the form on a page: its target, and the names and kinds of its fields. hidden holds the
// fields that the browser sends by itself.
func step(t *testing.T, page *reply, field string) (asks, hidden []string) {
	t.Helper()
	for _, form := range oneForm.FindAllStringSubmatch(page.text(), -1) {
		asks, hidden = []string{form[1]}, nil
		for _, input := range oneInput.FindAllString(form[0], -1) {
			has := map[string]string{}
			for _, a := range attribute.FindAllStringSubmatch(input, -1) {
				has[a[1]] = a[2]
			}
			asks = append(asks, has["name"]+" "+has["type"])
			if has["type"] == "hidden" && has["name"] != "csrf_token" {
				hidden = append(hidden, has["name"], has["value"])
			}
		}
		if slices.ContainsFunc(asks, func(one string) bool { return strings.HasPrefix(one, field+" ") }) {
			return asks, hidden
		}
	}
	t.Fatalf("the page has no form with the field %s:\n%s", field, page.text())
	return nil, nil
}

// submits posts a form as a browser does, without following redirects.
func (c *client) submits(path string, pairs ...string) *reply {
	c.T.Helper()
	return c.do(http.MethodPost, path, testkit.Fields(pairs),
		"Content-Type", testkit.TypeForm, "Accept", "text/html", "Origin", c.s.Origin)
}

// proof is a page that asks for a proof.
type proof struct {
	name  string
	site  []func(*twofold.Config)
	comes func(s *site) (*client, *reply) // goes there
	field string
	more  []string // other fields that are typed
}

func proofs() []proof {
	unified := []func(*twofold.Config){withUnified}
	list := []proof{
		{name: "/login", comes: pageOf("/login"), field: "password", more: []string{"email", "joe@lp.com"}},
		{name: "/us-signin", site: unified, comes: pageOf("/us-signin"), field: "passcode",
			more: []string{"identity", "joe@lp.com"}},
		{name: "/us-signin after a code was sent", site: unified, field: "passcode",
			comes: func(s *site) (*client, *reply) {
				s.begins("joe", storage.Email)
				c := s.client()
				return c, c.form("/us-signin/send-code", "identity", "joe@lp.com", "chosen_method", "email")
			}},
		{name: "/verify", comes: signedInAt("/verify"), field: "password"},
		{name: "/us-verify", site: unified, comes: signedInAt("/us-verify"), field: "passcode"},
		{name: "/us-verify after a code was sent", site: unified, field: "passcode",
			comes: func(s *site) (*client, *reply) {
				c, _ := s.begins("joe", storage.SMS)
				return c, c.form("/us-verify/send-code", "chosen_method", "sms")
			}},
		{name: "/mf-recovery", site: []func(*twofold.Config){withCodes}, field: "code",
			comes: func(s *site) (*client, *reply) {
				owner, _ := s.enroll("joe", storage.Authenticator)
				owner.post("/mf-recovery-codes", m{}).want(200)
				c := s.client()
				c.loginForm("joe").to("/tf-validate")
				return c, c.page("/mf-recovery")
			}},
		{name: "/tf-validate, signed in", field: "code", comes: func(s *site) (*client, *reply) {
			c, _ := s.enroll("joe", storage.Authenticator)
			s.Advance(16 * time.Minute)
			return c, c.page(c.form("/verify", "password", plain).want(303).Header.Get("Location"))
		}},
	}
	for _, method := range []string{storage.Authenticator, storage.Email, storage.SMS} {
		setUp := func(path, field string) func(s *site) (*client, *reply) {
			return func(s *site) (*client, *reply) {
				c := s.client()
				c.loginForm("joe")
				return c, c.form(path, field, method, "phone", phone)
			}
		}
		list = append(list,
			proof{name: "/tf-setup: " + method, comes: setUp("/tf-setup", "setup"), field: "code"},
			proof{name: "/tf-setup at a sign-in: " + method, site: []func(*twofold.Config){required},
				comes: setUp("/tf-setup", "setup"), field: "code"},
			proof{name: "/us-setup: " + method, site: unified,
				comes: setUp("/us-setup", "chosen_method"), field: "passcode"},
			proof{name: "/tf-validate: " + method, field: "code", comes: func(s *site) (*client, *reply) {
				s.enroll("joe", method)
				c := s.client()
				return c, c.page(c.loginForm("joe").want(303).Header.Get("Location"))
			}})
	}
	return list
}

func pageOf(path string) func(s *site) (*client, *reply) {
	return func(s *site) (*client, *reply) {
		c := s.client()
		return c, c.page(path)
	}
}

func signedInAt(path string) func(s *site) (*client, *reply) {
	return func(s *site) (*client, *reply) {
		c := s.client()
		c.loginForm("joe")
		return c, c.page(path)
	}
}

// TestAWrongCodeShowsTheSameStep checks that every step that takes a proof shows the same form
// again on a separate page, with the error at its field. Reloading that page posts nothing and
// shows the step without the error.
func TestAWrongCodeShowsTheSameStep(t *testing.T) {
	for _, p := range proofs() {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p.site...)
			c, page := p.comes(s)
			asked, hidden := step(t, page.want(200), p.field)
			if strings.Contains(page.Body, `class="error"`) {
				t.Fatal("the page shows an error before anything is wrong")
			}
			typed := append(append(hidden, p.more...), p.field, "000000")
			at := c.submits(asked[0], typed...).want(303).Header.Get("Location")
			refused := c.page(at).want(200)
			if now, _ := step(t, refused, p.field); !slices.Equal(now, asked) && len(p.more) == 0 {
				t.Errorf("%s asks for %v, before it was %v", at, now, asked)
			}
			ofCode := p.field == "code" || strings.Contains(p.name, "after a code")
			says := refused.says("That code isn't right") || !ofCode
			if !strings.Contains(refused.Body, `class="error"`) || !says && p.name != "/mf-recovery" {
				t.Errorf("the page does not say what is wrong:\n%s", refused.text())
			}
			before := len(s.Events.All())
			again := c.page(at).want(200)
			if strings.Contains(again.Body, `class="error"`) || len(s.Events.All()) != before {
				t.Error("reloading the page does something")
			}
			if strings.Contains(at, "setup") || strings.Contains(at, "validate") {
				if now, _ := step(t, again, p.field); !slices.Equal(now, asked) {
					t.Errorf("reloaded, %s asks for %v, before it was %v", at, now, asked)
				}
			}
		})
	}
}

// TestASetUpOfASignInForgives checks that after a wrong code the right one still completes the
// enrollment and another code can be sent. A second click gets the answer of the first, and an
// expired page leads back to the start.
func TestASetUpOfASignInForgives(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.loginForm("joe").to("/")
	path := c.submits("/us-setup", "chosen_method", "email").want(303).Header.Get("Location")
	c.page(path).shows("Enter code to complete setup", `name="resend"`)
	old := s.code("joe@lp.com")
	c.form(path, "passcode", "").shows("This field is required")
	c.form(path, "passcode", wrong(old)).shows("That code isn't right")
	s.Advance(time.Minute)
	c.form(path, "resend", "true").to(path)
	c.page(path).shows(codeSent)
	fresh := s.code("joe@lp.com")
	if fresh == old {
		t.Fatal("no other code was sent")
	}
	other, _ := s.begins("matt", storage.Email)
	other.page(path).to("/us-setup")
	other.get(path).refused(400, "", apiError)
	before := &client{c.Copy(), s}
	c.form(path, "passcode", fresh).to("/us-setup")
	before.form(path, "passcode", fresh).to("/us-setup")
	before.page("/us-setup").shows("Unified sign in setup successful")
	c.get("/us-setup").want(200).has("active_methods", list("password", "email"))
	c.page(path).to("/us-setup")
	c.page("/us-setup").shows("That step is over.")

	state := c.post("/us-setup", m{"chosen_method": "sms", "phone": phone}).want(200).Text("state")
	c.get("/us-setup/"+state).want(200).has("chosen_method", "sms", "phone", phone, "state", state)
	paused := false
	for _, guess := range append(guesses(s.code(phone)), guesses("111111")...) {
		paused = paused || c.post("/us-setup/"+state, m{"passcode": guess}).Status == http.StatusTooManyRequests
	}
	if !paused {
		t.Error("ten wrong codes cost no try")
	}
	c.form("/us-setup/"+state, "passcode", "222222").shows("Enter code to complete setup", `class="error"`)
}

// TestTheAccountPageOffersANewSecondStep checks the page of a user who signed in with a recovery
// code, until they sign in with a second factor again.
func TestTheAccountPageOffersANewSecondStep(t *testing.T) {
	s := newSite(t, withCodes, func(c *twofold.Config) { c.Pages.AccountPage = true })
	owner, app := s.enroll("joe", storage.Authenticator)
	codes := owner.post("/mf-recovery-codes", m{}).want(200).JSON["recovery_codes"].([]any)
	const offer = "Set up a new second step"
	owner.page("/me").want(200).hides(offer)
	c := s.client()
	c.loginForm("joe").to("/tf-validate")
	c.form("/mf-recovery", "code", codes[0].(string)).want(303)
	c.page("/me").want(200).shows(offer, `href="/tf-setup"`, "Lost your phone?")
	c.page("/tf-setup").want(200).shows(`value="authenticator"`)
	c.logout()
	s.Advance(time.Minute)
	c.loginForm("joe").to("/tf-validate")
	c.form("/tf-validate", "code", app.next()).want(303)
	c.page("/me").want(200).hides(offer)
}

// TestEndingIsAskedOnce checks that ending a session or forgetting a browser leads to a
// confirmation page, which works without a script and changes nothing before its button is pressed.
func TestEndingIsAskedOnce(t *testing.T) {
	for path, ends := range map[string][]string{
		"/tf-sessions": {"Sign out there", "Sign out everywhere else"},
		"/tf-devices":  {"Stop trusting", "End all of them"},
	} {
		t.Run(path, func(t *testing.T) { asksOnce(t, path, ends) })
	}
}

func asksOnce(t *testing.T, path string, ends []string) {
	t.Helper()
	s := newSite(t, trusting, func(c *twofold.Config) { c.Pages.AccountPage = true })
	_, app := s.enroll("gal", storage.Authenticator)
	var c *client
	for range 3 {
		s.Advance(time.Minute)
		c = s.client()
		c.loginForm("gal", "remember", "y").to("/tf-validate")
		c.form("/tf-validate", "code", app.next()).want(303)
	}
	for _, one := range ends {
		entry := regexp.MustCompile(`href="(` + path + `\?remove=[^"]+)"[^>]*>` + one + `<`)
		for _, page := range []string{path, "/me"} {
			if !entry.MatchString(c.page(page).want(200).Body) {
				t.Fatalf("%s has no link to %q", page, one)
			}
		}
		listed := func() int { return strings.Count(c.page(path).Body, "?remove=") }
		before := listed()
		asks := c.page(entry.FindStringSubmatch(c.page(path).Body)[1]).want(200).shows(one, "Cancel", `href="/me"`)
		if listed() != before {
			t.Errorf("%s: asking changed the list", one)
		}
		post := oneForm.FindStringSubmatch(asks.Body[strings.Index(asks.Body, "<main>"):])
		c.form(post[1]).to("/me")
		if listed() >= before {
			t.Errorf("%s: the button changed nothing", one)
		}
	}
	c.page(path + "?remove=nobody").want(200).shows("<h1>")
}

// TestASignInThatIsLeftAloneSaysThatItTimedOut checks that the message is on the sign-in page,
// where the user can start again, and that a session that the browser has by then continues.
func TestASignInThatIsLeftAloneSaysThatItTimedOut(t *testing.T) {
	s := newSite(t)
	_, owned := s.enroll("joe", storage.Authenticator)
	c := s.client()
	c.loginForm("joe").to("/tf-validate")
	c.page("/tf-validate").want(200)
	s.Advance(11 * time.Minute)
	c.submits("/tf-validate", "code", owned.next()).want(303)
	page := c.page("/login")
	page.shows("Your sign-in timed out. Please start again.", `name="password"`)
	page.hides("permission")
	c.page("/login").hides("timed out")

	again := s.client()
	again.loginForm("joe").to("/tf-validate")
	again.submits("/tf-validate", "code", owned.next()).want(303)
	again.submits("/tf-validate", "code", "123456").want(303)
	again.signedIn("joe", 2)
}
