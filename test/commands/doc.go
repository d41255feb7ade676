// Package commands runs the command twofold as people do, by the scripts in
// cmd/twofold/testdata. It has tests only, and is a module of its own, so that testscript
// is not among the library's dependencies.
package commands
