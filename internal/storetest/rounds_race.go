//go:build race

package storetest

// With the race detector, every round is slower, and gaps are wider.
const manyRounds = 25
