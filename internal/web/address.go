package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Loopback says whether a host name means this machine.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// ClientAddress is the canonical address of whoever sent the request: the socket's,
// or, if that is a trusted proxy, the right-most hop of X-Forwarded-For that
// is not one. No other header counts, and none from an untrusted peer (R114).
func ClientAddress(r *http.Request, proxies []netip.Prefix) string {
	peer, ok := peerAddress(r)
	if !ok {
		return ""
	}
	if !within(peer, proxies) {
		return peer.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // whatever stands left of junk is junk
		}
		peer = a.Unmap().WithZone("")
		if !within(peer, proxies) {
			break
		}
	}
	return peer.String()
}

func peerAddress(r *http.Request) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	return ap.Addr().Unmap().WithZone(""), true
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
