// Package send delivers e-mail and text messages. It defines the message, the interface of a
// sender, and an outbox that survives a crash.
//
// The package checks recipients (exactly one bare address or number), keeps the content and the
// full destination of messages out of logs, tries fallback senders in order, and decides when a
// message is tried again or dropped. It does not render texts or limit the number of messages.
//
// # Two ways to send
//
// If a user waits for a code, Outbox.Deliver tries every sender at once and returns the result. A
// notice that no user waits for, such as "your password was changed", is stored by Outbox.Queue.
// Outbox.Run delivers it and retries with growing delays until it expires.
//
// # Messages are delivered at least once
//
// A message is encrypted and stored before the first attempt and erased after the last. If a
// provider accepts a message and the connection breaks before it answers, the message is sent
// again. Message.ID stays the same, so that a receiver can recognize it.
//
// # Providers
//
// Packages send/smtp and send/gateway contain senders for real providers. Box keeps messages for a
// development server. Package send/sendtest is for tests and contains TestSender, the conformance
// test that every Sender passes.
package send
