package web

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Loopback reports whether a host name refers to this machine.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// ClientAddress returns the canonical address of the client: that of the connection or, if that is
// a trusted proxy, the last address in X-Forwarded-For that is not a trusted proxy. No other header
// is used, and none from an untrusted peer (R114).
func ClientAddress(r *http.Request, proxies []netip.Prefix) string {
	address, _ := clientAddress(r, proxies)
	return address
}

// clientAddress is like ClientAddress. It also returns the first entry that could not be parsed, if
// any.
func clientAddress(r *http.Request, proxies []netip.Prefix) (address, junk string) {
	peer, ok := peerAddress(r)
	if !ok {
		return "", ""
	}
	header := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if header == "" || !within(peer, proxies) {
		return peer.String(), ""
	}
	hops := strings.Split(header, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, ok := hopAddress(strings.TrimSpace(hops[i]))
		if !ok { // addresses left of an invalid one cannot be trusted
			return peer.String(), strconv.Quote(hops[i])
		}
		peer = a.Unmap().WithZone("")
		if !within(peer, proxies) {
			break
		}
	}
	return peer.String(), ""
}

// saysClient reports whether the proxy that sent a request reports the client's address.
func saysClient(r *http.Request) bool {
	all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	_, ok := hopAddress(strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:]))
	return ok
}

// hopAddress parses an address written by a proxy, which may have a port or brackets.
func hopAddress(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr(), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil
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
