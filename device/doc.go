// Package device owns trusted devices: browsers that may skip the second
// factor for a while.
//
// The cookie tf_validity is a signed token that names the user's credential
// version, the device and its current secret; the store keeps the record. A
// device skips the second factor of its own user and nothing else: it replaces
// no first factor and makes nothing fresh. Its life is absolute. The secret
// changes at each use; a retired one means that somebody copied the cookie,
// and ends the device.
package device
