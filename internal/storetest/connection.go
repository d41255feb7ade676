package storetest

import "github.com/twofold-auth/twofold/internal/storage"

const issuer = "https://issuer.test"

func newConnection(u storage.User, subject string) storage.Connection {
	return storage.Connection{
		ID: storage.NewID(), UserID: u.ID, Provider: "corp", Issuer: issuer, Subject: subject, Label: "me@corp.test",
		CreatedAt: in(-50),
	}
}

// connect stores a connection and returns the changed user.
func (k kit) connect(u storage.User, c storage.Connection) storage.User {
	k.Helper()
	k.ok(k.s.ChangeConnections(k.Context(), connecting(u, &c)))
	return k.stored(u.ID)
}

func connecting(u storage.User, add *storage.Connection) storage.ConnectionChange {
	return storage.ConnectionChange{UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Add: add, Now: now}
}

func (k kit) connections(u storage.User, want ...storage.Connection) {
	k.Helper()
	got, err := k.s.ConnectionsOf(k.Context(), u.ID)
	k.ok(err)
	k.same(got, append([]storage.Connection{}, want...))
}

var connectionRules = []rule{
	{"a change of factors takes connections with it that it names, or all of the user's", func(k kit) {
		u, other := k.user(), k.user()
		a, b := newConnection(u, "a"), newConnection(u, "b")
		kept := newConnection(other, "c")
		u, other = k.connect(k.connect(u, a), b), k.connect(other, kept)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Disconnect: []string{a.ID, kept.ID}, Now: in(9),
		}))
		k.connections(u, b)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: "q", To: "r", RemoveConnections: true, Now: in(9)}))
		k.connections(u)
		k.connections(other, kept)
	}},
	{"a connection comes back as stored, by its subject and in its user's list", func(k kit) {
		u := k.user()
		a, b := newConnection(u, "1"), newConnection(u, "2")
		b.CreatedAt = in(-60)
		k.connect(k.connect(u, a), b)
		k.connections(u, b, a)
		got, err := k.s.ConnectionBy(k.Context(), issuer, "1")
		k.ok(err)
		k.same(got, a)
	}},
	{"who has none has an empty list, not an error", func(k kit) { k.connections(k.user()) }},
	{"a subject of another issuer, another spelling or no one's is ErrNotFound", func(k kit) {
		u := k.user()
		k.connect(u, newConnection(u, "Abc"))
		for _, c := range [][2]string{{issuer + "/", "Abc"}, {issuer, "abc"}, {issuer, "Abc "}, {issuer, ""},
			{"", "Abc"}, {issuer, "%"}} {
			_, err := k.s.ConnectionBy(k.Context(), c[0], c[1])
			k.is(err, storage.ErrNotFound)
		}
	}},
	{"a subject opens one account: a second one is ErrExists and nothing changes", func(k kit) {
		u, other := k.user(), k.user()
		a := newConnection(u, "1")
		u = k.connect(u, a)
		k.device(other)
		k.is(k.s.ChangeConnections(k.Context(), connecting(other, ptr(newConnection(other, "1")))), storage.ErrExists)
		k.is(k.s.ChangeConnections(k.Context(), connecting(u, ptr(newConnection(u, "1")))), storage.ErrExists)
		k.same(k.stored(other.ID), other)
		k.same(k.stored(u.ID), u)
		k.devices(other, 1)
		k.connections(other)
		k.connections(u, a)
	}},
	{"the same subject of two issuers is two people's", func(k kit) {
		u, other := k.user(), k.user()
		c := newConnection(other, "1")
		c.Issuer = "https://other.test"
		k.connect(u, newConnection(u, "1"))
		k.connect(other, c)
		k.connections(other, c)
	}},
	{"a change sets the credential version and deletes the devices", func(k kit) {
		u := k.user()
		d := k.device(u)
		k.ok(k.s.ChangeConnections(k.Context(),
			storage.ConnectionChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Now: in(9)}))
		u.CredentialVersion, u.UpdatedAt = "q", in(9)
		k.same(k.stored(u.ID), u)
		k.gone(d)
	}},
	{"a change from an old credential version is ErrUsed and changes nothing", func(k kit) {
		u := k.user()
		a := newConnection(u, "1")
		u = k.connect(u, a)
		c := connecting(u, ptr(newConnection(u, "2")))
		c.From, c.Remove = "old", a.ID
		k.is(k.s.ChangeConnections(k.Context(), c), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		k.connections(u, a)
	}},
	{"a change of an unknown user is ErrNotFound; another user's connection is refused", func(k kit) {
		u, other := newUser(), k.user()
		k.is(k.s.ChangeConnections(k.Context(), connecting(u, nil)), storage.ErrNotFound)
		if err := k.s.ChangeConnections(k.Context(), connecting(other, ptr(newConnection(u, "1")))); err == nil {
			k.Fatal("stored")
		}
		k.connections(other)
	}},
	{"a removed connection is gone and may come back; another user's stays", func(k kit) {
		u, other := k.user(), k.user()
		a := newConnection(u, "1")
		u = k.connect(u, a)
		c := connecting(other, nil)
		c.Remove = a.ID
		k.ok(k.s.ChangeConnections(k.Context(), c))
		k.connections(u, a)
		c = connecting(u, nil)
		c.Remove = a.ID
		k.ok(k.s.ChangeConnections(k.Context(), c))
		k.connections(u)
		_, err := k.s.ConnectionBy(k.Context(), issuer, "1")
		k.is(err, storage.ErrNotFound)
		other = k.stored(other.ID)
		k.connect(other, newConnection(other, "1"))
	}},
	{"of parallel users who connect one subject exactly one gets it", func(k kit) {
		for i := range rounds() / 10 {
			users := make([]storage.User, callers)
			for j := range users {
				users[j] = k.user()
			}
			k.one(k.race(func(s storage.Store, j int) error {
				return s.ChangeConnections(k.Context(),
					connecting(users[j], ptr(newConnection(users[j], name("s", i)))))
			}), storage.ErrExists)
		}
	}},
	{"of parallel changes of one user exactly one wins", func(k kit) {
		for i := range rounds() {
			u := k.user()
			k.one(k.race(func(s storage.Store, j int) error {
				return s.ChangeConnections(k.Context(), connecting(u, ptr(newConnection(u, name(name("s", i), j)))))
			}), storage.ErrUsed)
		}
	}},
	{"a user is created with a connection, or neither is there", func(k kit) {
		u := newUser()
		c := newConnection(u, "1")
		k.ok(k.s.CreateConnected(k.Context(), u, c))
		k.same(k.stored(u.ID), u)
		k.connections(u, c)
		for what, change := range map[string]func(u *storage.User, c *storage.Connection){
			"the address":         func(v *storage.User, _ *storage.Connection) { v.EmailKey = u.EmailKey },
			"the subject":         func(_ *storage.User, d *storage.Connection) { d.Subject = c.Subject },
			"the connection's id": func(_ *storage.User, d *storage.Connection) { d.ID = c.ID },
		} {
			other := newUser()
			d := newConnection(other, "2")
			change(&other, &d)
			k.is(k.s.CreateConnected(k.Context(), other, d), storage.ErrExists)
			if _, err := k.s.UserByID(k.Context(), other.ID); err != storage.ErrNotFound {
				k.Errorf("%s is taken, and the user is there: %v", what, err)
			}
			if _, err := k.s.ConnectionBy(k.Context(), issuer, "2"); err != storage.ErrNotFound {
				k.Errorf("%s is taken, and the connection is there: %v", what, err)
			}
		}
		other := newUser()
		if err := k.s.CreateConnected(k.Context(), other, newConnection(u, "2")); err == nil {
			k.Error("a connection of another user was stored")
		}
		k.connections(u, c)
	}},
	{"of parallel creations by one subject, or of one address, exactly one succeeds", func(k kit) {
		for i := range rounds() / 10 {
			same := newUser()
			k.one(k.race(func(s storage.Store, j int) error {
				u, subject := newUser(), name("p", i)
				if i%2 == 0 {
					u.Email, u.EmailKey, subject = same.Email, same.EmailKey, name(name("p", i), j)
				}
				return s.CreateConnected(k.Context(), u, newConnection(u, subject))
			}), storage.ErrExists)
		}
	}},
}

func ptr[T any](v T) *T { return &v }
