package howto_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// lost is what people can do who lost their second factor.
func lost() twofold.TwoFactor {
	return twofold.TwoFactor{
		RecoveryCodes: &twofold.RecoveryCodes{},
		Recovery:      true,
		RecoveryWait:  3 * 24 * time.Hour,
		HelpAddress:   "help@example.org",
	}
}

// helpWith mails the owner of an account a link to set up another second factor. why
// says how the operator made sure that it is the owner.
func helpWith(ctx context.Context, auth *twofold.Auth, operator, email, why string) error {
	user, err := auth.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return auth.StartRecovery(event.WithActor(ctx, operator, why), user.ID, why)
}

func TestWaysBack(t *testing.T) {
	k := twofoldtest.New(t, twofold.Config{TwoFactor: lost()})
	k.Serve(k.Auth.RequireTwoFactor(hello))
	b := k.LoginAs("ada@example.org", 2)
	a := b.Post("/mf-recovery-codes", map[string]any{"generate_new_codes": true})
	codes, _ := a.Response["recovery_codes"].([]any)
	if len(codes) != 10 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	password := map[string]any{"email": "ada@example.org", "password": twofoldtest.Password}
	for n, want := range []int{http.StatusOK, http.StatusBadRequest} {
		b := k.NewBrowser()
		b.Post("/login", password)
		if a := b.Post("/mf-recovery", map[string]any{"code": codes[0]}); a.Status != want {
			t.Errorf("the code, time %d: %d %s", n+1, a.Status, a.Body)
		}
	}

	k.Clock.Move(time.Hour)
	b = k.NewBrowser()
	b.Post("/login", password)
	if a := b.Post("/tf-rescue", map[string]any{"help_setup": "recovery_request"}); a.Status != http.StatusOK {
		t.Errorf("asking for a recovery: %d %s", a.Status, a.Body)
	}
	k.LoginAs("bob@example.org", 2)
	if err := helpWith(t.Context(), k.Auth, "Support (Bo)", "bob@example.org", "called back, ticket 4711"); err != nil {
		t.Fatal(err)
	}
	link := mailed(t, k, "bob@example.org", "/tf-recovery")
	a = k.NewBrowser().Post(link, map[string]any{"password": twofoldtest.Password})
	if a.Status != http.StatusOK || a.Response["tf_state"] != "setup_from_login" {
		t.Errorf("the link of the operator: %d %s", a.Status, a.Body)
	}
}
