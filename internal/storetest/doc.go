// Package storetest tests what package store promises. The test of an engine calls
// Run, and RunNodes if several nodes can share its data. There are no options, so
// an engine that passes keeps all promises.
//
// Each case is named by the rule that it checks. If only one caller may succeed,
// many callers start at once, for many rounds, because a gap between a read and a
// write shows only sometimes. By default, there are few rounds. With
// TWOFOLD_THOROUGH=1, there are many.
package storetest
