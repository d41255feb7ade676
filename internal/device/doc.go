// Package device manages the browsers that an account knows. A trusted browser may
// skip the second factor for some time. A remembered browser stays signed in: its
// cookie alone signs it in.
//
// The cookie tf_validity is a signed token with the user's credential version, the
// device and its current secret. The store keeps the record. A trusted device skips
// the second factor of its own user and nothing else: it does not replace a first
// factor, and makes nothing fresh. The cookie remember_token has the same form but
// is signed for another purpose. Package auth decides what a remembered browser
// may do.
//
// The life of both is absolute. The secret changes at each use. If a retired secret
// is used, the cookie was copied, and the device ends.
package device
