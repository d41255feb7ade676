package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/twofold-auth/twofold"
)

// newKeyed returns the package with passkeys on a host name, because browsers create none for an IP
// address.
func newKeyed(t *testing.T, change ...func(*twofold.Config)) *library {
	t.Helper()
	s := newLibrary(t, append([]func(*twofold.Config){func(c *twofold.Config) {
		c.Origin = strings.Replace(c.Origin, "127.0.0.1", "localhost", 1)
		c.Passkeys = &twofold.Passkeys{FirstFactor: true, MultiFactor: true, Verify: []string{"first", "secondary"},
			Hints: true}
	}}, change...)...)
	s.address = strings.Replace(s.address, "127.0.0.1", "localhost", 1)
	return s
}

// device is an authenticator built into the browser's machine.
type device struct {
	b  *tab
	id webauthn.AuthenticatorID
}

// plug adds an authenticator that verifies its user to the browser.
func (b *tab) plug() device {
	b.t.Helper()
	return b.plugBy(webauthn.AuthenticatorTransportInternal)
}

func (b *tab) plugBy(transport webauthn.AuthenticatorTransport) device {
	b.t.Helper()
	b.must(call(b, webauthn.Enable, webauthn.EnableParams{}))
	ctx, cancel := b.within()
	defer cancel()
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
			Transport:      transport,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			DefaultBackupEligibility: true, DefaultBackupState: true,
		},
	})
	b.must(err)
	return device{b, made.AuthenticatorID}
}

// touch sets whether its user touches it when asked.
func (d device) touch(yes bool) {
	d.b.t.Helper()
	d.b.must(call(d.b, webauthn.SetAutomaticPresenceSimulation,
		webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: d.id, Enabled: yes}))
}

// knows sets whether it reports user verification.
func (d device) knows(yes bool) {
	d.b.t.Helper()
	no := !yes
	d.b.must(call(d.b, webauthn.SetResponseOverrideBits,
		webauthn.SetResponseOverrideBitsParams{AuthenticatorID: d.id, IsBadUV: &no}))
}

func (d device) holds(n int) {
	d.b.t.Helper()
	ctx, cancel := d.b.within()
	defer cancel()
	got, err := chromedp.Call(ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: d.id})
	d.b.must(err)
	if len(got.Credentials) != n {
		d.b.t.Fatalf("the authenticator holds %d passkeys, want %d", len(got.Credentials), n)
	}
}

// addPasskey registers a passkey on the page.
func (b *tab) addPasskey(name, use string) {
	b.t.Helper()
	b.open("/wan-register")
	b.fill("Name (optional)", name)
	b.tick(use)
	b.press("Add a passkey")
	b.see("Your passkey is ready.")
	if b.path() == "/mf-recovery-codes" { // it is the first second factor
		b.press("Not now")
	}
	b.see(name)
}

const (
	withoutPassword = "To sign in without a password"
	asSecond        = "As a second step"
)

// TestADemandedSecondStepIsAPasskey checks that a required enrollment offers a passkey first and
// completes the sign-in. The user need not enter a name for it.
func TestADemandedSecondStepIsAPasskey(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newKeyed(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := newTab(t, s.origin(), look{scripts: true})
	b.open("/login")
	d := b.plug()
	b.open("/me")
	b.fill("Email", person)
	b.fill("Password", secret)
	b.press("Sign in")
	b.see("You need one to finish signing in.")
	first := eval[string](b, `document.querySelector("main .choice strong").textContent`)
	if !strings.Contains(first, "Passkey") {
		t.Errorf("the first choice is %q", first)
	}
	b.press("Passkey")
	b.press("Set up a passkey")
	d.holds(1)
	b.see("Your passkey is ready.")
	b.press("Not now")
	b.see("Signed in as "+person, "You signed in with two steps.")
	d.touch(false)
	b.signOut()
	b.fill("Email", person)
	b.fill("Password", secret)
	b.press("Sign in")
	b.at("/wan-signin")
	d.touch(true)
	b.press("Use your passkey")
	b.see("You signed in with two steps.")
}

// TestAPasskeysWay adds a passkey, uses it by autofill as both factors, as the first factor, as the
// second, and for re-authentication, and removes it.
func TestAPasskeysWay(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newKeyed(t)
	b := newTab(t, s.origin(), look{scripts: true})
	b.signIn(person, false)
	d := b.plug()
	b.addPasskey("Work laptop", withoutPassword)
	d.holds(1)
	b.open("/me")
	b.see("Passkeys", "Work laptop", "signs you in")

	d.touch(false)
	b.signOut()
	if got := eval[string](b, `document.querySelector('[name=email]').autocomplete`); got != "username webauthn" {
		t.Fatalf("the name's field fills in %q", got)
	}
	b.open("/login")
	d.touch(true) // as if a name had been picked where the browser offers it
	b.open("/login")
	b.goesBy("autofill", "/me")
	b.unasked()
	b.see("Signed in as "+person, "You signed in with two steps.")

	d.touch(false)
	b.signOut()
	d.knows(false)
	b.open("/wan-signin")
	d.touch(true)
	b.press("Use your passkey")
	b.at("/me") // one factor: the account has no second
	b.see("Signed in as " + person)

	d.knows(true)
	s.pass(20 * time.Minute)
	b.open("/wan-register")
	b.at("/verify")
	b.press("Use a passkey instead")
	b.at("/wan-register")
	b.see("Thanks. It's you.")
	b.press("Remove")
	b.see("Delete it on your device")
	b.press("Remove")
	b.see("The passkey is removed.")
	b.addPasskey("Key ring", asSecond)
	b.open("/me")
	b.see("Your account is protected by a second step", "Passkey: Key ring")
	d.touch(false)
	b.signOut()

	b.signIn(person, false)
	b.at("/wan-signin")
	d.touch(true)
	b.see("Use your passkey")
	b.keyboard("Use your passkey", "/me")
	b.see("You signed in with two steps.")
}

// goesBy waits for a page that the browser opens by itself, until it is loaded.
func (b *tab) goesBy(what, path string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if at, err := ask[string](b, `document.readyState === 'complete' ? location.pathname : ''`); err == nil &&
			at == path {
			return
		}
	}
	b.t.Fatalf("%s: the page is still %s:\n%s", what, b.path(), b.text())
}

// unasked resets the record that a page was left without a click, because here no one clicks on the
// browser's suggestion.
func (b *tab) unasked() {
	b.t.Helper()
	for _, complaint := range b.heard.all() {
		if complaint != "issue GenericIssue NavigationEntryMarkedSkippable " &&
			complaint != "issue GenericIssue NavigationEntryMarkedSkippable" {
			b.t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// keyboard presses a button with the keyboard and waits for the next page.
func (b *tab) keyboard(words, path string) {
	b.t.Helper()
	for range 30 {
		if eval[bool](b, `document.activeElement.innerText.trim() === '`+words+
			`' && document.activeElement.tagName === 'BUTTON'`) {
			b.key(kb.Enter)
			b.goesBy("the key on "+words, path)
			return
		}
		b.key(kb.Tab)
	}
	b.t.Fatalf("the keyboard does not reach %s", words)
}

// TestAPasskeyIsTheFirstOfTwoFactors uses a passkey without user verification, so the code of the
// app is required.
func TestAPasskeyIsTheFirstOfTwoFactors(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newKeyed(t)
	b := newTab(t, s.origin(), look{scripts: true})
	b.signIn(person, false)
	d := b.plug()
	b.addPasskey("Old key", withoutPassword)
	phone := b.setUpApp(s)
	d.touch(false)
	b.signOut()
	d.knows(false)
	b.open("/wan-signin")
	d.touch(true)
	b.press("Use your passkey")
	b.at("/tf-validate")
	b.giveCode(phone.code(), "Sign in")
	b.at("/me")
	b.see("You signed in with two steps.")
}

// TestPasskeysSayWhatIsWrong covers a missing authenticator, a browser without the API, no scripts,
// and a second passkey on one device.
func TestPasskeysSayWhatIsWrong(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	s := newKeyed(t)
	b := newTab(t, s.origin(), look{scripts: true})
	b.signIn(person, false)
	b.plug()
	b.addPasskey("Work laptop", asSecond)
	b.fill("Name (optional)", "Work laptop")
	b.click("Add a passkey")
	b.says("You have a passkey called Work laptop already.")
	b.fill("Name (optional)", "Another")
	b.click("Add a passkey")
	b.says("This device already has a passkey for your account.")

	old := newTab(t, s.origin(), look{scripts: true})
	old.must(call(old, page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: `delete window.PublicKeyCredential`}))
	old.open("/login")
	old.says("This browser can't use passkeys here.")
	old.signIn(person, false)
	old.at("/wan-signin")
	old.says("This browser can't use passkeys here.")

	still := newTab(t, s.origin(), look{})
	still.open("/login")
	still.see("Passkeys need JavaScript")
	still.signIn(person, false)
	still.see("Passkeys need JavaScript")
}

// click presses a button that leads to no other page.
func (b *tab) click(words string) {
	b.t.Helper()
	b.must(b.do(b.find("button", words)))
}

// says waits for a text that a script writes.
func (b *tab) says(words string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if text, err := ask[string](b, `document.body.innerText`); err == nil && strings.Contains(text, words) {
			return
		}
	}
	b.see(words)
}
