package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// The outcomes of Preview.
const (
	PreviewUnknown  = "unknown account"
	PreviewPassword = "wrong password"
	PreviewRefused  = "not allowed to sign in"
	PreviewSession  = "session"
	PreviewSecond   = "second factor"
	PreviewSetUp    = "set-up"
	PreviewMailbox  = "mailed code"
)

// Preview returns the outcome of a sign-in with a password without changing any budget, hash or
// record. An empty password counts as the right one. methods lists the methods of the second
// factors that would be required.
//
// It is for operators who compare Twofold with another system. It must not be reachable by
// strangers, because it does not count guesses and its duration reveals information.
func (l Account) Preview(ctx context.Context, identity, plain string) (outcome string, methods []string, err error) {
	u, err := l.c.Accounts.Find(ctx, identity)
	if errors.Is(err, storage.ErrNotFound) {
		return PreviewUnknown, nil, nil
	}
	if err == nil && plain != "" {
		var ok bool
		if ok, err = l.c.Accounts.Matches(ctx, u, plain); err == nil && !ok {
			return PreviewPassword, nil, nil
		}
	}
	if err != nil {
		return "", nil, err
	}
	if l.checkAllowed(u) != nil {
		return PreviewRefused, nil, nil
	}
	factors, err := l.c.Factors.FactorsOf(ctx, u.ID)
	if err != nil {
		return "", nil, err
	}
	next := policy.Next(l.rules, l.facts(u, factors), policy.By("password"))
	for _, f := range next.Factors {
		methods = append(methods, f.Method)
	}
	return map[policy.Action]string{
		policy.SignIn: PreviewSession, policy.Prove: PreviewSecond,
		policy.Enroll: PreviewSetUp, policy.ProveMailbox: PreviewMailbox,
	}[next.Do], methods, nil
}
