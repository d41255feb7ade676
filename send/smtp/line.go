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

// maxRead bounds what one conversation may make us read: a server's replies
// are a few lines of 512 octets (RFC 5321 section 4.5.3.1.5).
const maxRead = 1 << 20

var (
	errTooMuch = errors.New("the server talks too much")
	errNoLogin = errors.New("the server offers neither AUTH PLAIN nor AUTH LOGIN")
)

// line is the one connection of one message. go-mail watches the context only
// while it dials and leaves connections open when greeting, TLS or sign-in
// fail, so the line closes itself: when the context ends, and after the send.
type line struct {
	ctx  context.Context // one Send's; a line does not outlive it
	tls  *tls.Config     // nil: no TLS from the first byte
	conn net.Conn
	stop func() bool
}

// dial is go-mail's way to a connection. go-mail cancels the context it passes
// here as soon as the sign-in is over, so the one that ends the conversation
// is the line's.
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

// hurry leaves the rest of the conversation no more than d.
func (l *line) hurry(d time.Duration) { _ = l.conn.SetDeadline(time.Now().Add(d)) }

// bounded is a connection that ends after maxRead bytes were read.
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

// login picks PLAIN, else LOGIN, from what the server offers once the
// connection is safe. Both hand over the password, so both refuse a connection
// without TLS unless the configuration asked for one.
type login struct {
	gosmtp.Auth
	config  Config
	started bool
}

// Start implements gosmtp.Auth; Next is the chosen one's.
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
