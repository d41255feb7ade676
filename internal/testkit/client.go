package testkit

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/test/openapitest"
)

// ownDocument is docs/openapi.yaml, read once for a test program.
var ownDocument = sync.OnceValues(openapitest.Load)

// Watch checks every answer that passes through a transport against docs/openapi.yaml.
func Watch(t testing.TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	d, err := ownDocument()
	if err != nil {
		t.Fatal(err)
	}
	return d.Watch(next, func(err error) { t.Error(err) })
}

// NewClient returns a client without cookies that does not follow redirects.
func NewClient(t testing.TB, transport http.RoundTripper) *http.Client {
	c := &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}
