package twofold_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// A KeyFile is created with a random key if it does not exist. To rotate keys,
// append a line with a new one.
func ExampleKeyFile() {
	dir, err := os.MkdirTemp("", "twofold-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "app.key")
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "app.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	_, err = twofold.New(twofold.Config{Origin: "https://example.org", Key: twofold.KeyFile(path), Store: db})
	if err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Mode())
	// Output: -rw-------
}

// exampleSite builds a sign-in with a database in a temporary folder. stop
// closes and removes both.
func exampleSite(c twofold.Config) (auth *twofold.Auth, stop func()) {
	dir, err := os.MkdirTemp("", "twofold-example-")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "app.db"))
	if err != nil {
		log.Fatal(err)
	}
	c.Origin, c.Key, c.Store = "https://example.org", twofold.KeyText(twofold.NewKey()), db
	auth, err = twofold.New(c)
	if err != nil {
		log.Fatal(err)
	}
	return auth, func() {
		if err := errors.Join(db.Close(), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}

// visit sends a request without cookies to a handler and prints the answer.
func visit(h http.Handler, path, accept string) {
	r := httptest.NewRequest(http.MethodGet, "https://example.org"+path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("Location"))))
}

func home(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	fmt.Fprintf(w, "hello, %s\n", user.Email)
}

// A page behind two factors. A browser that is not signed in is redirected to the
// sign-in page, which leads back.
func Example() {
	db, err := sqlite.Open(context.Background(), filepath.Join(os.TempDir(), "twofold-example.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	auth, err := twofold.New(twofold.Config{
		Origin: "https://example.org", Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Accounts: twofold.Accounts{Registerable: true},
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/", auth.RequireTwoFactor(http.HandlerFunc(home)))

	visit(mux, "/invoices", "text/html")
	visit(mux, "/invoices", "application/json")
	// Output:
	// 303 /login?next=/invoices
	// 401
}

// New reports every mistake of the configuration, each with the name of its field.
func ExampleNew() {
	_, err := twofold.New(twofold.Config{
		TwoFactor: twofold.TwoFactor{LoginValidity: 365 * 24 * time.Hour},
	})
	fmt.Println(err)
	// Output:
	// twofold: Origin: must be scheme and host, e.g. "https://example.org"
	// Key: is required, e.g. twofold.KeyFile("app.key")
	// Store: is required, e.g. sqlite.Open(ctx, "app.db")
	// TwoFactor.LoginValidity: must be between 1 second and 30 days, not 365 days
}

// Identify makes User work on a page that everyone may see.
func ExampleAuth_Identify() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	page := auth.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, ok := twofold.UserOf(r); ok {
			fmt.Println("welcome back,", user.Email)
			return
		}
		fmt.Println("welcome")
	}))
	visit(page, "/", "text/html")
	// Output:
	// welcome
	// 200
}

// Wrap serves the paths of the sign-in in front of any router.
func ExampleAuth_Wrap() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	router := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	visit(auth.Wrap(router), "/login", "text/html")
	visit(auth.Wrap(router), "/about", "text/html")
	// Output:
	// 200
	// 204
}

// Guards can be nested: this page is for administrators who proved both factors
// in the last five minutes.
func ExampleAuth_RequireFresh() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	fresh := auth.RequireFresh(5 * time.Minute)
	page := auth.RequireTwoFactor(fresh(auth.RequireRole("admin")(http.HandlerFunc(home))))
	visit(page, "/admin", "application/json")
	// Output: 401
}

// Accounts can be created by the application.
func ExampleAuth_CreateUser() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	ctx := context.Background()
	ada := twofold.NewUser{Email: "ada@example.org", Password: "correct horse battery staple", Roles: []string{"admin"}}
	user, err := auth.CreateUser(ctx, ada)
	fmt.Println(user.Email, user.Roles, err)

	_, err = auth.CreateUser(ctx, ada)
	fmt.Println(errors.Is(err, store.ErrExists))
	// Output:
	// ada@example.org [admin] <nil>
	// true
}

// Roles grant permissions, and guards can require them.
func ExampleAuth_RequirePermission() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	ctx := context.Background()
	clerk := twofold.Role{Name: "clerk", Permissions: []string{"read-invoices"}}
	if err := auth.Roles().Create(ctx, clerk); err != nil {
		log.Fatal(err)
	}
	user, err := auth.CreateUser(ctx, twofold.NewUser{
		Email: "bob@example.org", Password: "correct horse battery staple", Roles: []string{"clerk"},
	})
	if err != nil {
		log.Fatal(err)
	}
	permissions, err := auth.Roles().PermissionsOf(ctx, user)
	fmt.Println(permissions, err)

	page := auth.RequirePermission("read-invoices")(http.HandlerFunc(home))
	visit(page, "/invoices", "application/json")
	// Output:
	// [read-invoices] <nil>
	// 401
}

// The audit trail and the mails to an owner say who changed an account, and why.
func Example_actor() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	user, err := auth.CreateUser(context.Background(), twofold.NewUser{
		Email: "ada@example.org", Password: "correct horse battery staple",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := event.WithActor(context.Background(), "Support (Bo)", "ticket 4711")
	if err := auth.SetActive(ctx, user.ID, false); err != nil {
		log.Fatal(err)
	}
	rows, err := auth.Audit().List(ctx, event.AuditFilter{User: user.ID})
	fmt.Println(rows[1].Reason, "by", rows[1].By, err)
	// Output: deactivated by Support (Bo): ticket 4711 <nil>
}

// Accounts are searched, and read page by page.
func ExampleAuth_Users() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	ctx := context.Background()
	for _, email := range []string{"ada@example.org", "bob@example.com"} {
		n := twofold.NewUser{Email: email, Password: "correct horse battery staple"}
		if _, err := auth.CreateUser(ctx, n); err != nil {
			log.Fatal(err)
		}
	}
	users, err := auth.Users(ctx, twofold.UserFilter{Search: "@EXAMPLE.com"})
	fmt.Println(len(users), users[0].Email, err)
	// Output: 1 bob@example.com <nil>
}

// An account is deleted with everything that is kept of it.
func ExampleAuth_DeleteUser() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	ctx := context.Background()
	user, err := auth.CreateUser(ctx, twofold.NewUser{
		Email: "ada@example.org", Password: "correct horse battery staple",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.DeleteUser(ctx, user.ID); err != nil {
		log.Fatal(err)
	}
	_, err = auth.FindUser(ctx, "ada@example.org")
	report, _ := auth.Audit().Verify(ctx, "")
	fmt.Println(err, len(report.Problems))
	// Output: twofold: no such user 0
}

// The application receives every event as a value of package event.
func ExampleConfig_onEvent() {
	auth, stop := exampleSite(twofold.Config{
		Advanced: twofold.Advanced{
			OnEvent: func(_ context.Context, e event.Event) {
				if e, ok := e.(event.AccountChanged); ok {
					fmt.Println(e.What)
				}
			},
		},
	})
	defer stop()
	user, err := auth.CreateUser(context.Background(), twofold.NewUser{
		Email: "ada@example.org", Password: "correct horse battery staple",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.SetActive(context.Background(), user.ID, false); err != nil {
		log.Fatal(err)
	}
	// Output:
	// created
	// deactivated
}

// The audit trail can be read and verified.
func ExampleAuth_Audit() {
	auth, stop := exampleSite(twofold.Config{})
	defer stop()
	report, err := auth.Audit().Verify(context.Background(), "")
	fmt.Println(report.Rows, report.Problems, err)
	// Output: 0 [] <nil>
}
