package auth

import (
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// proof returns a proof by a method at the current time, with the things it depends on. Package
// policy compares proofs.
func (l *Login) proof(method string) storage.Proof {
	p := policy.By(method)
	p.At = l.c.Now()
	return p
}

// elsewhere returns the proof by an account at an identity provider. It contains the provider's
// name.
func (l *Login) elsewhere(p federated.Provider) storage.Proof {
	out := l.proof(policy.Elsewhere)
	out.Rests = []string{storage.OnElsewhere, siteOf(p)}
	return out
}

// siteOf returns the thing that stands for a provider's account in a proof.
func siteOf(p federated.Provider) string { return storage.OnElsewhere + ":" + p.Name() }

// proofOf returns a proof by a factor at the current time.
func (l *Login) proofOf(f storage.Factor) storage.Proof {
	p := policy.ByFactor(f)
	p.At = l.c.Now()
	return p
}

// connectionProof returns the proof that a connected account would give. ok reports whether its
// provider is configured.
func (l *Login) connectionProof(c storage.Connection) (proof storage.Proof, ok bool) {
	p, err := l.OAuth.provider(c.Provider, ToSignIn)
	if err != nil {
		return storage.Proof{}, false
	}
	return l.elsewhere(p), true
}

// rulesOf returns the part of a configuration that package policy needs.
func rulesOf(c Config) policy.Rules {
	r := policy.Rules{
		StrongOnly: c.Policy.StrongOnly, PasskeyIsBoth: c.Policy.Passkeys.UserVerified,
		Unforced:    c.Policy.Unified.Unforced,
		EnrollProof: c.Policy.EnrollProof && c.MailedCodes != nil, Mails: c.mails() && c.MailedCodes != nil,
		RescueByMail: c.Policy.RescueEmail, RepairOnly: c.Policy.RepairOnly,
	}
	for _, method := range c.Policy.Methods {
		if c.Methods[method] != nil && !r.Refuses(method) {
			r.Methods = append(r.Methods, method)
		}
	}
	if c.Passkeys != nil {
		r.Methods = append(r.Methods, storage.Passkey)
	}
	for _, site := range c.Providers {
		if federated.IsIndependent(site) {
			r.Independent = append(r.Independent, siteOf(site))
		}
	}
	return r
}

// facts returns the data that package policy needs about an account with these second factors.
func (l *Login) facts(u storage.User, factors []storage.Factor) policy.Account {
	return policy.Account{
		Required: l.c.Policy.Require(u), Trusts: l.SecondFactor.trusts(u), Proven: u.Proven(),
		EverProven:    u.ProvenKey != "",
		Password:      u.PasswordHash != "",
		RecentlyReset: recentlyReset(&l.c, u),
		Factors:       factors,
	}
}

// recentlyReset reports whether the password was reset through the mailbox so recently that a code by
// mail must not be the second factor.
func recentlyReset(c *Config, u storage.User) bool {
	return !u.ResetAt.IsZero() && c.Now().Sub(u.ResetAt) < c.Policy.RescueAfterReset
}
