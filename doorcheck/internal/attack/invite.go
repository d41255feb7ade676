package attack

import (
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// invitations lists attacks by people who have, or had, the link of an invitation.
func invitations() []Attack {
	const g = "Invitations"
	return []Attack{
		{"invite-replay", g, "uses the link of an invitation that was accepted", inviteReplay},
		{"invite-race", g, "uses such a link in 8 browsers at the same time", inviteRace},
		{"invite-revoked", g, "uses one that was revoked", inviteRevoked},
		{"invite-replaced", g, "uses the link of an earlier invitation of the same address", inviteReplaced},
		{"invite-expired", g, "uses one after its time", inviteExpired},
		{"invite-other-address", g, "uses one for an account with another address", inviteOtherAddress},
		{"invite-taken", g, "uses one whose address has an account by now", inviteTaken},
	}
}

// invited is a person without an account, and the link that was mailed to them.
func (t *Try) invited() (*Person, string) {
	t.needs(door.Invite, door.AcceptInvite)
	p := t.stranger()
	return p, t.invite(p)
}

func (t *Try) invite(p *Person) string {
	past := t.mails(p.Email)
	t.must(t.browser(), door.Invite, door.In{Email: p.Email})
	return t.link(p.Email, door.AcceptInvite, past)
}

// accept returns a regular answer to an invitation.
func (t *Try) accept(p *Person, link string) {
	b := t.browser()
	t.must(b, door.AcceptInvite, door.In{Link: link, Password: p.Password})
	t.honest(t.inside(b) == p.Email, "the invited person is not let in")
}

// misuse uses a link as an attacker with their own password. The attack works if they are signed in
// afterwards, or can sign in with that password as the owner of one of these addresses.
func (t *Try) misuse(link string, in door.In, addresses ...string) {
	b := t.browser()
	in.Link, in.Password = link, t.stranger().Password
	t.attempt(b, door.AcceptInvite, in)
	t.worksIf(t.inside(b) != "", "the attacker is signed in as %s", t.inside(b))
	for _, email := range addresses {
		b = t.browser()
		t.attempt(b, door.Login, door.In{Email: email, Password: in.Password})
		t.worksIf(t.inside(b) != "", "the attacker's password opens the account of %s", email)
	}
}

// honestly accepts another invitation, so that a refusal of the attack is meaningful.
func (t *Try) honestly() { t.accept(t.invited()) }

func inviteReplay(t *Try) {
	p, link := t.invited()
	t.accept(p, link)
	t.misuse(link, door.In{}, p.Email)
}

func inviteRace(t *Try) {
	_, link := t.invited()
	var browsers []*door.Browser
	for range 8 {
		browsers = append(browsers, t.browser())
	}
	taken := t.together(browsers, door.AcceptInvite, func(int) door.In {
		return door.In{Link: link, Password: t.stranger().Password}
	})
	t.worksIf(taken > 1, "%d of 8 were taken", taken)
	t.honest(taken == 1, "none of 8 was taken")
}

func inviteRevoked(t *Try) {
	t.needs(door.Revoke)
	t.honestly()
	p, link := t.invited()
	t.must(t.browser(), door.Revoke, door.In{Email: p.Email})
	t.misuse(link, door.In{}, p.Email)
}

func inviteReplaced(t *Try) {
	p, link := t.invited()
	second := t.invite(p)
	t.misuse(link, door.In{}, p.Email)
	t.accept(p, second)
}

func inviteExpired(t *Try) {
	t.honestly()
	p, link := t.invited()
	time.Sleep(t.Site.InviteLife + 2*time.Second)
	t.misuse(link, door.In{}, p.Email)
}

// inviteOtherAddress accepts an invitation with another address: one of a person with an account,
// and one of a person without.
func inviteOtherAddress(t *Try) {
	victim, other := t.person(), t.stranger()
	for _, email := range []string{victim.Email, other.Email} {
		_, link := t.invited()
		b := t.browser()
		password := t.stranger().Password
		t.attempt(b, door.AcceptInvite, door.In{Link: link, Email: email, Password: password})
		t.worksIf(t.inside(b) == email, "the attacker has an account of %s", email)
		b = t.browser()
		t.attempt(b, door.Login, door.In{Email: email, Password: password})
		t.worksIf(t.inside(b) == email, "the attacker's password opens an account of %s", email)
	}
	t.honestly()
}

func inviteTaken(t *Try) {
	t.honestly()
	p, link := t.invited()
	b := t.browser()
	past := t.mails(p.Email)
	t.must(b, door.Register, door.In{Email: p.Email, Password: p.Password})
	if t.Site.Steps[door.Confirm] != nil {
		t.must(b, door.Confirm, door.In{Link: t.link(p.Email, door.Confirm, past)})
	}
	t.misuse(link, door.In{}, p.Email)
	t.signIn(p)
}
