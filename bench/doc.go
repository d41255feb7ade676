// Bench measures Twofold against a bare handler and against the bare password
// hash, in one run and on one machine. README.md has the recipe and what came
// out of it.
//
//	bench seed   fills a database with users, factors and sessions
//	bench serve  serves a handler bare and behind a guard, and every path
//	bench load   sends requests and says how long they took and what they cost
//	bench all    runs the recipe and prints a table
//	bench flat   compares databases of several sizes
//
// It owns no part of a sign-in. Everything secret in a seeded database can be
// computed from the user's number: never serve one to anybody.
package main
