package twofoldtest

import (
	"net/http"
	"path/filepath"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// nested wraps the application in the guard of another sign-in in the same program, whose user has
// no account here.
func nested(k *Kit) {
	k.t.Helper()
	db, err := sqlite.Open(k.t.Context(), filepath.Join(k.t.TempDir(), "other.db"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer db.Close()
	other, err := twofold.New(twofold.Config{
		Origin: k.URL, Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Advanced: twofold.Advanced{Now: k.Clock.Now}, Mail: k.Mail,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	defer background.Start(other)()
	mux := http.NewServeMux()
	other.Mount(mux)
	mux.Handle("/", other.Identify(k.server.Config.Handler))
	staff := &Kit{
		t: k.t, Auth: other, Mail: k.Mail, SMS: k.SMS, Clock: k.Clock, hash: k.hash, apps: map[string]*app{},
		server: besides(k, mux), names: names{config: twofold.Config{Origin: k.URL}},
	}
	defer staff.server.Close()
	staff.URL = staff.server.URL
	b := staff.LoginAs("staff@nosidedoor.test", 2, k.Roles...)
	for _, page := range k.pages {
		if a := b.Get(page); opened(a) {
			k.t.Errorf("side door: a user of another sign-in, by its guard: %s answers %d", page, a.Status)
		}
	}
}

// lockedOut uses up the attempts of strangers for an account and checks that its owner can still
// sign in, in a browser that has signed in before.
func lockedOut(k *Kit) {
	k.t.Helper()
	email, owner := k.someone("besieged")
	owner.must("sign out", owner.Post(k.at("/logout"), nil))
	for range 30 {
		b := k.NewBrowser()
		b.Post(k.at("/login"), k.typed(email, "no "+Password))
		for _, path := range []string{"/reset", "/confirm"} {
			if k.has(path) {
				b.Post(k.at(path), fields{"email": email})
			}
		}
		if k.has("/us-signin/send-code") {
			b.Post(k.at("/us-signin/send-code"), fields{"identity": email, "chosen_method": "email"})
		}
	}
	body := k.typed(email, Password)
	if k.config.Accounts.MagicLink {
		body = fields{"email": email}
	}
	if a := owner.Post(k.at("/login"), body); a.Status >= 400 {
		k.t.Errorf("locked out: the owner's browser, which signed in before, after thirty tries of a stranger: %d %s",
			a.Status, a.Body)
	}
	k.Clock.Move(60 * minute) // wait until the limits for the tests' network have expired
}
