package explore

import (
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The functions here pass all decisions to package policy. A fault changes one answer.

// rules returns the current rules.
func (m *World) rules(s *State) policy.Rules {
	r := m.Rules
	r.Mails = r.Mails || s.SendsMail
	if m.Fault == UnforcedIsNeverAsked {
		r.Unforced = methods[Password:]
	}
	if r.StrongOnly = r.StrongOnly || s.Strict; r.StrongOnly { // the product offers no others then
		r.Methods = methods[App : Passkey+1]
	}
	if !m.SharesMailbox || m.Fault == SitesAreIndependent {
		r.Independent = independent
	}
	return r
}

// facts returns the facts of the account for package policy.
func (m *World) facts(s *State) policy.Account {
	return policy.Account{
		Required: m.Required, Trusts: m.Trust && !s.Distrusts, Proven: s.Proven, EverProven: s.EverProven,
		Password: s.HasPassword, RecentlyReset: s.ResetLately && m.Fault != MailFollowsAReset,
		Factors: s.Seconds.factors(),
	}
}

// next returns the step of a sign-in after a first factor.
func (m *World) next(s *State, first Thing) policy.Step {
	r, a := m.rules(s), m.facts(s)
	step := policy.Next(r, a, proofs[first])
	switch {
	case m.Fault == SecondIsNotAsked && step.Do == policy.Prove:
		return policy.Step{Do: policy.SignIn}
	case m.Fault == SetUpIsNotAsked && step.Do != policy.Prove:
		return policy.Step{Do: policy.SignIn}
	case m.Fault == SameThingTwice:
		step.Factors = a.Factors
	}
	return step
}

// counts reports whether a second factor is enough for a session. If not, another one must be
// enrolled.
func (m *World) counts(s *State, second Thing) bool {
	return m.Fault == WeakFactorsCount || policy.After(m.rules(s), proofs[second]) == policy.SignIn
}

// again is next for a re-authentication.
func (m *World) again(s *State, first Thing) policy.Step {
	if m.Fault == AgainByOneFactor {
		return policy.Step{Do: policy.SignIn}
	}
	return policy.Again(m.rules(s), m.facts(s), proofs[first])
}

// mayRescue reports whether a mailed code may replace a second factor.
func (m *World) mayRescue(s *State, first Thing) bool {
	r, a := m.rules(s), m.facts(s)
	switch m.Fault {
	case BlockedCannotBeRescued:
		if s.Blocked {
			return false
		}
	case RescueByTheSameThing:
		return !a.RecentlyReset
	case RescueFollowsAReset:
		a.RecentlyReset = false
	}
	return policy.MayRescueByMail(r, a, proofs[first])
}

// opens reports whether the factors of an account are enough to complete a sign-in.
func (m *World) opens(s *State, w policy.Ways) bool {
	return m.Fault == LastWayInGoes || policy.Opens(m.rules(s), w, s.Seconds.factors())
}

// drops returns what is removed when a person sets a password through the mailbox.
func (m *World) drops(s *State) (openers, seconds bool) {
	switch m.Fault {
	case PlantedFactorsStay, FirstProofEndsNothing:
		return false, false
	case MailboxDropsFactors:
		return !s.Proven, !s.Proven
	}
	return policy.Drops(m.facts(s))
}

// mayEnroll reports whether anything may be added that opens the account.
func (m *World) mayEnroll(s *State) bool {
	return m.Fault == PlantedFactorsStay || m.Fault == StrangersEnroll || policy.MayEnroll(m.rules(s), m.facts(s))
}

func (m *World) mayChange(s *State, c storage.FactorChange) bool {
	return m.Fault == PlantedFactorsStay || m.Fault == StrangersEnroll || policy.MayChange(m.rules(s), m.facts(s), c)
}

// mailboxAlone reports whether a first factor does not show who chose the password.
func (m *World) mailboxAlone(s *State, first Thing) bool {
	return m.Fault != MailboxProvesAll && policy.MailboxAlone(m.facts(s), proofs[first])
}

// full reports whether a session proved all existing factors that a change requires.
func (m *World) full(s *State, b *Browser) bool {
	n := b.Session
	held := storage.Session{Level: storage.OneFactor, Proofs: []storage.Proof{proofs[n.First]}}
	switch {
	case n.Second == n.First && n.First != 0:
		held.Level, held.Proofs[0].UserVerified = storage.TwoFactors, true
	case n.Second != 0:
		held.Level, held.Proofs = storage.TwoFactors, append(held.Proofs, proofs[n.Second])
	}
	return s.Seconds == 0 || m.Fault == OneFactorChanges || policy.IsFull(m.rules(s), held)
}

// usable reports whether a session opens the account today.
func (m *World) usable(s *State, b *Browser) bool {
	unasked := m.Fault == DescendantsAreNotAsked || m.Fault == TokensAreNotAsked && b.Token
	return b.Session.alive() && (unasked || m.standing(s, b) == policy.Stands)
}

func (m *World) standing(s *State, b *Browser) policy.Standing {
	r := m.rules(s)
	both := [2]storage.Proof{proofs[b.Session.First], proofs[b.Session.Second]}
	h := policy.Held{Level: storage.OneFactor, Proofs: both[:1], Trusted: b.Session.Trusted}
	if b.Session.Second != 0 {
		h.Level, h.Proofs = storage.TwoFactors, both[:]
		both[0].UserVerified = b.Session.First == b.Session.Second
	}
	h.BrowserStands = m.vouches(s, b)
	return policy.Today(r, m.facts(s), h)
}

// vouches reports whether a trusted browser replaces the second factor.
func (m *World) vouches(s *State, b *Browser) bool {
	both := []storage.Proof{proofs[b.TrustFirst], proofs[b.TrustSecond]}
	return b.TrustSecond != 0 && (m.Fault == TrustIsForever || policy.Vouches(m.rules(s), both))
}

// mayMint reports whether tokens may be created, which open the account too.
func (m *World) mayMint(s *State) bool { return m.Fault == StrangersMint || m.mayEnroll(s) }

// The following decisions are not part of package policy: the product makes them where they are
// needed.

// mayAccept reports whether the link of an invitation works.
func (m *World) mayAccept(s *State) bool {
	switch {
	case m.Fault == InvitationTakesAnAccount && s.Exists:
		return s.Invitation == Invited
	case m.Fault == RevokedInvitationWorks && s.Invitation == Spent:
		return !s.Exists
	}
	return !s.Exists && s.Invitation == Invited
}

// provesAddress reports whether a person proves Ann's address during a sign-up with a provider. The
// provider's word counts if it gives Ann her mailbox. Otherwise they must enter a code that is
// mailed to her.
func (m *World) provesAddress(p Person, site Thing) bool {
	if m.Fault == SiteSaysWhatIsProven || m.SiteRunsMailboxes {
		return m.Fault == SiteSaysWhatIsProven || site.owner() == Ann
	}
	return m.reads(p, Ann)
}

// mayClaim reports whether a user of the former system who entered Ann's address there without
// proving it can sign in to her account. Only faults allow it.
func (m *World) mayClaim(s *State) bool {
	return m.Fault == ClaimOpensWhatWaits && s.AtFormer || m.Fault == ClaimOpensAnAccount && !s.AtFormer
}
