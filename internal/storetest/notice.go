package storetest

import (
	"reflect"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// change is a verb that stores messages about its change. missing is the same verb
// with a condition that does not hold.
type change struct {
	do, missing func(messages ...storage.Message) error
	// says is the error of do when it succeeds. For most verbs, it is nil.
	says error
}

// furnished is an account that has everything.
type furnished struct {
	kit
	u     storage.User
	f     storage.Factor
	c     storage.Connection
	t     storage.Token
	codes [][]byte // unused ones
}

// changes returns all such verbs, on this account.
func (k furnished) changes() map[string]change {
	u, f, c := k.u, k.f, k.c
	ctx, to := k.Context(), "next"
	setPassword := func(id string) func(...storage.Message) error {
		p := storage.NewPassword{UserID: id, Hash: "h", CredentialVersion: to, ViaMailbox: true, Now: now}
		return func(m ...storage.Message) error { return k.s.SetPassword(ctx, p, m...) }
	}
	return map[string]change{
		"SetPassword": {do: setPassword(u.ID), missing: setPassword("nobody")},
		"SetIdentity": {
			do: func(m ...storage.Message) error {
				return k.s.SetIdentity(ctx, storage.User{ID: u.ID, Email: "n@x.t", EmailKey: "n@x.t"}, to, m...)
			},
			missing: func(m ...storage.Message) error {
				return k.s.SetIdentity(ctx, storage.User{ID: "nobody"}, to, m...)
			},
		},
		"ChangePassword": k.under(func(from string, m ...storage.Message) error {
			return k.s.ChangePassword(ctx,
				storage.PasswordChange{UserID: u.ID, From: from, To: to, Hash: "h", Messages: m, Now: now})
		}),
		"ChangeIdentity": k.under(func(from string, m ...storage.Message) error {
			return k.s.ChangeIdentity(ctx,
				storage.IdentityChange{UserID: u.ID, From: from, To: to, Username: "Zed9", UsernameKey: "zed9",
					Messages: m, Now: now})
		}),
		"ChangeFactors": k.under(func(from string, m ...storage.Message) error {
			return k.s.ChangeFactors(ctx,
				storage.FactorChange{UserID: u.ID, From: from, To: to, Remove: []string{f.ID}, Messages: m, Now: now})
		}),
		"ChangeFactors, codes": k.under(func(from string, m ...storage.Message) error {
			return k.s.ChangeFactors(ctx,
				storage.FactorChange{UserID: u.ID, From: from, To: to, Codes: asBytes([]string{"x"}), Messages: m,
					Now: now})
		}),
		"ChangeConnections, removed": k.under(func(from string, m ...storage.Message) error {
			return k.s.ChangeConnections(ctx,
				storage.ConnectionChange{UserID: u.ID, From: from, To: to, Remove: c.ID, Messages: m, Now: now})
		}),
		"ChangeConnections, added": k.under(func(from string, m ...storage.Message) error {
			add := c
			add.ID, add.Subject = storage.NewID(), "another"
			return k.s.ChangeConnections(ctx,
				storage.ConnectionChange{UserID: u.ID, From: from, To: to, Add: &add, Messages: m, Now: now})
		}),
		"PutDevice": {
			do: func(m ...storage.Message) error { return k.s.PutDevice(ctx, newDevice(u), m...) },
			missing: func(m ...storage.Message) error {
				nobodys := newDevice(u)
				nobodys.UserID = "nobody"
				return k.s.PutDevice(ctx, nobodys, m...)
			},
		},
		"RevokeDevices": {do: func(m ...storage.Message) error { return k.s.RevokeDevices(ctx, u.ID, m...) }},
		"UseDevice":     k.copying(),
		"PutToken": {
			do:      func(m ...storage.Message) error { return k.s.PutToken(ctx, newToken(u), m...) },
			missing: func(m ...storage.Message) error { return k.s.PutToken(ctx, k.t, m...) },
		},
		"RotateToken":       k.exchanging(),
		"PutRecovery":       k.asking(),
		"TakeRecovery":      k.taking(),
		"SpendRecoveryCode": k.spending(),
	}
}

// these returns a function that returns the messages.
func these(m []storage.Message) func() []storage.Message {
	return func() []storage.Message { return m }
}

// under returns a change with the current credential version, and with a wrong one.
func (k furnished) under(do func(from string, m ...storage.Message) error) change {
	return change{
		do:      func(m ...storage.Message) error { return do(k.u.CredentialVersion, m...) },
		missing: func(m ...storage.Message) error { return do("another", m...) },
	}
}

// exchanging uses a token that was exchanged before, and one of a later generation.
func (k furnished) exchanging() change {
	use := func(generation int64) func(m ...storage.Message) error {
		return func(m ...storage.Message) error {
			_, err := k.s.RotateToken(k.Context(), storage.TokenUse{
				ID: k.t.ID, Generation: generation, Hash: k.t.Hash, Next: "n",
				Now: now, IdleAt: in(9), Copied: these(m),
			})
			return err
		}
	}
	return change{do: use(0), missing: use(9), says: storage.ErrUsed}
}

// copying uses a retired secret, and one that was never valid.
func (k furnished) copying() change {
	use := func(secret func(present string) string) func(m ...storage.Message) error {
		return func(m ...storage.Message) error {
			list, err := k.s.DevicesOf(k.Context(), k.u.ID, now)
			k.ok(err)
			d := list[0]
			_, err = k.s.UseDevice(k.Context(), storage.DeviceUse{
				ID: d.ID, UserID: k.u.ID, CredentialVersion: k.u.CredentialVersion, Secret: secret(d.Secret), Next: "n",
				Now:   in(60),
				Grace: grace, Copied: these(m),
			})
			return err
		}
	}
	return change{
		do:      use(func(present string) string { return strings.TrimSuffix(present, "+") }),
		missing: use(func(string) string { return "never a secret" }),
		says:    storage.ErrUsed,
	}
}

func (k furnished) asking() change {
	return change{
		do: func(m ...storage.Message) error {
			r := newRequest(k.u) // replaces one that is over
			r.CreatedAt, r.OpensAt, r.ExpiresAt = in(200), in(300), in(400)
			return k.s.PutRecovery(k.Context(), r, m...)
		},
		missing: func(m ...storage.Message) error { return k.s.PutRecovery(k.Context(), newRequest(k.u), m...) },
	}
}

func (k furnished) taking() change {
	take := func(at time.Time) func(m ...storage.Message) error {
		return func(m ...storage.Message) error {
			r, err := k.s.Recovery(k.Context(), k.u.ID)
			if err == nil {
				_, err = k.s.TakeRecovery(k.Context(), k.u.ID, r.ID, r.CredentialVersion, at, m...)
			}
			return err
		}
	}
	return change{do: take(in(150)), missing: take(in(50))}
}

func (k furnished) spending() change {
	spend := func(macs [][]byte) func(m ...storage.Message) error {
		return func(m ...storage.Message) error {
			_, err := k.s.SpendRecoveryCode(k.Context(), k.u.ID, macs, in(-1000), m...)
			return err
		}
	}
	return change{do: spend(k.codes), missing: spend(asBytes([]string{"never one"}))}
}

// belongings contains everything that belongs to an account.
type belongings struct {
	User        storage.User
	Factors     []storage.Factor
	Devices     []storage.Device
	Connections []storage.Connection
	Tokens      []storage.Token
	Codes       int
	Set         storage.CodeSet
	Seen        int64
	Request     storage.Recovery
}

func (k kit) belongings(u storage.User) (b belongings) {
	k.Helper()
	ctx := k.Context()
	var err error
	b.User, b.Factors = k.stored(u.ID), k.factors(u.ID)
	b.Devices, err = k.s.DevicesOf(ctx, u.ID, now)
	k.ok(err)
	b.Connections, err = k.s.ConnectionsOf(ctx, u.ID)
	k.ok(err)
	b.Tokens, err = k.s.TokensOf(ctx, u.ID, now)
	k.ok(err)
	b.Codes, err = k.s.RecoveryCodesLeft(ctx, u.ID, in(-1000))
	k.ok(err)
	b.Set, err = k.s.CodeSetOf(ctx, u.ID)
	k.ok(err)
	b.Seen, err = k.s.SeenThrough(ctx, u.ID)
	k.ok(err)
	if b.Request, err = k.s.Recovery(ctx, u.ID); err != nil {
		k.is(err, storage.ErrNotFound)
	}
	return b
}

// furnish returns an account that has everything, and the verbs on it.
func (k kit) furnish() (u storage.User, verbs func(s storage.Store) map[string]change) {
	k.Helper()
	u = k.user()
	f, other, codes, c := newFactor(u), newFactor(u), asBytes([]string{"a", "b"}), newConnection(u, u.ID)
	other.Method = storage.SMS
	k.ok(k.s.ChangeFactors(k.Context(),
		storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "1", Add: &other, Now: now}))
	k.ok(k.s.ChangeFactors(k.Context(),
		storage.FactorChange{UserID: u.ID, From: "1", To: "2", Add: &f, Codes: codes, Now: now}))
	u = k.connect(k.stored(u.ID), c)
	t := k.token(u)
	_, err := k.rotate(k.s, t, 0, t.Hash, now)
	k.ok(err)
	d := k.device(u)
	_, err = k.use(d, d.Secret, now, grace) // has a retired secret
	k.ok(err)
	addRequest(k, u)
	return u, func(s storage.Store) map[string]change {
		return furnished{kit{check: k.check, s: s}, u, f, c, t, codes[:1]}.changes()
	}
}

// noticeRules check that every change stores its notice, and that a refused change
// stores none.
var noticeRules = []rule{
	{"what changes an account stores its messages with it", func(k kit) {
		_, all := k.furnish()
		for verb := range all(k.s) {
			u, verbs := k.furnish()
			before, change := k.belongings(u), verbs(k.s)[verb]
			k.is(change.do(newMessage(verb), newMessage(verb+" too")), change.says)
			k.claims(in(1), 10, verb, verb+" too")
			if equal(reflect.ValueOf(before), reflect.ValueOf(k.belongings(u))) {
				k.Fatalf("%s changed nothing", verb)
			}
			k.ok(k.s.FinishMessage(k.Context(), verb))
			k.ok(k.s.FinishMessage(k.Context(), verb+" too"))
		}
	}},
	{"where the messages cannot be stored, nothing is changed", func(k kit) {
		k.message("taken", 900)
		_, all := k.furnish()
		for verb := range all(k.s) {
			u, verbs := k.furnish()
			before := k.belongings(u)
			k.is(verbs(k.s)[verb].do(newMessage(verb), newMessage("taken")), storage.ErrExists)
			k.claims(in(1), 10)
			k.same(k.belongings(u), before)
		}
	}},
	{"what changes nothing stores no message", func(k kit) {
		u, verbs := k.furnish()
		before := k.belongings(u)
		for verb, v := range verbs(k.s) {
			if v.missing == nil {
				continue
			}
			if err := v.missing(newMessage(verb)); err == nil {
				k.Fatalf("%s is not refused", verb)
			}
		}
		k.claims(in(1), 10)
		k.same(k.belongings(u), before)
	}},
}

var noticeRaceRules = []rule{
	{"messages about a copied secret are not created while the secret is valid or was never one", func(k kit) {
		u := k.user()
		t, d := k.token(u), k.device(u)
		never := func() []storage.Message { k.Error("messages are created"); return nil }
		rotate := func(hash string) error {
			_, err := k.s.RotateToken(k.Context(), storage.TokenUse{
				ID: t.ID, Hash: hash, Next: "n", Now: now, IdleAt: in(9), Copied: never,
			})
			return err
		}
		k.is(rotate("never one"), storage.ErrNotFound)
		k.ok(rotate(t.Hash))
		use := func(secret string) error {
			_, err := k.s.UseDevice(k.Context(), storage.DeviceUse{
				ID: d.ID, UserID: u.ID, CredentialVersion: u.CredentialVersion, Secret: secret, Next: "n", Now: now,
				Grace:  grace,
				Copied: never,
			})
			return err
		}
		k.is(use("never one"), storage.ErrNotFound)
		k.ok(use(d.Secret))
		k.ok(use(d.Secret)) // retired, within the grace
	}},
	{"of many that want to change the same thing one is told of", func(k kit) {
		for _, verb := range []string{"ChangePassword", "ChangeIdentity", "ChangeFactors", "ChangeConnections, removed",
			"TakeRecovery", "SpendRecoveryCode", "RotateToken"} {
			_, verbs := k.furnish()
			k.race(func(s storage.Store, i int) error { return verbs(s)[verb].do(newMessage(name(verb, i))) })
			list, err := k.s.ClaimMessages(k.Context(), in(1), time.Minute, callers)
			k.ok(err)
			if len(list) != 1 {
				k.Fatalf("%s: %d messages", verb, len(list))
			}
			k.ok(k.s.FinishMessage(k.Context(), list[0].ID))
		}
	}},
}
