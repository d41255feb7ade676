package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// eventually waits until the page contains a text.
func (b *tab) eventually(words string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if eval[bool](b, fmt.Sprintf(`document.body.innerText.includes(%q)`, words)) {
			return
		}
	}
	b.t.Fatalf("the page %s does not come to say %q:\n%s", b.path(), words, b.text())
}

// solved is the text on a page when the browser has solved the challenge.
const solved = "Checked: you're not a robot."

// quickAltcha reduces the cost for slow machines.
func quickAltcha(c *twofold.Config) {
	c.Accounts.Captcha, c.Accounts.CaptchaCost, c.Accounts.Recoverable = "altcha", 2000, true
}

// registerAs fills in the registration form.
func (b *tab) registerAs(email string) {
	b.t.Helper()
	b.fill("Email address", email)
	b.fill("Password", newSecret)
	b.fill("Password again", newSecret)
}

// TestABrowserAnswersAltcha checks that the browser solves the challenge by itself when a person
// registers, at once or after a while, and when they sign in after wrong passwords. Without
// JavaScript the page gives instructions.
func TestABrowserAnswersAltcha(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newLibrary(t, func(c *twofold.Config) { quickAltcha(c) })
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.open("/register")
		if !scripts {
			b.see("that needs JavaScript")
			b.registerAs("ann@example.org")
			b.press("Create account")
			b.at("/register")
			b.see("We need to check that you're not a robot.", "that needs JavaScript")
			return
		}
		b.eventually(solved)
		b.registerAs("ann@example.org")
		b.press("Create account")
		b.at("/me")
		b.open("/reset")
		if eval[bool](b, `document.querySelector('[data-altcha]') !== null`) {
			t.Error("someone who is signed in is asked")
		}
		other := newTab(t, s.origin(), look{scripts: true})
		other.open("/login")
		for range 3 {
			other.fill("Email address", person)
			other.fill("Password", "wrong")
			other.press("Sign in")
			other.at("/login")
		}
		other.eventually(solved)
		other.fill("Password", "wrong")
		other.press("Sign in") // the page has another challenge
		other.see("Wrong email or password.")
		other.eventually(solved)
		other.fill("Password", secret)
		other.press("Sign in")
		other.at("/me")
	})
}

// TestAFormThatIsSentTooEarlyWaitsForAltcha checks that the form is sent with the pressed button
// once the challenge is solved.
func TestAFormThatIsSentTooEarlyWaitsForAltcha(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newLibrary(t, func(c *twofold.Config) { c.Accounts.Captcha, c.Accounts.CaptchaCost = "altcha", 60_000 })
	b := newTab(t, s.origin(), look{scripts: true})
	early := false
	for try := range 20 { // the number may be found quickly
		b.open("/register")
		eval[bool](b, fmt.Sprintf(`((email, password) => {
			const typed = {email, password, password_confirm: password};
			for (const name in typed) document.querySelector("[name=" + name + "]").value = typed[name];
			return true;
		})("p%d@example.org", %q)`, try, newSecret))
		if early = eval[bool](b, `document.querySelector("[name=altcha]").value === ""`); early {
			break
		}
	}
	if !early {
		t.Skip("skipped: the browser always had the number first")
	}
	b.press("Create account")
	b.at("/me")
}

// TestEveryPageWithACaptcha runs TestEveryPage for pages with Altcha.
func TestEveryPageWithACaptcha(t *testing.T) {
	needBrowser(t)
	for _, g := range hardest("captcha", "Work phone") {
		t.Run(g.language, func(t *testing.T) {
			t.Parallel()
			g.library = newLibrary(t, func(c *twofold.Config) {
				quickAltcha(c)
				c.Pages.Site, c.Passwordless, c.Accounts.Usernames = g.site, &twofold.Passwordless{}, g.username != ""
			})
			g.enter(t, true)
			done := map[string]string{"en": solved, "de": "Geprüft: Sie sind kein Roboter."}[g.language]
			g.open("/register")
			g.eventually(done)
			g.page("register")
			eval[bool](g.tab, `document.querySelector('[name=altcha]').value = 'e30='; true`)
			g.put("email", g.email)
			g.put("password", newSecret)
			g.put("password_confirm", newSecret)
			g.submit(primary)
			g.eventually(done)
			g.page("register-refused")
			g.open("/reset")
			g.eventually(done)
			g.page("reset")
			for range 3 {
				g.login(g.email, "wrong")
			}
			g.eventually(done)
			g.page("login")
			g.open("/us-signin")
			g.put("identity", g.email)
			g.put("passcode", "wrong")
			g.submit(primary)
			g.eventually(done)
			g.page("us-signin")
		})
	}
}

// TestACaptchasServiceIsLoaded checks that the content security policy allows its script and frame,
// and that its answer is sent.
func TestACaptchasServiceIsLoaded(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `for (const box of document.querySelectorAll(".cf-turnstile")) {
			const frame = document.createElement("iframe");
			frame.src = new URL("/frame", document.querySelector("script[async]").src);
			const answer = document.createElement("input");
			answer.type = "hidden";
			answer.name = "cf-turnstile-response";
			frame.onload = () => { answer.value = "answer-for-" + box.dataset.action; box.dataset.there = "" };
			box.append(frame, answer);
		}`)
	})
	mux.HandleFunc("GET /frame", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>captcha</title><p>not a robot`)
	})
	answers := make(chan string, 10)
	mux.HandleFunc("POST /siteverify", func(w http.ResponseWriter, r *http.Request) {
		answers <- r.PostFormValue("response")
		fmt.Fprint(w, `{"success":true,"hostname":"localhost"}`)
	})
	service := httptest.NewServer(mux)
	t.Cleanup(service.Close)
	s := newLibrary(t, func(c *twofold.Config) {
		a := &c.Accounts
		a.Captcha, a.CaptchaSiteKey, a.CaptchaSecret = "turnstile", "site-key", "secret"
		a.CaptchaVerifyURL, a.CaptchaScriptURL = service.URL+"/siteverify", service.URL+"/api.js"
	})
	b := newTab(t, s.origin(), look{scripts: true})
	b.open("/register")
	for end := time.Now().Add(patience); !eval[bool](b, `!!document.querySelector("[data-there]")`); {
		if time.Now().After(end) {
			t.Fatal("the service's script or frame is not loaded:", b.heard.all())
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.registerAs("ann@example.org")
	b.press("Create account")
	b.at("/me")
	if got := <-answers; got != "answer-for-register" {
		t.Errorf("the answer is %q", got)
	}
}
