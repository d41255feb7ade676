package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"time"

	gosmtp "github.com/wneessen/go-mail/smtp"
)

// maxRead is the maximum number of bytes read in one conversation. The answers of a server are a
// few lines of 512 octets (RFC 5321 section 4.5.3.1.5).
const maxRead = 1 << 20

var (
	errTooMuch = errors.New("the server's answers are too long")
	errNoLogin = errors.New("the server offers neither AUTH PLAIN nor AUTH LOGIN")
)

// line is the connection of one message. go-mail watches the context only while it dials, and
// leaves connections open if the greeting, TLS or sign-in fails. So the line closes itself when the
// context ends and after sending.
type line struct {
	ctx  context.Context // context of one Send; the line ends with it
	tls  *tls.Config     // nil unless TLS starts with the first byte
	conn net.Conn
	stop func() bool
}

// dial is called by go-mail. go-mail cancels the context that it passes as soon as the sign-in is
// done, so the context of the line ends the conversation.
func (l *line) dial(dialing context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(dialing, network, address)
	if err != nil {
		return nil, err
	}
	l.conn = &bounded{Conn: conn}
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	if l.tls == nil {
		return l.conn, nil
	}
	secured := tls.Client(l.conn, l.tls)
	return secured, secured.HandshakeContext(dialing)
}

// close ends the connection, if there is one.
func (l *line) close() {
	if l.conn == nil {
		return
	}
	l.stop()
	_ = l.conn.Close()
}

// hurry limits the rest of the conversation to d.
func (l *line) hurry(d time.Duration) { _ = l.conn.SetDeadline(time.Now().Add(d)) }

// bounded is a connection that fails after maxRead bytes have been read.
type bounded struct {
	net.Conn
	read atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if b.read.Add(int64(n)) > maxRead {
		return 0, errTooMuch
	}
	return n, err
}

// login selects PLAIN, or else LOGIN, from the mechanisms that the server offers. Both send the
// password, so both refuse a connection without TLS unless the configuration allows it.
type login struct {
	gosmtp.Auth
	config  Config
	started bool
}

// Start implements gosmtp.Auth. The selected mechanism implements Next.
func (l *login) Start(server *gosmtp.ServerInfo) (string, []byte, error) {
	l.started = true
	c, plain := l.config, l.config.Security == None
	switch {
	case slices.Contains(server.Auth, "PLAIN"):
		l.Auth = gosmtp.PlainAuth("", c.Username, c.Password, c.Host, plain)
	case slices.Contains(server.Auth, "LOGIN"):
		l.Auth = gosmtp.LoginAuth(c.Username, c.Password, c.Host, plain)
	default:
		return "", nil, errNoLogin
	}
	return l.Auth.Start(server)
}
