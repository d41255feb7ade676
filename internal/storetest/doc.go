// Package storetest holds the promises of package store as tests. An engine's
// own test calls Run, and RunNodes if several nodes can share its data; there
// are not options, so an engine that passes keeps all of them.
//
// Each case is named by the rule it checks. What may happen once is tried by
// many callers behind a start barrier, for many rounds: a gap between a read
// and a write shows only sometimes. The rounds are few in an everyday run, and
// many with TWOFOLD_THOROUGH=1 or CI=true: have your CI set one of them.
package storetest
