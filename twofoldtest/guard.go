package twofoldtest

import "testing"

// A program that links this package and is not a test ends before its main function, because the
// package can open accounts and must not be shipped by mistake. The linker decides whether it is a
// test (testing.Testing), not a setting.
var _ = onlyInTests()

func onlyInTests() struct{} {
	if !testing.Testing() {
		panic("twofoldtest is for tests, and this program is none: something that is not a _test.go file imports it")
	}
	return struct{}{}
}
