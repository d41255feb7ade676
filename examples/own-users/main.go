// Own-users puts the sign-in before a shop that has a table of members already.
// Their addresses and password hashes stay where they are; second factors,
// sessions and all the rest lie in a file of their own.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func main() {
	shop, err := sql.Open("sqlite", "shop.db") // yours, as it is
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.Open(context.Background(), "twofold.db")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost:8080", Key: twofold.KeyFile("app.key"), Store: db, Users: members{shop},
		Accounts: twofold.Accounts{Registerable: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	go auth.Run(context.Background())
	auth.Mount(http.DefaultServeMux)
	http.Handle("/", auth.RequireTwoFactor(http.HandlerFunc(home)))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

func home(w http.ResponseWriter, r *http.Request) {
	u, _ := twofold.UserOf(r)
	fmt.Fprintf(w, "hello, %s, member number %s\n", u.Email, u.ID)
}
