package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func (b *browser) remove(id string) *answer {
	b.w.T.Helper()
	return b.Do("DELETE", "/tf-factors/"+id, "", "", "Accept", testkit.TypeJSON)
}

// TestR053_FactorsChangeOnlyWhenFresh checks that renaming, preferring and removing a factor
// requires a recent proof of all factors of the account.
func TestR053_FactorsChangeOnlyWhenFresh(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollSMS("+16505551212")
	ids := p.factorIDs()
	operations := map[string]func(b *browser) *answer{
		"rename": func(b *browser) *answer { return b.Post("/tf-factors/"+ids["sms"], m{"name": "mine"}) },
		"prefer": func(b *browser) *answer { return b.Post("/tf-factors/"+ids["sms"], m{"default": true}) },
		"remove": func(b *browser) *answer { return b.remove(ids["sms"]) },
		"remove by form": func(b *browser) *answer {
			return b.Post("/tf-factors/"+ids["sms"], m{"action": "remove"})
		},
	}
	before := fmt.Sprint(p.Factors())
	b := w.plantSession(p)
	w.Advance(15 * time.Minute)
	for name, operation := range operations {
		operation(b).Want(401).Refused(name)
		operation(w.browser()).Want(401).Refused(name + " by nobody")
	}
	b.Post("/verify", m{"password": secret}).Want(200)
	for name, operation := range operations {
		operation(b).Want(401).Refused(name + " with the password alone")
	}
	if fmt.Sprint(p.Factors()) != before {
		t.Error("a refusal changed the factors")
	}
	b = w.plantSession(p)
	w.Advance(15*time.Minute - time.Second)
	for _, name := range []string{"rename", "prefer", "remove"} {
		operations[name](b).Want(200)
	}
	b.in(p, 2)
	if len(p.Factors()) != 1 || !p.Factors()[0].Primary {
		t.Errorf("left: %+v", p.Factors())
	}
	w.Advance(2 * time.Second) // removing proved nothing, so nothing is fresher for it
	b.remove(ids["authenticator"]).Want(401).Refused("kept fresh by the change")
}

// TestR058_ARemovalEndsWhatWasIssuedBefore checks that sessions and tokens end, except those of the
// browser that removes the factor.
func TestR058_ARemovalEndsWhatWasIssuedBefore(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollSMS("+16505551212")
	for name, change := range map[string]func(b *browser){
		"removal": func(b *browser) { b.remove(p.factorIDs()["sms"]).Want(200) },
		"codes":   func(b *browser) { b.newCodes() },
	} {
		other, pending := w.plantSession(p), w.plantPending(p)
		trusted := w.browser()
		trusted.login(p, m{"remember": true}).Want(200)
		if len(p.Factors()) > 1 {
			trusted.Post("/tf-select", m{"which": "authenticator"}).Want(200)
		}
		trusted.validate(p.Next()).Want(200)
		acting := w.plantSession(p)
		token := acting.Jar["twofold"]
		change(acting)
		acting.in(p, 2)
		if acting.Jar["twofold"] == token {
			t.Errorf("%s: the acting session keeps its id", name)
		}
		old := w.browser()
		old.Jar["twofold"] = token
		old.out(name + ": the former id")
		other.out(name + ": another session")
		pending.validate(p.Next()).Refused(name + ": a sign-in under way")
		trusted.only("tf_validity").login(p).Want(200)
		trusted.out(name + ": a trusted browser")
	}
}

// TestR059_TheLastFactorStaysIfOneIsRequired tries all ways to remove it, and several requests at
// once.
func TestR059_TheLastFactorStaysIfOneIsRequired(t *testing.T) {
	w := newWorld(t, required)
	second := w.Start(nil)
	p := w.withApp("alice")
	b := w.plantSession(p)
	b.remove(p.Factors()[0].ID).Want(400).Refused("the last one")
	b.Form("/tf-factors/"+p.Factors()[0].ID, "action", "remove").Want(303)
	b.Post("/tf-setup", m{"setup": "disable"}).Want(400).Refused("all of them")
	if len(p.Factors()) != 1 {
		t.Fatal("the last factor is gone")
	}
	for range rounds() {
		if p.Factors()[0].Method == storage.Email {
			p.enrollApp()
		} else {
			p.enrollMail()
		}
		ids := []string{p.Factors()[0].ID, p.Factors()[1].ID}
		x, y := w.plantSession(p), w.plantSession(p).on(second)
		testkit.Par(2, func(i int) { []*browser{x, y}[i].remove(ids[i]) })
		if n := len(p.Factors()); n != 1 {
			t.Fatalf("%d factors left", n)
		}
	}
}

// TestR059_WithoutTheLastFactorNothingOfItIsLeft covers sites where no second factor is required.
func TestR059_WithoutTheLastFactorNothingOfItIsLeft(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	b := w.plantSession(p)
	b.remove(p.Factors()[0].ID).Want(200)
	b.in(p, 1)
	if len(p.Factors()) != 0 || p.codesLeft() != 0 {
		t.Errorf("%d factors, %d codes", len(p.Factors()), p.codesLeft())
	}
	if kinds := w.kinds(p.Email); kinds["factor_disabled"] != 1 {
		t.Errorf("notices: %v", kinds)
	}
	old := p.App
	p.enrollApp()
	if string(old) == string(p.App) {
		t.Error("the same secret again")
	}
	w.plantPending(p).recover(codes[0]).Want(400).Refused("a code of before")
}

// TestR060_FactorsAreFoundAmongOnesOwn checks that the id of another user's factor has the same
// answer as an unknown id.
func TestR060_FactorsAreFoundAmongOnesOwn(t *testing.T) {
	w := newWorld(t, open)
	a, b := w.withApp("alice").enrollSMS("+16505551212"), w.withApp("bobby").enrollMail()
	before := fmt.Sprint(a.Factors())
	thief := w.plantSession(b)
	for _, f := range a.Factors() {
		for what, ask := range map[string]func(id string) *answer{
			"rename": func(id string) *answer { return thief.Post("/tf-factors/"+id, m{"name": "mine"}) },
			"prefer": func(id string) *answer { return thief.Post("/tf-factors/"+id, m{"default": true}) },
			"remove": thief.remove,
		} {
			theirs, nobodys := ask(f.ID).Want(404).Refused(what), ask(storage.NewID()).Want(404)
			if theirs.Body != nobodys.Body {
				t.Errorf("%s: %q and %q", what, theirs.Body, nobodys.Body)
			}
		}
		if list := thief.Get("/tf-factors").Want(200); strings.Contains(list.Body, f.ID) {
			t.Error("the list holds another's factor")
		}
	}
	if fmt.Sprint(a.Factors()) != before {
		t.Error("another user changed the factors")
	}
}

// TestR062_UnknownFieldsOfFactorsChangeNothing.
func TestR062_UnknownFieldsOfFactorsChangeNothing(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	b, before := w.plantSession(p), fmt.Sprint(p.Factors())
	path := "/tf-factors/" + p.Factors()[1].ID
	for _, body := range []any{
		m{"user_id": p.ID}, m{"last_step": "0"}, m{"name": 1}, m{"secret": "x"}, m{"default": 1},
		m{"name": "x", "Name": "y"},
		m{"action": "delete"}, m{"action": "remove", "name": "x"}, m{}, m{"name": nil}, `[]`, `{"name":"x","name":"y"}`,
		m{"name": []string{"x"}},
	} {
		b.Post(path, body).Want(400)
	}
	for _, body := range []any{m{"codes": []string{"x"}}, m{"n": m{}}, m{"action": "x"}, m{"sheet": 1}, `[]`} {
		b.Post("/mf-recovery-codes", body).Want(400)
	}
	if fmt.Sprint(p.Factors()) != before || p.codesLeft() != 0 {
		t.Error("something changed")
	}
}

// TestR064_NamesAreTidyAndFactorsFew.
func TestR064_NamesOfOwnFactorsAreTidy(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	p := w.withApp("alice")
	b := w.plantSession(p)
	path := "/tf-factors/" + p.Factors()[0].ID
	for given, want := range map[string]string{
		"  Work phone ": "Work phone", "a\r\nSet-Cookie: x=y": "aSet-Cookie: x=y", "\u202eabc\u2066": "abc",
		strings.Repeat("ä", 90): strings.Repeat("ä", 64), "": "",
	} {
		b.Post(path, m{"name": given}).Want(200)
		if got := p.Factors()[0].Name; got != want {
			t.Errorf("%q is kept as %q", given, got)
		}
	}
	b.Form(path, "name", `"><img src=x onerror=alert(1)>`).Want(303)
	for _, page := range []string{"/me", "/tf-factors", "/tf-setup"} {
		if body := b.Page(page).Want(200).Body; strings.Contains(body, "<img src=x") {
			t.Errorf("%s shows a name as markup", page)
		}
	}
}

// TestR103_FactorFormsAreNotForOtherSites.
func TestR103_FactorFormsAreNotForOtherSites(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	b, before := w.plantSession(p), fmt.Sprint(p.Factors())
	b.Bare = true
	path := "/tf-factors/" + p.Factors()[1].ID
	for _, fields := range [][]string{{"action", "remove"}, {"name", "x"}, {"default", "true"}} {
		b.Form(path, fields...).Want(400)
	}
	b.Form("/mf-recovery-codes").Want(400)
	for _, lines := range [][]string{{"Origin", "https://evil.test"}, {"Sec-Fetch-Site", "cross-site"},
		{"Origin", "null"}} {
		b.Do("POST", path, testkit.TypeForm, "action=remove", lines...).Want(403)
		b.Do("DELETE", path, "", "", lines...).Want(403)
		b.Do("POST", "/mf-recovery-codes", testkit.TypeForm, "", lines...).Want(403)
	}
	if fmt.Sprint(p.Factors()) != before || p.codesLeft() != 0 {
		t.Error("something changed")
	}
}
