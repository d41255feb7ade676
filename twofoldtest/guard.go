package twofoldtest

import "testing"

// A program that holds this package and is not a test ends before its main: what
// is here opens accounts, and no one shall ship it by mistake. The linker tells
// the two apart (testing.Testing), not a setting.
var _ = onlyInTests()

func onlyInTests() struct{} {
	if !testing.Testing() {
		panic("twofoldtest is for tests, and this program is none: something that is not a _test.go file imports it")
	}
	return struct{}{}
}
