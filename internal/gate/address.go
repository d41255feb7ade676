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

// Address is the canonical form of a request's address.
type Address struct {
	Scheme string // "http" or "https"
	Host   string // lower case, with a port only if it is not the default of the scheme
	Path   string // decoded
	// URI is the path and the query as they were requested. ParseAddress refuses an
	// address that two readers could understand differently, so URI means the same
	// as Path.
	URI string
}

// String returns the address as it was requested.
func (a Address) String() string { return a.Scheme + "://" + a.Host + a.URI }

// maxAddress is the maximum length of an address.
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

// ParseAddress parses the address of a request. Servers disagree on the meaning of
// encoded slashes, dot segments, doubled slashes, backslashes, NUL and path
// parameters: one reads /public/.. where another reads /. ParseAddress refuses such
// an address, because no rule can tell which page the application would serve.
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

// AddressOf is like ParseAddress, but for parts that are already separate, so that
// no part can become part of another.
func AddressOf(scheme, host, uri string) (Address, error) {
	if strings.ContainsAny(host, "/?#@\\") {
		return Address{}, errHost
	}
	if !strings.HasPrefix(uri, "/") {
		return Address{}, errForm
	}
	return ParseAddress(scheme + "://" + host + uri)
}

// parseHost returns a host in its canonical form.
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

// hostName reports whether a name consists of labels of letters, digits, hyphens
// and underscores.
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

// parsePath decodes a path once. It refuses a path that would change if it were
// decoded again, or that a server could read differently by resolving dots,
// parameters or doubled slashes.
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
	// Some servers compare paths in their compatibility form (Unicode Standard
	// Annex 15), in which more characters become separators.
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

// parting returns the number of characters of a path that could be separators or
// escapes.
func parting(path string) int {
	n := 0
	for _, c := range path {
		if strings.ContainsRune(`/\;%?#`, c) {
			n++
		}
	}
	return n
}

// encodedAgain reports whether a decoded path contains another escape.
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

// oddRune reports whether r is a control character, white space outside of ASCII,
// or a character that some servers convert to a slash, a dot or another separator.
func oddRune(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || r != ' ' && unicode.IsSpace(r) ||
		strings.ContainsRune("／＼．。；％⁄∕", r)
}
