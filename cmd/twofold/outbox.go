package main

import (
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send"
)

const outboxStyle = `:root{color-scheme:light dark;--line:#767676;--back:#fff;--text:#1b1b1b;--link:#0b57d0}` +
	`@media(prefers-color-scheme:dark){:root{--line:#8e8e8e;--back:#16181c;--text:#ececec;--link:#8ab4f8}}` +
	`*{box-sizing:border-box}html{background:var(--back);color:var(--text)}body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:0 auto;padding:1.5rem 1rem}` +
	`a{color:var(--link)}` +
	`li{list-style:none;border:1px solid var(--line);border-radius:.4rem;padding:.7rem 1rem;margin:0 0 1rem}` +
	`ol{padding:0}h2{font-size:1rem;margin:0}pre,h2{white-space:pre-wrap;overflow-wrap:anywhere}pre{margin:.5rem 0 0;font:inherit}` +
	`.code{font-size:1.6rem;letter-spacing:.15em;margin:.3rem 0 0}` +
	`.again{display:inline-block;border:1px solid var(--line);border-radius:.4rem;padding:.6rem 1rem;text-decoration:none}` +
	`iframe{width:100%;height:26rem;border:1px solid var(--line);border-radius:.4rem;background:#fff;margin-top:.5rem}summary{cursor:pointer;margin-top:.5rem}`

var outboxTemplate = template.Must(template.New("outbox").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Outbox ({{len .List}})</title><style>{{.Style}}</style></head>
<body>
<main>
<h1>Outbox</h1>
<p>E-mail and text messages that this development server would have sent, newest first. Nothing leaves this machine.</p>
<p><a class="again" href="/dev/outbox">Refresh</a></p>
{{if .List}}<ol>
{{range .List}}<li><h2>{{if .Subject}}{{.Subject}}{{else}}Text message{{end}}</h2>
<p>{{.Channel}} to {{.To}}, <time datetime="{{.At}}">{{.Clock}}</time></p>
{{if .Code}}<p class="code"><strong>{{.Code}}</strong></p>{{end}}<pre>{{range .Parts}}{{if .Link}}<a href="{{.Text}}">{{.Text}}</a>{{else}}{{.Text}}{{end}}{{end}}</pre>
{{if .HTML}}<details><summary>As mail programs show it</summary><iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail {{.Subject}}" srcdoc="{{.HTML}}"></iframe></details>{{end}}</li>
{{end}}</ol>{{else}}<p>Nothing yet.</p>{{end}}
</main>
</body>
</html>
`))

// outboxEntry is one captured message.
type outboxEntry struct {
	At      string       `json:"at"`
	Channel string       `json:"channel"`
	To      string       `json:"to"`
	Subject string       `json:"subject"`
	Text    string       `json:"text"`
	Clock   string       `json:"-"`
	Code    string       `json:"-"`
	Parts   []outboxPart `json:"-"`
	HTML    string       `json:"-"`
}

// outboxPart is a part of a text, or a URL in it.
type outboxPart struct {
	Text string
	Link bool
}

var (
	codeInText = regexp.MustCompile(`\b[0-9]{6,8}\b`)
	linkInText = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)]`)
)

// linked splits a text at its URLs.
func linked(text string) (parts []outboxPart) {
	for _, at := range linkInText.FindAllStringIndex(text, -1) {
		before := 0
		for _, p := range parts {
			before += len(p.Text)
		}
		parts = append(parts, outboxPart{Text: text[before:at[0]]}, outboxPart{Text: text[at[0]:at[1]], Link: true})
	}
	length := 0
	for _, p := range parts {
		length += len(p.Text)
	}
	return append(parts, outboxPart{Text: text[length:]})
}

// outboxPage shows the messages that --dev captured, as a page or as JSON. The HTML part of a mail
// is shown in a frame without scripts, with the mail's own styles.
func outboxPage(box *send.Box) http.Handler {
	// A srcdoc frame inherits the policy of the page, and mails contain inline styles, so styles
	// are allowed. Scripts are not, in the page and in frames.
	const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action " +
		"'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := []outboxEntry{}
		for _, k := range box.Messages() {
			list = append(list, outboxEntry{
				At: k.At.UTC().Format(time.RFC3339Nano), Clock: k.At.Format("15:04:05"), Channel: k.Message.Channel,
				To: k.Message.To, Subject: k.Message.Subject, Text: k.Message.Text,
				Code:  codeInText.FindString(k.Message.Text),
				Parts: linked(k.Message.Text), HTML: k.Message.HTML,
			})
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			h.Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(list) // the caller may have disconnected
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		_ = outboxTemplate.Execute(w, map[string]any{"List": list, "Style": template.CSS(outboxStyle)})
	})
}
