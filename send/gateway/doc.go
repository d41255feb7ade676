// Package gateway delivers messages by HTTP: through Twilio, through any provider that a
// template describes, or to a service of the operator's, signed.
//
// It owns the requests and the reading of the answers; it does not own retries, failing
// over or texts. What providers say is reduced to status and code, because they like to
// quote what they were sent. No redirect is followed, and only https is taken, except on
// loopback.
//
// [TwilioSender] speaks to Twilio's Messages resource, or to anything that speaks like
// it, with one form POST.
//
// [TemplateSender] sends what a [TemplateConfig] describes: URL, headers, body, and the rules by
// which an answer means that the message was taken. [Preset] has those of Vonage, Bird,
// Plivo, Sinch and AWS SNS.
//
// # The signed request
//
// [WebhookSender] is how any provider is reached that needs a program: a few lines in a
// function that calls [Verify] and then the provider.
//
//	POST /your/path
//	Content-Type: application/json
//	Twofold-Timestamp: 1767225600
//	Twofold-Signature: v1=<hex HMAC-SHA256 of "1767225600." + body>
//
//	{"id":"...","channel":"email","to":"...","subject":"...","text":"...","html":"...","kind":"..."}
//
// Fields a message does not have are left out. The id is the same when a
// message is sent again: a receiver that keeps ids for as long as it accepts
// timestamps sends nothing twice, not even if a request is replayed.
//
// 2xx: taken. 422 (Unprocessable Content): this recipient will never work.
// Anything else, redirects included: not now. The answer's body is not read
// for meaning.
//
// # Passwords
//
// [Passwords] asks the system that accounts came from about a password. It posts, with
// the same headers and another secret:
//
//	{"type":"password","id":"...","identity":"alice@example.org","password":"..."}
//
// The receiver calls [Verify], drops an id that it has seen within the tolerance, and
// answers 200 with JSON. Anything else is a failure: people then see that signing in is
// not possible now, and no failed sign-in is recorded.
//
//	{"ok":false}
//	{"ok":true,"email":"alice@example.org","email_verified":true,"username":"alice","language":"de"}
//
// Only ok is required. Without an email the identity is the address.
package gateway
