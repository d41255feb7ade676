package auth

import (
	"context"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ahead gives callers who are known to the account a place in a hashing queue that strangers cannot
// use. These are browsers that have signed in before, by their signed note; valid sessions; and
// holders of a link mailed to the owner. The number of places is limited for each account and each
// network, so a user with many accounts cannot fill that queue.
func (l Guesses) ahead(ctx context.Context, u storage.User, b Client) context.Context {
	if u.ID == "" || !l.budgets.from(u, b).Own() {
		return ctx
	}
	return account.ReserveHash(ctx, "account "+u.ID, "network "+limit.Network(b.Address))
}

// byLinkOf returns the browser in which a link mailed to the owner was opened.
func byLinkOf(k link, b Client) Client {
	b.within = "link of " + k.user.ID
	return b
}
