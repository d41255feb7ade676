package oidc

import (
	"errors"
	"io"
	"net/http"
)

// maxAnswer bounds what a provider may send at once.
const maxAnswer = 1 << 20

// bounded goes to secure addresses only, wherever metadata or redirects point,
// and reads no more than maxAnswer of what comes.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopback(r.URL.Hostname()) {
		return nil, errors.New("oidc: an address of the provider is not https")
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
