package security_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// acceptBy accepts an invitation with a passkey instead of a password.
func (b *browser) acceptBy(link string, k *softkey.Key, lies ...softkey.Lie) *answer {
	b.w.T.Helper()
	options, state := b.asks(link, m{"passkey": true})
	return b.Post(link, m{"wan_state": state, "credential": b.w.creates(k, options, lies...)})
}

// makesNothing checks that the step creates no account for the invited address, and that the
// invitation still works.
func (w *world) makesNothing(link, what string) {
	w.T.Helper()
	if _, there := w.found(invited); there {
		w.T.Errorf("%s made an account", what)
	}
	w.browser().Get(link).Want(200)
}

// TestR400: if any write fails, before or after it is done, the invitation still works, and there
// is either no account or a complete one that can be opened.
func TestR400_AnInvitationEndsWithTheAccountThatIsMadeOfItOrNotAtAll(t *testing.T) {
	for _, c := range []struct {
		name         string
		after, byKey bool
	}{{"a password, a write fails", false, false}, {"a password, a write was done", true, false},
		{"a passkey, a write fails", false, true}, {"a passkey, a write was done", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			w, f := newWorld(t), &faulty{}
			w.Nodes[0].Stop()
			w.Nodes = nil
			w.Start(f.wrap)
			for k := 1; w.acceptsWithFault(f, k, c.after, c.byKey); k++ {
			}
		})
	}
}

// acceptsWithFault accepts an invitation while the k-th write fails, and reports whether a write
// failed.
func (w *world) acceptsWithFault(f *faulty, k int, after, byKey bool) bool {
	w.T.Helper()
	email, key := fmt.Sprintf("ivy%d@good.test", k), w.key(phoneKey)
	link, b, body := w.invite(email), w.browser(), chosen()
	if byKey {
		options, state := b.asks(link, m{"passkey": true})
		body = m{"wan_state": state, "credential": w.creates(key, options)}
	}
	f.arm(k, after)
	r := b.Post(link, body)
	failed := f.disarm()
	if failed == "" {
		r.Want(200)
		return false
	}
	if r.Status != 503 {
		w.T.Errorf("%s failed (after it was done: %v), and the answer is %d %s", failed, after, r.Status, r.Body)
	}
	b.out(failed + " failed")
	if _, there := w.found(email); !there {
		w.browser().Get(link).Want(200)
		w.browser().Post(link, chosen()).Want(200)
		return true
	}
	w.browser().Get(link).Want(400)
	if byKey {
		w.browser().signInBy(key).Want(200)
		return true
	}
	w.browser().Post("/login", m{"email": email, "password": secret}).Want(200)
	return true
}

// TestR400: a passkey that belongs to another account fails the acceptance but does not use up the
// invitation.
func TestR400_ATakenAddressLeavesTheInvitation(t *testing.T) {
	w := newWorld(t)
	link := w.invite(invited)
	taken, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: invited, Password: secret})
	w.Must(err)
	w.browser().Post(link, chosen()).Want(400)
	w.browser().acceptBy(link, w.key(phoneKey)).Want(400)
	w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), taken.ID, "moved@good.test", ""))
	w.browser().Post(link, chosen()).Want(200)
}

func TestR401_APasskeyTakesThePlaceOfThePasswordOfAnInvitedPerson(t *testing.T) {
	w := newWorld(t)
	link, k := w.invite(invited, "staff"), w.key(phoneKey)
	b := w.browser()
	options, state := b.asks(link, m{"passkey": true})
	w.makesNothing(link, "a question")
	b.out("a question was asked")
	b.Post(link, m{"wan_state": state, "credential": w.creates(k, options)}).Want(200)
	u, there := w.found(invited)
	if !there || len(u.Roles) != 1 {
		t.Fatalf("the account: %+v, %v", u, there)
	}
	p := w.of(testkit.Person{Email: invited, ID: u.ID})
	b.in(p, 2)
	if made := happened[event.PasskeyRegistered](w); len(made) != 1 || made[0].User.ID != u.ID {
		t.Errorf("the application heard %v", made)
	}
	w.browser().Post("/login", m{"email": invited, "password": ""}).Want(400)
	again := w.browser()
	again.signInBy(k).Want(200)
	again.in(p, 2)
	// The link and the assertion are used up.
	w.browser().Post(link, m{"wan_state": state, "credential": w.creates(k, options)}).Want(400)
	w.browser().Post(link, m{"passkey": true}).Want(400)

	// If passkeys are not a first factor, a password is required.
	w.Restart(func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	w.browser().Post(w.invite("other@good.test"), m{"passkey": true}).Want(400)
}

func TestR401_OnlyAnAnswerToTheQuestionOfTheLinkAcceptsIt(t *testing.T) {
	w := newWorld(t)
	link, other := w.invite(invited), w.invite("other@good.test")
	ask := func(link string) ([]byte, string) { return w.browser().asks(link, m{"passkey": true}) }
	for name, post := range map[string]func() *answer{
		"an answer to the question of another link": func() *answer {
			options, state := ask(other)
			return w.browser().Post(link, m{"wan_state": state, "credential": w.creates(w.key(phoneKey), options)})
		},
		"an answer to another question": func() *answer {
			options, _ := ask(link)
			_, state := ask(link)
			return w.browser().Post(link, m{"wan_state": state, "credential": w.creates(w.key(phoneKey), options)})
		},
		"an answer that names no question": func() *answer {
			options, _ := ask(link)
			return w.browser().Post(link, m{"credential": w.creates(w.key(phoneKey), options)})
		},
		"an answer of another site": func() *answer {
			return w.browser().acceptBy(link, w.key(phoneKey), softkey.Say("origin", "https://other.test"))
		},
		"an answer to the question of a sign-in": func() *answer {
			b := w.browser()
			_, state := b.asks("/wan-signin", m{})
			options, _ := ask(link)
			return b.Post(link, m{"wan_state": state, "credential": w.creates(w.key(phoneKey), options)})
		},
		"an answer that came too late": func() *answer {
			options, state := ask(link)
			w.Advance(5 * time.Minute)
			return w.browser().Post(link, m{"wan_state": state, "credential": w.creates(w.key(phoneKey), options)})
		},
		"a passkey of another account": func() *answer {
			_, k := w.withKey("bobby", storage.UseFirst, phoneKey)
			return w.browser().acceptBy(link, k)
		},
		"no answer": func() *answer {
			_, state := ask(link)
			return w.browser().Post(link, m{"wan_state": state, "credential": "{}"})
		},
	} {
		if r := post(); r.Status != 400 {
			t.Errorf("%s is answered with %d %s", name, r.Status, r.Body)
		}
		w.makesNothing(link, name)
	}
	// A link that was revoked in the meantime creates no account.
	options, state := ask(link)
	_, err := w.Nodes[0].Auth.Invitations().Revoke(t.Context(), invited)
	w.Must(err)
	w.browser().Post(link, m{"wan_state": state, "credential": w.creates(w.key(phoneKey), options)}).Want(400)
	if _, there := w.found(invited); there {
		t.Error("a revoked invitation was accepted")
	}
}

func TestR401_OneOfParallelAnswersAcceptsAnInvitation(t *testing.T) {
	w := newWorld(t)
	w.Start(nil)
	link, k := w.invite(invited), w.key(phoneKey)
	options, state := w.browser().asks(link, m{"passkey": true})
	forms := map[*node]m{} // by the origin of the node that checks the answer
	for _, n := range w.Nodes {
		forms[n] = m{"wan_state": state, "credential": w.creates(k, options, softkey.Say("origin", n.Origin))}
	}
	statuses, in := w.submit(func(_ int, n *node) (*browser, *answer) {
		b := w.browser().on(n)
		return b, b.Post(link, forms[n])
	})
	if statuses[200] != 1 || len(in) != 1 {
		t.Errorf("it was accepted %d times, and %d are signed in: %v", statuses[200], len(in), statuses)
	}
}

func TestR402_AnInvitationAcceptedByAPasskeyPassesTheDoor(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
	// A passkey without user verification is one factor.
	b := w.browser()
	b.mustSetUp(b.acceptBy(w.invite(invited), w.key(phoneKey), softkey.Clear(softkey.UV)).Want(200))
	// A passkey with user verification counts as both, as at sign-in.
	b = w.browser()
	b.acceptBy(w.invite("other@good.test"), w.key(phoneKey)).Want(200)
	u, _ := w.found("other@good.test")
	b.in(w.of(testkit.Person{Email: "other@good.test", ID: u.ID}), 2)
}
