package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/storage"
)

// SignedIn is a session in the form that its owner may see, without its token and the token's hash.
// A browser's session and a header token issued with it share an ID and end together, so they are
// one entry.
type SignedIn struct {
	ID        string
	Name      string // description of the browser
	Address   string // client address of the sign-in
	CreatedAt time.Time
	SeenAt    time.Time
	Level     storage.Level
	Trusted   bool
	Token     bool // only a header token, of a program
	Proofs    []storage.Proof
	Current   bool // the session of the caller
}

// SessionsOf lists the caller's valid sessions, newest first.
func (l Sessions) SessionsOf(ctx context.Context, who Principal) ([]SignedIn, error) {
	all, err := l.living(ctx, who.User)
	if err != nil {
		return nil, err
	}
	var out []SignedIn
	at := map[string]int{}
	for _, s := range all {
		i, seen := at[s.ID]
		if !seen {
			at[s.ID] = len(out)
			out = append(out, SignedIn{
				ID: s.ID, Name: device.Name(s.Agent), Address: s.Address, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt,
				Level:   s.Level,
				Trusted: s.Trusted, Token: s.Token, Proofs: s.Proofs, Current: s.ID == who.Session.ID,
			})
			continue
		}
		out[i].Token = out[i].Token && s.Token
		if s.SeenAt.After(out[i].SeenAt) {
			out[i].SeenAt = s.SeenAt
		}
	}
	return out, nil
}

// SignedInTo lists the valid sessions of an account for an operator, most recently used first. A
// session and the header token of the same sign-in are one entry.
func (l Sessions) SignedInTo(ctx context.Context, u storage.User) ([]storage.Session, error) {
	all, err := l.living(ctx, u)
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(s storage.Session) bool {
		twice := seen[s.ID]
		seen[s.ID] = true
		return twice
	})
	slices.SortFunc(all, func(a, b storage.Session) int { return b.SeenAt.Compare(a.SeenAt) })
	return all, err
}

// OperatorEnds ends one session of an account, or everything issued to it if id is empty. It
// returns ErrNoSuch if there is no such session.
func (l Sessions) OperatorEnds(ctx context.Context, u storage.User, id string) error {
	at := event.Acting(ctx, l.at(Client{}))
	if id == "" {
		_, err := l.change(ctx, change{
			user: u, apply: l.factorChange(u, storage.FactorChange{}),
			event: func(u storage.User) event.Event {
				return event.SessionEnded{User: subject(u), Others: true, Context: at}
			},
		}, Client{})
		return err
	}
	err := l.end(ctx, u.ID, id)
	if errors.Is(err, storage.ErrNotFound) {
		return ErrNoSuch
	}
	if err != nil {
		return err
	}
	at.Session = id
	return l.tell(ctx, event.SessionEnded{User: subject(u), Context: at})
}

// living returns the sessions that still give access: those issued for the user's current
// credentials that still meet the account's requirements.
func (l Sessions) living(ctx context.Context, u storage.User) ([]storage.Session, error) {
	all, err := l.c.Sessions.List(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	var out []storage.Session
	for _, s := range all {
		if s.CredentialVersion != u.CredentialVersion {
			continue
		}
		_, err := l.today(ctx, u, heldBy(s))
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// EndSession ends one session of the caller, which may be the current one. It requires a recently
// proven factor, so that a person who finds a signed-in browser cannot sign its owner out of the
// others (R102). It returns ErrReauthenticate or ErrNoSuch.
func (l Sessions) EndSession(ctx context.Context, who Principal, id string, b Client) error {
	if err := l.Reauth.RequireRecent(who); err != nil {
		return err
	}
	if err := l.end(ctx, who.User.ID, id); errors.Is(err, storage.ErrNotFound) {
		return ErrNoSuch
	} else if err != nil {
		return err
	}
	at := l.at(b)
	at.Session = id
	return l.tell(ctx, event.SessionEnded{User: subject(who.User), Context: at})
}

// EndOthers ends everything issued to the account except the caller's session: other sessions,
// pending sign-ins, set-ups, sent codes and all trusted devices (R83). One statement gives the
// account a new credential version, so nothing that is being renewed at the same moment stays
// valid. It returns ErrReauthenticate.
func (l Sessions) EndOthers(ctx context.Context, who Principal, b Client) (Outcome, error) {
	if err := l.Reauth.RequireRecent(who); err != nil {
		return Outcome{}, err
	}
	var err error
	if who.Session.TrustedBy, err = keepTrust(ctx, &l.c, who.Session); err != nil {
		return Outcome{}, err
	}
	return l.changeOwn(ctx, who, change{
		apply: l.factorChange(who.User, storage.FactorChange{}),
		event: func(u storage.User) event.Event {
			return event.SessionEnded{User: subject(u), Others: true, Context: l.at(b)}
		},
	}, b)
}
