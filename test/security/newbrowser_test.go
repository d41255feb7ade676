package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR291_ASignInFromANewBrowserIsTold checks that the owner gets a mail with the link "this was
// not me". There is no mail for the first sign-in of an account, for a browser that signed in
// before, and for repeated sign-ins of the same program.
func TestR291_ASignInFromANewBrowserIsTold(t *testing.T) {
	w := newWorld(t, plenty, proxied, func(c *twofold.Config) { c.Sessions.NoNewBrowserMail = false })
	a := w.withApp("alice")
	told := func(when string, want int) {
		t.Helper()
		w.settled()
		if got := len(w.letters("notice_new_browser", a.Email)); got != want {
			t.Errorf("%s: %d mails, want %d", when, got, want)
		}
	}
	in := func(b *browser) *browser {
		t.Helper()
		w.Advance(time.Minute)
		b.login(a).Want(200)
		b.validate(a.Next()).Want(200)
		return b
	}
	home := w.at("198.51.100.7")
	in(home)
	told("the first sign-in", 0)
	in(home.noted())
	told("the same browser", 0)

	thief := w.at("203.0.113.9")
	thief.Header["User-Agent"] = phone
	thief.login(a).Want(200)
	thief.validate(a.Wrong()).Want(400)
	told("half a sign-in", 0)
	in(thief)
	told("a new browser", 1)
	text := w.letters("notice_new_browser", a.Email)[0]
	for _, words := range []string{"Safari on iPhone", "203.0.113.9", "/tf-not-me/"} {
		if !strings.Contains(text, words) {
			t.Errorf("the mail lacks %q:\n%s", words, text)
		}
	}
	for range 3 {
		again := w.at("203.0.113.9")
		again.Header["User-Agent"] = phone
		in(again)
	}
	told("the same program, without cookies", 1)
	other := w.at("192.0.2.44")
	in(other)
	told("another network", 2)
	if got := len(w.rowsNamed(event.NewBrowser{}.Name())); got != 2 {
		t.Errorf("%d rows in the trail", got)
	}
	if r := in(home.noted()).Page("/me").Want(200); !strings.Contains(r.Body, "Signed in from a new browser") {
		t.Error("the account page does not tell of it")
	}
	thief.Post(strings.Fields(text[strings.Index(text, "/tf-not-me/"):])[0], m{}).Want(200)
	thief.out("the owner said that it was someone else")

	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, secret)) // a new hash, as a renewal makes one
	in(home.noted())
	told("a browser that signed in with the former password", 2)

	old := w.person("older")
	w.Advance(60 * 24 * time.Hour) // a trail that forgets has no first sign-in any more
	late := w.at("192.0.2.77")
	late.login(old).Want(200)
	w.settled()
	if got := len(w.letters("notice_new_browser", old.Email)); got != 1 {
		t.Errorf("the first known sign-in of an old account: %d mails", got)
	}
}

// TestR292_ASignInDoesNotReportItsOwnActions checks that users' own changes in their session are not
// shown to them as unseen activity, although a change renews the session. The time of the sign-in
// is kept.
func TestR292_ASignInDoesNotReportItsOwnActions(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.person("alice")
	b := w.browser()
	b.login(p).Want(200)
	_, before := b.list("sessions")
	w.Advance(2 * time.Minute)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	if names, _ := b.news(); len(names) != 0 {
		t.Errorf("told of the own act: %v", names)
	}
	if _, now := b.list("sessions"); now == nil || now["created"] != before["created"] {
		t.Errorf("signed in at %v before the change, %v after it", before["created"], now["created"])
	}
	w.Advance(time.Minute)
	names, _ := w.signedIn(p, phone).news()
	if !slices.Contains(names, "tf-enrolled") && !slices.Contains(names, "tf-profile-changed") {
		t.Errorf("another browser is told of %v", names)
	}
}
