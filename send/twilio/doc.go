// Package twilio sends texts through Twilio's Messages resource, or anything
// that speaks like it, with one form POST.
//
// It owns the request, the reading of the answer and nothing else: no retries,
// no failing over, no texts. Twilio's error messages quote numbers and
// sometimes bodies; only its numeric codes leave this package.
package twilio
