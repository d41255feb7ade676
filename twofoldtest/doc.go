// Package twofoldtest helps to test applications that use Twofold. It provides a real sign-in with
// its own database file, captured mail and text messages, a clock that tests can move, users who
// are signed in with a given level, and NoSideDoor, which tries to reach a protected page through
// every way to sign in and from every incomplete state.
//
//	func TestNoSideDoor(t *testing.T) { twofoldtest.NoSideDoor(t, config(), newApp, "/admin", "admin") }
//
// config returns your twofold.Config, and newApp returns your handler, including the guards, for a
// *twofold.Auth. NoSideDoor tests everything that they switch on. It also fails if it does not know
// a path, a setting or a cookie. For your own tests:
//
//	kit := twofoldtest.New(t, config())
//	kit.Serve(newApp(kit.Auth))
//	resp := kit.LoginAs("ada@example.org", 2, "admin").Get("/admin")
//
// A program that links this package and is not a test does not start.
package twofoldtest
