package web

import (
	"net/http"
	"net/netip"
	"strconv"
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

// ClientAddress is the canonical address of anyone who sent the request: the socket's,
// or, if that is a trusted proxy, the right-most hop of X-Forwarded-For that
// is not one. No other header counts, and none from an untrusted peer (R114).
func ClientAddress(r *http.Request, proxies []netip.Prefix) string {
	address, _ := clientAddress(r, proxies)
	return address
}

// clientAddress is ClientAddress, and the hop that could not be read, if one was in
// the way.
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

// saysClient reports whether the proxy that sent a request says for whom.
func saysClient(r *http.Request) bool {
	all := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	_, ok := hopAddress(strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:]))
	return ok
}

// hopAddress reads what a proxy wrote: an address, which some write with a port
// or in brackets.
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
