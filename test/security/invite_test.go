package security_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

const invited = "ivy@good.test"

// invite sends an invitation by mail and returns the path of its link.
func (w *world) invite(email string, roles ...string) string {
	w.T.Helper()
	_, err := w.Nodes[0].Auth.Invitations().Send(w.T.Context(), twofold.NewUser{
		Email: email, Roles: roles, Fields: map[string]any{"team": "blue"},
	})
	w.Must(err)
	return w.link("invite", email)
}

// chosen is the form that accepts an invitation.
func chosen() m { return m{"password": secret, "password_confirm": secret} }

func (w *world) found(email string) (twofold.User, bool) {
	w.T.Helper()
	u, err := w.Nodes[0].Auth.FindUser(w.T.Context(), email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		w.T.Fatal(err)
	}
	return u, err == nil
}

func TestR355_AnInvitationWorksOnce(t *testing.T) {
	w := newWorld(t)
	w.Start(nil)
	link := w.invite(invited, "staff")
	w.browser().Get(link).Want(200)
	w.browser().Get(link[:len(link)-2] + "xx").Want(400)
	w.browser().Post(link, m{"password": "short", "password_confirm": "short"}).Want(400)
	w.browser().Post(link, m{"password": secret, "password_confirm": "another"}).Want(400)
	w.browser().Post(link, m{}).Want(400)
	if _, there := w.found(invited); there {
		t.Fatal("an account was made of a refused form")
	}
	statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
		b := w.browser().on(n)
		return b, b.Post(link, chosen())
	})
	if statuses[200] != 1 || len(in) != 1 {
		t.Errorf("it was accepted %d times, and %d are signed in: %v", statuses[200], len(in), statuses)
	}
	u, there := w.found(invited)
	data, err := w.Nodes[0].Auth.Export(t.Context(), u.ID)
	w.Must(err)
	if !there || len(u.Roles) != 1 || u.Roles[0] != "staff" || !strings.Contains(string(data), `"team": "blue"`) {
		t.Errorf("the account: %+v", u)
	}
	if accepted := happened[event.InvitationAccepted](w); len(accepted) != 1 || accepted[0].User.ID != u.ID {
		t.Errorf("the application heard %v", accepted)
	}
	w.browser().Post("/login", m{"email": invited, "password": secret}).Want(200)
	w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), u.ID, "moved@good.test", ""))
	w.browser().Post(link, chosen()).Want(400)
	if _, there := w.found(invited); there {
		t.Fatal("a used link made a second account")
	}
}

func TestR355_AnInvitationEnds(t *testing.T) {
	w := newWorld(t)
	auth := w.Nodes[0].Auth
	first := w.invite(invited)
	second := w.invite(invited)
	w.browser().Get(first).Want(400)
	w.browser().Post(first, chosen()).Want(400)
	w.browser().Get(second).Want(200)
	if list, err := auth.Invitations().List(t.Context()); err != nil || len(list) != 1 || list[0].Email != invited {
		t.Errorf("the list: %v, %v", list, err)
	}
	if there, err := auth.Invitations().Revoke(t.Context(), strings.ToUpper(invited)); err != nil || !there {
		t.Errorf("revoked: %v, %v", there, err)
	}
	if there, err := auth.Invitations().Revoke(t.Context(), invited); err != nil || there {
		t.Errorf("revoked twice: %v, %v", there, err)
	}
	w.browser().Post(second, chosen()).Want(400)
	third := w.invite(invited)
	w.Advance(week - time.Minute)
	w.browser().Get(third).Want(200)
	w.Advance(time.Minute)
	w.browser().Get(third).Want(400)
	w.browser().Post(third, chosen()).Want(400)
	if _, there := w.found(invited); there {
		t.Fatal("an account was made by a dead link")
	}
}

// mustSetUp checks that an accepted invitation requires the enrollment of a second factor before
// there is a session, and enrolls one.
func (b *browser) mustSetUp(r *answer) {
	w := b.w
	w.T.Helper()
	if r.JSON["tf_required"] != true {
		w.T.Errorf("no second factor is asked for: %s", r.Body)
	}
	b.out("the second factor is not set up")
	if w.count("sessions") != 0 {
		w.T.Error("there is a session before the second factor")
	}
	setup := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	b.validate(testkit.ReadApp(w.T, setup.Text("tf_authr_b32key")).Code(w.Now())).Want(200)
	u, _ := w.found(invited)
	b.in(w.of(testkit.Person{Email: invited, ID: u.ID}), 2)
}

func TestR356_AnInvitedPersonSetsUpARequiredSecondFactorFirst(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.mustSetUp(b.Post(w.invite(invited), chosen()).Want(200))
}

func TestR357_InvitationsTellStrangersNothing(t *testing.T) {
	w := newWorld(t)
	taken := w.person("alice")
	link := w.invite(invited)
	same := func(path string, body func(email string) m) {
		a := w.browser().Post(path, body(invited))
		b := w.browser().Post(path, body("nobody@good.test"))
		if a.Status != b.Status || fmt.Sprint(a.JSON["errors"]) != fmt.Sprint(b.JSON["errors"]) {
			t.Errorf("%s tells an invited address: %d %s, %d %s", path, a.Status, a.Body, b.Status, b.Body)
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
	if strings.Contains(w.Log.String(), token) {
		t.Error("the log holds the link")
	}
	r := w.browser().Page(link)
	if got := r.Header.Get("Referrer-Policy"); got != "strict-origin" {
		t.Errorf("the page's Referrer-Policy is %q", got)
	}
	// The invited address registered in the meantime: the link creates no account.
	w.browser().Post(link, chosen()).Want(400)
	_, err := w.Nodes[0].Auth.Invitations().Send(t.Context(), twofold.NewUser{Email: taken.Email})
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("inviting an account: %v", err)
	}
}
