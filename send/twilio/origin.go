package twilio

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
)

// checkURL accepts https anywhere and http on this machine.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("is no plain URL") // a parse error would repeat it
	}
	if u.Scheme == "https" {
		return nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("has to be https, except on loopback")
}

func isTLS(err error) bool {
	var cert *tls.CertificateVerificationError
	return errors.As(err, &cert)
}
