// Package sendtest helps to test code that sends mail and text messages. It contains a sink in
// memory, an SMTP server and a Twilio-compatible HTTP server on loopback, and TestSender, the
// conformance test that every send.Sender must pass.
//
// It keeps codes in plain text and must be used only in tests.
package sendtest
