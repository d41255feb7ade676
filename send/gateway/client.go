package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	// maxAnswer is the maximum number of bytes read of an answer.
	maxAnswer = 64 << 10
)

// newClient copies or creates a client that does not follow redirects, because a redirect would
// send the message to a host that is not configured.
func newClient(given *http.Client) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

// reach connects to the host of a URL, with TLS if the URL is https, and sends no request.
func reach(ctx context.Context, who, address string, within time.Duration) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New(who + ": invalid URL")
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	port := u.Port()
	var conn net.Conn
	if u.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		conn, err = (&tls.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	} else {
		if port == "" {
			port = "80"
		}
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	}
	if err != nil {
		return transportFailure(ctx, who, err)
	}
	return conn.Close()
}

// transportFailure keeps only those parts of an error that cannot contain data of the request:
// net/http quotes malformed answers, and url.Error contains the URL.
func transportFailure(ctx context.Context, who string, err error) error {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", who, ctx.Err())
	case errors.As(err, &op):
		return fmt.Errorf("%s: %w", who, op) // dialing, name lookup, broken connections
	case errors.As(err, &cert):
		return errors.New(who + ": the server's certificate is not trusted")
	default:
		return errors.New(who + ": invalid HTTP response")
	}
}

// checkURL accepts https for any host and http for loopback hosts.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("is missing or not a valid URL") // a parse error would contain the URL
	}
	if u.Scheme == "https" {
		return nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("must be https, except on loopback")
}
