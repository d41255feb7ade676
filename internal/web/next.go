package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxNext = 2048

// safeNext returns the path to go to for a "next" that came from outside, and
// whether it may be used: an absolute path on this origin, nothing else. It is
// checked where it comes in and again where it is used (R107), and it is built
// again from its parsed parts, so that no browser can read a host into it.
func safeNext(s string) (string, bool) {
	if s == "" || len(s) > maxNext || !utf8.ValidString(s) || s[0] != '/' {
		return "", false
	}
	for _, r := range s {
		// Browsers drop tabs and line breaks and take a backslash for a slash;
		// look-alike slashes are folded by some.
		if r == '\\' || r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r) || r == '／' || r == '＼' {
			return "", false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\") || hidesHost(u) {
		return "", false
	}
	for _, r := range u.Path + u.RawQuery + u.Fragment {
		if unicode.IsControl(r) {
			return "", false
		}
	}
	out := url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, Fragment: u.Fragment}
	text := out.String()
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return "", false
	}
	return text, true
}

// hidesHost finds paths that become "//host" once dots are resolved.
func hidesHost(u *url.URL) bool {
	resolved := (&url.URL{Scheme: "http", Host: "self", Path: "/"}).ResolveReference(&url.URL{Path: u.Path})
	return resolved.Host != "self" || strings.HasPrefix(resolved.Path, "//") || strings.Contains(u.Path, "//")
}

// withNext adds a checked next to one of our own paths.
func withNext(path, next string) string {
	next, ok := safeNext(next)
	if !ok {
		return path
	}
	return withQuery(path, "next", next)
}

func withQuery(path, name, value string) string {
	path, fragment, hash := strings.Cut(path, "#")
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	// A slash may stand in a query as it is (RFC 3986 section 3.4).
	path += sep + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "%2F", "/")
	if hash { // a client that finds its pages there
		path += "#" + fragment
	}
	return path
}
