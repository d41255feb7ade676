// Package security holds no code that ships. Its tests prove the requirements
// that Twofold is held to, from outside, over real sockets: one test for each,
// named by it (TestR028_...). docs/security.md is made from their names.
package security
