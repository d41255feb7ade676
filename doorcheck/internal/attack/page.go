package attack

import (
	"net/url"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// pages lists attacks that use pages through other sites, caches, or a screen left open.
func pages() []Attack {
	const g, c = "Requests from other sites", "Pages"
	return []Attack{
		{"csrf-login", g, "signs the victim's browser in to the attacker's account by a form", csrfLogin},
		{"csrf-disable", g, "takes the victim's second factor off by a form", csrfDisable},
		{"csrf-logout", g, "signs the victim out by a link or a form", csrfLogout},
		{
			"host-header", g,
			"has a link for a new password mailed that leads to their own host (Host header)",
			hostHeader,
		},
		{"secret-again", c, "sees the secret of the app that is set up, in a session left open", secretAgain},
		{"secret-before-code", c, "sees the secret of the app after the password alone", secretBeforeCode},
		{"secret-cached", c, "finds the secret of the app in a cache (Cache-Control)", secretCached},
		{"frame", c, "puts the sign-in page in a frame (clickjacking)", frame},
		{
			"method", c,
			"opens the protected page by HEAD, OPTIONS, POST or a method override, without a session",
			method,
		},
	}
}

// holds reports whether a text contains a secret in any usual form.
func holds(text, secret string) bool {
	plain := strings.NewReplacer(" ", "", "-", "", "&nbsp;", "").Replace(strings.ToUpper(text))
	want := strings.TrimRight(strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(secret)), "=")
	return strings.Contains(plain, want) || strings.Contains(plain, strings.ToUpper(url.QueryEscape(want)))
}

func (t *Try) needsAnswer(out door.Out) {
	if out.Answer == nil {
		t.finish(NotChecked, "the driver does not keep the answer")
	}
}

// csrfLogin signs the victim's browser in to the attacker's account with a form.
func csrfLogin(t *Try) {
	t.needs(door.ForgedLogin)
	p := t.person()
	t.signIn(p)
	b := t.browser()
	b.Foreign = true
	t.attempt(b, door.ForgedLogin, door.In{Email: p.Email, Password: p.Password})
	b.Foreign = false
	t.worksIf(t.inside(b) == p.Email, "the browser is signed in")
}

// csrfDisable removes the victim's second factor with a form.
func csrfDisable(t *Try) {
	t.needs(door.ForgedDisable)
	p := t.protected()
	b := t.signIn(p)
	b.Foreign = true
	t.attempt(b, door.ForgedDisable, door.In{Password: p.Password})
	b.Foreign = false
	again := t.first(p)
	t.worksIf(t.inside(again) == p.Email, "the password is enough from then on")
	t.must(b, door.Disable, door.In{Password: p.Password})
	again = t.first(p)
	t.honest(t.inside(again) == p.Email, "the owner cannot take it off")
}

// csrfLogout signs the victim out with a link or a form.
func csrfLogout(t *Try) {
	p := t.person()
	b := t.signIn(p)
	b.Foreign = true
	t.attempt(b, door.LogoutByLink, door.In{})
	t.attempt(b, door.Logout, door.In{})
	b.Foreign = false
	t.worksIf(t.inside(b) != p.Email, "the victim is signed out")
	t.must(b, door.Logout, door.In{})
	t.honest(t.inside(b) == "", "signing out does nothing")
}

// hostHeader requests a reset link that leads to the attacker's host (Host header).
func hostHeader(t *Try) {
	p := t.person()
	t.askReset(p)
	past := t.mails(p.Email)
	b := t.browser()
	b.Host = "evil.example"
	t.attempt(b, door.AskReset, door.In{Email: p.Email})
	t.await(func() bool { return t.mails(p.Email) > past }, 2*time.Second)
	for _, m := range t.Site.Mail.To(p.Email)[past:] {
		t.worksIf(strings.Contains(m.Text, "//evil.example"), "the mail leads to evil.example")
	}
}

// secretAgain reads the secret of an enrolled app in a session left open.
func secretAgain(t *Try) {
	p := t.protected()
	out := t.must(t.signIn(p), door.Show, door.In{})
	t.worksIf(holds(out.Text, p.Secret), "a page shows it")
}

// secretBeforeCode reads the secret of the app after the password only.
func secretBeforeCode(t *Try) {
	p := t.protected()
	out, _ := t.attempt(t.first(p), door.Show, door.In{})
	t.worksIf(holds(out.Text, p.Secret), "a page shows it")
}

// secretCached finds the secret of the app in a cache (Cache-Control).
func secretCached(t *Try) {
	p := t.person()
	out := t.addApp(t.signIn(p), p)
	t.needsAnswer(out)
	control := out.Answer.Header.Get("Cache-Control")
	t.worksIf(!strings.Contains(control, "no-store"), "Cache-Control is %q", control)
}

// frame embeds the sign-in page in a frame (clickjacking).
func frame(t *Try) {
	out := t.must(t.browser(), door.LoginPage, door.In{})
	h := out.Answer.Header
	safe := strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors") ||
		strings.EqualFold(h.Get("X-Frame-Options"), "DENY") || strings.EqualFold(h.Get("X-Frame-Options"), "SAMEORIGIN")
	t.worksIf(!safe, "neither frame-ancestors nor X-Frame-Options is sent")
}

// method requests the protected page with HEAD, OPTIONS, POST or a method override, without a
// session.
func method(t *Try) {
	t.signIn(t.person())
	t.needs(door.WhoByMethod)
	for _, method := range []string{"HEAD", "OPTIONS", "POST", "PUT", "get"} {
		out, _ := t.attempt(t.browser(), door.WhoByMethod, door.In{Next: method})
		t.worksIf(out.Email != "", "%s shows it", method)
	}
}
