// Package gate contains what applications use of the gate: the rules that say who
// may access which page of which host, and a verifier of the assertions that the
// gate sends to applications.
//
// The program with the sign-in passes the rules to twofold.Auth.Gate. An
// application behind the gate uses the verifier and needs nothing else of Twofold:
//
//	v := gate.Verifier{Issuer: "https://login.example.org", Audience: "app.example.org"}
//	a, err := v.Verify(r.Context(), r.Header.Get("Twofold-Assertion"))
package gate
