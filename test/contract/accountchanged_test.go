package contract_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func TestTheReasonsOfAccountChangedAreDocumented(t *testing.T) {
	s := newSite(t)
	raw, err := os.ReadFile("../../event/event.go")
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`(?s)// AccountChanged .*?type AccountChanged`).FindString(string(raw))
	ctx := t.Context()
	u, err := s.Auth.CreateUser(ctx, twofold.NewUser{Email: "new@example.org", Password: newPlain})
	for _, change := range []func() error{
		func() error { return s.Auth.SetPassword(ctx, u.ID, "another long passphrase") },
		func() error { return s.Auth.SetActive(ctx, u.ID, false) },
		func() error { return s.Auth.SetActive(ctx, u.ID, true) },
		func() error { return s.Auth.SetRoles(ctx, u.ID, "editor") },
		func() error { return s.Auth.SetIdentity(ctx, u.ID, "newer@example.org", "") },
		func() error { return s.Auth.ResetAccess(ctx, u.ID) },
	} {
		if err == nil {
			err = change()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, e := range testkit.EventsOf[event.AccountChanged](s.Events) {
		said[e.What] = true
		if !strings.Contains(comment, `"`+e.What+`"`) {
			t.Errorf("What is %q, which the documentation does not name", e.What)
		}
	}
	for _, m := range regexp.MustCompile(`"([a-z_ ]+)"`).FindAllStringSubmatch(comment, -1) {
		if !said[m[1]] {
			t.Errorf("the documentation names %q, which What never is", m[1])
		}
	}
}
