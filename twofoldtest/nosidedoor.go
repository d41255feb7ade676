package twofoldtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
)

// NoSideDoor tests an application in one line. It creates the sign-in with c, serves app with it,
// and runs Kit.NoSideDoor on the page at protected, which users with the given roles may see after
// they have proven two factors.
//
//	func TestNoSideDoor(t *testing.T) { twofoldtest.NoSideDoor(t, config(), newApp, "/admin", "admin") }
func NoSideDoor(t testing.TB, c twofold.Config, app func(*twofold.Auth) http.Handler, protected string,
	roles ...string) {
	t.Helper()
	k := New(t, c)
	k.Roles = roles
	k.Serve(app(k.Auth))
	k.NoSideDoor(protected)
}

// NoSideDoor tries to reach a protected page, which must be behind RequireTwoFactor (or more),
// through every way to sign in that the application has switched on and from every incomplete
// state. It follows each way as far as one factor leads, requests all paths of the sign-in from
// there, and presents every received value as every other kind of credential. It fails the test for
// each way to reach the page that it finds, for each registered path that it does not know, and for
// each way to sign in that it could not complete. extra contains further paths of yours to request.
// With go test -short it follows each way once and requests no further paths from there.
func (k *Kit) NoSideDoor(protected string, extra ...string) {
	k.t.Helper()
	k.tryDoors([]string{protected}, append(k.Auth.Paths(), extra...))
}

// tryDoors is like NoSideDoor for several pages. Without paths it checks only the states.
func (k *Kit) tryDoors(pages, paths []string) {
	k.t.Helper()
	k.begin()
	defer k.made.Store(false)
	// The page must open for an authorized user; otherwise the checks below prove nothing.
	full := k.LoginAs("nosidedoor@example.org", 2, k.Roles...)
	for _, page := range pages {
		if a := full.Get(page); a.Status != http.StatusOK {
			k.t.Fatalf("%s answers %d to a session of two factors: this test needs a page that opens (to whom it "+
				"asks for roles, set Roles)", page, a.Status)
		}
	}
	k.pages = pages
	slices.Sort(paths)
	by := newSearch(k)
	by.handshakes(full)
	for _, s := range k.states() {
		by.try(s, paths)
	}
	planted(k)
	nested(k)
	lockedOut(k)
	k.report()
}

// search looks for ways to reach the pages of a Kit.
type search struct {
	*Kit
	walked []string            // marks of the states from which it has walked
	doors  map[string][]string // reported pages, by way in
}

func newSearch(k *Kit) *search { return &search{Kit: k, doors: map[string][]string{}} }

// try tries to reach the pages from one state.
func (k *search) try(s state, paths []string) {
	k.t.Helper()
	b := s.open()
	if b == nil {
		return
	}
	if s.holds == nil {
		k.shut(s.name, b)
	}
	if len(paths) == 0 {
		return
	}
	if s.holds == nil && !testing.Short() {
		k.walk(s, b, paths)
	}
	k.disguises(s, b)
}

// handshakes tries to open a WebSocket from a page of a sibling host, whose requests contain the
// session cookie.
func (k *search) handshakes(full *Browser) {
	k.t.Helper()
	for _, page := range k.pages {
		a := full.do(http.MethodGet, page, nil, http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Origin": {"https://sibling.nosidedoor.test"},
			"Sec-Fetch-Site": {"same-site"},
		})
		if opened(a) {
			k.t.Errorf("side door: a handshake from a sibling host: %s answers %d", page, a.Status)
		}
	}
}

// state is a state that is less than a sign-in with two factors.
type state struct {
	name string
	// open returns a browser in this state, or nil if the configuration does not allow it.
	open func() *Browser
	// holds lists the values that open the page in the right place (see slot) and must not open it
	// in any other. If it is nil, no received value may open the page.
	holds map[string][]string
}

// states returns all states.
func (k *Kit) states() []state {
	var out []state
	for _, f := range []func(*Kit) []state{
		passwordStates, secondStates, enrollStates, endedStates, rescueStates, codeStates, linkStates, changeStates,
		inviteStates, leavingStates, arrivedStates, formerStates, unifiedStates, keylessStates, byLinkStates,
		passkeyStates, siteStates, nativeStates, headerStates, refreshStates, personalStates, deviceStates, stayStates,
		oneThingStates, descendantStates,
	} {
		out = append(out, f(k)...)
	}
	return out
}

// walk requests every path from a state. If a path changes the state, walk enters the state again,
// so that each path is requested from the original state.
func (k *search) walk(s state, b *Browser, paths []string) {
	k.t.Helper()
	started := b.mark()
	if strings.HasSuffix(started, ended) && slices.Contains(k.walked, started) {
		return // the state has ended, and everything was requested from such a state before
	}
	k.walked = append(k.walked, started)
	for _, pattern := range paths {
		if strings.HasSuffix(pattern, k.at("/logout")) {
			continue // this state is tried as "signed out"
		}
		if b.mark() != started {
			if b = s.open(); b == nil {
				return
			}
		}
		for _, path := range b.fill(pattern) {
			if k.walkPath(s, b, path); len(k.doors[s.name]) > 0 {
				return // report each way only once
			}
		}
	}
}

func (k *search) walkPath(s state, b *Browser, path string) {
	k.t.Helper()
	asJSON := http.Header{"Content-Type": {"application/json"}}
	for _, r := range []struct {
		method string
		body   []byte
		header http.Header
	}{
		{http.MethodGet, nil, nil}, {http.MethodHead, nil, nil}, {http.MethodOptions, nil, nil},
		{http.MethodPut, []byte(`{}`), asJSON},
		{http.MethodPost, []byte(`{}`), asJSON}, {http.MethodPost, nil, nil}, {http.MethodDelete, nil, nil},
	} {
		if a := b.do(r.method, path, r.body, r.header); a.Status < 400 && r.method != http.MethodGet &&
			r.method != http.MethodHead {
			k.shut(fmt.Sprintf("%s, then %s %s", s.name, r.method, path), b)
		}
	}
	k.shut(fmt.Sprintf("%s, then everything at %s", s.name, path), b)
}

// ended is the end of the mark of a browser without a pending sign-in and without a session.
const ended = " 400 400"

// mark returns a text that changes whenever the state changes.
func (b *Browser) mark() string {
	b.k.t.Helper()
	cookies := slices.Sorted(maps.Keys(b.Cookies()))
	cookies = slices.DeleteFunc(cookies, func(name string) bool { return strings.HasSuffix(name, "twofold-csrf") })
	return fmt.Sprint(cookies, b.Get(b.k.at("/tf-validate")).Status, b.Get(b.k.at("/tf-setup")).Status)
}

// fill replaces the token in a pattern with an invalid value, with every token that this browser
// received, and with the names of identity providers.
func (b *Browser) fill(pattern string) []string {
	base, ok := strings.CutSuffix(pattern, "{token}")
	if !ok {
		return []string{pattern}
	}
	out := []string{base + "AAAA"}
	for _, site := range b.k.siteNames() {
		if strings.HasPrefix(pattern, b.k.at("/login/oauth")[:len(b.k.at("/login"))]) {
			out = append(out, base+site, base+site+"?code=AAAA&state=AAAA")
		}
	}
	for what, value := range b.handed {
		if what == "answer csrf_token" {
			continue
		}
		if strings.HasPrefix(what, "link ") || strings.HasSuffix(what, "_token") || strings.HasSuffix(what, "state") {
			out = append(out, base+url.PathEscape(value))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shut fails the test if a page opens. It restores cookies that a page removed, so that each page
// is requested with the whole state. It reports each way only once, not once for each step after
// it.
func (k *search) shut(how string, b *Browser) {
	k.t.Helper()
	way, _, _ := strings.Cut(how, ", then ")
	var held map[string]string
	for _, page := range k.pages {
		if slices.Contains(k.doors[way], page) {
			continue
		}
		for _, get := range []func(string) Answer{b.Get, b.Page} {
			b.giveBack(held)
			held = b.Cookies()
			if a := get(page); opened(a) {
				k.t.Errorf("side door: %s: %s answers %d", how, page, a.Status)
				k.doors[way] = append(k.doors[way], page)
				break
			}
		}
	}
}

func opened(a Answer) bool { return a.Status < 300 || a.Status >= 500 }

// slot is a place in a request in which a credential may be presented.
type slot struct {
	name string
	put  func(b *Browser, value string) (path string)
}

func (k *search) slots() []slot {
	var out []slot
	add := func(name string, put func(b *Browser, value string) string) { out = append(out, slot{name, put}) }
	names := append(k.cookieNames(), "session", "auth_token")
	for _, name := range names {
		names = append(names, k.cookie(name))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		add("cookie "+name, func(b *Browser, value string) string { b.Plant(name, value); return "" })
	}
	header := func(name, before string) {
		add("header "+name+" "+before,
			func(b *Browser, value string) string { b.header.Set(name, before+value); return "" })
	}
	header("Authentication-Token", "")
	header("Authorization", "Bearer ")
	header("Authorization", "")
	header("X-Auth-Token", "")
	header(pendingHeader, "")
	add("header Authorization Basic ", func(b *Browser, value string) string {
		b.header.Set("Authorization",
			"Basic "+base64.StdEncoding.EncodeToString([]byte("nosidedoor@example.org:"+value)))
		return ""
	})
	for _, name := range []string{"auth_token", "token", "access_token"} {
		add("query "+name, func(b *Browser, value string) string { return name + "=" + url.QueryEscape(value) })
	}
	return out
}

// disguises presents every value received in a state in every place. All cookies are tried in one
// request, and one by one only if that request opens a page.
func (k *search) disguises(s state, b *Browser) {
	k.t.Helper()
	for _, what := range slices.Sorted(maps.Keys(b.handed)) {
		var cookies []slot
		for _, place := range k.slots() {
			switch {
			case slices.Contains(s.holds[what], place.name): // the right place
			case strings.HasPrefix(place.name, "cookie "):
				cookies = append(cookies, place)
			default:
				k.present(s.name, what, b.handed[what], place)
			}
		}
		if len(k.opens(b.handed[what], cookies...)) > 0 {
			for _, place := range cookies {
				k.present(s.name, what, b.handed[what], place)
			}
		}
	}
}

func (k *search) present(state, what, value string, place slot) {
	k.t.Helper()
	for _, page := range k.opens(value, place) {
		k.t.Errorf("side door: %s: %s as %s opens %s", state, what, place.name, page)
	}
}

// opens returns the pages that open with a value in these places.
func (k *search) opens(value string, places ...slot) []string {
	k.t.Helper()
	var out []string
	for _, page := range k.pages {
		b, query := k.NewBrowser(), ""
		b.header = http.Header{}
		for _, place := range places {
			if q := place.put(b, value); q != "" {
				query = "?" + q
			}
		}
		to := page + query
		if strings.Contains(page, "?") {
			to = page + strings.Replace(query, "?", "&", 1)
		}
		if opened(b.Get(to)) {
			out = append(out, page)
		}
	}
	return out
}
