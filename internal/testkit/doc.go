// Package testkit runs a complete site for tests: a clock that only the test moves, a database of
// any engine, one or more nodes behind real sockets, browsers, people with their authenticator apps
// and phones, and the messages that they get. Every answer that a browser of a site gets is checked
// against docs/openapi.yaml.
//
// The suites in test and the tests of commands share it. What a suite asserts beyond that, such as
// the error texts of the contract, stays with the suite. An application tests itself with package
// twofoldtest, which needs no database server.
package testkit
