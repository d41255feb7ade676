package web

import (
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// requestHeader is the header with the ID of a request, as in the log and the audit trail.
const requestHeader = "X-Request-Id"

// requestID returns the ID of a request and creates it at the first call. It is stored in the
// answer's header, where middleware can read it.
func requestID(w http.ResponseWriter) string {
	id := w.Header().Get(requestHeader)
	if id == "" {
		id = storage.NewID()
		w.Header().Set(requestHeader, id)
	}
	return id
}

// seldom prevents a warning that every request would cause from filling the log.
type seldom struct {
	mu   sync.Mutex
	next time.Time
}

// due reports whether it is time for the warning, and records that it was logged.
func (s *seldom) due(now time.Time, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(every)
	return true
}

// tellWrongHost logs a request for another host, which only the operator can fix.
func (s *Site) tellWrongHost(r *http.Request) {
	if !s.told.host.due(s.c.Now(), time.Minute) {
		return
	}
	s.c.Log.WarnContext(r.Context(), "a request was made for another host (told once a minute)", "got", forLog(r.Host),
		"expected", s.c.Origin.Host, "client", ClientAddress(r, s.c.Proxies),
		"cure", "have the proxy pass the Host header on, or list its address as a trusted proxy")
}

// tellForwarded logs a header that is ignored because its sender is not trusted or it cannot be
// parsed. Behind a proxy, all clients then have the address of the proxy.
func (s *Site) tellForwarded(r *http.Request) {
	if r.Header.Get("X-Forwarded-For") == "" {
		return
	}
	peer, ok := peerAddress(r)
	if !ok {
		return
	}
	if within(peer, s.c.Proxies) {
		address, junk := clientAddress(r, s.c.Proxies)
		if junk != "" && s.told.junk.due(s.c.Now(), 24*time.Hour) {
			s.c.Log.WarnContext(r.Context(), "X-Forwarded-For of a trusted proxy is not an address (told once a day)",
				"got", forLog(junk), "client", address,
				"cure", "have the proxy write the client's address alone, with or without its port")
		}
		return
	}
	if !s.told.forwarded.due(s.c.Now(), 24*time.Hour) {
		return
	}
	s.c.Log.WarnContext(r.Context(),
		"X-Forwarded-For came from an address that is not a trusted proxy and was not believed (told once a day)",
		"address", peer.String(), "cure", "if that is your proxy, add the address to TWOFOLD_TRUSTED_PROXIES "+
			"(Config.Advanced.TrustedProxies)")
}

// logged returns the path of a request for the log, without a token.
func (c *call) logged() string {
	if c.token != "" {
		return path.Dir(c.r.URL.Path) + "/..."
	}
	return c.r.URL.Path
}

// forLog truncates a value of a request for the log.
func forLog(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
