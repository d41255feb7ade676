// Package security contains no product code. Its tests verify the security requirements of Twofold
// over real sockets. The name of each test starts with its requirement (TestR028_...).
// docs/security.md is generated from these names.
package security
