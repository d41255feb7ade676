package twofoldtest

import (
	"net/http"
	"slices"
	"strings"
)

// begin initializes the records of NoSideDoor and activates the stand-ins of identity providers.
func (k *Kit) begin() {
	k.t.Helper()
	known, unknown := k.registered()
	for _, path := range unknown {
		k.t.Errorf("the sign-in serves %s, which NoSideDoor does not know: add it to package twofoldtest", path)
	}
	for _, name := range k.unheard(k.given, false) {
		k.t.Errorf("Config.%s is set, which NoSideDoor does not know: add it to package twofoldtest", name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paths, k.through, k.strange = known, map[string]bool{}, nil
	k.made.Store(true)
}

// patternOf returns the pattern that matches a path.
func (k *Kit) patternOf(path string) (string, bool) {
	if _, ok := k.paths[path]; ok {
		return path, true
	}
	base := path[:strings.LastIndex(path, "/")+1]
	_, ok := k.paths[base+"{token}"]
	return base + "{token}", ok
}

// sawSuccess records that a step was completed.
func (k *Kit) sawSuccess(r *http.Request, a Answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pattern, ok := k.patternOf(r.URL.Path); ok && k.through != nil && a.Status < 400 {
		k.through[r.Method+" "+pattern] = true
	}
}

// seeCookie records an unknown cookie of the sign-in.
func (k *Kit) seeCookie(path, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ours := k.patternOf(path); ours && k.strangeCookie(name) && !slices.Contains(k.strange, name) {
		k.strange = append(k.strange, name)
	}
}

// report fails the test for everything that NoSideDoor could not try.
func (k *Kit) report() {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for pattern, p := range k.paths {
		if p.in != "" && !k.through[p.in+" "+pattern] && (p.closed == nil || !p.closed(k)) {
			k.t.Errorf("NoSideDoor could not complete %s %s, so it did not test that way to sign in", p.in, pattern)
		}
	}
	for _, name := range k.strange {
		k.t.Errorf("the sign-in sets a cookie %s, which NoSideDoor does not know: add it to package twofoldtest", name)
	}
}
