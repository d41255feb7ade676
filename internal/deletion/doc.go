// Package deletion deletes accounts: at once if an operator asks for it, and after
// a waiting period if the owner does.
package deletion
