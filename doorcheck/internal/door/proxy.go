package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

// Proxy terminates TLS in front of a site, as in production, and sends the address of a browser in
// X-Forwarded-For.
type Proxy struct {
	Origin string
	server *http.Server
}

// OpenProxy listens on loopback. The upstream may be set later.
func OpenProxy(upstream *url.URL) (*Proxy, error) {
	cert, err := certificate()
	if err != nil {
		return nil, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = r.In.Host
			from := r.In.Header.Get(fromHeader)
			if from == "" {
				from = "198.18.0.1"
			}
			for _, name := range []string{fromHeader, "Forwarded", "X-Forwarded-Host"} {
				r.Out.Header.Del(name)
			}
			r.Out.Header.Set("X-Forwarded-For", from)
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	p := &Proxy{
		Origin: "https://localhost:" + port, // passkeys are for names, not for addresses
		server: &http.Server{Handler: forward, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard,
			"", 0)},
	}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

// Close stops it.
func (p *Proxy) Close() { p.server.Close() }

// certificate returns a certificate for loopback that is valid for a day.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// FreeAddress returns a loopback address on which no program listens. Its port is below those that
// the system assigns to connections (32768 and more on Linux), so that no connection takes it in
// the meantime.
func FreeAddress() (string, error) {
	for tries := 1; ; tries++ {
		n, err := rand.Int(rand.Reader, big.NewInt(20000))
		if err != nil {
			return "", err
		}
		address := "127.0.0.1:" + strconv.Itoa(10000+int(n.Int64()))
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
		}
		if tries == 100 {
			return "", err
		}
	}
}
