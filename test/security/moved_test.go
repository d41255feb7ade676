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
	w.Advance(time.Hour)
	p.enrollSMS(otherPhone)
	old = append(old, p.newestStop())
	w.Advance(time.Hour)
	former := *p
	p.Email = "moved@good.test"
	w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, p.Email, p.Name))
	w.settled()
	if former.newestStop() != old[1] {
		t.Error("the notice of the move gives the former mailbox a link")
	}
	w.Advance(time.Hour)
	b := w.plantSession(p)
	for _, token := range old {
		w.browser().Page("/tf-not-me/" + token)
		if r := w.browser().Form("/tf-not-me/" + token); r.Status == 200 {
			t.Errorf("a notice at the former mailbox: %d", r.Status)
		}
	}
	b.in(p, 2)
	w.browser().Form("/tf-not-me/" + p.newestStop()).Want(200)
	b.out("after a notice at the present mailbox")
	// When the account is moved back, notices at the first mailbox work again.
	w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, former.Email, p.Name))
	w.Advance(time.Hour)
	b = w.plantSession(p)
	w.browser().Form("/tf-not-me/" + old[1]).Want(200)
	b.out("after a notice at the mailbox that is present again")
}

// TestR204_NoticesAtTheFormerMailboxWorkAfterAUsersMove lets an attacker in a session move the account to
// their own mailbox, twice. Notices mailed to the owner before and about the move can end the
// attacker's access until they expire.
func TestR204_NoticesAtTheFormerMailboxWorkAfterAUsersMove(t *testing.T) {
	w := newWorld(t, life)
	for _, which := range []string{"of the move", "from before"} {
		p := w.person("alice" + which[:2])
		p.enrollApp()
		before := p.newestStop()
		w.Advance(time.Hour)
		thief := w.plantSession(p)
		owner := *p
		for i, email := range []string{"thief1" + which[:2] + "@good.test", "thief2" + which[:2] + "@good.test"} {
			thief.Post("/change-email", m{"email": email}).Want(200)
			thief.Post(w.link("change_email", email), m{}).Want(200)
			w.Advance(time.Minute)
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
		w.Advance(5 * 24 * time.Hour)
		p.Email = "thief2" + which[:2] + "@good.test"
		thief = w.plantSession(p)
		thief.in(p, 2)
		w.browser().Form("/tf-not-me/" + token).Want(200)
		thief.out("after the owner's answer to a notice " + which)
	}
}
