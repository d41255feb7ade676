// Package sendtest helps tests that have to do with mails and texts: a sink in
// memory, a real SMTP server and a Twilio-shaped HTTP server on loopback, and
// TestSender, the conformance test every send.Sender passes.
//
// Everything here keeps codes in the clear and belongs in tests only.
package sendtest
