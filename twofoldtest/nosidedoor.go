package twofoldtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// NoSideDoor tries to reach a protected page, which must be behind
// RequireTwoFactor (or more), by every way in and from every half-finished
// state: it walks all paths of the sign-in with each, and presents everything
// that was handed out on the way as everything it is not. It fails the test
// for each door it finds. extra are paths of your own to walk as well.
func (k *Kit) NoSideDoor(protected string, extra ...string) {
	k.t.Helper()
	// The page must open to who may, or nothing below proves anything.
	if a := k.LoginAs("nosidedoor@example.org", 2).Get(protected); a.Status != http.StatusOK {
		k.t.Fatalf("%s answers %d to a session of two factors: this test needs a page that opens", protected, a.Status)
	}
	paths := append(k.Auth.Paths(), extra...)
	states := k.states()
	maps.Copy(states, k.passkeyStates())
	for name, open := range states {
		b := open()
		k.shut(name, b, protected)
		for _, path := range paths {
			path = strings.ReplaceAll(path, "{token}", "AAAA")
			if strings.HasSuffix(path, "/logout") {
				continue // it would end the state under test
			}
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
				b.do(method, path, nil, nil)
				b.do(method, path, []byte(`{}`), http.Header{"Content-Type": {"application/json"}})
				k.shut(fmt.Sprintf("%s, then %s %s", name, method, path), b, protected)
			}
		}
		k.disguises(name, open(), protected)
	}
}

// shut fails the test if the page opens.
func (k *Kit) shut(how string, b *Browser, protected string) {
	k.t.Helper()
	for _, a := range []Answer{b.Get(protected), b.Page(protected)} {
		if a.Status < 300 || a.Status >= 500 {
			k.t.Errorf("side door: %s: %s answers %d", how, protected, a.Status)
		}
	}
}

// states are the ways to be less than signed in with two factors.
func (k *Kit) states() map[string]func() *Browser {
	const mail = "nosidedoor@example.org"
	pending := func() *Browser {
		b := k.NewBrowser()
		b.must("first factor", b.Post("/login", map[string]any{"email": mail, "password": Password}))
		return b
	}
	oneFactor := func() *Browser { // a session, or a sign-in that must enrol
		k.User("onefactor@example.org")
		b := k.NewBrowser()
		b.must("first factor", b.Post("/login", map[string]any{"email": "onefactor@example.org", "password": Password}))
		return b
	}
	off := 0
	return map[string]func() *Browser{
		"a stranger":            k.NewBrowser,
		"only the first factor": pending,
		"the first factor and a wrong code": func() *Browser {
			b := pending()
			b.Post("/tf-validate", map[string]any{"code": "000000"})
			return b
		},
		"the first factor and an empty code": func() *Browser {
			b := pending()
			for _, code := range []any{"", nil, "      ", true, 0, []string{"1"}, map[string]any{}} {
				b.Post("/tf-validate", map[string]any{"code": code})
			}
			return b
		},
		"the first factor and a rescue asked for": func() *Browser {
			b := pending()
			b.Post("/tf-rescue", map[string]any{"help_setup": "email"})
			return b
		},
		"one factor, none set up": oneFactor,
		"one factor, a set-up begun": func() *Browser {
			b := oneFactor()
			b.must("set up", b.Post("/tf-setup", map[string]any{"setup": "authenticator"}))
			b.Post("/tf-validate", map[string]any{"code": "000000"})
			return b
		},
		"signed out": func() *Browser {
			b := k.LoginAs(mail, 2)
			old := b.Cookies()
			b.must("sign out", b.Post("/logout", nil))
			for name, value := range old {
				b.Plant(name, value)
			}
			return b
		},
		"switched off": func() *Browser {
			off++
			email := fmt.Sprintf("switchedoff%d@example.org", off)
			b := k.LoginAs(email, 2)
			if err := k.Auth.SetActive(context.Background(), k.User(email).ID, false); err != nil {
				k.t.Fatal(err)
			}
			return b
		},
	}
}

// disguises presents everything handed out in a state as a session, in a
// cookie of every name and in the header.
func (k *Kit) disguises(name string, b *Browser, protected string) {
	k.t.Helper()
	values := b.Cookies()
	for _, path := range []string{"/login", "/tf-validate", "/tf-select", "/tf-setup"} {
		for field, v := range b.Get(path).Response {
			if s, ok := v.(string); ok {
				values["answer:"+field] = s
			}
		}
	}
	names := []string{"twofold", "__Host-twofold", "session", "tf_validity", "remember_token"}
	for what, value := range values {
		if what == "twofold" || what == "__Host-twofold" {
			continue // what it is; its state was tried above
		}
		for _, as := range names {
			if other := k.NewBrowser(); !slices.Contains([]string{what}, as) {
				other.Plant(as, value)
				k.shut(fmt.Sprintf("%s: %s as cookie %s", name, what, as), other, protected)
			}
		}
		a := k.NewBrowser().do(http.MethodGet, protected, nil, http.Header{
			"Authentication-Token": {value}, "Authorization": {"Bearer " + value},
		})
		if a.Status < 300 || a.Status >= 500 {
			k.t.Errorf("side door: %s: %s as a header token: %s answers %d", name, what, protected, a.Status)
		}
	}
}
