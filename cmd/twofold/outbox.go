package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/send/devbox"
)

const outboxStyle = `body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}` +
	`li{list-style:none;border:1px solid #888;border-radius:.4rem;padding:.7rem 1rem;margin:0 0 1rem}` +
	`ol{padding:0}pre{white-space:pre-wrap;margin:.5rem 0 0}.code{font-size:1.6rem;letter-spacing:.15em;margin:.3rem 0 0}`

var outboxTemplate = template.Must(template.New("outbox").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Outbox</title><style>{{.Style}}</style></head>
<body>
<h1>Outbox</h1>
<p>Mail and texts this development server would have sent, newest first. Nothing leaves this machine.</p>
{{if .List}}<ol>
{{range .List}}<li><strong>{{.Channel}}</strong> to {{.To}}, <time datetime="{{.At}}">{{.Clock}}</time>
{{if .Subject}}<br>{{.Subject}}{{end}}{{if .Code}}<p class="code"><strong>{{.Code}}</strong></p>{{end}}<pre>{{.Text}}</pre></li>
{{end}}</ol>{{else}}<p>Nothing yet.</p>{{end}}
</body>
</html>
`))

// outboxEntry is one caught message.
type outboxEntry struct {
	At      string `json:"at"`
	Channel string `json:"channel"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Clock   string `json:"-"`
	Code    string `json:"-"`
}

var codeInText = regexp.MustCompile(`\b[0-9]{6,8}\b`)

// outboxPage shows what --dev caught, as a page that reloads itself or as JSON.
func outboxPage(box *devbox.Box) http.Handler {
	sum := sha256.Sum256([]byte(outboxStyle))
	policy := "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := []outboxEntry{}
		for _, k := range box.Messages() {
			list = append(list, outboxEntry{
				At: k.At.UTC().Format(time.RFC3339Nano), Clock: k.At.Format("15:04:05"), Channel: k.Message.Channel,
				To: k.Message.To, Subject: k.Message.Subject, Text: k.Message.Text, Code: codeInText.FindString(k.Message.Text),
			})
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			h.Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(list) // a caller who is gone needs no answer
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Refresh", "2")
		_ = outboxTemplate.Execute(w, map[string]any{"List": list, "Style": template.CSS(outboxStyle)})
	})
}
