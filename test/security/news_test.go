package security_test

import (
	"strings"
	"testing"
	"time"
)

// news are the lines that a signed-in browser is told, and up to where.
func (b *browser) news() (names []string, through any) {
	b.w.t.Helper()
	r := b.get("/me").want(200)
	list, ok := r.json["tf_notices"].([]any)
	if !ok {
		b.w.t.Fatalf("no list of notices: %s", r.body)
	}
	for _, v := range list {
		line, _ := v.(m)
		if line["text"] == "" || line["address"] != "127.0.0.1" && line["event"] != "account-changed" {
			b.w.t.Errorf("line %v", line)
		}
		names = append(names, line["event"].(string))
	}
	return names, r.json["tf_notices_through"]
}

// TestR143_ToldAtTheNextSignIn: half a sign-in and changes of security are shown
// after the next whole one, in JSON and on the page, until they are marked as
// seen; marking does not hide what came after.
func TestR143_ToldAtTheNextSignIn(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	first := w.signedIn(a, linuxFox)
	_, through := first.news()
	first.post("/tf-notices", m{"through": through}).want(200)
	w.advance(time.Hour)

	thief := w.browser()
	thief.header["User-Agent"] = phone
	thief.login(a).want(200)
	thief.validate(a.wrong()).want(400)
	w.advance(20 * time.Minute)
	slips := w.browser() // the owner mistypes, and is let in then
	slips.header["User-Agent"] = linuxFox
	slips.login(a).want(200)
	slips.validate(a.wrong()).want(400)
	r := slips.validate(a.next()).want(200)
	if r.json["tf_notices"] != 1.0 {
		t.Errorf("the sign-in tells of %v things: %s", r.json["tf_notices"], r.body)
	}
	names, _ := slips.news()
	if strings.Join(names, " ") != "first-factor-proven" {
		t.Errorf("told of %v", names)
	}
	page := slips.page("/me").want(200)
	for _, words := range []string{"Somebody who knows your password", "Safari on iPhone", `action="/tf-notices"`} {
		if !strings.Contains(page.body, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	again := w.browser()
	again.header["User-Agent"] = linuxFox
	again.login(a).want(200)
	if to := again.form("/tf-validate", "code", a.next()).want(303); !strings.HasPrefix(to.cookie("twofold-notes"), "NEWS~") {
		t.Errorf("the page after the sign-in says %q", to.cookie("twofold-notes"))
	}
	names, through = again.news()
	if len(names) != 1 {
		t.Errorf("told of %v, and nobody has seen it", names)
	}
	w.must(w.nodes[0].auth.SetRoles(t.Context(), a.id, "editor")) // comes after what is shown
	for _, bad := range []any{"", "x", "-1", "9e9", nil} {
		again.post("/tf-notices", m{"through": bad}).want(400)
	}
	w.browser().post("/tf-notices", m{"through": through}).want(401)
	stranger := w.plantSession(v)
	stranger.post("/tf-notices", m{"through": through}).want(200) // marks his own
	if names, _ := again.news(); len(names) != 2 {
		t.Errorf("told of %v after another user marked his", names)
	}
	again.form("/tf-notices", "through", through.(string)).want(303)
	if names, _ := again.news(); strings.Join(names, " ") != "account-changed" {
		t.Errorf("told of %v, want what came after", names)
	}
	_, through = again.news()
	again.post("/tf-notices", m{"through": through}).want(200)
	late := w.browser()
	late.header["User-Agent"] = linuxFox
	late.login(a).want(200)
	if r := late.validate(a.next()).want(200); r.json["tf_notices"] != nil {
		t.Errorf("seen, and told again: %s", r.body)
	}
	if len(w.kinds(a.email)) == 0 {
		t.Error("nothing is mailed")
	}
}
