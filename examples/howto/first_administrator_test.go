package howto_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// firstAdministrator invites the administrator whose address is in the program's
// settings, if neither the account nor an invitation is there.
func firstAdministrator(ctx context.Context, auth *twofold.Auth, email string) error {
	_, err := auth.FindUser(ctx, email)
	if !errors.Is(err, store.ErrNotFound) {
		return err // nil: the account is there
	}
	waiting, err := auth.Invitations().List(ctx)
	if err != nil {
		return err
	}
	for _, i := range waiting {
		if i.Email == email {
			return nil
		}
	}
	_, err = auth.Invitations().Send(ctx, twofold.NewUser{Email: email, Roles: []string{"admin"}})
	return err
}

// administrators must have a second factor.
var administrators = twofold.TwoFactor{
	Require: func(u twofold.User) bool { return slices.Contains(u.Roles, "admin") },
}

func TestFirstAdministrator(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{TwoFactor: administrators})
	k.Serve(k.Auth.RequireTwoFactor(k.Auth.RequireRole("admin")(hello)))
	const email = "you@example.org"
	start := k.Clock.Now()
	for range 2 { // at each start of the program
		if err := firstAdministrator(t.Context(), k.Auth, email); err != nil {
			t.Fatal(err)
		}
		k.Clock.Move(time.Hour)
	}
	list, err := k.Auth.Invitations().List(t.Context())
	if err != nil || len(list) != 1 || !list[0].Created.Equal(start) {
		t.Errorf("the invitations are %v, %v; want the first one alone", list, err)
	}
	if _, err := k.Auth.Invitations().Revoke(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	b := k.LoginAs(email, 1, "admin") // the policy asks for the second factor
	if a := b.Get("/"); a.Status != http.StatusOK || a.Body != "hello, "+email {
		t.Errorf("the administrator: %d %s", a.Status, a.Body)
	}
	if err := firstAdministrator(t.Context(), k.Auth, email); err != nil {
		t.Error(err)
	}
	if list, err := k.Auth.Invitations().List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v invited again, %v", list, err)
	}
	if a := k.LoginAs("bob@example.org", 2).Get("/"); a.Status != http.StatusForbidden {
		t.Errorf("another user: %d", a.Status)
	}
}
