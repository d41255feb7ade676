package security_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/send/smtp"
)

// postOffice is a real SMTP server behind a connection that a test can cut.
type postOffice struct {
	*sendtest.SMTPServer
	*plug
	sender send.Sender
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	o := &postOffice{SMTPServer: sendtest.SMTP(t)}
	o.plug = newPlug(t, net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	host, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	o.sender, err = smtp.New(smtp.Config{Host: host, Port: n, Security: smtp.None, From: "no-reply@good.test",
		Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// code returns the code of the newest mail that has one, or "".
func (o *postOffice) code() (code string) {
	for _, m := range o.Mails() {
		if found := testkit.Code(m.Text); found != "" {
			code = found
		}
	}
	return code
}

// plantFactor stores a second factor without an enrollment.
func (w *world) plantFactor(p *person, method, destination string) {
	w.T.Helper()
	db := w.Nodes[0].Store
	u, err := db.UserByID(w.T.Context(), p.ID)
	w.Must(err)
	w.Must(db.ChangeFactors(w.T.Context(), storage.FactorChange{
		UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Now: w.Now(),
		Add: &storage.Factor{ID: storage.NewID(), UserID: u.ID, Method: method, Destination: destination,
			Primary: true, CreatedAt: w.Now()},
	}))
}

// wait polls until a condition holds.
func (w *world) wait(what string, so func() bool) {
	w.T.Helper()
	for range 1200 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.T.Errorf("%s: not after a minute", what)
}

// TestFaultMail checks that a failing mail server is reported to a person who requests a code, that
// no step can be skipped, and that a code can be sent once the server works. A notice stays in the
// outbox and is sent later, unless the server reports that the mailbox does not exist.
func TestFaultMail(t *testing.T) {
	for _, c := range []struct {
		name         string
		trouble, end func(o *postOffice)
		final        bool
	}{
		{"refuses connections", func(o *postOffice) { o.pull() }, func(o *postOffice) { o.in() }, false},
		{"hangs", func(o *postOffice) { o.hang() }, func(o *postOffice) { o.pull(); o.in() }, false},
		{"answers 421", func(o *postOffice) { o.Answer(sendtest.AtMail, 421, [3]int{4, 3, 2}, "shutting down") },
			func(o *postOffice) { o.Answer(sendtest.AtMail, 0, [3]int{}, "") }, false},
		{"answers 451", func(o *postOffice) { o.Answer(sendtest.AtRcpt, 451, [3]int{4, 7, 1}, "greylisted") },
			func(o *postOffice) { o.Answer(sendtest.AtRcpt, 0, [3]int{}, "") }, false},
		{"answers 554 to the mail", func(o *postOffice) {
			o.Answer(sendtest.AtData, 554, [3]int{5, 7, 1},
				"looks like spam")
		},
			func(o *postOffice) { o.Answer(sendtest.AtData, 0, [3]int{}, "") }, false},
		{"answers 550 to the recipient", func(o *postOffice) {
			o.Answer(sendtest.AtRcpt, 550, [3]int{5, 1, 1},
				"no such user")
		},
			func(o *postOffice) { o.Answer(sendtest.AtRcpt, 0, [3]int{}, "") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newPostOffice(t)
			w := newWorld(t, func(f *twofold.Config) { f.Mail = o.sender })
			p := w.person("erika")
			w.plantFactor(p, storage.Email, p.Email)
			c.trouble(o)
			b := w.browser()
			status, says := 500, "Failed to send code"
			if c.final { // waiting does not help: the person is told to choose another way
				status, says = 400, "can't receive codes"
			}
			if r := b.login(p).Want(status); !strings.Contains(r.Body, says) {
				t.Errorf("the person is not told: %s", r.Body)
			}
			b.out("no code was sent")
			for _, guess := range []string{"000000", "", "123456"} {
				b.validate(guess).Want(400)
			}
			b.out("no code exists")
			if n := w.count("messages"); n != 0 {
				t.Errorf("%d codes wait in the outbox though the person was told that none comes", n)
			}
			w.plantSession(p).Post("/tf-setup", m{"setup": "disable"}).Want(200) // its notice
			if c.final {
				w.wait("the notice is dropped", func() bool { return w.count("messages") == 0 })
			} else if n := w.count("messages"); n != 1 {
				t.Errorf("%d notices wait, want one", n)
			}
			c.end(o)
			w.recovers(o, p, c.final)
		})
	}
}

// recovers checks that everything works after the fault without a restart.
func (w *world) recovers(o *postOffice, p *person, final bool) {
	w.T.Helper()
	w.wait("the outbox is empty", func() bool {
		w.Advance(2 * time.Minute) // the next try is due, whichever it is
		return w.count("messages") == 0
	})
	notices := 0
	for _, m := range o.Mails() {
		if stopIn(m.Text) != "" {
			notices++
		}
	}
	if want := map[bool]int{false: 1, true: 0}[final]; notices != want {
		w.T.Errorf("%d notices arrived, want %d", notices, want)
	}
	w.plantFactor(p, storage.Email, p.Email)
	b := w.browser()
	b.login(p).Want(200)
	if got := b.validate(o.code()); got.Status != 200 {
		w.T.Errorf("the code that came later: %d %s", got.Status, got.Body)
	}
	b.in(p, 2)
}

// TestFaultMailFailsOver checks that with a second server users do not notice a failure of the
// first.
func TestFaultMailFailsOver(t *testing.T) {
	first, second := newPostOffice(t), newPostOffice(t)
	w := newWorld(t, plenty, func(f *twofold.Config) {
		f.Mail, f.Advanced.MailFallback = first.sender,
			[]send.Sender{second.sender}
	})
	for i, trouble := range []func(){first.pull, first.in, first.hang} {
		trouble()
		p := w.person(fmt.Sprintf("erika%d", i))
		w.plantFactor(p, storage.Email, p.Email)
		w.Advance(6 * time.Minute) // anyone who rested is asked again
		before := len(second.Mails())
		b := w.browser()
		b.login(p).Want(200)
		code := second.code()
		if i == 1 {
			code = first.code()
			before--
		}
		if got := len(second.Mails()); got != before+1 {
			t.Errorf("round %d: the second server took %d mails", i, got-before)
		}
		b.validate(code).Want(200)
		b.in(p, 2)
	}
}

// TestFaultTexts covers an SMS service that answers 429 or 500 or does not answer.
func TestFaultTexts(t *testing.T) {
	for _, c := range []struct {
		name         string
		trouble, end func(*sendtest.TwilioServer, *plug)
	}{
		{"answers 429", func(s *sendtest.TwilioServer, _ *plug) { s.Fail(429, 20429, "Too Many Requests") },
			func(s *sendtest.TwilioServer, _ *plug) { s.Fail(0, 0, "") }},
		{"answers 500", func(s *sendtest.TwilioServer, _ *plug) {
			s.Fail(500, 20500,
				"Internal Server Error")
		}, func(s *sendtest.TwilioServer, _ *plug) { s.Fail(0, 0, "") }},
		{"hangs", func(_ *sendtest.TwilioServer, p *plug) { p.pull(); p.in(); p.hang() },
			func(_ *sendtest.TwilioServer, p *plug) { p.pull(); p.in() }},
		{"refuses connections", func(_ *sendtest.TwilioServer, p *plug) { p.pull() },
			func(_ *sendtest.TwilioServer, p *plug) { p.in() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := sendtest.Twilio(t)
			line := newPlug(t, strings.TrimPrefix(server.URL, "http://"))
			sender, err := gateway.NewTwilio(gateway.TwilioConfig{
				AccountSID: server.AccountSID, AuthToken: server.AuthToken, From: "+15005550006",
				BaseURL: "http://" + line.addr, Timeout: 500 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(f *twofold.Config) { f.SMS = sender })
			p := w.person("erika")
			p.Phone = "+16505551212"
			w.plantFactor(p, storage.SMS, p.Phone)
			c.trouble(server, line)
			b := w.browser()
			b.login(p).Want(500)
			b.out("no code was sent")
			b.validate("000000").Want(400)
			b.out("no code exists")
			c.end(server, line)
			w.Advance(31 * time.Second) // between two codes of one sign-in
			b.Post("/tf-resend", m{}).Want(200)
			texts := server.Texts()
			if len(texts) != 1 {
				t.Fatalf("%d texts arrived", len(texts))
			}
			b.validate(testkit.Code(texts[0].Body)).Want(200)
			b.in(p, 2)
		})
	}
}

// TestFaultOffersAnotherWay checks that if a code cannot be delivered, the page and the JSON answer
// offer the next factor that does not use the same channel.
func TestFaultOffersAnotherWay(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("erika").enrollSMS("+16505551212")
	w.SMS.FailWith(errors.New("no line"))
	app := ""
	for _, f := range p.Factors() {
		if f.Method == storage.Authenticator {
			app = f.ID
		}
	}
	b := w.plantPending(p)
	offers(b.Post("/tf-select", m{"which": "sms"}).Want(500), app)
	w.Advance(31 * time.Second)
	offers(b.Post("/tf-resend", m{}).Want(500), app)
	w.Advance(31 * time.Second)
	page := b.Form("/tf-resend").Want(200)
	if !strings.Contains(page.Body, `name="which" value="`+app+`"`) {
		t.Errorf("the page does not offer the app: %s", page.Body)
	}
	if fresh := b.Page("/tf-validate").Want(200); strings.Contains(fresh.Body, `name="which"`) {
		t.Error("another way is offered though nothing failed")
	}
	b.Form("/tf-select", "which", app).Want(303)
	b.validate(p.Next()).Want(200)
	b.in(p, 2)

	alone := w.person("anton")
	w.plantFactor(alone, storage.SMS, "+16505551213")
	c := w.plantPending(alone)
	if r := c.Post("/tf-resend", m{}).Want(500); r.JSON["tf_instead"] != nil {
		t.Errorf("another way is offered where there is none: %s", r.Body)
	}
}

func offers(a *answer, id string) {
	a.T.Helper()
	other, _ := a.JSON["tf_instead"].(map[string]any)
	if other["id"] != id || other["method"] != storage.Authenticator {
		a.T.Errorf("%s offers %v, want the app %s", a.What, other, id)
	}
}
