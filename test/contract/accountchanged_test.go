package contract_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

func TestWhatAccountChangedSaysIsDocumented(t *testing.T) {
	s := newSite(t)
	raw, err := os.ReadFile("../../event/event.go")
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`(?s)// AccountChanged .*?type AccountChanged`).FindString(string(raw))
	ctx := t.Context()
	u, err := s.auth.CreateUser(ctx, twofold.NewUser{Email: "new@example.org", Password: newPlain})
	for _, change := range []func() error{
		func() error { return s.auth.SetPassword(ctx, u.ID, "another long passphrase") },
		func() error { return s.auth.SetActive(ctx, u.ID, false) },
		func() error { return s.auth.SetActive(ctx, u.ID, true) },
		func() error { return s.auth.SetRoles(ctx, u.ID, "editor") },
		func() error { return s.auth.SetIdentity(ctx, u.ID, "newer@example.org", "") },
		func() error { return s.auth.ResetAccess(ctx, u.ID) },
	} {
		if err == nil {
			err = change()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, e := range eventsOf[event.AccountChanged](s.events) {
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
