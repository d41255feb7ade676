package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

func (b *browser) remove(id string) *answer {
	b.w.t.Helper()
	return b.do("DELETE", "/tf-factors/"+id, "", "", "Accept", typeJSON)
}

// TestR053_FactorsChangeOnlyWhenFresh checks that renaming, preferring and removing a factor
// requires a recent proof of all factors of the account.
func TestR053_FactorsChangeOnlyWhenFresh(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollSMS("+16505551212")
	ids := p.factorIDs()
	operations := map[string]func(b *browser) *answer{
		"rename": func(b *browser) *answer { return b.post("/tf-factors/"+ids["sms"], m{"name": "mine"}) },
		"prefer": func(b *browser) *answer { return b.post("/tf-factors/"+ids["sms"], m{"default": true}) },
		"remove": func(b *browser) *answer { return b.remove(ids["sms"]) },
		"remove by form": func(b *browser) *answer {
			return b.post("/tf-factors/"+ids["sms"], m{"action": "remove"})
		},
	}
	before := fmt.Sprint(p.factors())
	b := w.plantSession(p)
	w.advance(15 * time.Minute)
	for name, operation := range operations {
		operation(b).want(401).refused(name)
		operation(w.browser()).want(401).refused(name + " by nobody")
	}
	b.post("/verify", m{"password": secret}).want(200)
	for name, operation := range operations {
		operation(b).want(401).refused(name + " with the password alone")
	}
	if fmt.Sprint(p.factors()) != before {
		t.Error("a refusal changed the factors")
	}
	b = w.plantSession(p)
	w.advance(15*time.Minute - time.Second)
	for _, name := range []string{"rename", "prefer", "remove"} {
		operations[name](b).want(200)
	}
	b.in(p, 2)
	if len(p.factors()) != 1 || !p.factors()[0].Primary {
		t.Errorf("left: %+v", p.factors())
	}
	w.advance(2 * time.Second) // removing proved nothing, so nothing is fresher for it
	b.remove(ids["authenticator"]).want(401).refused("kept fresh by the change")
}

// TestR058_ARemovalEndsWhatWasIssuedBefore checks that sessions and tokens end, except those of the
// browser that removes the factor.
func TestR058_ARemovalEndsWhatWasIssuedBefore(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollSMS("+16505551212")
	for name, change := range map[string]func(b *browser){
		"removal": func(b *browser) { b.remove(p.factorIDs()["sms"]).want(200) },
		"codes":   func(b *browser) { b.newCodes() },
	} {
		other, pending := w.plantSession(p), w.plantPending(p)
		trusted := w.browser()
		trusted.login(p, m{"remember": true}).want(200)
		if len(p.factors()) > 1 {
			trusted.post("/tf-select", m{"which": "authenticator"}).want(200)
		}
		trusted.validate(p.next()).want(200)
		acting := w.plantSession(p)
		token := acting.jar["twofold"]
		change(acting)
		acting.in(p, 2)
		if acting.jar["twofold"] == token {
			t.Errorf("%s: the acting session keeps its id", name)
		}
		old := w.browser()
		old.jar["twofold"] = token
		old.out(name + ": the former id")
		other.out(name + ": another session")
		pending.validate(p.next()).refused(name + ": a sign-in under way")
		trusted.only("tf_validity").login(p).want(200)
		trusted.out(name + ": a trusted browser")
	}
}

// TestR059_TheLastFactorStaysIfOneIsRequired tries all ways to remove it, and several requests at
// once.
func TestR059_TheLastFactorStaysIfOneIsRequired(t *testing.T) {
	w := newWorld(t, required)
	second := w.start(nil)
	p := w.withApp("alice")
	b := w.plantSession(p)
	b.remove(p.factors()[0].ID).want(400).refused("the last one")
	b.form("/tf-factors/"+p.factors()[0].ID, "action", "remove").want(303)
	b.post("/tf-setup", m{"setup": "disable"}).want(400).refused("all of them")
	if len(p.factors()) != 1 {
		t.Fatal("the last factor is gone")
	}
	for range rounds() {
		if p.factors()[0].Method == storage.Email {
			p.enrollApp()
		} else {
			p.enrollMail()
		}
		ids := []string{p.factors()[0].ID, p.factors()[1].ID}
		x, y := w.plantSession(p), w.plantSession(p).on(second)
		par(2, func(i int) { []*browser{x, y}[i].remove(ids[i]) })
		if n := len(p.factors()); n != 1 {
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
	b.remove(p.factors()[0].ID).want(200)
	b.in(p, 1)
	if len(p.factors()) != 0 || p.codesLeft() != 0 {
		t.Errorf("%d factors, %d codes", len(p.factors()), p.codesLeft())
	}
	if kinds := w.kinds(p.email); kinds["factor_disabled"] != 1 {
		t.Errorf("notices: %v", kinds)
	}
	old := p.app
	p.enrollApp()
	if string(old) == string(p.app) {
		t.Error("the same secret again")
	}
	w.plantPending(p).recover(codes[0]).want(400).refused("a code of before")
}

// TestR060_FactorsAreFoundAmongOnesOwn checks that the id of another user's factor has the same
// answer as an unknown id.
func TestR060_FactorsAreFoundAmongOnesOwn(t *testing.T) {
	w := newWorld(t, open)
	a, b := w.withApp("alice").enrollSMS("+16505551212"), w.withApp("bobby").enrollMail()
	before := fmt.Sprint(a.factors())
	thief := w.plantSession(b)
	for _, f := range a.factors() {
		for what, ask := range map[string]func(id string) *answer{
			"rename": func(id string) *answer { return thief.post("/tf-factors/"+id, m{"name": "mine"}) },
			"prefer": func(id string) *answer { return thief.post("/tf-factors/"+id, m{"default": true}) },
			"remove": thief.remove,
		} {
			theirs, nobodys := ask(f.ID).want(404).refused(what), ask(storage.NewID()).want(404)
			if theirs.body != nobodys.body {
				t.Errorf("%s: %q and %q", what, theirs.body, nobodys.body)
			}
		}
		if list := thief.get("/tf-factors").want(200); strings.Contains(list.body, f.ID) {
			t.Error("the list holds another's factor")
		}
	}
	if fmt.Sprint(a.factors()) != before {
		t.Error("another user changed the factors")
	}
}

// TestR062_UnknownFieldsOfFactorsChangeNothing.
func TestR062_UnknownFieldsOfFactorsChangeNothing(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	b, before := w.plantSession(p), fmt.Sprint(p.factors())
	path := "/tf-factors/" + p.factors()[1].ID
	for _, body := range []any{
		m{"user_id": p.id}, m{"last_step": "0"}, m{"name": 1}, m{"secret": "x"}, m{"default": 1},
		m{"name": "x", "Name": "y"},
		m{"action": "delete"}, m{"action": "remove", "name": "x"}, m{}, m{"name": nil}, `[]`, `{"name":"x","name":"y"}`,
		m{"name": []string{"x"}},
	} {
		b.post(path, body).want(400)
	}
	for _, body := range []any{m{"codes": []string{"x"}}, m{"n": m{}}, m{"action": "x"}, m{"sheet": 1}, `[]`} {
		b.post("/mf-recovery-codes", body).want(400)
	}
	if fmt.Sprint(p.factors()) != before || p.codesLeft() != 0 {
		t.Error("something changed")
	}
}

// TestR064_NamesAreTidyAndFactorsFew.
func TestR064_NamesOfOwnFactorsAreTidy(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 })
	p := w.withApp("alice")
	b := w.plantSession(p)
	path := "/tf-factors/" + p.factors()[0].ID
	for given, want := range map[string]string{
		"  Work phone ": "Work phone", "a\r\nSet-Cookie: x=y": "aSet-Cookie: x=y", "\u202eabc\u2066": "abc",
		strings.Repeat("ä", 90): strings.Repeat("ä", 64), "": "",
	} {
		b.post(path, m{"name": given}).want(200)
		if got := p.factors()[0].Name; got != want {
			t.Errorf("%q is kept as %q", given, got)
		}
	}
	b.form(path, "name", `"><img src=x onerror=alert(1)>`).want(303)
	for _, page := range []string{"/me", "/tf-factors", "/tf-setup"} {
		if body := b.page(page).want(200).body; strings.Contains(body, "<img src=x") {
			t.Errorf("%s shows a name as markup", page)
		}
	}
}

// TestR103_FactorFormsAreNotForOtherSites.
func TestR103_FactorFormsAreNotForOtherSites(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	b, before := w.plantSession(p), fmt.Sprint(p.factors())
	b.bare = true
	path := "/tf-factors/" + p.factors()[1].ID
	for _, fields := range [][]string{{"action", "remove"}, {"name", "x"}, {"default", "true"}} {
		b.form(path, fields...).want(400)
	}
	b.form("/mf-recovery-codes").want(400)
	for _, lines := range [][]string{{"Origin", "https://evil.test"}, {"Sec-Fetch-Site", "cross-site"},
		{"Origin", "null"}} {
		b.do("POST", path, typeForm, "action=remove", lines...).want(403)
		b.do("DELETE", path, "", "", lines...).want(403)
		b.do("POST", "/mf-recovery-codes", typeForm, "", lines...).want(403)
	}
	if fmt.Sprint(p.factors()) != before || p.codesLeft() != 0 {
		t.Error("something changed")
	}
}
