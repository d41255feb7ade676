// Invoices is the program that docs/tutorial.md builds: customers who have a table of
// their own in PostgreSQL sign in with two factors and see their invoices,
// administrators see all, and programs read them with a personal access token.
package main

import (
	"context"
	"embed"
	"io/fs"
	"log"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store"
	"github.com/twofold-auth/twofold/store/postgres"
)

//go:embed look texts
var files embed.FS

//go:embed schema.sql
var schema string

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(ctx, schema); err != nil {
		log.Fatal(err)
	}
	db, err := postgres.New(ctx, pool, postgres.Options{})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := twofold.New(config(db, customers{pool}))
	if err != nil {
		log.Fatal(err)
	}
	go auth.Run(ctx)
	log.Print("open http://localhost:8080/")
	log.Fatal(http.ListenAndServe("localhost:8080", site(auth, invoices{pool})))
}

func config(db store.Store, users store.UserSource) twofold.Config {
	return twofold.Config{
		Origin: "http://localhost:8080",
		Key:    twofold.KeyFile("invoices.key"),
		Store:  db,
		Users:  users,

		Accounts:  twofold.Accounts{Registerable: true},
		Mail:      printed{},
		Passkeys:  &twofold.Passkeys{},
		TwoFactor: twofold.TwoFactor{RecoveryCodes: &twofold.RecoveryCodes{}},
		Tokens:    twofold.Tokens{Scopes: []string{"invoices"}},
		Pages: twofold.Pages{
			Site: "Invoices", AccountPage: true, Views: twofold.Views{PostLogin: "/invoices"},

			Static: folder("look"), Logo: "logo.svg", Accent: "#0b7285", Style: "look.css", Home: "/",
			Locales: folder("texts"),
		},
	}
}

// folder is a folder of the files that the program contains.
func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// printed prints mails to the terminal. A real site uses package send/smtp.
type printed struct{}

// Send implements send.Sender.
func (printed) Send(_ context.Context, m send.Message) error {
	log.Printf("mail to %s: %s\n%s", m.To, m.Subject, m.Text)
	return nil
}
