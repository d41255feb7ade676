package login

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/store"
)

// ProfileChange is what a form says of a profile.
type ProfileChange struct {
	Of   profile.List   // the fields of the site
	Read map[string]any // their values
}

// SetProfile is the owner's change of their profile fields. Fields that the site
// does not ask for stay. A change that someone makes at the same time is not
// overwritten unseen: it is read, and this one is laid over it.
func SetProfile(ctx context.Context, l *Login, who Who, c ProfileChange, b Browser) (store.User, error) {
	for range 3 {
		u, err := l.c.Accounts.ByID(ctx, who.User.ID)
		if err != nil {
			return store.User{}, err
		}
		from := profile.Decode(u.Profile)
		to := c.Of.Merge(from, c.Read)
		names := profile.Names(from, to)
		if len(names) == 0 {
			return u, nil
		}
		if err := limit.Profile(ctx, l.c.Limits, u.ID); err != nil {
			return store.User{}, err
		}
		err = l.c.Accounts.SetProfile(ctx, u, profile.Encode(to))
		if errors.Is(err, store.ErrUsed) {
			continue
		}
		if err != nil {
			return store.User{}, err
		}
		u.Profile = profile.Encode(to)
		return u, l.tell(ctx, event.ProfileChanged{User: subject(u), Fields: names, Context: l.at(b)})
	}
	return store.User{}, store.ErrUsed
}
