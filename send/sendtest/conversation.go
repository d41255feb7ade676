package sendtest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// NewSession implements gosmtp.Backend. It is not for tests to call.
func (s *SMTPServer) NewSession(c *gosmtp.Conn) (gosmtp.Session, error) {
	return &conversation{server: s, conn: c}, nil
}

// conversation is the session of one client.
type conversation struct {
	server *SMTPServer
	conn   *gosmtp.Conn
	user   string // authenticated username
	mail   Mail
}

var _ gosmtp.AuthSession = (*conversation)(nil)

func (c *conversation) AuthMechanisms() []string {
	if c.server.options.Username == "" {
		return nil
	}
	return []string{c.server.options.Mechanism}
}

func (c *conversation) Auth(mechanism string) (sasl.Server, error) {
	check := func(_, username, password string) error {
		if username != c.server.options.Username || password != c.server.options.Password {
			return gosmtp.ErrAuthFailed
		}
		c.user = username
		return nil
	}
	switch {
	case mechanism != c.server.options.Mechanism:
		return nil, gosmtp.ErrAuthUnknownMechanism
	case mechanism == sasl.Login:
		return &loginServer{check: check}, nil
	default:
		return sasl.NewPlainServer(check), nil
	}
}

func (c *conversation) Mail(from string, _ *gosmtp.MailOptions) error {
	if c.server.options.Username != "" && c.user == "" {
		return gosmtp.ErrAuthRequired
	}
	if err := c.server.answer(AtMail); err != nil {
		return err
	}
	_, secured := c.conn.TLSConnectionState()
	c.mail = Mail{From: from, User: c.user, TLS: secured, Hello: c.conn.Hostname()}
	return nil
}

func (c *conversation) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if err := c.server.answer(AtRcpt); err != nil {
		return err
	}
	c.mail.To = append(c.mail.To, to)
	return nil
}

func (c *conversation) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.server.answer(AtData); err != nil {
		return err
	}
	mail, err := parse(c.mail, raw)
	if err != nil {
		return &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	if c.server.echoes() {
		words := strings.Join(strings.Fields(mail.Text+" "+mail.HTML+" "+string(raw)), " ")
		return &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1},
			Message: "looks like spam: " + words}
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.mails = append(c.server.mails, mail)
	return nil
}

func (c *conversation) Reset()        { c.mail = Mail{} }
func (c *conversation) Logout() error { return nil }

// answer returns the answer that the test has set for a step, or an untyped nil if there is none.
func (s *SMTPServer) answer(step string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.answers[step]; a != nil {
		return a
	}
	return nil
}

func (s *SMTPServer) echoes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.echo
}

// loginServer is the server side of AUTH LOGIN. go-sasl has only the client side.
type loginServer struct {
	check    sasl.PlainAuthenticator
	username string
	step     int
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch {
	case l.step == 1 && response == nil:
		return []byte("Username:"), false, nil
	case l.step <= 2 && l.username == "":
		l.username = string(bytes.TrimSpace(response))
		return []byte("Password:"), false, nil
	case l.username != "":
		return nil, true, l.check("", l.username, string(response))
	default:
		return nil, true, errors.New("sendtest: AUTH LOGIN out of step")
	}
}
