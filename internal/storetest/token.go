package storetest

import (
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// newToken returns a family of refresh tokens with every field set.
func newToken(u storage.User) storage.Token {
	id := storage.NewID()
	return storage.Token{
		ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion, Hash: "0 of " + id, SessionID: "session of " + id,
		Name:   "my script",
		Scopes: []string{"read", `"quoted", one`}, Level: storage.TwoFactors, Trusted: true, TrustedBy: "device",
		Proofs:    []storage.Proof{{Method: "password", At: in(-30)}, {Method: storage.SMS, At: in(-20)}},
		CreatedAt: in(-20), UsedAt: in(-10), IdleAt: in(100), ExpiresAt: in(1000),
	}
}

func (k kit) token(u storage.User, change ...func(*storage.Token)) storage.Token {
	k.Helper()
	t := newToken(u)
	for _, f := range change {
		f(&t)
	}
	k.ok(k.s.PutToken(k.Context(), t))
	return t
}

func personal(t *storage.Token) { t.Personal = true }

// rotate uses the token of a generation; its successor is hash+"+".
func (k kit) rotate(s storage.Store, t storage.Token, generation int64, hash string,
	at time.Time) (storage.Token, error) {
	return s.RotateToken(k.Context(), storage.TokenUse{
		ID: t.ID, Generation: generation, Hash: hash, Next: hash + "+", Now: at, IdleAt: at.Add(100 * time.Second),
	})
}

func (k kit) tokens(u storage.User, want ...storage.Token) {
	k.Helper()
	list, err := k.s.TokensOf(k.Context(), u.ID, now)
	k.ok(err)
	k.same(list, append([]storage.Token{}, want...))
}

var tokenRules = []rule{
	{"a token comes back as stored, the newest first", func(k kit) {
		u := k.user()
		old := k.token(u, personal, func(t *storage.Token) { t.CreatedAt = in(-100) })
		young := k.token(u)
		k.token(k.user())
		k.tokens(u, young, old)
		got, err := k.s.PersonalToken(k.Context(), old.Hash, now)
		k.ok(err)
		k.same(got, old)
	}},
	{"all but a user's newest families are removed and returned, and no personal token", func(k kit) {
		u := k.user()
		at := func(t int) func(*storage.Token) { return func(v *storage.Token) { v.CreatedAt = in(t) } }
		own := k.token(u, personal, at(-200))
		first, second, third := k.token(u, at(-100)), k.token(u, at(-90)), k.token(u, at(-80))
		other := k.user()
		k.token(other, at(-300))
		ended, err := k.s.TrimFamilies(k.Context(), u.ID, 2)
		k.ok(err)
		k.same(ended, []storage.Token{first})
		k.tokens(u, third, second, own)
		if list, err := k.s.TokensOf(k.Context(), other.ID, now); err != nil || len(list) != 1 {
			k.Errorf("another user has %d, %v", len(list), err)
		}
	}},
	{"a token without scopes, proofs and use comes back without", func(k kit) {
		u := k.user()
		k.tokens(u, k.token(u, func(t *storage.Token) { t.Scopes, t.Proofs, t.UsedAt = nil, nil, time.Time{} }))
	}},
	{"a taken id or hash is ErrExists", func(k kit) {
		t := k.token(k.user(), personal)
		double := newToken(k.user())
		double.ID = t.ID
		k.is(k.s.PutToken(k.Context(), double), storage.ErrExists)
		double.ID, double.Hash = "other", t.Hash
		k.is(k.s.PutToken(k.Context(), double), storage.ErrExists)
	}},
	{"a token of an unknown user is ErrNotFound", func(k kit) {
		k.is(k.s.PutToken(k.Context(), newToken(newUser())), storage.ErrNotFound)
	}},
	{"a family is not a personal token, and the reverse", func(k kit) {
		u := k.user()
		family, own := k.token(u), k.token(u, personal)
		_, err := k.s.PersonalToken(k.Context(), family.Hash, now)
		k.is(err, storage.ErrNotFound)
		_, err = k.rotate(k.s, own, 0, own.Hash, now)
		k.is(err, storage.ErrNotFound)
		_, err = k.rotate(k.s, own, -1, own.Hash, now)
		k.is(err, storage.ErrNotFound)
		k.tokens(u, list(family, own)...)
	}},
	{"a dead token is ErrNotFound and not listed", func(k kit) {
		u := k.user()
		for _, dead := range []func(*storage.Token){
			func(t *storage.Token) { t.ExpiresAt = now }, func(t *storage.Token) { t.IdleAt = now },
		} {
			own, family := k.token(u, personal, dead), k.token(u, dead)
			_, err := k.s.PersonalToken(k.Context(), own.Hash, now)
			k.is(err, storage.ErrNotFound)
			_, err = k.rotate(k.s, family, 0, family.Hash, now)
			k.is(err, storage.ErrNotFound)
		}
		k.tokens(u)
	}},
	{"a token of former credentials is not listed", func(k kit) {
		u := k.user()
		k.token(u)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Now: now}))
		k.tokens(u)
	}},
	{"an exchange retires the token and prolongs idleness only", func(k kit) {
		u := k.user()
		t := k.token(u)
		got, err := k.rotate(k.s, t, 0, t.Hash, in(5))
		k.ok(err)
		t.Generation, t.Hash, t.UsedAt, t.IdleAt = 1, t.Hash+"+", in(5), in(105)
		k.same(got, t)
		k.tokens(u, t)
		_, err = k.rotate(k.s, t, 1, t.Hash, in(104))
		k.ok(err)
	}},
	{"a retired token removes the family, at any time", func(k kit) {
		u := k.user()
		t := k.token(u)
		other := k.token(u, func(t *storage.Token) { t.CreatedAt = in(-300) })
		next, err := k.rotate(k.s, t, 0, t.Hash, now)
		k.ok(err)
		_, err = k.rotate(k.s, t, 0, t.Hash, now)
		k.is(err, storage.ErrUsed)
		_, err = k.rotate(k.s, next, 1, next.Hash, now)
		k.is(err, storage.ErrNotFound)
		k.tokens(u, other)
	}},
	{"what never was a token of the family removes nothing", func(k kit) {
		u := k.user()
		t := k.token(u)
		for _, try := range []struct {
			generation int64
			hash       string
		}{{0, "never"}, {1, t.Hash}, {9, "never"}, {0, ""}} {
			_, err := k.rotate(k.s, t, try.generation, try.hash, now)
			k.is(err, storage.ErrNotFound)
		}
		k.tokens(u, t)
	}},
	{"a use is recorded; of a token that is gone it is ErrNotFound", func(k kit) {
		u := k.user()
		t := k.token(u, personal)
		k.ok(k.s.TouchToken(k.Context(), t.ID, in(7)))
		t.UsedAt = in(7)
		k.tokens(u, t)
		k.is(k.s.TouchToken(k.Context(), "unknown", now), storage.ErrNotFound)
	}},
	{"a token is revoked by its owner only", func(k kit) {
		u, other := k.user(), k.user()
		t, kept := k.token(u, personal), k.token(u)
		k.is(k.s.RevokeToken(k.Context(), other.ID, t.ID), storage.ErrNotFound)
		k.ok(k.s.RevokeToken(k.Context(), u.ID, t.ID))
		k.is(k.s.RevokeToken(k.Context(), u.ID, t.ID), storage.ErrNotFound)
		_, err := k.s.PersonalToken(k.Context(), t.Hash, now)
		k.is(err, storage.ErrNotFound)
		k.tokens(u, kept)
	}},
	{"the families of a session are revoked, no personal token and no other user's", func(k kit) {
		u, other := k.user(), k.user()
		at := func(t *storage.Token) { t.SessionID = "s" }
		k.token(u, at)
		own := k.token(u, at, personal)
		elsewhere, theirs := k.token(u, func(t *storage.Token) { t.CreatedAt = in(-300) }), k.token(other, at)
		k.ok(k.s.RevokeFamilies(k.Context(), u.ID, "s"))
		k.tokens(u, own, elsewhere)
		k.tokens(other, theirs)
	}},
	{"a sweep removes dead tokens only", func(k kit) {
		u := k.user()
		t := k.token(u)
		k.token(u, func(t *storage.Token) { t.ExpiresAt = now })
		_, err := k.s.Sweep(k.Context(), now, 100)
		k.ok(err)
		k.tokens(u, t)
	}},
}

// list returns two tokens of the same age in the order in which they are listed.
func list(a, b storage.Token) []storage.Token {
	if a.ID > b.ID {
		a, b = b, a
	}
	return []storage.Token{a, b}
}

var tokenRaceRules = []rule{
	{"of personal tokens that are made at once, no more than Most are kept", func(k kit) {
		for range rounds() {
			u, most := k.user(), 3
			made := func() storage.Token {
				t := newToken(u)
				t.Personal, t.Most = true, most
				return t
			}
			for _, other := range []func(*storage.Token){ // these do not count
				func(t *storage.Token) { t.Personal = false },
				func(t *storage.Token) { t.CredentialVersion = "former" },
				func(t *storage.Token) { t.ExpiresAt = t.CreatedAt }, func(t *storage.Token) { t.IdleAt = t.CreatedAt },
			} {
				k.token(u, personal, other)
			}
			k.exactly(most, k.race(func(s storage.Store, _ int) error {
				t := made()
				return s.PutToken(k.Context(), t, newMessage(t.ID))
			}), storage.ErrUsed)
			k.token(k.user(), personal, func(t *storage.Token) { t.Most = 1 })
		}
	}},
	{"of parallel exchanges of one refresh token at most one wins, and the family is removed", func(k kit) {
		for range rounds() / 4 {
			t := k.token(k.user())
			won, copied := 0, 0
			for _, err := range k.race(func(s storage.Store, i int) error {
				_, err := s.RotateToken(k.Context(), storage.TokenUse{
					ID: t.ID, Hash: t.Hash, Next: name(t.ID, i), Now: now, IdleAt: in(100),
				})
				return err
			}) {
				switch {
				case err == nil:
					won++
				case errors.Is(err, storage.ErrUsed):
					copied++
				default:
					k.is(err, storage.ErrNotFound)
				}
			}
			if won != 1 || copied != 1 {
				k.Fatalf("%d exchanged the token and %d found it copied, want 1 and 1", won, copied)
			}
			for i := range callers {
				_, err := k.rotate(k.s, t, 1, name(t.ID, i), now)
				k.is(err, storage.ErrNotFound)
			}
		}
	}},
}

var firstFactorRules = []rule{
	{"a factor that begins a sign-in is not a second factor", func(k kit) {
		u := k.user()
		first, second := newFactor(u), newFactor(u)
		first.Usage, second.Primary = storage.UseFirst, true
		passkey := newFactor(u)
		passkey.Method, passkey.Usage, passkey.Key = storage.Passkey, storage.UseFirst, storage.NewID()
		k.add(k.add(k.add(u, second), first), passkey)
		k.same(k.factors(u.ID), []storage.Factor{second})
		k.same(k.firsts(u), []storage.Factor{first})
		k.ok(k.s.AdvanceStep(k.Context(), first.ID, 8, in(1)))
		k.ok(k.s.MarkUsed(k.Context(), first.ID, in(2)))
		first.LastStep, first.LastUsedAt = 8, in(2)
		k.same(k.firsts(u), []storage.Factor{first})
		k.same(k.factors(u.ID), []storage.Factor{second})
	}},
	{"they are listed by age; none is an empty list", func(k kit) {
		u := k.user()
		k.same(k.firsts(u), []storage.Factor{})
		old, young := newFactor(u), newFactor(u)
		old.Usage, young.Usage, old.CreatedAt = storage.UseFirst, storage.UseFirst, in(-100)
		k.add(k.add(u, young), old)
		k.same(k.firsts(u), []storage.Factor{old, young})
	}},
	{"RemoveAll and RemoveFirst remove one kind each, Remove either", func(k kit) {
		u := k.user()
		first, second := newFactor(u), newFactor(u)
		first.Usage = storage.UseFirst
		u = k.add(k.add(u, first), second)
		change := func(to string, c storage.FactorChange) {
			k.Helper()
			c.UserID, c.From, c.To, c.Now = u.ID, k.stored(u.ID).CredentialVersion, to, now
			k.ok(k.s.ChangeFactors(k.Context(), c))
		}
		change("q", storage.FactorChange{RemoveAll: true})
		k.same(k.factors(u.ID), []storage.Factor{})
		k.same(k.firsts(u), []storage.Factor{first})
		change("r", storage.FactorChange{Add: &second, RemoveFirst: true})
		k.same(k.factors(u.ID), []storage.Factor{second})
		k.same(k.firsts(u), []storage.Factor{})
		change("s", storage.FactorChange{Add: &first, Remove: []string{second.ID}})
		change("t", storage.FactorChange{Remove: []string{first.ID}})
		k.same(k.firsts(u), []storage.Factor{})
	}},
}

func (k kit) firsts(u storage.User) []storage.Factor {
	k.Helper()
	list, err := k.s.FirstFactorsOf(k.Context(), u.ID)
	k.ok(err)
	return list
}
