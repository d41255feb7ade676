package auth

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ProfileChange contains the profile fields of a form.
type ProfileChange struct {
	Of   profile.List   // the fields that the site asks for
	Read map[string]any // their values
}

// SetProfile changes the owner's profile fields. Fields that the site does not ask for stay. If
// there is a concurrent change, it is read and this change is applied on top of it.
func (l Account) SetProfile(ctx context.Context, who Principal, c ProfileChange, b Client) (storage.User, error) {
	for range 3 {
		u, err := l.c.Accounts.ByID(ctx, who.User.ID)
		if err != nil {
			return storage.User{}, err
		}
		from := profile.Decode(u.Profile)
		to := c.Of.Merge(from, c.Read)
		names := profile.Names(from, to)
		if len(names) == 0 {
			return u, nil
		}
		if err := limit.Profile(ctx, l.c.Limits, u.ID); err != nil {
			return storage.User{}, err
		}
		err = l.c.Accounts.SetProfile(ctx, u, profile.Encode(to))
		if errors.Is(err, storage.ErrUsed) {
			continue
		}
		if err != nil {
			return storage.User{}, err
		}
		u.Profile = profile.Encode(to)
		return u, l.tell(ctx, event.ProfileChanged{User: subject(u), Fields: names, Context: l.at(b)})
	}
	return storage.User{}, storage.ErrUsed
}
