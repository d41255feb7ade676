// Package gateway delivers messages over HTTP: through Twilio, through any provider that a template
// describes, or as signed requests to a service of the operator.
//
// It makes the requests and reads the answers. It does not retry, fall back to other senders or
// render texts. Errors contain only the status and code of an answer, because providers often quote
// the request. Redirects are not followed, and only https is accepted, except on loopback.
//
// [TwilioSender] sends one form POST to Twilio's Messages resource or to a compatible service.
//
// [TemplateSender] sends the request that a [TemplateConfig] describes by its URL, headers and
// body. Rules decide whether the answer means that the message was accepted. [Preset] returns the
// templates of Vonage, Bird, Plivo, Sinch and AWS SNS.
//
// # The signed request
//
// [WebhookSender] supports any other provider: a small program of yours calls [Verify] and then the
// provider.
//
//	POST /your/path
//	Content-Type: application/json
//	Twofold-Timestamp: 1767225600
//	Twofold-Signature: v1=<hex HMAC-SHA256 of "1767225600." + body>
//
//	{"id":"...","channel":"email","to":"...","subject":"...","text":"...","html":"...","kind":"..."}
//
// Empty fields are omitted. The id stays the same when a message is sent again. A receiver that
// keeps ids for as long as it accepts timestamps sends no message twice, even if a request is
// replayed.
//
// A status 2xx means that the message was accepted, and 422 (Unprocessable Content) that this
// recipient will never work. Any other status, including a redirect, is a failure that is tried
// again. The body of the answer is ignored.
//
// # Passwords
//
// [Passwords] asks the system that accounts come from to check a password. It posts, with the same
// headers and another secret:
//
//	{"type":"password","id":"...","identity":"alice@example.org","password":"..."}
//
// The receiver calls [Verify], rejects an id that it has seen within the tolerance, and answers 200
// with JSON. Any other answer is a failure: the user then sees that signing in is not possible now,
// and no failed sign-in is recorded.
//
//	{"ok":false}
//	{"ok":true,"email":"alice@example.org","email_verified":true,"username":"alice","language":"de"}
//
// Only ok is required. If there is no email, the identity is the address.
package gateway
