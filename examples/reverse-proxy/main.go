// Reverse-proxy is a gate in one Go program: sign-in and rules in front of an
// application at localhost:9001 that has no sign-in of its own.
package main

import (
	"context"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func main() {
	db, err := sqlite.Open(context.Background(), "app.db")
	if err != nil {
		log.Fatal(err)
	}
	auth, err := twofold.New(twofold.Config{
		Origin: "http://localhost:8080", Key: twofold.KeyFile("app.key"), Store: db,
		Accounts: twofold.Accounts{Registerable: true}, Pages: twofold.Pages{AccountPage: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	h, err := handler(auth, "localhost:8080", &url.URL{Scheme: "http", Host: "localhost:9001"})
	if err != nil {
		log.Fatal(err)
	}
	go auth.Run(context.Background())
	log.Fatal(http.ListenAndServe("localhost:8080", h))
}

// handler serves the sign-in, and passes to the application what the rules allow.
func handler(auth *twofold.Auth, host string, application *url.URL) (http.Handler, error) {
	protect, err := auth.Gate([]gate.Rule{
		{Hosts: []string{host}, Paths: []string{"/{$}", "/static"}, Require: gate.Public},
		{Hosts: []string{host}, Paths: []string{"/admin"}, Require: gate.Strong, Roles: []string{"admin"}},
		{Hosts: []string{host}, Require: gate.TwoFactors},
	})
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(application)
		r.SetXForwarded()
	}}
	return protect(proxy), nil
}
