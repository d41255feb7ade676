package twofoldtest

import (
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
)

const minute = time.Minute

// trustOf returns the policy that decides whether a user's browsers may be trusted: that of the
// application, except for users in k.distrusted.
func trustOf(k *Kit, own func(twofold.User) bool) func(twofold.User) bool {
	return func(i twofold.User) bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return !slices.Contains(k.distrusted, i.Email) && (own == nil || own(i))
	}
}

// descendantStates returns the states of sessions and tokens that came from a trusted browser,
// after the trust has ended. Each counted as two factors; now it must meet the same requirements as
// a sign-in.
func descendantStates(k *Kit) []state {
	if k.config.TwoFactor.LoginValidity == 0 || k.config.Accounts.MagicLink {
		return nil
	}
	var out []state
	for what, end := range map[string]func(email string){
		"trust ended by its owner": func(email string) {
			owner := k.firstFactor(email).must2(email)
			owner.must("end of trust", owner.Post(k.at("/tf-devices"), nil))
		},
		"trust that the policy does not give any more": func(email string) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.distrusted = append(k.distrusted, email)
		},
	} {
		for holder, left := range map[string]func(b *Browser, header, refresh string) *Browser{
			"a session":       func(b *Browser, _, _ string) *Browser { return b.without(k.stayCookie()) },
			"a header token":  func(_ *Browser, header, _ string) *Browser { return k.program(header) },
			"a refresh token": func(_ *Browser, _, refresh string) *Browser { return exchanges(k, refresh) },
			"a browser that stays signed in": func(b *Browser, _, _ string) *Browser {
				return b.onlyStays()
			},
		} {
			if holder == "a refresh token" && !k.has("/refresh-token") {
				continue
			}
			if strings.HasPrefix(holder, "a browser") && k.config.Sessions.Remember == 0 {
				continue
			}
			out = append(out, state{name: holder + " by a trusted browser, and " + what, open: func() *Browser {
				email, b, header, refresh := trustedTokens(k)
				if b == nil {
					return nil
				}
				end(email)
				if b = left(b, header, refresh); b != nil {
					b.closes()
				}
				return b
			}})
		}
	}
	return out
}

// trustedTokens signs a user in with the password in a trusted browser and requests tokens. It
// returns no browser if browsers are not trusted.
func trustedTokens(k *Kit) (email string, b *Browser, header, refresh string) {
	k.t.Helper()
	email, _ = k.someone("heir")
	first, _ := k.password(email, fields{"remember": true})
	first.must2(email)
	first.must("sign out", first.Post(k.at("/logout"), nil))
	k.Clock.Move(minute)
	a := first.must("first factor", first.enter(email, Password, withToken, fields{"remember": true}))
	if a.Response["tf_required"] == true {
		return email, nil, "", ""
	}
	header, refresh = first.tokens(a)
	for _, page := range k.pages {
		if a := first.Get(page); a.Status >= 400 {
			return email, nil, "", "" // a trusted browser is not enough
		}
	}
	return email, first, header, refresh
}

// exchanges returns a program that exchanges a refresh token. If the exchange is refused, the
// program has no token.
func exchanges(k *Kit, refresh string) *Browser {
	k.t.Helper()
	b, body := k.NewBrowser(), fields{}
	if k.config.Tokens.RefreshInBody {
		body["refresh_token"] = refresh
	} else {
		b.Plant(k.refreshCookie(), refresh)
	}
	a := b.Post(k.at("/refresh-token"), body)
	if a.Status < 400 {
		header, _ := b.tokens(a)
		b.header = k.program(header).header
	}
	return b
}

// closes waits until the pages are refused, because a process may cache a session for a second. If
// a page stays open, the next check reports it.
func (b *Browser) closes() {
	for range 300 {
		if !slices.ContainsFunc(b.k.pages, func(page string) bool { return opened(b.Get(page)) }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
