// Package gate holds what applications write and read of the gate: the rules by
// which it decides who may see which page of which host, and the verifier by which
// an application behind it checks who was let through.
//
// Rules are for the program that has the sign-in; see twofold.Auth.Gate. A verifier
// is for the applications behind it, which need nothing else of Twofold:
//
//	v := gate.Verifier{Issuer: "https://login.example.org", Audience: "app.example.org"}
//	a, err := v.Verify(r.Context(), r.Header.Get("Twofold-Assertion"))
package gate
