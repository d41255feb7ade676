// Spa is a single-page application: one HTML file, plain JavaScript, and the
// JSON answers of the sign-in.
package main

import (
	"context"
	"embed"
	"fmt"
	"log"
	"net/http"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store/sqlite"
)

//go:embed static
var static embed.FS

func main() {
	db, err := sqlite.Open(context.Background(), "app.db")
	if err != nil {
		log.Fatal(err)
	}
	box := send.NewBox(100) // in place of a mail server: its page shows what was sent
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost:8080", Key: twofold.KeyFile("app.key"), Store: db, Mail: box,
		Pages:    twofold.Pages{AccountPage: true},
		Accounts: twofold.Accounts{Confirmable: true, Recoverable: true, Changeable: true, Registerable: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	go auth.Run(context.Background())
	auth.Mount(http.DefaultServeMux)
	http.HandleFunc("GET /outbox", func(w http.ResponseWriter, _ *http.Request) {
		for _, m := range box.Messages() {
			fmt.Fprintf(w, "%s to %s: %s\n%s\n\n", m.Message.Channel, m.Message.To, m.Message.Subject, m.Message.Text)
		}
	})
	http.Handle("GET /api/secret", auth.RequireTwoFactor(http.HandlerFunc(secret)))
	http.Handle("GET /static/", http.FileServerFS(static))
	for _, path := range []string{"/{$}", "/confirm/{token}", "/reset/{token}"} { // links of mails open the application
		http.HandleFunc("GET "+path, page)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy",
		"default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "same-origin") // the address may hold the token of a link
	http.ServeFileFS(w, r, static, "static/index.html")
}

func secret(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"secret": "only %s may read this"}`, user.ID)
}
