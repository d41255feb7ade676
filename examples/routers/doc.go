// Package routers tests the sign-in in front of common routers. It is a separate module, so that
// the library does not depend on them.
package routers
