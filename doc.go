// Package twofold adds sign-in with a second factor to a web application.
//
//	auth, err := twofold.New(twofold.Config{
//		Origin: "http://localhost:8080",
//		Key:    twofold.KeyFile("app.key"),
//		Store:  db, // sqlite.Open("app.db")
//	})
//	auth.Mount(mux)
//	mux.Handle("/", auth.RequireTwoFactor(home))
//
// New reports all mistakes of the configuration at once. *Auth is an
// http.Handler for every path of the sign-in: /login, /logout, /verify,
// /register, /tf-setup, /tf-validate, /tf-select, /tf-rescue, /tf-resend; each
// answers JSON or a page. The guards RequireUser, RequireTwoFactor,
// RequireStrong, RequireFresh, RequireRole, RequirePermission and RequireScope
// wrap any http.Handler, and User(r) returns the user. Identify lets everyone through and says who is signed in, if anyone.
// Wrap(next) serves the paths of the sign-in in front of any router. Accounts are
// made and changed with CreateUser and its neighbors.
//
// # Words
//
// A first factor is the password. A second factor is one enrolled instance of
// a method (authenticator app, SMS, e-mail). A pending sign-in has proven the
// first and not the second; it is never a session. A session's level is what
// it has proven. A trusted device is a browser that may skip the second factor
// for a while. Fresh means proven a short while ago, at the account's level.
//
// # What holds
//
// No way in skips the second factor: one function issues sessions, and only
// the steps that saw everything proven can call it. Nothing works twice: codes,
// TOTP steps, drafts and pending sign-ins are taken by one atomic statement.
// Nothing secret is readable in the database. See docs/security.md.
package twofold
