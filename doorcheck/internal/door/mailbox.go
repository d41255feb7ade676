package door

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"encoding/base64"
)

// Message is a mail that a site sent.
type Message struct{ To, Text string }

// Mailbox receives all mails of a site, by SMTP and by HTTP POST of JSON with "to" and "text".
type Mailbox struct {
	SMTP, HTTP net.Listener

	mu   sync.Mutex
	list []Message
}

// OpenMailbox listens on two addresses; port 0 chooses a free one.
func OpenMailbox(smtp string) (*Mailbox, error) {
	m := &Mailbox{}
	var err error
	if m.SMTP, err = net.Listen("tcp", smtp); err != nil {
		return nil, err
	}
	if m.HTTP, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		m.SMTP.Close()
		return nil, err
	}
	go m.serveSMTP()
	server := &http.Server{Handler: http.HandlerFunc(m.post), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(m.HTTP) }()
	return m, nil
}

// Close stops listening.
func (m *Mailbox) Close() {
	m.SMTP.Close()
	m.HTTP.Close()
}

// Put adds a message.
func (m *Mailbox) Put(to, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, Message{strings.ToLower(to), text})
}

// To returns the messages to an address, oldest first.
func (m *Mailbox) To(to string) []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.list), func(x Message) bool { return x.To != strings.ToLower(to) })
}

func (m *Mailbox) post(w http.ResponseWriter, r *http.Request) {
	var in struct{ To, Text string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&in); err != nil {
		http.Error(w, "JSON with to and text is expected", http.StatusBadRequest)
		return
	}
	m.Put(in.To, in.Text)
}

func (m *Mailbox) serveSMTP() {
	for {
		c, err := m.SMTP.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
			m.talk(textproto.NewConn(c))
		}()
	}
}

// talk receives mails over one connection with a minimum of RFC 5321.
func (m *Mailbox) talk(c *textproto.Conn) {
	_ = c.PrintfLine("220 doorcheck")
	var to []string
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			_ = c.PrintfLine("250-doorcheck\r\n250 8BITMIME")
		case "RCPT":
			_, address, _ := strings.Cut(rest, "<")
			address, _, _ = strings.Cut(address, ">")
			to = append(to, address)
			_ = c.PrintfLine("250 OK")
		case "DATA":
			_ = c.PrintfLine("354 go ahead")
			raw, err := c.ReadDotBytes()
			if err != nil {
				return
			}
			text := readable(string(raw))
			for _, address := range to {
				m.Put(address, text)
			}
			to = nil
			_ = c.PrintfLine("250 OK")
		case "QUIT":
			_ = c.PrintfLine("221 bye")
			return
		default:
			_ = c.PrintfLine("250 OK")
		}
	}
}

// readable returns the subject and the text parts of a mail.
func readable(raw string) string {
	m, err := mail.ReadMessage(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return raw
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		subject = m.Header.Get("Subject")
	}
	return fmt.Sprintf("%s\n%s", subject, part(textproto.MIMEHeader(m.Header), m.Body))
}

func part(h textproto.MIMEHeader, body io.Reader) string {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") {
		var texts []string
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err != nil {
				return strings.Join(texts, "\n")
			}
			texts = append(texts, part(p.Header, p))
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	raw, _ := io.ReadAll(body) // what can be read is enough
	return string(raw)
}
