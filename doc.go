// Package twofold adds sign-in with a second factor to a web application.
//
//	auth, err := twofold.New(twofold.Config{
//		Origin: "http://localhost:8080",
//		Key:    twofold.KeyFile("app.key"),
//		Store:  db, // sqlite.Open(ctx, "app.db")
//	})
//	go auth.Run(ctx)
//	auth.Mount(mux)
//	mux.Handle("/", auth.RequireTwoFactor(home))
//
// New reports all mistakes of the configuration at once and starts nothing; Run delivers messages,
// seals the audit trail and removes what has expired. An *Auth is an http.Handler for every path of
// the sign-in, such as /login, /logout, /verify, /register, /tf-setup and /tf-validate. Each path
// answers with JSON or a page. Mount registers the paths on a mux; Wrap serves them in front of any
// router.
//
// The guards RequireUser, RequireTwoFactor, RequireStrong, RequireFresh, RequireRole,
// RequireAnyRole, RequirePermission and RequireScope wrap an http.Handler. Behind them, UserOf
// returns the user of a request. Identify passes every request on and makes UserOf work for pages
// that everyone may see.
//
// CreateUser and the methods after it create and change accounts.
//
// # Terms
//
// A first factor starts a sign-in, usually a password. A second factor is one enrolled instance of
// a method, such as an authenticator app or a phone number for SMS. A pending sign-in has proven
// the first factor but not the second; it is not a session. The level of a session is the number of
// factors it has proven. A trusted browser may skip the second factor for a while. A session is
// fresh if it proved all factors of its account a short while ago.
//
// # Guarantees
//
// No way in skips the second factor: one function issues sessions, and only steps that have checked
// every proof can call it. Nothing can be used twice: codes, TOTP steps and pending sign-ins are
// consumed by one atomic statement. The database contains no secret in clear text. See
// docs/security.md.
package twofold
