// Package twofoldtest is for the tests of applications that use Twofold: the
// real thing on a file of its own, with caught mail and texts, a clock that
// tests move, users who are signed in to a chosen level, and NoSideDoor, which
// tries to reach a protected page by every way in and from every half-finished
// state.
//
//	kit := twofoldtest.New(t, twofold.Config{})
//	app := newApp(kit.Auth) // your handler, guards and all
//	kit.Serve(app)
//	kit.NoSideDoor("/admin")
//	resp := kit.LoginAs("ada@example.org", 2).Get("/admin")
//
// It imports package testing: link it into tests only.
package twofoldtest
