package security_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR047_CodesAreStoredAsKeyedHashes also checks that the hashes are deleted after they expire.
func TestR047_CodesAreStoredAsKeyedHashes(t *testing.T) {
	w := newWorld(t)
	e := w.person("erika").enrollMail()
	b := w.browser()
	b.login(e).Want(200)
	code := e.Mailed()
	sum := sha256.Sum256([]byte(code))
	for _, c := range w.dump() {
		if c.Text == code || hasWord(c.Text, code) || strings.Contains(c.Hex, hex.EncodeToString(sum[:])) ||
			strings.Contains(c.Text, base64.RawURLEncoding.EncodeToString(sum[:])) ||
			strings.Contains(c.Hex, hex.EncodeToString([]byte(code))) && c.Column == "mac" {
			t.Errorf("%s.%s holds the code or its plain hash", c.Table, c.Column)
		}
	}
	if w.count("challenges") == 0 {
		t.Error("nothing was stored: this test looks in the wrong place")
	}
	w.Advance(24 * time.Hour)
	_, err := w.Nodes[0].Store.Sweep(t.Context(), w.Now(), 1000)
	w.Must(err)
	if n := w.count("challenges"); n != 0 {
		t.Errorf("%d codes are still there a day later", n)
	}
}

// TestR048_SendingIsLimited checks the default limits: thirty seconds between two codes of one
// sign-in, and five codes in ten minutes and ten a day to one destination, in every spelling. A
// correct code releases its place.
func TestR048_SendingIsLimited(t *testing.T) {
	w := newWorld(t)
	spellings := []string{"+1 650 555 1212", "+16505551212", "0016505551212", "650-555-1212", "＋１６５０５５５１２１２",
		"(650) 555 1212"}
	people := []*browser{}
	for i := range 5 {
		people = append(people, w.plantSession(w.person(fmt.Sprintf("pumper%d", i))))
	}
	for i := range 50 {
		w.Advance(10 * time.Second)
		people[i%5].Post("/tf-setup", m{"setup": "sms", "phone": spellings[i%len(spellings)]})
	}
	if n := w.texts(); n != 5 {
		t.Errorf("%d texts to one number in ten minutes, want 5", n)
	}
	for i := range 40 {
		w.Advance(40 * time.Minute)
		people[i%5] = w.plantSession(w.of(testkit.Person{ID: w.userID(fmt.Sprintf("pumper%d", i%5))}))
		people[i%5].Post("/tf-setup", m{"setup": "sms", "phone": spellings[i%len(spellings)]})
	}
	if n := w.texts(); n > 10+2*10 { // the day began before and went on after
		t.Errorf("%d texts to one number in a little more than a day", n)
	}
	people[0] = w.plantSession(w.of(testkit.Person{ID: w.userID("pumper0")}))
	for _, phone := range []string{"+19005551212", "+18005551212", "+449098790000", "+1-650-555-1212;ext=1", "+0",
		"911"} {
		before := w.texts()
		people[0].Post("/tf-setup", m{"setup": "sms", "phone": phone}).Want(400)
		if w.texts() != before {
			t.Errorf("a text went to %s", phone)
		}
	}
	w.Advance(48 * time.Hour)
	e := w.person("erika").enrollMail()
	w.settled() // the notice of the set-up is not a code
	b, before := w.plantPending(e), w.Mail.Count(e.Email)
	for range 6 {
		b.Post("/tf-resend", m{})
		w.Advance(5 * time.Second)
	}
	if n := w.Mail.Count(e.Email) - before; n != 1 {
		t.Errorf("%d codes within thirty seconds of one sign-in, want 1", n)
	}
	w.browser().Post("/tf-resend", m{}).Want(400).Refused("a code for nobody")
}

func (w *world) userID(name string) string {
	w.T.Helper()
	u, err := w.Nodes[0].Auth.FindUser(w.T.Context(), name+"@good.test")
	w.Must(err)
	return u.ID
}
