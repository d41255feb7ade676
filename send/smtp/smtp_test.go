package smtp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/send/smtp"
)

const secret = "482193"

func mail() send.Message {
	return send.Message{
		Channel: send.Email, To: "joan@example.org", Subject: "Sign in", Kind: "two_factor_code", ID: "ABC123",
		Text: "Your code is " + secret + ".\n", HTML: "<p>Your code is <b>" + secret + "</b></p>",
	}
}

// to returns a sender for a server. change may modify its configuration.
func to(t *testing.T, server *sendtest.SMTPServer, change func(*smtp.Config)) *smtp.Sender {
	t.Helper()
	c := smtp.Config{
		Host: server.Host, Port: server.Port, RootCAs: server.RootCAs,
		From: "Twofold <no-reply@auth.example>",
	}
	if change != nil {
		change(&c)
	}
	s, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	for _, security := range []string{smtp.StartTLS, smtp.TLS, smtp.None} {
		t.Run(security, func(t *testing.T) {
			sendtest.TestSender(t, func(t *testing.T) sendtest.Subject {
				server := sendtest.SMTPWith(t, sendtest.SMTPOptions{Security: security, Username: "u", Password: "p"})
				sender := to(t, server, func(c *smtp.Config) {
					c.Security, c.Username, c.Password = security, "u", "p"
				})
				return sendtest.Subject{
					Sender: sender, Channels: []string{send.Email},
					Calls: server.Connections, Echo: server.Echo, Silence: server.Silence,
				}
			})
		})
	}
}

func TestSignsInOverTLS(t *testing.T) {
	for _, security := range []string{smtp.StartTLS, smtp.TLS} {
		for _, mechanism := range []string{"PLAIN", "LOGIN"} {
			t.Run(security+" "+mechanism, func(t *testing.T) {
				server := sendtest.SMTPWith(t, sendtest.SMTPOptions{
					Security: security, Username: "mailer", Password: "pass word", Mechanism: mechanism,
				})
				change := func(c *smtp.Config) { c.Security, c.Username, c.Password = security, "mailer", "pass word" }
				if err := to(t, server, change).Send(t.Context(), mail()); err != nil {
					t.Fatal(err)
				}
				got := server.Mails()
				if len(got) != 1 || !got[0].TLS || got[0].User != "mailer" {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
}

func TestMail(t *testing.T) {
	server := sendtest.SMTPWith(t, sendtest.SMTPOptions{Security: "starttls"})
	m := mail()
	m.Subject = "Dein Prüfcode für „Büro“\r\nBcc: eve@example.net"
	m.Text = "Grüße\n.\nMAIL FROM:<eve@example.net>\n..\n" + strings.Repeat("långt ", 400) + "\n"
	if err := to(t, server, nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := server.Mails()[0]
	if got.From != "no-reply@auth.example" || len(got.To) != 1 || got.To[0] != m.To || got.Hello != "auth.example" {
		t.Errorf("envelope: %q %q %q", got.From, got.To, got.Hello)
	}
	if got.Text != m.Text || got.HTML != m.HTML {
		t.Errorf("text %q, HTML %q", got.Text, got.HTML)
	}
	if flat := strings.NewReplacer("\r", "", "\n", "").Replace(m.Subject); strings.NewReplacer("\r", "", "\n",
		"").Replace(got.Subject) != flat {
		t.Errorf("subject %q", got.Subject)
	}
	want := map[string]string{
		"From": `"Twofold" <no-reply@auth.example>`, "To": "<joan@example.org>", "Auto-Submitted": "auto-generated",
		"Message-Id": "<ABC123@auth.example>", "Mime-Version": "1.0",
		"Bcc": "", "Cc": "", "User-Agent": "", "X-Mailer": "", "Reply-To": "",
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/alternative") {
		t.Errorf("content type %q", got.Header.Get("Content-Type"))
	}
	if date, err := got.Header.Date(); err != nil || time.Since(date) > time.Minute ||
		!strings.HasSuffix(got.Header.Get("Date"), "+0000") {
		t.Errorf("date %q", got.Header.Get("Date"))
	}
}

func TestTextAlone(t *testing.T) {
	server := sendtest.SMTP(t)
	m := mail()
	m.HTML, m.ID = "", "<evil>@id"
	if err := to(t, server, plain).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := server.Mails()[0]
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") || got.Text != m.Text {
		t.Errorf("%q: %q", got.Header.Get("Content-Type"), got.Text)
	}
	if strings.Contains(got.Header.Get("Message-Id"), "evil") {
		t.Errorf("message id %q", got.Header.Get("Message-Id"))
	}
}

func plain(c *smtp.Config) { c.Security = smtp.None }

// A server that is not trusted gets neither password nor message.
func TestRefusesToTalkTo(t *testing.T) {
	cases := []struct {
		name    string
		options sendtest.SMTPOptions
		change  func(*smtp.Config)
		want    string
	}{
		{"a certificate of an unknown CA", sendtest.SMTPOptions{Security: "starttls"},
			func(c *smtp.Config) { c.RootCAs = x509.NewCertPool() }, "certificate"},
		{"a certificate for another name",
			sendtest.SMTPOptions{Security: "starttls", CertificateFor: "mail.example.org"}, nil, "certificate"},
		{"implicit TLS with an unknown CA", sendtest.SMTPOptions{Security: "tls"},
			func(c *smtp.Config) { c.Security, c.RootCAs = smtp.TLS, x509.NewCertPool() }, "certificate"},
		{"implicit TLS with another name", sendtest.SMTPOptions{Security: "tls", CertificateFor: "mail.example.org"},
			func(c *smtp.Config) { c.Security = smtp.TLS }, "certificate"},
		{"a server without STARTTLS", sendtest.SMTPOptions{}, nil, "STARTTLS"},
		{"a server without TLS where TLS is due", sendtest.SMTPOptions{},
			func(c *smtp.Config) { c.Security = smtp.TLS }, "connecting"},
		{"a server that wants no password", sendtest.SMTPOptions{Security: "starttls"},
			func(c *smtp.Config) { c.Username, c.Password = "mailer", "hunter2hunter2" },
			"neither AUTH PLAIN nor AUTH LOGIN"},
		{"a server that knows another password",
			sendtest.SMTPOptions{Security: "starttls", Username: "mailer", Password: "other"},
			func(c *smtp.Config) { c.Username, c.Password = "mailer", "hunter2hunter2" }, "signing in: answered 535"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := sendtest.SMTPWith(t, c.options)
			err := to(t, server, c.change).Send(t.Context(), mail())
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, send.ErrRefused) {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in %v", err)
			}
			if n := len(server.Mails()); n != 0 {
				t.Errorf("%d mails taken", n)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		step     string
		code     int
		enhanced [3]int
		refused  bool
		want     string
	}{
		{sendtest.AtRcpt, 550, [3]int{5, 1, 1}, true, "550 5.1.1"},
		{sendtest.AtRcpt, 556, [3]int{5, 1, 10}, true, "556 5.1.10"},
		{sendtest.AtRcpt, 550, [3]int{-1, -1, -1}, true, "550"},
		{sendtest.AtRcpt, 550, [3]int{5, 7, 1}, false, "550 5.7.1"},
		{sendtest.AtRcpt, 450, [3]int{4, 2, 0}, false, "450 4.2.0"},
		{sendtest.AtRcpt, 452, [3]int{4, 5, 3}, false, "452 4.5.3"},
		{sendtest.AtMail, 550, [3]int{5, 1, 8}, false, "MAIL FROM"},
		{sendtest.AtMail, 421, [3]int{4, 3, 2}, false, "421 4.3.2"},
		{sendtest.AtData, 554, [3]int{5, 6, 0}, false, "554 5.6.0"},
		{sendtest.AtData, 451, [3]int{4, 3, 0}, false, "451 4.3.0"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.step, " ", c.want), func(t *testing.T) {
			server := sendtest.SMTPWith(t, sendtest.SMTPOptions{Security: "starttls"})
			server.Answer(c.step, c.code, c.enhanced, "joan@example.org "+secret)
			sender := to(t, server, nil)
			err := sender.Send(t.Context(), mail())
			if err == nil || errors.Is(err, send.ErrRefused) != c.refused || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want refused %v and %q", err, c.refused, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "joan")) {
				t.Errorf("the server's words are in %v", err)
			}
			server.Answer(c.step, 0, [3]int{}, "")
			if err := sender.Send(t.Context(), mail()); err != nil || len(server.Mails()) != 1 {
				t.Errorf("not sent after the server recovered: %v", err)
			}
		})
	}
}

func TestTimeoutBeforeTheGreeting(t *testing.T) {
	for _, security := range []string{smtp.StartTLS, smtp.TLS, smtp.None} {
		t.Run(security, func(t *testing.T) {
			server := sendtest.SMTPWith(t, sendtest.SMTPOptions{Security: security})
			server.Silence()
			sender := to(t, server, func(c *smtp.Config) { c.Security, c.Timeout = security, 200*time.Millisecond })
			started := time.Now()
			if err := sender.Send(t.Context(), mail()); err == nil {
				t.Error("no error")
			}
			if took := time.Since(started); took > 9*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestCancelWhileTheServerIsSilent(t *testing.T) {
	server := sendtest.SMTP(t)
	server.Silence()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	started := time.Now()
	if err := to(t, server, plain).Send(ctx, mail()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(started); took > 9*time.Second {
		t.Errorf("took %v", took)
	}
}

// A script is a server that sends fixed lines, one for each line it receives.
func script(t *testing.T, lines ...string) (host string, port int, closed <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	gone := make(chan struct{})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer close(gone)
		defer func() { _ = conn.Close() }()
		buf := make([]byte, 4096)
		for _, line := range lines {
			if _, err := conn.Write([]byte(line)); err != nil {
				return
			}
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
		for err == nil { // say nothing more; wait for the client to go
			_, err = conn.Read(buf)
		}
	}()
	addr, _ := listener.Addr().(*net.TCPAddr)
	return "127.0.0.1", addr.Port, gone
}

func TestServersOutOfLine(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  string // in the error; empty: it was sent
	}{
		{"speaks HTTP", []string{"HTTP/1.1 400 " + secret + "\r\n"}, "invalid SMTP answer"},
		{"is too busy", []string{"421 4.3.2 busy " + secret + "\r\n"}, "connecting: answered 421"},
		{"never stops talking", []string{"220-" + strings.Repeat("x", 2<<20) + "\r\n"}, "answers are too long"},
		{"hangs up in the middle",
			[]string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n",
				"nonsense " + secret + "\r\n"}, "connection lost"},
		{"takes it and then hangs",
			[]string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			host, port, closed := script(t, c.lines...)
			sender, err := smtp.New(smtp.Config{Host: host, Port: port, Security: smtp.None,
				From: "no-reply@auth.example"})
			if err != nil {
				t.Fatal(err)
			}
			started := time.Now()
			err = sender.Send(t.Context(), mail())
			switch {
			case c.want == "" && err != nil:
				t.Errorf("taken, but: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), secret)):
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := time.Since(started); took > 9*time.Second {
				t.Errorf("took %v", took)
			}
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				t.Error("the connection was left open")
			}
		})
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	_, err := smtp.New(smtp.Config{Security: "ssl", Port: -1, Username: "mailer", Timeout: -1, From: "not an address"})
	for _, want := range []string{"Security", "Port", "Host", "Username", "Timeout", "From"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

func TestPlainSMTPIsRefusedUnlessConfigured(t *testing.T) {
	c := smtp.Config{Security: smtp.None, From: "no-reply@auth.example"}
	for host, ok := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true,
		"mail.example.org": false, "10.0.0.1": false, "localhost.example.org": false, "127.0.0.1.example.org": false,
	} {
		c.Host, c.AllowPlain = host, false
		if _, err := smtp.New(c); (err == nil) != ok {
			t.Errorf("%s: %v", host, err)
		}
		c.AllowPlain = true
		if _, err := smtp.New(c); err != nil {
			t.Errorf("%s, allowed: %v", host, err)
		}
	}
}

func TestPasswordIsNotPrinted(t *testing.T) {
	s, err := smtp.New(smtp.Config{Host: "mail.example.org", Username: "mailer", Password: "hunter2hunter2",
		From: "a@auth.example"})
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(said, "hunter2") ||
		!strings.Contains(said, "mail.example.org:587") {
		t.Error(said)
	}
}
