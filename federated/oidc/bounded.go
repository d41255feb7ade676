package oidc

import (
	"errors"
	"io"
	"net/http"
)

// maxAnswer is the maximum size of an answer of a provider, in bytes.
const maxAnswer = 1 << 20

// bounded allows requests to secure URLs only, wherever metadata or redirects point, and reads at
// most maxAnswer bytes of an answer.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Hostname()) {
		return nil, errors.New("oidc: a URL of the provider is not https")
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = limited{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

type limited struct {
	io.Reader
	io.Closer
}
