package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxNext = 2048

// safeNext returns the path of an external "next" and reports whether it may be used. It must be an
// absolute path on this origin. It is checked when it is received and again when it is used (R107).
// It is rebuilt from its parsed parts, so that no browser can interpret it as a host.
func safeNext(s string) (string, bool) {
	if s == "" || len(s) > maxNext || !utf8.ValidString(s) || s[0] != '/' {
		return "", false
	}
	for _, r := range s {
		// Browsers ignore tabs and line breaks and treat a backslash as a slash. Some convert
		// look-alike slashes.
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

// hidesHost reports whether a path becomes "//host" when dots are resolved.
func hidesHost(u *url.URL) bool {
	resolved := (&url.URL{Scheme: "http", Host: "self", Path: "/"}).ResolveReference(&url.URL{Path: u.Path})
	return resolved.Host != "self" || strings.HasPrefix(resolved.Path, "//") || strings.Contains(u.Path, "//")
}

// withNext adds a checked next to one of our paths.
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
	// A slash in a query need not be escaped (RFC 3986 section 3.4).
	path += sep + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "%2F", "/")
	if hash { // the client's pages are in the fragment
		path += "#" + fragment
	}
	return path
}
