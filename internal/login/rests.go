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
// re-authentication, freshness, and once more where a session is issued.

// proof is a proof by a method, now.
func (l *Login) proof(method string) store.Proof {
	return store.Proof{Method: method, At: l.c.Now(), Rests: store.RestsOn(method)}
}

// elsewhere is the proof by an account at another site. Such an account is most
// often a mailbox, or can be opened through one, so it counts as the mailbox
// too, unless the operator says that this site's accounts do not.
func (l *Login) elsewhere(p federated.Provider) store.Proof {
	out := l.proof(oauthMethod)
	if federated.IsIndependent(p) {
		out.Rests = []string{store.OnElsewhere}
	}
	return out
}

// independent reports whether two proofs rest on different things.
func independent(a, b store.Proof) bool {
	rests := b.RestsOn()
	return !slices.ContainsFunc(a.RestsOn(), func(thing string) bool { return slices.Contains(rests, thing) })
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

// twoFactors reports whether among proofs are two that are independent, or one
// that is both factors.
func twoFactors(proofs []store.Proof) bool {
	for i, p := range proofs {
		if p.Both || slices.ContainsFunc(proofs[i+1:], func(q store.Proof) bool { return independent(p, q) }) {
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
		if independent(first, l.proofOf(f)) {
			out = append(out, f)
		}
	}
	return out
}

// rescueRests reports whether what is mailed to the account is another thing than
// the first factor of a sign-in. Soon after a reset through the mailbox the
// password rests on it too (R73).
func (l *Login) rescueRests(w waiting) bool {
	first := w.First
	first.Rests = slices.Clone(first.RestsOn())
	if !w.user.ResetAt.IsZero() && l.c.Now().Sub(w.user.ResetAt) < l.c.Policy.RescueAfterReset {
		first.Rests = append(first.Rests, store.OnMailbox)
	}
	return independent(first, by(store.Email))
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
