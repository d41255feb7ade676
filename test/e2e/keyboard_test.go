package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/twofold-auth/twofold"
)

// hands is a person with a keyboard and no mouse.
type hands struct {
	*tab
	last spot // where the focus was on this page
}

// spot is the focused element.
type spot struct {
	Name, Kind  string
	Seen, Clear bool // it has an outline; nothing lies over it
	Top, Middle float64
	Left, Page  float64
	First       bool // of all that can have it
}

const whereFocus = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return {kind: ""};
	const outlined = e => { const s = e && getComputedStyle(e); return !!s && parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none'; };
	const choice = e.closest('.choice'), shown = choice || e, box = shown.getBoundingClientRect(), own = e.getBoundingClientRect();
	const hit = document.elementFromPoint(own.x + Math.min(own.width / 2, 30), own.y + own.height / 2);
	const words = e.getAttribute('aria-label') || (e.labels && e.labels.length ? e.labels[0].innerText : e.innerText);
	const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary')].filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled);
	return {
		name: words.replace(/\s+/g, ' ').trim(), kind: e.type || e.tagName, seen: outlined(e) || outlined(choice),
		clear: !!hit && (shown.contains(hit) || hit.contains(e)),
		top: box.top + scrollY, middle: (box.top + box.bottom) / 2 + scrollY, left: box.left, page: performance.timeOrigin, first: all[0] === e,
	};
})()`

// tabOn presses Tab once and checks that the focus is visible and moves in reading order.
func (h *hands) tabOn() spot {
	h.t.Helper()
	h.key(kb.Tab)
	now := eval[spot](h.tab, whereFocus)
	switch {
	case now.Kind == "":
	case !now.Seen || !now.Clear:
		h.t.Errorf("%s: the focus on %q is not seen: %+v", h.path(), now.Name, now)
	case now.Page == h.last.Page && !now.First &&
		(now.Middle < h.last.Top || now.Top <= h.last.Middle && now.Middle >= h.last.Top && now.Left < h.last.Left):
		h.t.Errorf("%s: the focus goes from %q back up to %q: %+v, %+v", h.path(), h.last.Name, now.Name, h.last, now)
	}
	h.last = now
	return now
}

// to moves the focus to the element whose name starts with a text, and fails if Tab does not reach
// it.
func (h *hands) to(name string) {
	h.t.Helper()
	h.last = eval[spot](h.tab, whereFocus)
	if called(h.last, name) {
		return
	}
	var met []string
	for range 90 {
		now := h.tabOn()
		if called(now, name) {
			return
		}
		met = append(met, now.Name)
	}
	h.t.Fatalf("%s: Tab does not lead to %q, but to %q\n%s", h.path(), name, met, h.text())
}

func called(s spot, name string) bool {
	return s.Kind != "" && (s.Name == name || strings.HasPrefix(s.Name, name))
}

// enter moves to an element that leads to another page, and follows it.
func (h *hands) enter(name, path string) {
	h.t.Helper()
	h.to(name)
	h.goes("Enter on "+name, chromedp.KeyEvent(kb.Enter))
	h.at(path)
}

// unfold opens a folded part, or follows a link within the page.
func (h *hands) unfold(name string) {
	h.t.Helper()
	h.to(name)
	h.key(kb.Enter)
}

// types writes into a field. Its old text is selected when Tab reaches it.
func (h *hands) types(label, value string) {
	h.t.Helper()
	h.to(label)
	h.write(value)
}

// choose moves to a group of options and selects one.
func (h *hands) choose(label string) {
	h.t.Helper()
	for range 40 {
		now := eval[spot](h.tab, whereFocus)
		for range 8 {
			if now.Kind != "radio" {
				break
			}
			if called(now, label) {
				if !eval[bool](h.tab, `document.activeElement.checked`) {
					h.key(" ")
				}
				return
			}
			h.key(kb.ArrowDown)
			now = eval[spot](h.tab, whereFocus)
		}
		h.tabOn()
	}
	h.t.Fatalf("%s: the keyboard does not reach the choice %q\n%s", h.path(), label, h.text())
}

// waits waits until a countdown on a button ends.
func (h *hands) waits(name string) {
	h.t.Helper()
	const ready = `![...document.querySelectorAll('button:disabled')].some(e => e.innerText.trim().startsWith(%q))`
	if eval[bool](h.tab, fmt.Sprintf(ready, name)) {
		h.t.Errorf("%s: no button counts down: %q\n%s", h.path(), name, h.text())
	}
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if eval[bool](h.tab, fmt.Sprintf(ready, name)) {
			return
		}
	}
	h.t.Fatalf("%s: the button still counts down: %q\n%s", h.path(), name, h.text())
}

// script moves to a button whose script leads to another page.
func (h *hands) script(name, path string) {
	h.t.Helper()
	h.to(name)
	h.key(kb.Enter)
	h.goesBy("Enter on "+name, path)
}

// TestTheKeyboardIsEnoughForEverything uses every feature of an account without clicks. Only Tab
// and the pages move the focus.
func TestTheKeyboardIsEnoughForEverything(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newKeyed(t, func(c *twofold.Config) {
		c.Accounts.Changeable = true
		c.Tokens = twofold.Tokens{Scopes: []string{"read"}}
		c.TwoFactor.Recovery = true
	})
	h := newHands(t, s)
	h.knocks(false)
	h.at("/me")
	phone := h.setsUp(s)
	h.minds(s)
	h.takesPasskey(s)
	h.comesBack(s, phone)
	h.losesPhone(s)
	h.tidies()
	h.signsOut()
}

// newHands opens a browser that does not offer passkeys by itself.
func newHands(t *testing.T, s *library) *hands {
	t.Helper()
	b := newTab(t, s.origin(), look{scripts: true})
	b.must(call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false`,
	}))
	b.screen(360, "light")
	return &hands{tab: b}
}

// knocks enters name and password. The first field has the focus.
func (h *hands) knocks(remember bool) {
	h.t.Helper()
	h.open("/login")
	h.focused("email")
	h.write(person)
	h.types("Password", secret)
	if remember {
		h.to("Stay signed in on this device")
		h.key(" ")
	}
	h.to("Sign in")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
}

// setsUp enrolls an app and saves recovery codes.
func (h *hands) setsUp(s *library) *app {
	h.t.Helper()
	h.enter("Set up a second step", "/tf-setup")
	h.choose("Authenticator app")
	h.enter("Continue", "/tf-validate")
	phone := scan(h.tab, s)
	h.types("Code", phone.code())
	h.goes("Enter in the field", chromedp.KeyEvent(kb.Enter))
	h.at("/mf-recovery-codes")
	h.enter("Make recovery codes", "/mf-recovery-codes")
	h.see("Save these codes now")
	h.to("I have saved these codes")
	h.key(" ")
	h.enter("Continue", "/me")
	return phone
}

// minds adds a factor, renames it and makes it the default.
func (h *hands) minds(s *library) {
	h.t.Helper()
	h.enter("Add another", "/tf-setup")
	h.choose("Text message (SMS)")
	h.types("Phone number", "+1 650 555 1212")
	h.choose("Add another")
	h.types("Name (optional)", "Work phone")
	h.enter("Continue", "/tf-validate")
	h.focused("code")
	h.write(code(h.t, s, "+16505551212"))
	h.goes("Enter in the field", chromedp.KeyEvent(kb.Enter))
	h.at("/me")
	h.unfold("Change Text message (SMS): Work phone")
	h.types("Name", "Old phone")
	h.enter("Save name: Text message (SMS): Work phone", "/me")
	h.see("Text message (SMS): Old phone")
	h.unfold("Change Text message (SMS): Old phone")
	h.enter("Make it the main one: Text message (SMS): Old phone", "/me")
}

// takesPasskey adds a passkey and signs in with it.
func (h *hands) takesPasskey(s *library) {
	h.t.Helper()
	d := h.plug()
	h.to("Add Passkeys")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
	h.at("/wan-register")
	h.types("Name (optional)", "Laptop")
	h.choose("To sign in without a password")
	from := eval[float64](h.tab, `performance.timeOrigin`)
	h.to("Add a passkey")
	h.key(kb.Enter)
	h.gone(from, patience)
	h.soon("Your passkey is ready.")
	d.holds(1)
	h.enter("Back to your account", "/me")
	h.to("Sign out")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
	h.open("/login")
	h.script("Sign in with a passkey", "/me")
	h.soon("You signed in with two steps.")
}

// comesBack signs in from another browser with another method than the default, and trusts that
// browser.
func (h *hands) comesBack(s *library, phone *app) {
	h.t.Helper()
	other := newHands(h.t, s)
	other.knocks(true)
	other.at("/tf-select")
	other.enter("Authenticator app", "/tf-validate")
	other.enter("Try another way", "/tf-select")
	s.pass(time.Minute)
	other.enter("Text me a code", "/tf-validate")
	s.pass(time.Minute)
	other.waits("Send another code in ")
	other.enter("Send another code", "/tf-validate")
	other.enter("Try another way", "/tf-select")
	other.enter("Authenticator app", "/tf-validate")
	other.focused("code")
	other.write(phone.code())
	other.goes("Enter in the field", chromedp.KeyEvent(kb.Enter))
	other.at("/me")
}

// losesPhone requests another second factor from a third browser; the first browser stops the
// request.
func (h *hands) losesPhone(s *library) {
	h.t.Helper()
	other := newHands(h.t, s)
	other.knocks(false)
	other.at("/tf-select")
	other.enter("Can't get a code?", "/tf-validate")
	other.unfold("Can't get a code?")
	other.choose("Set up a new second step")
	other.enter("Get help", "/tf-validate")
	h.open("/me")
	h.see("Someone is trying to get in without your second step.")
	h.enter("Not you? Stop it", "/me")
	h.see("It's stopped.")
}

// tidies ends a session and a trusted browser, creates and revokes a token, removes a factor and
// changes the password.
func (h *hands) tidies() {
	h.t.Helper()
	h.enter("OK, I've seen this", "/me")
	h.unfold("Devices")
	if first := h.tabOn(); !strings.HasPrefix(first.Name, "Sign out there") {
		h.t.Errorf("the short way to the devices leads to %q", first.Name)
	}
	h.enter("Stop trusting", "/tf-devices")
	h.enter("Stop trusting", "/me")
	h.see("That browser is forgotten.")
	h.enter("Sign out there", "/tf-sessions")
	h.enter("Sign out there", "/me")
	h.see("That session is signed out.")
	h.enter("Manage Access tokens", "/access-tokens")
	h.types("Name", "Backup")
	h.to("read")
	h.key(" ")
	h.enter("Create token", "/access-tokens")
	h.see("Copy it now.")
	h.enter("Revoke Backup", "/access-tokens")
	h.see("Revoke Backup?")
	h.to("Revoke")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
	h.see("The access token is revoked.", "No program has access to your account.")
	h.enter("Back to your account", "/me")
	h.unfold("Change Authenticator app")
	h.enter("Remove: Authenticator app", "/tf-factors")
	h.enter("Remove", "/me")
	h.enter("Change Password", "/change")
	h.focused("password")
	h.write(secret)
	h.types("New password", newSecret)
	h.types("Password again", newSecret)
	h.to("Change the password")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
	h.see("Your password is changed.")
}

// signsOut signs out. Shift-Tab moves back.
func (h *hands) signsOut() {
	h.t.Helper()
	h.open("/me")
	h.to("Sign-in")
	h.must(h.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))))
	if back := eval[spot](h.tab, whereFocus); !back.Seen || back.Name == "Sign-in" {
		h.t.Errorf("Shift-Tab leads to %+v", back)
	}
	h.open("/me")
	h.to("Sign out")
	h.goes("Enter", chromedp.KeyEvent(kb.Enter))
	h.open("/me")
	h.at("/login")
}
