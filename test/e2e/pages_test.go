package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/twofold-auth/twofold"
)

// TestEveryPage opens every page and its error states, with short names in English and, with
// JavaScript, long ones in German too. It finds errors of style sheets and templates: see checkup.
// With TWOFOLD_SHOTS it also takes screenshots.
func TestEveryPage(t *testing.T) {
	inBothWays(t, func(t *testing.T, scripts bool) {
		for _, g := range guides("", "Work phone") {
			if g.language == "de" && !scripts {
				continue // no page knows whether there are scripts
			}
			t.Run(g.language, func(t *testing.T) {
				t.Parallel()
				g.lead(t, scripts)
			})
		}
	})
}

// guides are two users: one with a short name who reads English, and one with a name of maximum
// length who reads German. Each has a separate folder for screenshots.
func guides(folder, name string) []guide {
	shots := os.Getenv("TWOFOLD_SHOTS")
	if shots != "" {
		shots = filepath.Join(shots, folder)
	}
	return []guide{
		{shots: shots, language: "en", site: "Twofold", email: "ann@example.org", name: name},
		{
			shots: shots, language: "de", site: "Nahverkehrsgesellschaft Oberammergau-Unterschleißheim",
			username: "annamariavonundzuhohenstein",
			email:    "annamariavonundzuhohensteinbuchhaltung.rechnungsstelle@abrechnung.verkehrsverbund.example.org",
			name:     "Donaudampfschifffahrtselektrizitätenhauptbetriebswerksnotfall",
		},
	}
}

// hardest are the guides for which a short run has time: the long names, in light and in dark. If
// screenshots are taken, all guides run.
func hardest(folder, name string) []guide {
	all := guides(folder, name)
	if all[0].shots != "" {
		return all
	}
	all[1].alone = true
	return all[1:]
}

// guide opens the pages in the same order in each language.
type guide struct {
	*tab
	language, site, username, email, name string
	recovery                              string // a recovery code

	library *library
	scripts bool
	alone   bool   // no one else goes this way
	shots   string // folder of pictures; none if empty
	count   int
}

func (g guide) lead(t *testing.T, scripts bool) {
	if !scripts {
		g.shots = ""
	}
	g.library = newLibrary(t, func(c *twofold.Config) {
		c.Pages.Site, c.Accounts.Usernames = g.site, g.username != ""
		c.TwoFactor.Require = func(i twofold.User) bool { return i.Email == "must@example.org" }
	})
	g.library.createUser(t, g.email, g.username)
	g.library.createUser(t, "must@example.org", "")
	g.enter(t, scripts)
	g.strangers()
	g.setUps()
	g.codes()
	g.mails(t)
}

// enter opens a new browser.
func (g *guide) enter(t *testing.T, scripts bool) {
	g.scripts = scripts
	g.tab = newTab(t, g.library.origin(), look{scripts: scripts, language: g.language})
}

// put writes into a field by its name.
func (g *guide) put(name, value string) {
	g.t.Helper()
	g.keepsCode()
	g.must(g.do(chromedp.SetValue(chromedp.CSS(`[name="`+name+`"]:not([type=hidden])`), value)))
}

// submit presses the button of a form, even if the browser considers its fields invalid.
func (g *guide) submit(button string) {
	g.t.Helper()
	eval[chromedp.Void](g.tab, `document.querySelectorAll('form').forEach(f => { f.noValidate = true; });
		document.querySelectorAll('[data-wait]').forEach(b => { delete b.dataset.wait; b.disabled = false; })`)
	g.goes("submit "+button, chromedp.Click(chromedp.CSS(button)))
}

// click selects an option on the page.
func (g *guide) click(selector string) {
	g.t.Helper()
	g.must(g.do(chromedp.Click(chromedp.CSS(selector))))
}

const primary = "main form button.primary"

// login enters identity and password.
func (g *guide) login(email, password string) {
	g.t.Helper()
	g.open("/login")
	g.identify(email, password)
	g.submit(primary)
}

func (g *guide) identify(email, password string) {
	g.t.Helper()
	field := "email"
	if g.username != "" {
		field = "identity"
	}
	g.put(field, email)
	g.put("password", password)
}

func (g *guide) logout() {
	g.t.Helper()
	g.open("/me")
	g.submit(`form[action="/logout"] button`)
}

// strangers opens the pages before the sign-in.
func (g *guide) strangers() {
	g.open("/login")
	g.page("login")
	g.submit(primary)
	g.page("login-empty")
	g.login(g.email, "not the password")
	g.page("login-refused")
	g.open("/me")
	g.page("login-asked-for")
	g.open("/register")
	g.page("register")
	g.put("email", g.email+"@")
	g.put("password", "short")
	g.put("password_confirm", "other")
	g.submit(primary)
	g.page("register-refused")
	g.open("/no-such-page")
	g.page("message-not-found")
	g.login("must@example.org", secret)
	g.page("setup-pending")
	g.open("/login")
}

// setup selects a method on the enrollment page.
func (g *guide) setup(method string) {
	g.t.Helper()
	g.open("/tf-setup")
	g.click("#setup-" + method)
}

// setUps opens the pages of a user who enrolls an app and then a phone.
func (g *guide) setUps() {
	g.login(g.email, secret)
	g.page("account-one-factor")
	g.open("/admin")
	g.page("message-forbidden")
	g.open("/tf-setup")
	g.page("setup")
	g.setup("sms")
	g.page("setup-phone")
	g.put("phone", "12")
	g.submit(primary)
	g.page("setup-phone-refused")
	g.put("phone", "+1 650 555 1212")
	g.submit(primary)
	g.page("confirm-sms")
	g.library.cutLine(true)
	g.setup("email")
	g.submit(primary)
	g.page("confirm-not-sent")
	g.library.cutLine(false)
	g.library.pass(time.Minute)
	g.setup("email")
	g.submit(primary)
	g.page("confirm-email")
	g.setup("authenticator")
	g.submit(primary)
	g.page("confirm-app")
	a := scan(g.tab, g.library)
	g.put("code", a.wrong())
	g.submit(primary)
	g.page("setup-wrong-code")
	g.open("/tf-validate")
	g.put("code", a.wrong())
	g.submit(primary)
	g.page("confirm-wrong-code")
	g.put("code", a.code())
	g.submit(primary)
	g.page("codes-offered")
	g.submit(primary)
	g.page("codes-new")
	g.recovery = eval[string](g.tab, `document.querySelector('#codes code').textContent`)
	g.submit(primary)
	g.page("codes-not-saved")
	g.click("#field-saved")
	g.submit(primary)
	g.page("setup-done")
	g.open("/mf-recovery-codes")
	g.page("codes-made")
	g.open("/me")
	g.page("account-two-factors")
	g.setup("sms")
	g.put("phone", "+1 650 555 1212")
	g.click("#add-yes")
	g.put("name", g.name)
	g.page("setup-add")
	g.submit(primary)
	g.put("code", code(g.t, g.library, "+16505551212"))
	g.submit(primary)
	g.page("setup-several")
	g.click("details summary")
	g.page("setup-turn-off")
	g.open("/me")
	g.page("account-several")
	g.open("/tf-factors")
	g.click("li:nth-of-type(2) summary")
	g.page("factors")
	g.goes("remove", chromedp.Click(chromedp.CSS("li:nth-of-type(2) a.danger")))
	g.page("factor-remove")
	g.library.pass(16 * time.Minute)
	g.open("/tf-setup")
	g.page("verify")
	g.put("password", "not the password")
	g.submit(primary)
	g.page("verify-refused")
	g.put("password", secret)
	g.submit(primary)
	g.page("verify-select")
	g.submit("button.way")
	g.page("verify-code")
	g.logout()
}

// codes opens the pages of a sign-in with a choice of second factors.
func (g *guide) codes() {
	g.login(g.email, secret)
	g.page("select")
	eval[chromedp.Void](g.tab, `document.querySelectorAll('[name=which]').forEach(e => { e.value = 'none'; })`)
	g.submit("button.way")
	g.page("select-refused")
	g.open("/mf-recovery")
	g.page("recovery-code")
	g.put("code", "aaaa aaaa aaaa aaaa")
	g.submit(primary)
	g.page("recovery-code-refused")
	g.open("/tf-select")
	g.submit("button.way")
	g.page("validate-sms")
	g.library.pass(time.Minute)
	g.submit("form.inline button")
	g.page("validate-sent-again")
	g.put("code", "12")
	g.submit(primary)
	g.page("validate-wrong-code")
	g.open("/tf-select")
	g.put("code", "12")
	g.submit(primary)
	g.page("validate-app")
	g.click("details summary")
	g.page("validate-rescue")
	g.submit("details form button")
	g.page("validate-rescue-refused")
	g.click("#help-email")
	g.submit("details form button")
	g.page("validate-rescue-sent")
	// The same wrong code twice counts as one try.
	for guess := 100000; eval[bool](g.tab, `!!document.querySelector("[name=code]")`); guess++ {
		if guess > 100020 {
			g.t.Fatal("no number of wrong codes pauses a sign-in")
		}
		g.put("code", strconv.Itoa(guess))
		g.submit(primary)
	}
	g.page("validate-paused")
	g.goes("use a recovery code", chromedp.Click(chromedp.CSS(`.state a`)))
	g.put("code", g.recovery)
	g.submit(primary)
	g.page("account-recovered")
	g.logout()
	g.library.pass(16 * time.Minute)
	g.login(g.email, secret)
	g.submit("button.way")
	g.put("code", code(g.t, g.library, "+16505551212"))
	g.submit(primary)
	g.page("account-signed-in")
	g.logout()
	g.open("/login")
	g.click("#field-remember")
	g.identify(g.email, secret)
	g.submit(primary)
	g.page("select-last-used")
	g.submit(primary)
	g.put("code", code(g.t, g.library, "+16505551212"))
	g.submit(primary)
	g.logout()
	g.login(g.email, secret)
	g.page("account-trusted")
	g.goes("stop trusting", chromedp.Click(chromedp.CSS(`a[href^="/tf-devices?remove="]`)))
	g.page("device-ask")
	path := notice(g.t, g.library, g.email)
	g.open(path)
	g.page("not-me")
	g.submit(primary)
	g.page("not-me-done")
	g.open(path)
	g.submit(primary)
	g.page("not-me-again")
}

// mails shows the two mails as a mail program would.
func (g *guide) mails(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range g.library.box.Messages() {
		m := k.Message
		if m.HTML == "" || seen[m.Subject] {
			continue
		}
		seen[m.Subject] = true
		box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.Replace(m.HTML, "<head>", `<head><link rel="icon" href="data:,">`, 1))
		}))
		g.goes("mail", chromedp.Navigate(box.URL))
		g.picture("mail")
		box.Close()
	}
	if len(seen) == 0 {
		t.Error("no mail was sent")
	}
}

// checkup checks what must hold on every page and returns the errors.
const checkup = `((scheme, width) => {
	const wrong = [], root = document.documentElement;
	if (root.scrollWidth > width) wrong.push('wider than the screen by ' + (root.scrollWidth - width));
	if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
	for (const odd of document.body.innerText.match(/ [.,;]|\b[a-z]+_[a-z_]+\b|<no value>|%%!/g) || []) wrong.push('odd text: ' + odd);
	if (!root.lang || !document.title.trim()) wrong.push('no language or title');
	const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
	for (const id of ids.filter((v, i) => ids.indexOf(v) !== i)) wrong.push('id twice: ' + id);
	for (const e of document.querySelectorAll('[aria-describedby]'))
		for (const id of e.getAttribute('aria-describedby').trim().split(/\s+/)) if (!ids.includes(id)) wrong.push('described by nothing: ' + id);
	for (const e of document.querySelectorAll('a[href^="#"]')) if (!ids.includes(e.hash.slice(1))) wrong.push('leads nowhere: ' + e.hash);
	const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().width > 1;
	for (const e of document.querySelectorAll('input:not([type=hidden]), button, a, summary')) {
		if (!shown(e)) continue;
		if (e.matches('input') && !e.labels.length) wrong.push('no label: ' + e.name);
		let box = e.getBoundingClientRect();
		if (e.matches('[type=radio], [type=checkbox]')) box = (e.closest('.choice') || e.labels[0]).getBoundingClientRect();
		if (box.height < 24 || box.width < 24) wrong.push('small target ' + Math.round(box.width) + ' x ' + Math.round(box.height) + ': ' + (e.innerText || e.name));
	}
	const numbers = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = numbers(c).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, n = numbers(c); if (n.length < 4 || n[3] === 1) return c; } return 'rgb(255, 255, 255)'; };
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = texts.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || !shown(e)) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
		if (ratio < 4.5) wrong.push(scheme + ': contrast ' + ratio.toFixed(2) + ': ' + n.data.trim());
	}
	return wrong;
})(%q, %d)`

// narrow is the width of the narrowest screen in use, and of a screen of 1280 pixels at a zoom of
// 400 % (WCAG 2.2, success criterion 1.4.10).
const narrow = 320

// schemes returns light for English and dark for German, since the pages are the same, or both if
// screenshots are taken or only one of the guides runs.
func (g *guide) schemes() []string {
	switch {
	case g.shots != "" || g.alone:
		return []string{"light", "dark"}
	case g.language == "de":
		return []string{"dark"}
	}
	return []string{"light"}
}

// page checks the current page and takes its screenshots.
func (g *guide) page(name string) {
	g.t.Helper()
	for _, scheme := range g.schemes() {
		g.screen(narrow, scheme)
		for _, problem := range eval[[]string](g.tab, fmt.Sprintf(checkup, scheme, narrow)) {
			g.t.Errorf("%s: %s", name, problem)
		}
		g.axe(name, scheme)
	}
	g.largeText(name)
	g.picture(name)
	g.must(call(g.tab, emulation.ClearDeviceMetricsOverride, cdp.Empty{}))
}

// squeezed checks a page with text of twice its size (WCAG 2.2, success criterion 1.4.4). It finds
// elements wider than the screen and words that do not fit.
const squeezed = `(width => {
	const wrong = [], root = document.documentElement;
	if (root.scrollWidth > width) wrong.push('wider than the screen by ' + (root.scrollWidth - width));
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = texts.nextNode();) {
		const e = n.parentElement, text = n.data.trim();
		if (text.length < 4 || e.closest('.sr') || !e.checkVisibility({visibilityProperty: true})) continue;
		const range = document.createRange();
		range.selectNodeContents(n);
		const box = range.getBoundingClientRect(), size = parseFloat(getComputedStyle(e).fontSize);
		if (box.height > 3 * size && box.width < 2.5 * size)
			wrong.push('squeezed to ' + Math.round(box.width) + ': ' + text);
	}
	return wrong;
})(%d)`

// largeText checks the page on a phone with text of twice its size, and takes a screenshot.
func (g *guide) largeText(name string) {
	g.t.Helper()
	g.screen(360, "light")
	eval[chromedp.Void](g.tab, `document.documentElement.style.fontSize = '200%'`)
	for _, problem := range eval[[]string](g.tab, fmt.Sprintf(squeezed, 360)) {
		g.t.Errorf("%s with large text: %s", name, problem)
	}
	if g.shots != "" {
		g.shoot(fmt.Sprintf("%s-%02d-%s-large.png", g.language, g.count+1, name))
	}
	eval[chromedp.Void](g.tab, `document.documentElement.style.fontSize = ''`)
}

// shoot writes a screenshot of the whole page.
func (g *guide) shoot(file string) {
	g.t.Helper()
	g.must(os.MkdirAll(g.shots, 0o755))
	ctx, cancel := g.within()
	defer cancel()
	all := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &all})
	g.must(err)
	g.must(os.WriteFile(filepath.Join(g.shots, file), shot.Data, 0o644))
}

// screen sets the width of the window and the color scheme.
func (b *tab) screen(width int64, scheme string) {
	b.t.Helper()
	phone := width < 600
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: phone}
	if phone {
		size.DeviceScaleFactor, size.Height = 2, 740
	}
	b.must(call(b, emulation.SetDeviceMetricsOverride, size))
	b.must(call(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: phone}))
	b.must(call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}},
	}))
}

// picture writes four screenshots of the whole page, if screenshots are enabled.
func (g *guide) picture(name string) {
	g.t.Helper()
	if g.shots == "" {
		return
	}
	g.count++
	for _, width := range []int64{360, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			g.screen(width, scheme)
			g.shoot(fmt.Sprintf("%s-%02d-%s-%d-%s.png", g.language, g.count, name, width, scheme))
		}
	}
}
