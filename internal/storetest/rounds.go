//go:build !race

package storetest

const manyRounds = 100
