// Package device owns the browsers that an account knows: trusted ones, which
// may skip the second factor for a while, and those that stay signed in, which
// are let in by their cookie alone.
//
// The cookie tf_validity is a signed token that names the user's credential
// version, the device and its current secret; the store keeps the record. A
// trusted device skips the second factor of its own user and nothing else: it
// replaces no first factor and makes nothing fresh. The cookie remember_token
// is made alike and signed for another purpose; what its browser may do, login
// decides.
//
// The life of either is absolute. The secret changes at each use; a retired one
// means that the cookie was copied, and ends the device.
package device
