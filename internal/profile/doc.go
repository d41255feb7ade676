// Package profile manages the profile fields of a site, such as a name: which
// fields there are, which values are valid, and how the values are encoded. It
// neither stores them nor renders pages.
package profile
