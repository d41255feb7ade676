package twofoldtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// program returns a client without cookies that sends a token in the usual headers.
func (k *Kit) program(token string) *Browser {
	k.t.Helper()
	b := k.NewBrowser()
	b.header = http.Header{"Authentication-Token": {token}, "Authorization": {"Bearer " + token}}
	b.handed["token"] = token
	return b
}

// tokens returns the header token and the refresh token of an answer.
func (b *Browser) tokens(a Answer) (header, refresh string) {
	b.k.t.Helper()
	user, _ := a.Response["user"].(map[string]any)
	header, _ = user["authentication_token"].(string)
	if refresh, _ = user["refresh_token"].(string); refresh == "" {
		refresh = b.Cookies()[b.k.refreshCookie()]
	}
	if header == "" {
		b.k.t.Fatalf("no header token: %s", a.Body)
	}
	return header, refresh
}

func (n names) refreshCookie() string {
	if own := n.config.Tokens.RefreshCookie; own != "" {
		return n.cookie(own)
	}
	return n.cookie("fs_refresh")
}

// cookie returns the name of a cookie at the origin of the sign-in.
func (n names) cookie(name string) string {
	if strings.HasPrefix(n.config.Origin, "https://") && !strings.HasPrefix(name, "__Host-") {
		return "__Host-" + name
	}
	return name
}

const (
	withToken     = "?include_auth_token"
	pendingHeader = "Two-Factor-Pending"
)

// native returns a client without cookies that continues with the tokens that an answer contains
// instead.
func (k *Kit) native(a Answer) *Browser {
	k.t.Helper()
	token, _ := a.Response["tf_pending_token"].(string)
	if token == "" {
		k.t.Fatalf("nothing is handed out in place of the cookie: %s", a.Body)
	}
	b := k.NewBrowser()
	b.header = http.Header{pendingHeader: {token}}
	b.handed["answer tf_pending_token"] = token
	return b
}

// fullTokens signs a user in with both factors and requests tokens.
func (k *Kit) fullTokens() (email string, b *Browser, header, refresh string) {
	k.t.Helper()
	email, _ = k.someone("program")
	b = k.firstFactor(email)
	header, refresh = b.tokens(b.must("second factor",
		b.Post(k.at("/tf-validate"+withToken), fields{"code": k.Code(email)})))
	return email, b, header, refresh
}

// oneFactorTokens returns the tokens of an account without a second factor. They are empty if a
// second factor is required.
func (k *Kit) oneFactorTokens() (b *Browser, header, refresh string) {
	k.t.Helper()
	email := k.address("one-program")
	k.User(email, k.Roles...)
	b = k.NewBrowser()
	a := b.must("first factor", b.enter(email, Password, withToken, nil))
	if k.mustEnroll() {
		return b, "", ""
	}
	header, refresh = b.tokens(a)
	return b, header, refresh
}

// nativeStates returns the states of clients without cookies.
func nativeStates(k *Kit) []state {
	return []state{
		{name: "the first factor, without cookies", open: func() *Browser {
			email, _ := k.someone("native")
			b := k.NewBrowser()
			return k.native(b.must("first factor", b.enter(email, Password, withToken, nil)))
		}},
		{name: "the first factor and a wrong code, without cookies", open: func() *Browser {
			email, _ := k.someone("native")
			b := k.NewBrowser()
			b = k.native(b.must("first factor", b.enter(email, Password, withToken, nil)))
			b.Post(k.at("/tf-validate")+withToken, fields{"code": "000000"})
			return b
		}},
		{name: "a code asked for, without cookies", open: func() *Browser {
			if noCodes(k) || !k.has("/us-signin/send-code") {
				return nil
			}
			email, _ := k.someone("native")
			b, method := k.NewBrowser(), k.firstMethods()[0]
			for _, m := range k.firstMethods() {
				if m != "authenticator" {
					method = m
				}
			}
			return k.native(b.must("code",
				b.Post(k.at("/us-signin/send-code")+withToken, fields{"identity": email, "chosen_method": method})))
		}},
	}
}

// headerStates returns the states of header tokens, which any sign-in may request.
func headerStates(k *Kit) []state {
	return []state{
		{name: "a header token asked for with the first factor", open: func() *Browser {
			email, _ := k.someone("program")
			b := k.NewBrowser()
			b.must("first factor", b.enter(email, Password, withToken, nil))
			return b
		}},
		{name: "a header token of one factor", open: func() *Browser {
			_, header, _ := k.oneFactorTokens()
			if header == "" {
				return nil
			}
			return k.program(header)
		}},
		{name: "a header token, and signed out", open: func() *Browser {
			_, b, header, _ := k.fullTokens()
			b.must("sign out", b.Post(k.at("/logout"), nil))
			return k.program(header)
		}},
		{name: "a header token, and a new password since", open: func() *Browser {
			email, _, header, _ := k.fullTokens()
			k.setPassword(email, "another "+Password)
			return k.program(header)
		}},
		{name: "a header token, and another second factor since", open: func() *Browser {
			email, _, header, _ := k.fullTokens()
			k.firstFactor(email).must2(email).setUpApp(email, nil)
			return k.program(header)
		}},
		{name: "a header token that is too old", open: func() *Browser {
			_, _, header, _ := k.fullTokens()
			life := k.config.Sessions.TokenLife
			if life == 0 {
				life = 15 * time.Minute
			}
			k.Clock.Move(life + time.Minute)
			return k.program(header)
		}},
		{name: "what a full sign-in holds", open: func() *Browser { _, b, _, _ := k.fullTokens(); return b },
			holds: map[string][]string{
				"cookie " + k.stayCookie(): {"cookie " + k.stayCookie()}, "cookie twofold": {"cookie twofold"},
				"cookie __Host-twofold":       {"cookie __Host-twofold"},
				"answer authentication_token": {"header Authentication-Token "},
			}},
	}
}

// refreshStates returns the states of refresh tokens.
func refreshStates(k *Kit) []state {
	if !k.has("/refresh-token") {
		return nil
	}
	exchange := func(refresh string) (*Browser, Answer) {
		b := k.NewBrowser()
		body := fields{}
		if k.config.Tokens.RefreshInBody {
			body["refresh_token"] = refresh
		} else {
			b.Plant(k.refreshCookie(), refresh)
		}
		return b, b.Post(k.at("/refresh-token"), body)
	}
	exchanged := func(refresh string) (b *Browser, next string) {
		b, a := exchange(refresh)
		header, next := b.tokens(b.must("exchange", a))
		b.header = k.program(header).header
		return b, next
	}
	// again exchanges a token once more and continues with the result.
	again := func(b *Browser, refresh string) *Browser {
		other, a := exchange(refresh)
		if a.Status >= 400 {
			return b
		}
		header, _ := other.tokens(a)
		return k.program(header)
	}
	return []state{
		{name: "a refresh token of one factor, exchanged", open: func() *Browser {
			_, _, refresh := k.oneFactorTokens()
			if refresh == "" {
				return nil
			}
			b, _ := exchanged(refresh)
			return b
		}},
		{name: "a refresh token in place of a header token", open: func() *Browser {
			_, _, _, refresh := k.fullTokens()
			return k.program(refresh)
		}},
		{name: "a refresh token exchanged twice", open: func() *Browser {
			_, _, _, refresh := k.fullTokens()
			b, _ := exchanged(refresh)
			return again(b, refresh)
		}},
		{name: "a refresh token, and a new password since", open: func() *Browser {
			email, _, _, refresh := k.fullTokens()
			b, next := exchanged(refresh)
			k.setPassword(email, "another "+Password)
			return again(b, next)
		}},
		{name: "a refresh token, and another second factor since", open: func() *Browser {
			email, _, _, refresh := k.fullTokens()
			b, next := exchanged(refresh)
			k.firstFactor(email).must2(email).setUpApp(email, nil)
			return again(b, next)
		}},
	}
}

// personalStates returns the states of personal access tokens. Only a token created with both
// factors and with the right scopes may open a page behind RequireScope.
func personalStates(k *Kit) []state {
	scopes := k.config.Tokens.Scopes
	if len(scopes) == 0 {
		return nil
	}
	mint := func(b *Browser, scopes ...string) (token, id string) {
		a := b.must("personal token", b.Post(k.at("/access-tokens"), fields{"name": "test", "scopes": scopes})).Response
		token, _ = a["token"].(string)
		id, _ = a["id"].(string)
		return token, id
	}
	ended := func(what string, do func(email, id string, owner *Browser)) state {
		return state{name: "a personal token, and " + what, open: func() *Browser {
			email, b := k.someone("personal")
			token, id := mint(b, scopes...)
			do(email, id, k.firstFactor(email).must2(email))
			return k.program(token)
		}}
	}
	programs := []string{"header Authentication-Token ", "header Authorization Bearer "}
	return []state{
		{name: "a personal token of one factor", open: func() *Browser {
			if k.mustEnroll() {
				return nil
			}
			token, _ := mint(k.oneFactor(k.address("personal")), scopes...)
			return k.program(token)
		}},
		{name: "the browser in which a personal token of one factor was made", open: func() *Browser {
			if k.mustEnroll() {
				return nil
			}
			b := k.oneFactor(k.address("personal"))
			mint(b, scopes...)
			return b
		}},
		ended("taken back", func(_, id string, owner *Browser) {
			owner.must("revoke", owner.Post(k.at("/access-tokens")+"/"+id, nil))
		}),
		ended("a new password since", func(email, _ string, _ *Browser) { k.setPassword(email, "another "+Password) }),
		ended("another second factor since", func(email, _ string, owner *Browser) { owner.setUpApp(email, nil) }),
		{name: "a personal token where none belongs", open: func() *Browser {
			_, b := k.someone("personal")
			token, _ := mint(b, scopes...)
			k.scoped(b, mint)
			only := k.NewBrowser()
			only.handed["personal token"] = token
			return only
		}, holds: map[string][]string{"personal token": programs}},
	}
}

// scoped fails the test if a page opens with each single scope, because then the page does not
// check scopes.
func (k *Kit) scoped(b *Browser, mint func(b *Browser, scopes ...string) (token, id string)) {
	k.t.Helper()
	opening := map[string][]string{} // scopes, by page
	for _, scope := range k.config.Tokens.Scopes {
		token, _ := mint(b, scope)
		for _, page := range k.pages {
			if opened(k.program(token).Get(page)) {
				opening[page] = append(opening[page], scope)
			}
		}
	}
	for page, scopes := range opening {
		if len(scopes) > 1 && slices.Equal(scopes, k.config.Tokens.Scopes) {
			k.t.Errorf("side door: a personal token: %s opens to any scope: %s", page, fmt.Sprint(scopes))
		}
	}
}

// four returns four digits derived from a number.
func four(n int) string { return fmt.Sprintf("%04d", 1000+n%9000) }
