// Package routers tries the sign-in in front of common routers. It is a module
// of its own, so that the library depends on none of them.
package routers
