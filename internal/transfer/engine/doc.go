// Package engine moves accounts between a [transfer.Source] and a store.
//
// Import checks every account of a source before it writes the first one, so an
// invalid source changes nothing. Between the two passes, the accounts are in a
// temporary file, encrypted with a key that only this process has. So exactly the
// checked accounts are written. Memory does not grow with the number of accounts.
// An import can be repeated: an account is identified by its source and its ID
// there.
//
// Export writes all accounts as they were at one point in time.
package engine
