package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/twofold-auth/twofold"
)

// languages are the supported languages, as a browser requests them.
var languages = []string{"en", "de", "ar", "es", "fr", "it", "ja", "nl", "pl", "pt-BR", "tr", "zh-CN"}

// cramped finds texts that are too long: elements wider than the screen, texts that a button, badge
// or heading cuts off, and words that a button breaks.
const cramped = `(language => {
	const wrong = [], root = document.documentElement, width = root.clientWidth;
	if (!root.lang.startsWith(language.slice(0, 2))) wrong.push('the page speaks ' + root.lang);
	if (root.dir !== (language === 'ar' ? 'rtl' : 'ltr')) wrong.push('the page runs ' + root.dir);
	if (root.scrollWidth > width) wrong.push('wider than the screen by ' + (root.scrollWidth - width));
	const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.sr') &&
		e.getBoundingClientRect().width > 1;
	const spaced = !/^(ja|zh)/.test(language); // elsewhere a line may end within a word
	for (const e of document.querySelectorAll('button, .button, a, .badge, h1, h2, h3, label, legend, summary')) {
		if (!shown(e)) continue;
		const box = e.getBoundingClientRect(), text = e.textContent.trim(), style = getComputedStyle(e);
		if (box.left < -1 || box.right > width + 1) wrong.push('beyond the edge: ' + text);
		if (style.display !== 'inline' && e.scrollWidth > e.clientWidth + 1) wrong.push('cut off: ' + text);
		const texts = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
		for (let n; spaced && style.hyphens !== 'auto' && (n = texts.nextNode());) {
			if (n.parentElement.closest('.sr, bdi')) continue;
			for (const m of n.data.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
				const range = document.createRange();
				range.setStart(n, m.index);
				range.setEnd(n, m.index + m[0].length);
				const lines = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
				if (lines.size > 1) wrong.push('broken word: ' + m[0] + ' in ' + text);
			}
		}
	}
	for (const e of document.querySelectorAll('input.code'))
		if (getComputedStyle(e).direction !== 'ltr') wrong.push('a code runs from right to left');
	const show = document.querySelector('.secret > .show:not([hidden])');
	if (show && show.getBoundingClientRect().width > 6.5 * 16) wrong.push('over the password: ' + show.textContent);
	return wrong;
})(%q)`

// TestPagesFitInEveryLanguage opens the main pages on a phone in all languages and checks that each
// text fits. With TWOFOLD_SHOTS it takes screenshots.
func TestPagesFitInEveryLanguage(t *testing.T) {
	needBrowser(t)
	t.Parallel()
	g := guide{email: person}
	g.library = newLibrary(t, func(c *twofold.Config) {
		c.Accounts = twofold.Accounts{Registerable: true, Recoverable: true, Changeable: true, ChangeEmail: true}
	})
	g.enter(t, true)
	g.screen(360, "light")
	g.inAll("login", "/login")
	g.inAll("register", "/register")
	g.inAll("reset", "/reset")
	g.login(person, secret)
	g.inAll("account-alone", "/me")
	g.inAll("setup", "/tf-setup")
	g.setup("authenticator")
	g.submit(primary)
	a := scan(g.tab, g.library)
	g.inAll("confirm", "/tf-validate")
	g.open("/tf-validate")
	g.put("code", a.code())
	g.submit(primary)
	g.inAll("codes", "/mf-recovery-codes")
	g.setup("sms")
	g.put("phone", "+1 650 555 1212")
	g.click("#add-yes")
	g.submit(primary)
	g.put("code", code(g.t, g.library, "+16505551212"))
	g.submit(primary)
	g.inAll("account", "/me")
	g.inAll("factors", "/tf-factors")
	g.inAll("sessions", "/tf-sessions")
	g.inAll("change", "/change")
	g.logout()
	g.library.pass(16 * time.Minute)
	g.login(person, secret)
	g.inAll("select", "/tf-select")
	g.inAll("recovery", "/mf-recovery")
	g.open("/tf-select")
	g.submit("button.way")
	g.inAll("validate", "/tf-validate")
	g.inAll("message", "/no-such-page")
}

// inAll opens a page in every language, and then in English again.
func (g *guide) inAll(name, path string) {
	g.t.Helper()
	shots := os.Getenv("TWOFOLD_SHOTS")
	for _, language := range append(languages[1:], languages[0]) {
		g.must(call(g.tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
			Headers: network.Headers{"Accept-Language": language},
		}))
		g.open(path)
		if eval[bool](g.tab, `document.body.className === "page-message"`) != (name == "message") {
			g.t.Fatalf("%s is not a page: %s", path, eval[string](g.tab, `document.body.innerText`))
		}
		for _, problem := range eval[[]string](g.tab, fmt.Sprintf(cramped, language)) {
			g.t.Errorf("%s in %s: %s", name, language, problem)
		}
		if shots != "" {
			g.shots = filepath.Join(shots, "languages")
			g.shoot(fmt.Sprintf("%s-%s.png", language, name))
		}
	}
	g.shots = ""
}
