package testkit

import (
	"regexp"
	"strings"
	"sync"
)

var (
	sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)
	anyLink   = regexp.MustCompile(
		`/(confirm|reset|change-email|tf-delete|tf-invite|tf-not-me|tf-recovery|login|us-verify-link)/[A-Za-z0-9._-]+`)
)

// Code returns the first code in a message, or "".
func Code(text string) string { return sixDigits.FindString(text) }

// Codes returns all codes in a message.
func Codes(text string) []string { return sixDigits.FindAllString(text, -1) }

// Link returns the path of the first link in a message whose first part is one of kinds, such as
// "reset", or "". Without kinds, every kind of link with a token counts.
func Link(text string, kinds ...string) string {
	for _, found := range anyLink.FindAllStringSubmatch(text, -1) {
		if len(kinds) == 0 || strings.Contains(" "+strings.Join(kinds, " ")+" ", " "+found[1]+" ") {
			return found[0]
		}
	}
	return ""
}

// Forge flips one bit in the last part of a signed text, so that its signature is invalid. The
// first character of a part has no unused bits.
func Forge(signed string) string {
	at := strings.LastIndexAny(signed, "./") + 1
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, signed[at])
	return signed[:at] + string(alphabet[i^1]) + signed[at+1:]
}

// Par runs a function n times at once and waits for the end.
func Par(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			f(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}
