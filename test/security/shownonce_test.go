package security_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

var (
	recoveryCode = regexp.MustCompile(`[a-z2-7]{4}(?:-[a-z2-7]{4}){3}`)
	accessToken  = regexp.MustCompile(`<code class="key" id="token">([^<]+)</code>`)
)

// sent posts a form and returns the redirect without following it.
func (b *browser) sent(path, fields string) {
	b.w.T.Helper()
	if a := b.Do("POST", path, testkit.TypeForm, fields, "Accept", "text/html"); a.Status != http.StatusSeeOther {
		b.w.T.Fatalf("%s answers %d, and reloading its page would post again", path, a.Status)
	}
}

// TestR280_SecretsShownOnceAreSealedInTheRedirect checks that the redirect after the creation of recovery
// codes or a token carries them sealed. The page shows them once, only to the session that created
// them, and a reload creates nothing.
func TestR280_SecretsShownOnceAreSealedInTheRedirect(t *testing.T) {
	for name, c := range map[string]struct {
		path, fields string
		find         func(body string) []string
	}{
		"recovery codes": {"/mf-recovery-codes", "", func(body string) []string {
			return recoveryCode.FindAllString(body, -1)
		}},
		"a token": {"/access-tokens", "name=backup&scopes=read&days=1", func(body string) []string {
			var out []string
			for _, found := range accessToken.FindAllStringSubmatch(body, -1) {
				out = append(out, found[1])
			}
			return out
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open, func(c *twofold.Config) { c.Tokens.Scopes = []string{"read"} })
			alice, bertha := w.withApp("alice"), w.withApp("bertha")
			b := w.plantSession(alice)
			b.sent(c.path, c.fields)
			carried := ""
			for name, value := range b.Jar {
				if strings.HasSuffix(name, "twofold-refused") {
					carried = name
					raw, err := base64.RawURLEncoding.DecodeString(value)
					if err != nil || len(c.find(string(raw))) > 0 || recoveryCode.Match(raw) ||
						strings.Contains(string(raw), "tfp_") {
						t.Errorf("the cookie is %q: %v", raw, err)
					}
				}
			}
			if carried == "" {
				t.Fatal("nothing is carried to the page")
			}
			mine := b.copy()
			for who, other := range map[string]*browser{
				"another session of the account": w.plantSession(alice),
				"another account":                w.plantSession(bertha),
				"a stranger":                     w.browser(),
			} {
				other.Jar[carried] = b.Jar[carried]
				if found := c.find(other.Page(c.path).Body); len(found) > 0 {
					t.Errorf("%s is shown %v", who, found)
				}
			}
			changed := b.copy()
			changed.Jar[carried] = testkit.Forge(changed.Jar[carried])
			if found := c.find(changed.Page(c.path).Body); len(found) > 0 {
				t.Errorf("a changed cookie shows %v", found)
			}
			shown := c.find(b.Page(c.path).Body)
			if len(shown) == 0 {
				t.Fatal("the page does not show what was made")
			}
			for _, secret := range shown {
				w.handedOut(name, secret)
			}
			if again := c.find(b.Page(c.path).Body); len(again) > 0 {
				t.Errorf("reloading the page shows %v", again)
			}
			w.Advance(2 * time.Minute)
			if late := c.find(mine.Page(c.path).Body); len(late) > 0 {
				t.Errorf("two minutes later the cookie shows %v", late)
			}
			if name == "recovery codes" {
				if n := alice.codesLeft(); n != len(shown) {
					t.Errorf("%d codes are left of %d: the set was made anew", n, len(shown))
				}
			}
		})
	}
}

// TestR281_AnEarlyLookAtARegistrationTellsNothing checks that a form with mistakes gets all errors
// at once, and that the answer is the same for an address that has an account.
func TestR281_AnEarlyLookAtARegistrationTellsNothing(t *testing.T) {
	w := newWorld(t, life)
	taken := w.person("taken")
	texts := regexp.MustCompile(`(?s)<p class="error"[^>]*>(.*?)</p>`)
	listed := regexp.MustCompile(`<a href="#field-([a-z_]+)">`)
	fields := regexp.MustCompile(`<input id="field-([a-z_]+)"`)
	said := func(email string) string {
		a := w.browser().Form("/register", "email", email, "password", "short", "password_confirm", "another")
		var all []string
		for _, found := range texts.FindAllStringSubmatch(a.Body, -1) {
			all = append(all, found[1])
		}
		inOrder := map[string]int{}
		for i, found := range fields.FindAllStringSubmatch(a.Body, -1) {
			inOrder[found[1]] = i
		}
		last := -1
		for _, found := range listed.FindAllStringSubmatch(a.Body, -1) {
			if inOrder[found[1]] < last {
				t.Errorf("%s is listed after fields that stand below it", found[1])
			}
			last = inOrder[found[1]]
		}
		if last < 0 {
			t.Error("no mistake is listed above the form")
		}
		if len(all) < 2 {
			t.Errorf("%s is told %q, and not all that is wrong", email, all)
		}
		return strings.Join(all, "|")
	}
	if a, b := said(taken.Email), said("free@good.test"); a != b {
		t.Errorf("a taken address is told %q, a free one %q", a, b)
	}
}
