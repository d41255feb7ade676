package security_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
)

// hooked sets the answers of a site's hooks.
type hooked struct {
	refusal atomic.Value // string
	fails   atomic.Bool
}

func (h *hooked) ask(context.Context, twofold.User, event.Context) (string, error) {
	if h.fails.Load() {
		return "", store.ErrExists // an error that would be shown if it were ours
	}
	text, _ := h.refusal.Load().(string)
	return text, nil
}

// TestR361_AHookDecidesBeforeAnAccountIsMade checks that a refusal has the application's text and
// is the same for an address that is taken. A hook that fails causes a 503. In both cases no
// account is created and no mail is sent.
func TestR361_AHookDecidesBeforeAnAccountIsMade(t *testing.T) {
	var h hooked
	w := newWorld(t, open, func(c *twofold.Config) {
		c.Accounts.Registerable, c.Accounts.OnRegister = true, h.ask
	})
	alice := w.person("alice")
	const words = "Only addresses of example.org <b>register</b> here."
	h.refusal.Store(words)
	said := map[string]string{}
	for _, email := range []string{"new@example.net", alice.Email} {
		said[email] = w.registers(email, newSecret).Want(400).Body
		if !strings.Contains(said[email], "Only addresses of example.org") {
			t.Errorf("%s is told %s", email, said[email])
		}
	}
	if said["new@example.net"] != said[alice.Email] {
		t.Errorf("the refusal tells who has an account: %v", said)
	}
	b := w.browser()
	b.Page("/register")
	r := b.Form("/register", "email", "new@example.net", "password", newSecret, "password_confirm", newSecret)
	if body := r.Want(200).Body; !strings.Contains(body, "&lt;b&gt;register&lt;/b&gt;") {
		t.Error("the page does not show the refusal as text")
	}
	if bad := w.registers("new@example.net", "short").Want(400).Body; strings.Contains(bad, "Only addresses") {
		t.Errorf("a form with a mistake asks the application: %s", bad)
	}
	h.fails.Store(true)
	w.registers("new@example.net", newSecret).Want(503)
	w.settled()
	if w.count("users") != 1 || len(w.Mail.To("new@example.net"))+len(w.Mail.To(alice.Email)) != 0 {
		t.Error("a refusal made an account or sent a mail")
	}
	h.fails.Store(false)
	h.refusal.Store("")
	w.registers("new@example.net", newSecret).Want(200)
}

// TestR362_AHookDecidesAtTheDoor checks that OnSignIn is called only after all factors are proven,
// so it reveals nothing to an attacker. It covers a password, a second factor, a remembered browser
// and a refresh token; a refusal spends neither of the last two.
func TestR362_AHookDecidesAtTheDoor(t *testing.T) {
	var h hooked
	w := newWorld(t, open, func(c *twofold.Config) {
		c.Accounts.OnSignIn = h.ask
		c.Sessions.Remember = 24 * time.Hour
		c.Tokens.Refresh, c.Tokens.RefreshInBody = true, true
	})
	one, two := w.person("alice"), w.withApp("bobby")
	stays := w.browser()
	stays.login(one, m{"remember": true}).Want(200)
	stays = stays.copy().only("remember_token")
	body := m{"email": one.Email, "password": secret}
	user := w.browser().Post("/login?include_auth_token", body).Want(200).JSON["user"].(m)
	refresh := user["refresh_token"]
	open := w.plantSession(one)
	const words = "Please accept the new terms first."
	for _, fails := range []bool{false, true} {
		h.refusal.Store(words)
		h.fails.Store(fails)
		status := 400
		if fails {
			status = 503
		}
		if r := w.browser().login(one).Want(status); !fails && !strings.Contains(r.Body, words) {
			t.Errorf("a password is answered %s", r.Body)
		}
		b := w.browser()
		if r := b.login(two).Want(200); strings.Contains(r.Body, words) {
			t.Error("the application is asked before all was proven")
		}
		b.validate("000000").Want(400)
		w.Advance(time.Minute)
		b.validate(two.Next()).Want(status)
		b.out("refused at the door")
		w.browser().Post("/login", m{"email": one.Email, "password": "wrong"}).Want(400)
		if r := stays.copy().Get("/me"); r.Status == 200 {
			t.Error("a remembered browser is let in")
		}
		if r := w.browser().Post("/refresh-token", m{"refresh_token": refresh}); r.Status == 200 {
			t.Error("a refresh token is exchanged")
		}
		open.Get("/me").Want(200)
	}
	h.fails.Store(false)
	h.refusal.Store("")
	w.browser().Post("/refresh-token", m{"refresh_token": refresh}).Want(200)
	stays.Get("/me").Want(200)
}
