package login

import (
	"context"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/store"
)

// ahead gives a caller who is not a stranger to the account a place in the queue for
// hashing that strangers cannot take: a browser that signed in before, by its signed
// note; a living session; the holder of a link that was mailed to the owner. Of one
// account and of one network only a few have such a place at a time, so who has many
// accounts cannot fill that queue.
func ahead(ctx context.Context, l *Login, u store.User, b Browser) context.Context {
	if u.ID == "" || !l.from(u, b).Own() {
		return ctx
	}
	return account.ReserveHash(ctx, "account "+u.ID, "network "+limit.Network(b.Address))
}

// byLinkOf is the browser of who opened a link that was mailed to the owner.
func byLinkOf(k link, b Browser) Browser {
	b.within = "link of " + k.user.ID
	return b
}
