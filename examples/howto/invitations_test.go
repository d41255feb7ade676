package howto_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// closed is a site that people join by invitation only.
func closed() twofold.Config {
	return twofold.Config{
		Accounts:  twofold.Accounts{InviteWithin: 3 * 24 * time.Hour},
		TwoFactor: twofold.TwoFactor{Required: true},
	}
}

// invite invites an editor on behalf of an administrator.
func invite(ctx context.Context, auth *twofold.Auth, admin twofold.User, email string) (time.Time, error) {
	ctx = event.WithActor(ctx, admin.Email, "new colleague")
	i, err := auth.Invitations().Send(ctx, twofold.NewUser{Email: email, Roles: []string{"editor"}})
	return i.Expires, err
}

// mailed waits for a mail with a link to a path and returns the path with its token.
func mailed(t *testing.T, k *twofoldtest.Kit, to, path string) string {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(path) + `/[A-Za-z0-9_.-]+`)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, m := range k.Mail.To(to) {
			if found := link.FindString(m.Text); found != "" {
				return found
			}
		}
	}
	t.Fatalf("no link to %s was mailed to %s", path, to)
	return ""
}

func TestAnInvitationMakesAnAccountOnce(t *testing.T) {
	k := twofoldtest.New(t, closed())
	k.Serve(k.Auth.RequireTwoFactor(hello))
	admin := k.User("admin@example.org", "admin")
	if _, err := invite(t.Context(), k.Auth, admin, "ann@example.org"); err != nil {
		t.Fatal(err)
	}
	waiting, err := k.Auth.Invitations().List(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0].Email != "ann@example.org" {
		t.Fatalf("%v, %v", waiting, err)
	}
	link := mailed(t, k, "ann@example.org", "/tf-invite")
	if a := k.NewBrowser().Page(link); a.Status != http.StatusOK {
		t.Errorf("the page of the link: %d", a.Status)
	}
	password := map[string]any{"password": twofoldtest.Password, "password_confirm": twofoldtest.Password}
	b := k.NewBrowser()
	if a := b.Post(link, password); a.Status != http.StatusOK || a.Response["tf_state"] != "setup_from_login" {
		t.Errorf("accepting: %d %s", a.Status, a.Body)
	}
	if a := b.Get("/"); a.Status != http.StatusUnauthorized {
		t.Errorf("without the second factor: %d", a.Status)
	}
	if a := k.NewBrowser().Post(link, password); a.Status != http.StatusBadRequest {
		t.Errorf("the link a second time: %d", a.Status)
	}
	u, err := k.Auth.FindUser(t.Context(), "ann@example.org")
	if err != nil || len(u.Roles) != 1 || u.Roles[0] != "editor" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := invite(t.Context(), k.Auth, admin, "ann@example.org"); !errors.Is(err, store.ErrExists) {
		t.Errorf("inviting an account: %v", err)
	}
}

func TestARevokedInvitationDoesNotWork(t *testing.T) {
	k := twofoldtest.New(t, closed())
	k.Serve(http.NotFoundHandler())
	if _, err := invite(t.Context(), k.Auth, k.User("admin@example.org"), "bob@example.org"); err != nil {
		t.Fatal(err)
	}
	link := mailed(t, k, "bob@example.org", "/tf-invite")
	if there, err := k.Auth.Invitations().Revoke(t.Context(), "bob@example.org"); err != nil || !there {
		t.Fatal(there, err)
	}
	if a := k.NewBrowser().Get(link); a.Status != http.StatusBadRequest {
		t.Errorf("the link: %d", a.Status)
	}
}
