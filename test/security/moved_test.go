package security_test

import (
	"testing"
	"time"
)

// TestR204_AnOperatorsMoveEndsOldNotices checks that once an operator has moved an account to
// another mailbox, no notice mailed to the former mailbox works, including the one about the move.
// Notices at the new mailbox work.
func TestR204_AnOperatorsMoveEndsOldNotices(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice")
	var old []string
	p.enrollApp()
	old = append(old, p.newestStop())
	w.advance(time.Hour)
	p.enrollSMS(otherPhone)
	old = append(old, p.newestStop())
	w.advance(time.Hour)
	former := *p
	p.email = "moved@good.test"
	w.must(w.nodes[0].auth.SetIdentity(t.Context(), p.id, p.email, p.name))
	w.settled()
	if former.newestStop() != old[1] {
		t.Error("the notice of the move gives the former mailbox a link")
	}
	w.advance(time.Hour)
	b := w.plantSession(p)
	for _, token := range old {
		w.browser().page("/tf-not-me/" + token)
		if r := w.browser().form("/tf-not-me/" + token); r.status == 200 {
			t.Errorf("a notice at the former mailbox: %d", r.status)
		}
	}
	b.in(p, 2)
	w.browser().form("/tf-not-me/" + p.newestStop()).want(200)
	b.out("after a notice at the present mailbox")
	// When the account is moved back, notices at the first mailbox work again.
	w.must(w.nodes[0].auth.SetIdentity(t.Context(), p.id, former.email, p.name))
	w.advance(time.Hour)
	b = w.plantSession(p)
	w.browser().form("/tf-not-me/" + old[1]).want(200)
	b.out("after a notice at the mailbox that is present again")
}

// TestR204_AUsersMoveLeavesTheFormerMailboxItsSay lets an attacker in a session move the account to
// their own mailbox, twice. Notices mailed to the owner before and about the move can end the
// attacker's access until they expire.
func TestR204_AUsersMoveLeavesTheFormerMailboxItsSay(t *testing.T) {
	w := newWorld(t, life)
	for _, which := range []string{"of the move", "from before"} {
		p := w.person("alice" + which[:2])
		p.enrollApp()
		before := p.newestStop()
		w.advance(time.Hour)
		thief := w.plantSession(p)
		owner := *p
		for i, email := range []string{"thief1" + which[:2] + "@good.test", "thief2" + which[:2] + "@good.test"} {
			thief.post("/change-email", m{"email": email}).want(200)
			thief.post(w.link("change_email", email), m{}).want(200)
			w.advance(time.Minute)
			if i == 0 {
				w.settled()
			}
		}
		token := owner.newestStop()
		if which == "from before" {
			token = before
		} else if token == before {
			t.Fatal("the owner was not told")
		}
		w.advance(5 * 24 * time.Hour)
		p.email = "thief2" + which[:2] + "@good.test"
		thief = w.plantSession(p)
		thief.in(p, 2)
		w.browser().form("/tf-not-me/" + token).want(200)
		thief.out("after the owner's answer to a notice " + which)
	}
}
