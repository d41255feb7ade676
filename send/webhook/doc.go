// Package webhook hands mails and texts to an HTTP service of the operator's,
// signed, and lets that service check the signature.
//
// It is how any provider without a package of its own is reached: a few lines
// in a function that calls Verify and then the provider. It owns the request's
// shape and its signature; it does not own retries or texts.
//
// # The request
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
// # The answer
//
// 2xx: taken. 422 (Unprocessable Content): this recipient will never work.
// Anything else, redirects included: not now. The answer's body is not read
// for meaning.
package webhook
