package limit

import "net/netip"

// networks returns the parts of an address that its user cannot freely change: an IPv4 address, or
// the /64, the /56 and the /48 of an IPv6 address, narrowest first. A home connection has a /56 of
// 256 /64s, a rented server often a /48.
func networks(address string) []string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return []string{address}
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return []string{a.String()}
	}
	var out []string
	for _, bits := range []int{64, 56, 48} {
		if p, err := a.Prefix(bits); err == nil {
			out = append(out, p.String())
		}
	}
	return out
}

// Network returns the narrowest network of an address.
func Network(address string) string { return networks(address)[0] }
