//go:build race

package storetest

// The race detector slows every round down and widens the gaps it looks for.
const manyRounds = 25
