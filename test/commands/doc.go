// Package commands runs the command twofold with the scripts in cmd/twofold/testdata. It has tests
// only. It is a separate module, so that testscript is not a dependency of the library.
package commands
