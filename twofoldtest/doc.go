// Package twofoldtest is for the tests of applications that use Twofold: the
// real thing on a file of its own, with caught mail and texts, a clock that
// tests move, users who are signed in to a chosen level, and NoSideDoor, which
// tries to reach a protected page by every way in and from every half-finished
// state.
//
//	func TestNoSideDoor(t *testing.T) { twofoldtest.NoSideDoor(t, config(), newApp, "/admin", "admin") }
//
// config is your twofold.Config and newApp makes your handler, guards and all, of
// a *twofold.Auth. NoSideDoor finds out from both what is switched on, and fails
// as well where it cannot tell what something opens. For tests of your own:
//
//	kit := twofoldtest.New(t, config())
//	kit.Serve(newApp(kit.Auth))
//	resp := kit.LoginAs("ada@example.org", 2, "admin").Get("/admin")
//
// A program that links it and is not a test does not start.
package twofoldtest
