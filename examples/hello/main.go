// Hello is a page behind two factors on an SQLite file.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func main() {
	db, err := sqlite.Open(context.Background(), "app.db")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost:8080", Key: twofold.KeyFile("app.key"), Store: db,
		Accounts: twofold.Accounts{Registerable: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	go auth.Run(context.Background())
	http.Handle("/", auth.RequireTwoFactor(http.HandlerFunc(home)))
	log.Fatal(http.ListenAndServe("localhost:8080", auth.Wrap(http.DefaultServeMux)))
}

func home(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	fmt.Fprintf(w, "hello, %s\n", user.Email)
}
