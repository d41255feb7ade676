package twofoldtest

import (
	"net/http"
	"slices"
	"strings"
)

// begin starts the notes that NoSideDoor takes, and has the other sites of the
// configuration played by stand-ins.
func (k *Kit) begin() {
	k.t.Helper()
	known, unknown := k.registered()
	for _, path := range unknown {
		k.t.Errorf("the sign-in serves %s, and NoSideDoor does not know what it opens: it is in no list of package twofoldtest", path)
	}
	for _, name := range k.unheard(k.given, false) {
		k.t.Errorf("Config.%s is set, and NoSideDoor does not know whether it opens a way in: it is in no list of package twofoldtest", name)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paths, k.through, k.strange = known, map[string]bool{}, nil
	k.made.Store(true)
}

// patternOf is the pattern that serves a path.
func (k *Kit) patternOf(path string) (string, bool) {
	if _, ok := k.paths[path]; ok {
		return path, true
	}
	base := path[:strings.LastIndex(path, "/")+1]
	_, ok := k.paths[base+"{token}"]
	return base + "{token}", ok
}

// sawSuccess notes that a step was got through.
func (k *Kit) sawSuccess(r *http.Request, a Answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if pattern, ok := k.patternOf(r.URL.Path); ok && k.through != nil && a.Status < 400 {
		k.through[r.Method+" "+pattern] = true
	}
}

// seeCookie notes a cookie of the sign-in that is not known.
func (k *Kit) seeCookie(path, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ours := k.patternOf(path); ours && k.strangeCookie(name) && !slices.Contains(k.strange, name) {
		k.strange = append(k.strange, name)
	}
}

// report says what NoSideDoor could not try.
func (k *Kit) report() {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for pattern, p := range k.paths {
		if p.in != "" && !k.through[p.in+" "+pattern] && (p.closed == nil || !p.closed(k)) {
			k.t.Errorf("NoSideDoor did not get through %s %s, so it proves nothing of that way in", p.in, pattern)
		}
	}
	for _, name := range k.strange {
		k.t.Errorf("the sign-in hands out a cookie %s, and NoSideDoor does not know what it opens: it is in no list of package twofoldtest", name)
	}
}
