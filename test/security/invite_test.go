package security_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

const invited = "ivy@good.test"

// invite sends an invitation by mail and returns the path of its link.
func (w *world) invite(email string, roles ...string) string {
	w.t.Helper()
	_, err := w.nodes[0].auth.Invitations().Send(w.t.Context(), twofold.NewUser{
		Email: email, Roles: roles, Fields: map[string]any{"team": "blue"},
	})
	w.must(err)
	return w.link("invite", email)
}

// chosen is the form that accepts an invitation.
func chosen() m { return m{"password": secret, "password_confirm": secret} }

func (w *world) found(email string) (twofold.User, bool) {
	w.t.Helper()
	u, err := w.nodes[0].auth.FindUser(w.t.Context(), email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		w.t.Fatal(err)
	}
	return u, err == nil
}

func TestR355_AnInvitationWorksOnce(t *testing.T) {
	w := newWorld(t)
	w.start(nil)
	link := w.invite(invited, "staff")
	w.browser().get(link).want(200)
	w.browser().get(link[:len(link)-2] + "xx").want(400)
	w.browser().post(link, m{"password": "short", "password_confirm": "short"}).want(400)
	w.browser().post(link, m{"password": secret, "password_confirm": "another"}).want(400)
	w.browser().post(link, m{}).want(400)
	if _, there := w.found(invited); there {
		t.Fatal("an account was made of a refused form")
	}
	statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
		b := w.browser().on(n)
		return b, b.post(link, chosen())
	})
	if statuses[200] != 1 || len(in) != 1 {
		t.Errorf("it was accepted %d times, and %d are signed in: %v", statuses[200], len(in), statuses)
	}
	u, there := w.found(invited)
	data, err := w.nodes[0].auth.Export(t.Context(), u.ID)
	w.must(err)
	if !there || len(u.Roles) != 1 || u.Roles[0] != "staff" || !strings.Contains(string(data), `"team": "blue"`) {
		t.Errorf("the account: %+v", u)
	}
	if accepted := happened[event.InvitationAccepted](w); len(accepted) != 1 || accepted[0].User.ID != u.ID {
		t.Errorf("the application heard %v", accepted)
	}
	w.browser().post("/login", m{"email": invited, "password": secret}).want(200)
	w.must(w.nodes[0].auth.SetIdentity(t.Context(), u.ID, "moved@good.test", ""))
	w.browser().post(link, chosen()).want(400)
	if _, there := w.found(invited); there {
		t.Fatal("a used link made a second account")
	}
}

func TestR355_AnInvitationEnds(t *testing.T) {
	w := newWorld(t)
	auth := w.nodes[0].auth
	first := w.invite(invited)
	second := w.invite(invited)
	w.browser().get(first).want(400)
	w.browser().post(first, chosen()).want(400)
	w.browser().get(second).want(200)
	if list, err := auth.Invitations().List(t.Context()); err != nil || len(list) != 1 || list[0].Email != invited {
		t.Errorf("the list: %v, %v", list, err)
	}
	if there, err := auth.Invitations().Revoke(t.Context(), strings.ToUpper(invited)); err != nil || !there {
		t.Errorf("revoked: %v, %v", there, err)
	}
	if there, err := auth.Invitations().Revoke(t.Context(), invited); err != nil || there {
		t.Errorf("revoked twice: %v, %v", there, err)
	}
	w.browser().post(second, chosen()).want(400)
	third := w.invite(invited)
	w.advance(week - time.Minute)
	w.browser().get(third).want(200)
	w.advance(time.Minute)
	w.browser().get(third).want(400)
	w.browser().post(third, chosen()).want(400)
	if _, there := w.found(invited); there {
		t.Fatal("an account was made by a dead link")
	}
}

// mustSetUp checks that an accepted invitation requires the enrollment of a second factor before
// there is a session, and enrolls one.
func (b *browser) mustSetUp(r *answer) {
	w := b.w
	w.t.Helper()
	if r.json["tf_required"] != true {
		w.t.Errorf("no second factor is asked for: %s", r.body)
	}
	b.out("the second factor is not set up")
	if w.count("sessions") != 0 {
		w.t.Error("there is a session before the second factor")
	}
	setup := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	b.validate(totp(decode(w, setup.text("tf_authr_b32key")), w.Now().Unix()/30)).want(200)
	u, _ := w.found(invited)
	b.in(&person{w: w, email: invited, id: u.ID}, 2)
}

func TestR356_AnInvitedPersonSetsUpARequiredSecondFactorFirst(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.mustSetUp(b.post(w.invite(invited), chosen()).want(200))
}

func TestR357_InvitationsTellStrangersNothing(t *testing.T) {
	w := newWorld(t)
	taken := w.person("alice")
	link := w.invite(invited)
	same := func(path string, body func(email string) m) {
		a := w.browser().post(path, body(invited))
		b := w.browser().post(path, body("nobody@good.test"))
		if a.status != b.status || fmt.Sprint(a.json["errors"]) != fmt.Sprint(b.json["errors"]) {
			t.Errorf("%s tells an invited address: %d %s, %d %s", path, a.status, a.body, b.status, b.body)
		}
	}
	same("/login", func(email string) m { return m{"email": email, "password": "wrong horse 71"} })
	same("/register", func(email string) m {
		return m{"email": email, "username": email[:3] + "user", "password": secret, "password_confirm": secret}
	})
	token := link[strings.LastIndex(link, "/")+1:]
	if w.holds(token) {
		t.Error("the database holds the link")
	}
	if strings.Contains(w.log.String(), token) {
		t.Error("the log holds the link")
	}
	r := w.browser().page(link)
	if got := r.header.Get("Referrer-Policy"); got != "strict-origin" {
		t.Errorf("the page's Referrer-Policy is %q", got)
	}
	// The invited address registered in the meantime: the link creates no account.
	w.browser().post(link, chosen()).want(400)
	_, err := w.nodes[0].auth.Invitations().Send(t.Context(), twofold.NewUser{Email: taken.email})
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("inviting an account: %v", err)
	}
}
