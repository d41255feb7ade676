package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestAWrongCodeIsSaidBesideTheField checks that the error is visible, available to screen readers,
// and linked to the field.
func TestAWrongCodeIsSaidBesideTheField(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		phone := b.setUpApp(s)
		b.signOut()

		b.signIn(person, false)
		b.giveCode(phone.wrong(), "Sign in")
		b.at("/tf-validate")
		b.refused("code", "That code isn't right, or has expired. Use the newest one.")

		b.giveCode(phone.code(), "Sign in")
		b.at("/me")
	})
}

// TestAWrongPasswordIsSaidAboveTheButton also checks that the error does not say whether the name
// or the password was wrong.
func TestAWrongPasswordIsSaidAboveTheButton(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		b := newTab(t, newServer(t).origin(), look{scripts: scripts})
		b.open("/login")
		b.fill("Email address", person)
		b.fill("Password", "not the password")
		b.press("Sign in")
		b.at("/login")
		b.see("Wrong email or password.")
		if kept := eval[string](b,
			`document.querySelector('[name=email]').value + document.querySelector('[name=password]').value`); kept != person {
			t.Errorf("the page keeps %q, want the address and no password", kept)
		}
	})
}

// refused checks the position of an error at a field.
func (b *tab) refused(field, words string) {
	b.t.Helper()
	got := eval[struct{ Title, Beside, Described, Invalid string }](b, fmt.Sprintf(`(() => {
		const input = document.querySelector('[name=%s]');
		const ids = (input.getAttribute('aria-describedby') || '').split(' ');
		const error = input.closest('.field').querySelector('.error');
		return {
			title: document.title, beside: error && error.innerText, described: String(!!error && ids.includes(error.id)),
			invalid: input.getAttribute('aria-invalid'),
		};
	})()`, field))
	if !strings.HasPrefix(got.Title, "Error:") || !strings.Contains(got.Beside, words) || got.Described != "true" ||
		got.Invalid != "true" {
		b.t.Errorf("%q is not said as it should be: %+v", words, got)
	}
	if n := eval[int](b, `document.querySelectorAll('.summary').length`); n != 0 {
		b.t.Error("a single error is said twice")
	}
}

// TestTheKeyboardIsEnough checks that no step of a sign-in needs a mouse, and that the focus is
// always visible.
func TestTheKeyboardIsEnough(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		phone := b.setUpApp(s)
		b.signOut()

		b.open("/login") // the cursor stands in the first field
		b.focused("email")
		b.write(person)
		b.key(kb.Tab)
		b.focused("password")
		b.write(secret)
		if scripts { // without them nothing shows the password
			b.key(kb.Tab)
			b.focused("BUTTON Show")
			b.key(kb.Enter)
			b.focused("password")
			if kind := eval[string](b, `document.activeElement.type`); kind != "text" {
				t.Errorf("the shown password is in a field of type %q", kind)
			}
			b.key(kb.Tab)
			b.focused("BUTTON Hide")
		}
		b.key(kb.Tab)
		b.focused("remember")
		b.key(" ")
		if !eval[bool](b, `document.activeElement.checked`) {
			t.Error("the space bar does not tick the box")
		}
		b.key(kb.Tab)
		b.focused("BUTTON Sign in")
		b.goes("Enter", chromedp.KeyEvent(kb.Enter))
		b.at("/tf-validate")

		b.focused("code")
		b.key(kb.Tab)
		b.focused("BUTTON Sign in")
		b.key(kb.Tab)
		b.focused("SUMMARY Can't get a code?")
		b.key(kb.Enter)
		b.key(kb.Tab)
		b.focused("help_setup")
		b.key(" ")
		b.key(kb.Tab)
		b.focused("BUTTON Get help")
		b.goes("Enter", chromedp.KeyEvent(kb.Enter))
		b.see("We emailed you a code.")

		b.focused("code")
		b.write(phone.code())
		b.goes("Enter", chromedp.KeyEvent(kb.Enter)) // in the field
		b.at("/me")
		b.see("You signed in with two steps.")
	})
}

// key presses one key that does not leave the page.
func (b *tab) key(k string) {
	b.t.Helper()
	b.must(b.do(chromedp.KeyEvent(k)))
}

// focused checks which element has the focus, and that the element or the option around it has an
// outline.
func (b *tab) focused(want string) {
	b.t.Helper()
	type focus struct {
		What string
		Seen bool
	}
	var got focus
	// The browser sets the focus of a new page a moment after it has loaded.
	for range 1000 {
		got = eval[focus](b, `(() => {
		const e = document.activeElement, seen = e => e && parseFloat(getComputedStyle(e).outlineWidth) >= 2 && getComputedStyle(e).outlineStyle !== 'none';
		return {what: e.name || e.tagName + ' ' + e.innerText.trim(), seen: !!(seen(e) || seen(e.closest('.choice')))};
	})()`)
		if got.What == want && got.Seen {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	b.t.Fatalf("the focus is on %q (seen: %v), want %q", got.What, got.Seen, want)
}

// TestGermansReadGerman uses the language that the browser requests.
func TestGermansReadGerman(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		b := newTab(t, s.origin(), look{scripts: scripts, language: "de-AT,de;q=0.9,en;q=0.5"})
		b.open("/login")
		if lang := eval[string](b, `document.documentElement.lang`); lang != "de" {
			t.Errorf("the page says its language is %q", lang)
		}
		b.fill("E-Mail-Adresse", person)
		b.fill("Passwort", "falsch falsch")
		b.press("Anmelden")
		b.see("E-Mail-Adresse oder Passwort ist falsch.")
		b.fill("Passwort", secret)
		b.press("Anmelden")
		b.at("/me")
		b.see("Ihr Konto")
		b.open("/tf-setup")
		b.tick("E-Mail")
		b.press("Weiter")
		code(t, s, person)
		if mail := s.messages(t)[0]; !strings.Contains(mail.Text, "Er gilt 5 Minuten") {
			t.Errorf("the mail is not German: %q", mail.Text)
		}
	})
}

// TestTheOutboxIsAPage checks that the browser displays the outbox as a page.
func TestTheOutboxIsAPage(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		s := newServer(t)
		b := newTab(t, s.origin(), look{scripts: scripts})
		b.signIn(person, false)
		b.open("/tf-setup")
		b.tick("Email")
		b.press("Continue")
		b.open("/dev/outbox")
		b.see("Outbox", person, code(t, s, person))
		if width := eval[string](b, `getComputedStyle(document.body).maxWidth`); width == "none" {
			t.Error("the style sheet of the outbox is blocked")
		}
		g := &guide{tab: b, scripts: scripts}
		g.axe("outbox", "light")
	})
}

// TestViolationsAreDetected checks that the tests above would detect a violation of the content
// security policy and a missing style sheet.
func TestViolationsAreDetected(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
			fmt.Fprint(w, `<!doctype html><title>bad</title><link rel="stylesheet" href="/tf-static/none.css"><p style="color: red">red`)
		}))
		t.Cleanup(bad.Close)
		b := newTab(t, bad.URL, look{scripts: scripts})
		b.open("/")
		all := strings.Join(b.heard.all(), "\n")
		for _, want := range []string{"ContentSecurityPolicyIssue style-src", "StylesheetLoadingIssue"} {
			if !strings.Contains(all, want) {
				t.Errorf("no complaint about %s:\n%s", want, all)
			}
		}
	})
}
