// Package profile knows the fields that a site keeps of an account besides what
// signs it in, such as a name: which there are, which values are valid, and how
// they are stored. It does not store them and draws no page.
package profile
