// Package deletion takes accounts out of everything: at once at the word of an
// operator, and after a waiting period at the word of their owner.
package deletion
