// Package engine moves accounts between a [transfer.Source] and a store.
//
// Import judges every account of a source before it writes the first one, so a bad
// source changes nothing. What was judged is what is written: the accounts wait in a
// scratch file between the two passes, encrypted under a key that only this process
// has. Memory does not grow with the number of accounts. An import can be repeated: an
// account is known by its source and its id there.
//
// Export writes all accounts as they were at one moment.
package engine
