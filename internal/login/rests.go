package login

import (
	"context"
	"slices"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/store"
)

// Two proofs are two factors only if they rest on two things. What a proof rests
// on is part of it (store.Proof.Rests), and independent is the one place that
// compares: for the choice of second factors, set-ups, rescue, recovery,
// re-authentication, freshness, and once more where a session is issued. What
// the operator decides is not part of a proof. It is read when proofs are
// compared, so a setting that changes also changes what older proofs are worth.

// proof is a proof by a method, now.
func (l *Login) proof(method string) store.Proof {
	return store.Proof{Method: method, At: l.c.Now(), Rests: store.RestsOn(method)}
}

// elsewhere is the proof by an account at another site. It names the site.
func (l *Login) elsewhere(p federated.Provider) store.Proof {
	out := l.proof(oauthMethod)
	out.Rests = []string{store.OnElsewhere, siteOf(p)}
	return out
}

// siteOf names a site among the things that a proof rests on.
func siteOf(p federated.Provider) string { return store.OnElsewhere + ":" + p.Name() }

// restsOn returns what a proof rests on today. An account at another site is
// most often a mailbox, or can be opened through one, so it counts as the
// mailbox too, unless the operator says that the accounts of this site do not.
func (l *Login) restsOn(p store.Proof) []string {
	rests := p.RestsOn()
	if p.Method != oauthMethod {
		return rests
	}
	rests = slices.DeleteFunc(slices.Clone(rests), func(thing string) bool { return thing == store.OnMailbox })
	for _, site := range l.c.Providers {
		if federated.IsIndependent(site) && slices.Contains(rests, siteOf(site)) {
			return rests
		}
	}
	return append(rests, store.OnMailbox)
}

// independent reports whether two proofs rest on different things.
func (l *Login) independent(a, b store.Proof) bool {
	rests := l.restsOn(b)
	return !slices.ContainsFunc(l.restsOn(a), func(thing string) bool { return slices.Contains(rests, thing) })
}

// by is the proof that a factor of a method gives, to compare it with another.
func by(method string) store.Proof { return store.Proof{Method: method} }

// proofOf is the proof by a factor. Passkeys are told apart: each is a thing of
// its own.
func (l *Login) proofOf(f store.Factor) store.Proof {
	p := l.proof(f.Method)
	if f.Method == store.Passkey {
		p.Rests = []string{store.OnPasskey + ":" + f.ID}
	}
	return p
}

// twoFactors reports whether among proofs are two that are independent, or a
// passkey that is both factors, if the policy still counts it so.
func (l *Login) twoFactors(proofs []store.Proof) bool {
	for i, p := range proofs {
		both := p.Both && l.c.Policy.Passkeys.Both
		if both || slices.ContainsFunc(proofs[i+1:], func(q store.Proof) bool { return l.independent(p, q) }) {
			return true
		}
	}
	return false
}

// differing leaves out the second factors that rest on the same thing as the
// first: a mailed code after a mailed code proves one mailbox twice (R7).
func (l *Login) differing(first store.Proof, factors []store.Factor) []store.Factor {
	var out []store.Factor
	for _, f := range factors {
		if l.independent(first, l.proofOf(f)) {
			out = append(out, f)
		}
	}
	return out
}

// rescueRests reports whether what is mailed to the account is another thing than
// the first factor of a sign-in. Soon after a reset through the mailbox the
// password rests on it too (R73).
func (l *Login) rescueRests(w waiting) bool {
	if !w.user.ResetAt.IsZero() && l.c.Now().Sub(w.user.ResetAt) < l.c.Policy.RescueAfterReset {
		return false
	}
	return l.independent(w.First, by(store.Email))
}

// connectionProof is what the account at another site behind a connection would
// prove. ok: it can be reached.
func (l *Login) connectionProof(_ context.Context, c store.Connection) (proof store.Proof, ok bool) {
	p, err := l.provider(c.Provider, ToSignIn)
	if err != nil {
		return store.Proof{}, false
	}
	return l.elsewhere(p), true
}
