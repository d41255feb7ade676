package sendtest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// The steps at which an SMTPServer can fail; see SMTPServer.Answer.
const (
	AtMail = "MAIL"
	AtRcpt = "RCPT"
	AtData = "DATA"
)

// SMTPOptions configures the server that SMTPWith starts.
type SMTPOptions struct {
	// Security is "starttls", "tls" or "none". The default is "none".
	Security string
	// CertificateFor is the name in the certificate. The default is 127.0.0.1, the address on which
	// the server listens.
	CertificateFor string
	// Username and Password must be presented before mail is accepted. If they are empty, AUTH is
	// not offered.
	Username, Password string
	// Mechanism is "PLAIN" or "LOGIN". The default is "PLAIN".
	Mechanism string
}

// SMTPServer is an SMTP server that keeps the mails it accepts.
type SMTPServer struct {
	Host    string
	Port    int
	RootCAs *x509.CertPool // trust its certificate; nil without TLS

	options SMTPOptions
	mu      sync.Mutex
	mails   []Mail
	opened  int
	silent  bool
	held    []net.Conn // connections accepted while silent
	answers map[string]*gosmtp.SMTPError
	echo    bool
}

// SMTP starts a server without TLS and AUTH on a free loopback port. It stops at the end of the
// test.
func SMTP(t testing.TB) *SMTPServer {
	t.Helper()
	return SMTPWith(t, SMTPOptions{})
}

// SMTPWith starts a server with options.
func SMTPWith(t testing.TB, o SMTPOptions) *SMTPServer {
	t.Helper()
	if o.Mechanism == "" {
		o.Mechanism = "PLAIN"
	}
	if o.CertificateFor == "" {
		o.CertificateFor = "127.0.0.1"
	}
	s := &SMTPServer{options: o, answers: make(map[string]*gosmtp.SMTPError)}
	server := gosmtp.NewServer(s)
	server.Domain = "sendtest.invalid"
	server.AllowInsecureAuth = o.Security != "starttls" // after STARTTLS it is always offered
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	server.MaxMessageBytes = 1 << 20
	server.ErrorLog = log.New(io.Discard, "", 0) // tests close connections on purpose
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("sendtest: listening on %v", listener.Addr())
	}
	s.Host, s.Port = addr.IP.String(), addr.Port
	listener = &gate{Listener: listener, server: s}
	if o.Security == "starttls" || o.Security == "tls" {
		cert, pool := Certificate(t, o.CertificateFor)
		s.RootCAs = pool
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if o.Security == "tls" {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with Close below
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // a test may end before Serve has told the server of it
		<-done
		s.release()
	})
	return s
}

// Mails returns the accepted mails, oldest first.
func (s *SMTPServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections returns the number of connections.
func (s *SMTPServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Answer makes the server answer a step (AtMail, AtRcpt or AtData) with code, an enhanced code such
// as {5, 1, 1} and text from now on. Code 0 ends that.
func (s *SMTPServer) Answer(step string, code int, enhanced [3]int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code == 0 {
		delete(s.answers, step)
		return
	}
	s.answers[step] = &gosmtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// Echo makes the server refuse every further mail with an answer that repeats the whole mail, as
// some spam filters do.
func (s *SMTPServer) Echo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echo = true
}

// Silence makes the server accept further connections without answering.
func (s *SMTPServer) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

// release closes the connections that were accepted while silent.
func (s *SMTPServer) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.held {
		_ = c.Close()
	}
}

// gate counts connections and holds them back from the server while it is silent.
type gate struct {
	net.Listener
	server *SMTPServer
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !g.hold(conn) {
			return conn, nil
		}
	}
}

func (g *gate) hold(conn net.Conn) bool {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.server.opened++
	if g.server.silent {
		g.server.held = append(g.server.held, conn)
	}
	return g.server.silent
}
