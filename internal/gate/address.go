package gate

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Address is the address of a request in its one spelling.
type Address struct {
	Scheme string // "http" or "https"
	Host   string // lower case, with a port only if it is not the scheme's own
	Path   string // decoded
	// URI is path and query as they were asked for. ParseAddress refuses what two
	// readers could understand in two ways, so it means what Path says.
	URI string
}

// String returns the address as it was asked for.
func (a Address) String() string { return a.Scheme + "://" + a.Host + a.URI }

// maxAddress bounds an address.
const maxAddress = 8 << 10

// Errors of ParseAddress.
var (
	errLong = errors.New("the address is too long")
	errForm = errors.New("the address is not scheme, host and path in printable ASCII")
	errHost = errors.New("the host is not a name or an address")
	errPath = errors.New("the path has more than one reading: it has an empty or dot segment, a semicolon, or an " +
		"encoded separator")
	errPlain = errors.New("the path is not valid text")
)

// ParseAddress reads the address of a request. Servers disagree on what encoded
// slashes, dot segments, doubled slashes, backslashes, NUL and path parameters mean:
// what is /public/.. to one is / to another. Such an address is refused, because no
// rule can tell which page the application would serve.
func ParseAddress(raw string) (Address, error) {
	if len(raw) > maxAddress {
		return Address{}, errLong
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' {
			return Address{}, errForm
		}
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return Address{}, errForm
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 || rest[end] != '/' {
		return Address{}, errForm
	}
	host, err := parseHost(rest[:end], scheme)
	if err != nil {
		return Address{}, err
	}
	escaped, _, _ := strings.Cut(rest[end:], "?")
	path, err := parsePath(escaped)
	if err != nil {
		return Address{}, err
	}
	return Address{Scheme: scheme, Host: host, Path: path, URI: rest[end:]}, nil
}

// AddressOf is ParseAddress of parts that came apart: neither can become part of the
// other.
func AddressOf(scheme, host, uri string) (Address, error) {
	if strings.ContainsAny(host, "/?#@\\") {
		return Address{}, errHost
	}
	if !strings.HasPrefix(uri, "/") {
		return Address{}, errForm
	}
	return ParseAddress(scheme + "://" + host + uri)
}

// parseHost writes a host in its one spelling.
func parseHost(raw, scheme string) (string, error) {
	name, port := raw, ""
	if h, p, err := net.SplitHostPort(raw); err == nil {
		name, port = h, p
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" || port[0] == '0' {
			return "", errHost
		}
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(raw, "["), "]")
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if strings.Contains(name, ":") {
		a, err := netip.ParseAddr(name)
		if err != nil || a.Zone() != "" || !strings.HasPrefix(raw, "[") || !strings.Contains(raw, "]") {
			return "", errHost
		}
		name = "[" + a.String() + "]"
	} else if !hostName(name) || strings.ContainsAny(raw, "[]") {
		return "", errHost
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return name, nil
	}
	return name + ":" + port, nil
}

// hostName reports whether a name has labels of letters, digits, hyphens and
// underscores.
func hostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// parsePath decodes a path once. It refuses every path that another decoding, or a
// server that resolves dots, parameters or doubled slashes, could take for another.
func parsePath(escaped string) (string, error) {
	path := escaped
	if strings.Contains(escaped, "%") {
		lower := strings.ToLower(escaped)
		for _, encoded := range []string{"%2f", "%5c", "%2e", "%00", "%3b"} {
			if strings.Contains(lower, encoded) {
				return "", errPath
			}
		}
		var err error
		if path, err = url.PathUnescape(escaped); err != nil {
			return "", errPlain
		}
		if encodedAgain(path) {
			return "", errPath
		}
		if !utf8.ValidString(path) || strings.ContainsFunc(path, oddRune) {
			return "", errPlain
		}
	}
	if strings.Contains(path, "//") || strings.ContainsAny(path, ";\\") {
		return "", errPath
	}
	if hasDots(path) {
		return "", errPath
	}
	// Some servers compare paths in their compatibility form (Unicode Standard Annex
	// 15), in which more characters are separators.
	if plain := norm.NFKC.String(path); plain != path && (hasDots(plain) || parting(plain) != parting(path)) {
		return "", errPath
	}
	return path, nil
}

// hasDots reports whether a path has a dot segment.
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// parting is how many characters of a path may mean more than themselves.
func parting(path string) int {
	n := 0
	for _, c := range path {
		if strings.ContainsRune(`/\;%?#`, c) {
			n++
		}
	}
	return n
}

// encodedAgain reports whether a decoded path can be decoded once more.
func encodedAgain(path string) bool {
	for i := range len(path) - 2 {
		if path[i] == '%' && isHex(path[i+1]) && isHex(path[i+2]) {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// oddRune finds control characters, blanks that are none of ASCII's, and slashes and
// dots that some servers fold into the plain ones.
func oddRune(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || r != ' ' && unicode.IsSpace(r) ||
		strings.ContainsRune("／＼．。；％⁄∕", r)
}
