package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestR005_EmptyCredentialsNeverMatch checks that an empty value does not match a credential that
// the account does not have.
func TestR005_EmptyCredentialsNeverMatch(t *testing.T) {
	w := newWorld(t)
	_, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: "nopassword@good.test"})
	w.Must(err)
	for _, password := range []string{`,"password":""`, `,"password":null`, ``, `,"password":" "`} {
		b := w.browser()
		b.Post("/login", `{"email":"nopassword@good.test"`+password+`}`).Want(400).Refused("password" + password)
		b.out("no password, given" + password)
	}
	for _, identity := range []string{`""`, `null`, `" "`, `"\u200b"`} {
		w.browser().Post("/login", `{"email":`+identity+`,"password":""}`).Refused("identity " + identity)
	}
	a := w.withApp("alice")
	b := w.plantPending(a)
	guesses := func() int {
		return w.number(`SELECT COALESCE(SUM(n), 0) FROM twofold_counters WHERE name NOT LIKE 'once:%'`)
	}
	before := guesses()
	for _, body := range []string{`{"code":""}`, `{"code":null}`, `{}`, ``, `{"code":0}`, `{"code":false}`} {
		b.Post("/tf-validate", body).Want(400).Refused("code " + body)
	}
	if guesses() != before {
		t.Error("no code was given, yet a guess was counted")
	}
	b.validate("      ").Want(400).Refused("blank code")
	for _, code := range []string{"12345", "1234567", "abcdef", "+12345"} {
		b.validate(code).Want(400).Refused("no code: " + code)
	}
	if guesses() != before {
		t.Error("what is no code was counted as a guess")
	}
	b.validate(a.Wrong()).Want(400).Refused("a wrong code")
	if guesses() == before {
		t.Error("a guess was not counted")
	}
	b.out("after empty codes")
	for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "twofold-csrf"} {
		c := w.browser()
		c.Jar[name] = ""
		c.Header["Authentication-Token"] = ""
		c.validate(a.Next()).Refused("empty cookie " + name)
		c.out("empty cookie " + name)
	}
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}

// TestR006_OneFormOfAnIdentity checks that the spelling of an identity does not avoid the budget,
// the second factor or the uniqueness of accounts.
func TestR006_OneFormOfAnIdentity(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	addresses := []string{
		"alice@good.test", "ALICE@GOOD.TEST", " alice@good.test ", "alice@good.test\u200b", "ａｌｉｃｅ@good.test",
		"\u2060aliCe@Good.Test",
	}
	names := []string{"alice", "Alice", " ALICE ", "ａｌｉｃｅ"}
	// An address and a username each have a budget per network, so a full budget does not show that
	// they belong to one account.
	for _, spellings := range [][]string{addresses, names} {
		for i := range 10 {
			w.browser().Post("/login",
				m{"identity": spellings[i%len(spellings)], "password": "wrong password"}).Want(400)
		}
		for _, s := range spellings {
			w.browser().Post("/login", m{"identity": s, "password": secret}).Want(429)
		}
	}
	spellings := append(addresses, names...)
	w.Advance(2 * time.Hour)
	for _, s := range spellings[1:] {
		b := w.browser()
		r := b.Post("/login", m{"identity": s, "password": secret}).Want(200)
		if r.JSON["tf_required"] != true {
			t.Errorf("%q: no second factor asked: %s", s, r.Body)
		}
		b.out(fmt.Sprintf("%q with the password", s))
	}
	users := w.count("users")
	for _, s := range []string{"ALICE@GOOD.TEST", "ａｌｉｃｅ@good.test"} {
		b := w.browser()
		b.Post("/register", m{"email": s, "password": "another long one 72", "password_confirm": "another long one 72"})
		b.out("registration of a taken address as " + s)
	}
	if n := w.count("users"); n != users {
		t.Errorf("%d accounts, want %d: another spelling made a second account", n, users)
	}
	b := w.browser()
	b.login(a).Want(200)
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}
