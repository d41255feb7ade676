// Package send gets mails and texts out of the house: the message, the one
// method a provider has to have, and the outbox that outlives a crash.
//
// It owns who may be written to (exactly one bare address or number), what may
// be said about a message in a log (never its content, never the whole
// destination), the order in which providers take over from each other, and
// when a message is tried again or dropped. It does not own texts (they arrive
// rendered), send budgets (package limit) or the content of codes.
//
// # Two ways to send
//
// A person who waits for a code is served by Outbox.Deliver: one try of every
// sender, now, and an honest answer. A notice that no user waits for ("your password
// was changed") goes to Outbox.Queue and is delivered by Outbox.Run with
// back-off until it expires.
//
// # Delivery happens at least once
//
// A message is stored, sealed, before the first try and erased after the last.
// A provider that took the message and then lost the connection before saying
// so gets it again; Message.ID stays the same, so that a receiver can tell.
//
// # Providers
//
// send/smtp and send/gateway talk to real ones, Box keeps messages for
// a development server, send/sendtest is for tests and holds TestSender, the
// conformance test every Sender passes.
package send
