package sendtest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Mail is a mail that an SMTPServer accepted: the envelope and the parsed message.
type Mail struct {
	From  string   // envelope
	To    []string // envelope
	User  string   // authenticated username
	TLS   bool     // whether the connection used TLS
	Hello string   // name in the client's EHLO

	Header  mail.Header
	Subject string // decoded
	Text    string // the text/plain part, decoded
	HTML    string // the text/html part, decoded
	Raw     string
}

// parse adds the parsed message to an envelope.
func parse(m Mail, raw []byte) (Mail, error) {
	m.Raw = string(raw)
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("sendtest: invalid message: %w", err)
	}
	m.Header = message.Header
	m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return m, fmt.Errorf("sendtest: subject: %w", err)
	}
	return m, m.part(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
}

// part fills in Text and HTML from one part, or from the parts inside it.
func (m *Mail) part(contentType, encoding string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("sendtest: content type: %w", err)
	}
	if media == "multipart/alternative" {
		return m.parts(multipart.NewReader(body, params["boundary"]))
	}
	if !strings.EqualFold(params["charset"], "utf-8") {
		return errors.New("sendtest: charset is not UTF-8")
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("sendtest: body: %w", err)
	}
	decoded := strings.ReplaceAll(string(text), "\r\n", "\n")
	switch media {
	case "text/plain":
		m.Text = decoded
	case "text/html":
		m.HTML = decoded
	default:
		return fmt.Errorf("sendtest: part of type %q", media)
	}
	return nil
}

func (m *Mail) parts(r *multipart.Reader) error {
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("sendtest: parts: %w", err)
		}
		if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
			return err
		}
	}
}
