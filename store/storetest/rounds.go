//go:build !race

package storetest

const rounds = 100
