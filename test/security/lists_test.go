package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const (
	linuxFox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
	phone    = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Version/18.0 Mobile/15E148 Safari/604.1"
)

func noTrustForAdmins(c *twofold.Config) {
	plenty(c)
	c.TwoFactor.Trust = func(u twofold.User) bool { return !slices.Contains(u.Roles, "admin") }
}

func (b *browser) del(path string) *answer {
	b.w.T.Helper()
	return b.Do("DELETE", path, "", "", "Accept", testkit.TypeJSON)
}

// list returns the entries of a list and the entry of the browser that requests it.
func (b *browser) list(what string) (all []m, current m) {
	b.w.T.Helper()
	raw, _ := b.Get("/tf-" + what).Want(200).JSON[what].([]any)
	for _, v := range raw {
		entry, _ := v.(m)
		all = append(all, entry)
		if entry["current"] == true {
			if current != nil {
				b.w.T.Errorf("two current %s", what)
			}
			current = entry
		}
	}
	return all, current
}

// signedIn signs p in by the regular flow, with a user agent.
func (w *world) signedIn(p *person, agent string) *browser {
	w.T.Helper()
	b := w.browser()
	b.Header["User-Agent"] = agent
	b.login(p).Want(200)
	b.validate(p.Next()).Want(200)
	return b
}

// TestR102_SessionsAreListed checks that sessions are described in plain words, and that the listed
// id is neither the secret nor its hash and opens nothing.
func TestR102_SessionsAreListed(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	w.write(`DELETE FROM twofold_sessions`) // of the set-ups
	desk, mobile := w.signedIn(a, linuxFox), w.signedIn(a, phone)
	w.signedIn(v, linuxFox)
	all, current := desk.list("sessions")
	if len(all) != 2 || current == nil {
		t.Fatalf("%d sessions, current %v", len(all), current)
	}
	// The current browser is listed first, then the newest.
	if current["name"] != "Firefox on Linux" || all[0]["current"] != true || all[1]["name"] != "Safari on iPhone" ||
		current["address"] != "127.0.0.1" || current["level"] != 2.0 {
		t.Errorf("current %v, the other %v", current, all[1])
	}
	methods, _ := current["methods"].([]any)
	if first, _ := methods[0].(m); len(methods) != 2 || first["method"] != "password" || first["at"] == "" {
		t.Errorf("methods %v", methods)
	}
	id, _ := current["id"].(string)
	for _, name := range []string{"twofold", "twofold-pending"} {
		b := w.browser()
		b.Jar[name] = id
		b.out("the id as a cookie")
	}
	b := w.browser()
	b.Header["Authentication-Token"] = id
	b.out("the id as a token")
	if w.number(`SELECT COUNT(*) FROM twofold_sessions WHERE hash = ?`, id) != 0 {
		t.Error("the id is the hash of the token")
	}
	for _, b := range []*browser{w.browser(), w.plantPending(a)} {
		b.Get("/tf-sessions").Want(401)
		b.Get("/tf-devices").Want(401)
		b.Post("/tf-sessions", nil).Want(401)
		b.del("/tf-sessions/" + id).Want(401)
	}
	page := mobile.Page("/tf-sessions").Want(200)
	for _, words := range []string{"Firefox on Linux", "Safari on iPhone", `href="/tf-sessions?remove=` + id + `"`} {
		if !strings.Contains(page.Body, words) {
			t.Errorf("the page lacks %q", words)
		}
	}
	desk.Get("/app/two").Want(200) // nothing above ended it
}

// TestR102_OneSessionIsEnded checks that the session ends on every node, and that no other one
// does.
func TestR102_OneSessionIsEnded(t *testing.T) {
	w := newWorld(t, plenty)
	second := w.Start(nil)
	a, v := w.withApp("alice"), w.withApp("victor")
	w.write(`DELETE FROM twofold_sessions`) // of the set-ups
	desk, mobile, stranger := w.signedIn(a, linuxFox), w.signedIn(a, phone), w.signedIn(v, linuxFox)
	_, of := mobile.list("sessions")
	id, _ := of["id"].(string)
	stranger.del("/tf-sessions/" + id).Want(404)
	stranger.Post("/tf-sessions/"+id, nil).Want(404)
	desk.Do("POST", "/tf-sessions/"+id, testkit.TypeForm, "", "Sec-Fetch-Site", "cross-site", "Origin",
		"https://evil.test").Want(403)
	desk.Get("/tf-sessions/" + id).Want(405)
	mobile.copy().on(second).in(a, 2)
	desk.Form("/tf-sessions/" + id).Want(303)
	time.Sleep(1010 * time.Millisecond) // what another node may remember
	for _, b := range []*browser{mobile, mobile.copy().on(second)} {
		b.out("ended from the list")
	}
	desk.del("/tf-sessions/" + id).Want(404)
	if all, _ := desk.list("sessions"); len(all) != 1 {
		t.Errorf("%d sessions are listed, want 1", len(all))
	}
	// The browser's session and its header token are one entry and end together.
	b := w.browser()
	b.login(a).Want(200)
	r := b.Post("/tf-validate?include_auth_token", m{"code": a.Next()}).Want(200)
	user, _ := r.JSON["user"].(m)
	token := w.browser()
	token.Header["Authentication-Token"], _ = user["authentication_token"].(string)
	token.in(a, 2)
	if all, _ := desk.list("sessions"); len(all) != 2 {
		t.Errorf("%d sessions are listed, want 2: session and token are one", len(all))
	}
	_, own := b.list("sessions")
	id, _ = own["id"].(string)
	b.del("/tf-sessions/" + id).Want(200)
	b.out("ended itself")
	token.out("its session was ended")
	stranger.in(v, 2)
	desk.in(a, 2)
}

// TestR102_AllOtherSessionsAreEnded covers pending sign-ins and trusted devices too. The session
// that asked continues and stays fresh.
func TestR102_AllOtherSessionsAreEnded(t *testing.T) {
	w := newWorld(t, plenty)
	second := w.Start(nil)
	a, v := w.withApp("alice"), w.withApp("victor")
	trusted := w.trusted(a)
	desk, mobile, stranger := w.signedIn(a, linuxFox), w.signedIn(a, phone), w.signedIn(v, linuxFox)
	pending, token := w.plantPending(a), w.browser()
	token.Header["Authentication-Token"] = w.plantToken(a)
	w.Advance(16 * time.Minute) // nothing is fresh any more
	desk.Post("/tf-sessions", nil).Want(401)
	desk.del("/tf-sessions").Want(401)
	if r := desk.Form("/tf-sessions").Want(303); !strings.HasPrefix(r.Header.Get("Location"), "/verify?next=") {
		t.Errorf("leads to %s", r.Header.Get("Location"))
	}
	mobile.in(a, 2)
	b := w.signedIn(a, linuxFox)
	w.Advance(14 * time.Minute)
	old := b.copy()
	if r := b.Form("/tf-sessions").Want(303); r.Header.Get("Location") != "/me" {
		t.Errorf("leads to %s", r.Header.Get("Location"))
	}
	b.in(a, 2)
	time.Sleep(1010 * time.Millisecond)
	for what, other := range map[string]*browser{
		"desk": desk, "mobile": mobile, "mobile on the other node": mobile.copy().on(second), "token": token,
		"the token before": old,
	} {
		other.out(what)
	}
	pending.validate(a.Next()).Refused("a sign-in that was under way")
	trusted.asked(a, "a trusted device after everything was ended")
	stranger.in(v, 2)
	w.Advance(2 * time.Minute) // 16 minutes after its proofs: renewing them would be a way to stay fresh
	b.Get("/tf-setup").Want(401)
	b.Post("/tf-sessions", nil).Want(401)
}

// TestR083_DevicesAreListedAndRevoked checks that users can revoke one or all of their own devices,
// and no others.
func TestR083_DevicesAreListedAndRevoked(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	first, second, his := w.trusted(a), w.trusted(a), w.trusted(v)
	b := w.browser()
	b.Header["User-Agent"] = linuxFox
	b.login(a, m{"remember": true}).Want(200)
	b.validate(a.Next()).Want(200)
	all, current := b.list("devices")
	if len(all) != 3 || current["name"] != "Firefox on Linux" || current["address"] != "127.0.0.1" ||
		current["expires"] == "" {
		t.Fatalf("%d devices, current %v", len(all), current)
	}
	for _, d := range all {
		for key := range d {
			if !slices.Contains([]string{"id", "name", "address", "created", "last_seen", "expires", "current",
				"stays"}, key) {
				t.Errorf("the list tells %s", key)
			}
		}
	}
	id := func(p *browser, i int) string {
		all, _ := p.list("devices")
		return all[i]["id"].(string)
	}
	oldest := id(b, 2)
	stranger := w.plantSession(v)
	stranger.del("/tf-devices/" + oldest).Want(404)
	b.copy().Get("/tf-devices/" + oldest).Want(405)
	late := w.plantSession(a)
	w.Advance(16 * time.Minute)
	late.del("/tf-devices/" + oldest).Want(401)
	if w.count("devices") != 4 {
		t.Fatal("a device is gone that nobody revoked")
	}
	b = w.plantSession(a)
	b.Form("/tf-devices/" + oldest).Want(303)
	first.asked(a, "revoked from the list")
	b.del("/tf-devices/" + oldest).Want(404)
	if r := second.copy().login(a).Want(200); r.JSON["tf_required"] != false {
		t.Error("the other device was revoked too")
	}
	b.del("/tf-devices").Want(200)
	if all, _ := b.list("devices"); len(all) != 0 {
		t.Errorf("%d devices after all were revoked", len(all))
	}
	second.only("tf_validity").asked(a, "all revoked")
	if r := his.login(v).Want(200); r.JSON["tf_required"] != false {
		t.Error("another user's device was revoked")
	}
	var rows []string
	for _, e := range w.trail(0) {
		if e.Event == "device-revoked" {
			rows = append(rows, e.Reason)
		}
	}
	if !slices.Equal(rows, []string{"", "all"}) {
		t.Errorf("rows %q", rows)
	}
}

// TestR083_SomeRolesTrustNoDevice checks that a browser trusted earlier loses its trust when the
// user gets such a role.
func TestR083_SomeRolesTrustNoDevice(t *testing.T) {
	w := newWorld(t, noTrustForAdmins)
	a := w.withApp("alice")
	b := w.trusted(a)
	if r := b.copy().login(a).Want(200); r.JSON["tf_required"] != false {
		t.Fatal("the device does not skip")
	}
	b = w.trusted(a)
	w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), a.ID, "admin"))
	b.copy().asked(a, "an administrator's trusted device")
	b.login(a, m{"remember": true}).Want(200)
	if b.validate(a.Next()).Want(200).Cookie("tf_validity") != "" {
		t.Error("an administrator's browser was trusted")
	}
	w.Must(w.Nodes[0].Auth.SetRoles(t.Context(), a.ID, "editor"))
	if r := w.trusted(a).login(a).Want(200); r.JSON["tf_required"] != false {
		t.Error("an editor's device does not skip")
	}
}

// TestR084_TheDeviceThatWasCopiedLeavesTheList.
func TestR084_TheDeviceThatWasCopiedLeavesTheList(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	owner := w.trusted(a)
	thief := owner.copy()
	owner.login(a).Want(200)
	if all, _ := owner.list("devices"); len(all) != 1 {
		t.Fatalf("%d devices", len(all))
	}
	w.Advance(11 * time.Second)
	thief.asked(a, "a copy of the retired cookie")
	owner.out("everything ends with a copied device")
	if all, _ := w.plantSession(a).list("devices"); len(all) != 0 {
		t.Errorf("%d devices are listed after the copy was seen", len(all))
	}
}
