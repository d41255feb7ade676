package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// ownerRules are the rules for changes that owners make to their accounts.
var ownerRules = []rule{
	{"SetLanguage replaces the language it knows and nothing else", func(k kit) {
		u, other := k.user(), k.user()
		k.device(u)
		k.is(k.s.SetLanguage(k.Context(), u.ID, "", "en"), storage.ErrUsed)
		k.is(k.s.SetLanguage(k.Context(), "no such user", "de", "en"), storage.ErrNotFound)
		k.same(k.stored(u.ID), u)
		for _, next := range []string{"pt-BR", "", "en"} {
			k.ok(k.s.SetLanguage(k.Context(), u.ID, u.Language, next))
			u.Language = next
			k.same(k.stored(u.ID), u)
		}
		k.same(k.stored(other.ID), other)
		k.devices(u, 1)
	}},
	{"SetProfile replaces the profile it knows and nothing else", func(k kit) {
		u, other := k.user(), k.user()
		k.device(u)
		k.is(k.s.SetProfile(k.Context(), u.ID, "", "{}", in(5)), storage.ErrUsed)
		k.is(k.s.SetProfile(k.Context(), "no such user", "", "{}", in(5)), storage.ErrNotFound)
		k.same(k.stored(u.ID), u)
		for _, next := range []string{`{"name":"Zoë 😀"}`, "", `{"terms":true}`} {
			k.ok(k.s.SetProfile(k.Context(), u.ID, u.Profile, next, in(5)))
			u.Profile, u.UpdatedAt = next, in(5)
			k.same(k.stored(u.ID), u)
		}
		k.same(k.stored(other.ID), other)
		k.devices(u, 1)
	}},
	{"ConfirmUser confirms this address once and nothing else", func(k kit) {
		u := newUser()
		u.ConfirmedAt = time.Time{}
		k.ok(k.s.CreateUser(k.Context(), u))
		k.device(u)
		k.same(k.stored(u.ID).ConfirmedAt.IsZero(), true)
		k.is(k.s.ConfirmUser(k.Context(), u.ID, "another@example.org", u.EmailKey, in(5)), storage.ErrUsed)
		k.is(k.s.ConfirmUser(k.Context(), "nobody", u.EmailKey, u.EmailKey, in(5)), storage.ErrNotFound)
		k.same(k.stored(u.ID), u)
		k.ok(k.s.ConfirmUser(k.Context(), u.ID, u.EmailKey, u.EmailKey, in(6)))
		u.ConfirmedAt, u.UpdatedAt, u.ProvenKey = in(6), in(6), u.EmailKey
		k.is(k.s.ConfirmUser(k.Context(), u.ID, u.EmailKey, u.EmailKey, in(7)), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		k.ok(k.s.ConfirmUser(k.Context(), u.ID, u.EmailKey, "another", in(8))) // confirmed long ago, and proven now
		u.UpdatedAt, u.ProvenKey = in(8), "another"
		k.same(k.stored(u.ID), u)
		k.devices(u, 1)
	}},
	{"ChangePassword changes an account only at the credential version it names", func(k kit) {
		u, other := k.user(), k.user()
		f := newFactor(u)
		u = k.add(u, f)
		d := k.device(u)
		c := storage.PasswordChange{UserID: u.ID, From: "another", To: "q", Hash: "h", Now: in(9)}
		k.is(k.s.ChangePassword(k.Context(), c), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		k.devices(u, 1)
		c.From = u.CredentialVersion
		k.ok(k.s.ChangePassword(k.Context(), c))
		u.PasswordHash, u.CredentialVersion, u.UpdatedAt, u.PasswordAt = "h", "q", in(9), in(9)
		k.same(k.stored(u.ID), u) // ResetAt and ConfirmedAt do not change
		k.same(k.stored(other.ID), other)
		k.gone(d)
		if len(k.factors(u.ID)) != 1 {
			k.Fatal("the factor is gone")
		}
		c.From, c.To, c.Moved, c.Now = "q", "r", true, in(10)
		k.ok(k.s.ChangePassword(k.Context(), c))
		u.CredentialVersion, u.UpdatedAt, u.MovedAt, u.PasswordAt = "r", in(10), in(10), in(10)
		k.same(k.stored(u.ID), u)
		c.UserID = "nobody"
		k.is(k.s.ChangePassword(k.Context(), c), storage.ErrNotFound)
	}},
	{"ChangePassword through the mailbox confirms, and drops factors only if told", func(k kit) {
		for _, confirmed := range []time.Time{{}, in(-5)} {
			for _, drop := range []bool{false, true} {
				u := newUser()
				u.ConfirmedAt = confirmed
				k.ok(k.s.CreateUser(k.Context(), u))
				u = k.add(u, newFactor(u))
				k.ok(k.s.ChangePassword(k.Context(), storage.PasswordChange{
					UserID: u.ID, From: u.CredentialVersion, To: "q", Hash: "h", ViaMailbox: true, ProvenKey: "p",
					DropSeconds: drop, Now: in(9),
				}))
				u.PasswordHash, u.CredentialVersion, u.UpdatedAt, u.ResetAt, u.ProvenKey = "h", "q", in(9), in(9), "p"
				u.PasswordAt = in(9)
				if confirmed.IsZero() {
					u.ConfirmedAt = in(9)
				}
				k.same(k.stored(u.ID), u)
				if left := len(k.factors(u.ID)); left == 0 != drop {
					k.Fatalf("drop %v: %d factors", drop, left)
				}
			}
		}
	}},
	{"what was planted goes, but for codes to the mailbox that was proven", func(k kit) {
		u := k.user()
		mail, app := newFactor(u), newFactor(u)
		mail.Method, mail.Usage, mail.Primary = storage.Email, storage.UseFirst, false
		app.Usage, app.Primary = storage.UseFirst, false
		second := newFactor(u)
		u = k.add(k.add(k.add(u, mail), app), second)
		k.ok(k.s.ChangePassword(k.Context(), storage.PasswordChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", ViaMailbox: true, DropPlanted: true,
			MailTo: "moved@example.org", Now: in(9),
		}))
		firsts, err := k.s.FirstFactorsOf(k.Context(), u.ID)
		k.ok(err)
		mail.Destination = "moved@example.org"
		k.same(firsts, []storage.Factor{mail})
		if left := k.factors(u.ID); len(left) != 1 || left[0].ID != second.ID {
			k.Fatalf("second factors left: %v", left)
		}
	}},
	{"a change by the owner stores its messages with it, or neither", func(k kit) {
		u := k.user()
		m := newMessage("m")
		p := storage.PasswordChange{UserID: u.ID, From: "another", To: "q", Hash: "h", Messages: []storage.Message{m},
			Now: now}
		k.is(k.s.ChangePassword(k.Context(), p), storage.ErrUsed)
		k.claims(in(1), 10)
		p.From = u.CredentialVersion
		k.ok(k.s.ChangePassword(k.Context(), p))
		k.claims(in(1), 10, "m")
		i := storage.IdentityChange{UserID: u.ID, From: "q", To: "r", Username: "Zed9", UsernameKey: "zed9",
			Messages: []storage.Message{m}, Now: now}
		k.is(k.s.ChangeIdentity(k.Context(), i), storage.ErrExists) // the message's ID is taken
		k.same(k.stored(u.ID).Username, u.Username)
		i.Messages[0] = newMessage("n")
		k.ok(k.s.ChangeIdentity(k.Context(), i))
		k.claims(in(1), 10, "n")
	}},
	{"ChangeIdentity moves the address, or the username, and nothing else", func(k kit) {
		u := newUser()
		u.ConfirmedAt = time.Time{}
		k.ok(k.s.CreateUser(k.Context(), u))
		old := u
		mail, phone := newFactor(u), newFactor(u)
		mail.Method, mail.Destination = storage.Email, u.Email
		u = k.add(k.add(u, mail), phone)
		d := k.device(u)
		c := storage.IdentityChange{UserID: u.ID, From: "another", To: "q", Email: "New@example.org",
			EmailKey: "new@example.org", Now: in(9)}
		k.is(k.s.ChangeIdentity(k.Context(), c), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		c.From = u.CredentialVersion
		k.ok(k.s.ChangeIdentity(k.Context(), c))
		u.Email, u.EmailKey, u.CredentialVersion, u.UpdatedAt, u.ConfirmedAt = "New@example.org", "new@example.org",
			"q", in(9), in(9)
		u.ProvenKey = u.EmailKey
		k.same(k.stored(u.ID), u)
		k.gone(d)
		for _, f := range k.factors(u.ID) {
			want := phone.Destination
			if f.Method == storage.Email {
				want = u.Email
			}
			k.same(f.Destination, want)
		}
		_, err := k.s.UserByIdentity(k.Context(), old.EmailKey)
		k.is(err, storage.ErrNotFound)
		k.ok(k.s.ChangeIdentity(k.Context(),
			storage.IdentityChange{UserID: u.ID, From: "q", To: "r", Username: "Ann9", UsernameKey: "ann9",
				Now: in(10)}))
		u.Username, u.UsernameKey, u.CredentialVersion, u.UpdatedAt = "Ann9", "ann9", "r", in(10)
		k.same(k.stored(u.ID), u)
		for _, key := range []string{"ann9", "new@example.org"} {
			got, err := k.s.UserByIdentity(k.Context(), key)
			k.ok(err)
			k.same(got, u)
		}
		k.ok(k.s.ChangeIdentity(k.Context(),
			storage.IdentityChange{UserID: u.ID, From: "r", To: "s", NoUsername: true, Now: in(11)}))
		u.Username, u.UsernameKey, u.CredentialVersion, u.UpdatedAt = "", "", "s", in(11)
		k.same(k.stored(u.ID), u)
		_, err = k.s.UserByIdentity(k.Context(), "ann9")
		k.is(err, storage.ErrNotFound)
		c.UserID = "nobody"
		k.is(k.s.ChangeIdentity(k.Context(), c), storage.ErrNotFound)
	}},
	{"ChangeIdentity to a taken key is ErrExists and changes nothing", func(k kit) {
		have, u := k.user(), k.user()
		k.device(u)
		for _, c := range []storage.IdentityChange{
			{Email: "x@example.org", EmailKey: have.EmailKey}, {Email: "x@example.org", EmailKey: have.UsernameKey},
			{Username: "x", UsernameKey: have.UsernameKey}, {Username: "x", UsernameKey: have.EmailKey},
		} {
			c.UserID, c.From, c.To, c.Now = u.ID, u.CredentialVersion, "q", in(9)
			k.is(k.s.ChangeIdentity(k.Context(), c), storage.ErrExists)
			k.same(k.stored(u.ID), u)
		}
		k.devices(u, 1)
	}},
}

var roleRules = []rule{
	{"a role comes back as stored, by name", func(k kit) {
		b := storage.Role{Name: "baker", Description: "bakes", Permissions: []string{"bread-write", "oven"},
			CreatedAt: in(1)}
		a := storage.Role{Name: "admin", CreatedAt: in(2)}
		k.ok(k.s.PutRole(k.Context(), b))
		k.ok(k.s.PutRole(k.Context(), a))
		k.is(k.s.PutRole(k.Context(), storage.Role{Name: "baker", Permissions: []string{"more"}}), storage.ErrExists)
		got, err := k.s.Roles(k.Context())
		k.ok(err)
		k.same(got, []storage.Role{a, b})
	}},
	{"ChangePermissions adds and takes, whatever was there", func(k kit) {
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "r", Permissions: []string{"a", "b"}}))
		k.ok(k.s.ChangePermissions(k.Context(), "r", []string{"b", "c", "d"}, []string{"a", "d", "not there"}))
		got, err := k.s.PermissionsOf(k.Context(), []string{"r"})
		k.ok(err)
		k.same(got, []string{"b", "c"})
		k.is(k.s.ChangePermissions(k.Context(), "nothing", []string{"a"}, nil), storage.ErrNotFound)
	}},
	{"PermissionsOf joins roles, and unknown ones permit nothing", func(k kit) {
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "r", Permissions: []string{"b", "c"}}))
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "s", Permissions: []string{"a", "c"}}))
		for _, c := range []struct{ roles, want []string }{
			{[]string{"r", "s"}, []string{"a", "b", "c"}}, {[]string{"s"}, []string{"a", "c"}},
			{[]string{"nothing", "s%", "R"}, nil}, {nil, nil}, {[]string{""}, nil},
		} {
			got, err := k.s.PermissionsOf(k.Context(), c.roles)
			k.ok(err)
			k.same(got, c.want)
		}
	}},
	{"DeleteRole takes its permissions with it", func(k kit) {
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "r", Permissions: []string{"a"}}))
		k.ok(k.s.DeleteRole(k.Context(), "r"))
		k.is(k.s.DeleteRole(k.Context(), "r"), storage.ErrNotFound)
		got, err := k.s.PermissionsOf(k.Context(), []string{"r"})
		k.ok(err)
		k.same(got, []string(nil))
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "r"}))
		got, err = k.s.PermissionsOf(k.Context(), []string{"r"})
		k.ok(err)
		k.same(got, []string(nil))
	}},
}

var ownerRaceRules = []rule{
	{"one of many changes of password and identity wins", func(k kit) {
		u := k.user()
		from := u.CredentialVersion
		k.one(k.race(func(s storage.Store, i int) error {
			if i%2 == 0 {
				return s.ChangePassword(k.Context(),
					storage.PasswordChange{UserID: u.ID, From: from, To: name("to", i), Hash: name("h", i), Now: in(9)})
			}
			key := name("mail", i) + u.ID
			return s.ChangeIdentity(k.Context(),
				storage.IdentityChange{UserID: u.ID, From: from, To: name("to", i), Email: key, EmailKey: key,
					Now: in(9)})
		}), storage.ErrUsed)
		got := k.stored(u.ID)
		if (got.PasswordHash != u.PasswordHash) == (got.EmailKey != u.EmailKey) {
			k.Fatalf("both or neither took effect: %+v", got)
		}
	}},
	{"an address is confirmed once", func(k kit) {
		u := newUser()
		u.ConfirmedAt = time.Time{}
		k.ok(k.s.CreateUser(k.Context(), u))
		k.one(k.race(func(s storage.Store, i int) error {
			return s.ConfirmUser(k.Context(), u.ID, u.EmailKey, u.EmailKey, in(i+1))
		}), storage.ErrUsed)
	}},
	{"an address is confirmed, or replaced, and a proof of the old one never counts for the new", func(k kit) {
		u := newUser()
		u.ConfirmedAt = time.Time{}
		k.ok(k.s.CreateUser(k.Context(), u))
		errs := k.race(func(s storage.Store, i int) error {
			if i == 0 {
				next := u
				next.Email, next.EmailKey, next.UpdatedAt = "next"+u.ID, "next"+u.ID, in(9)
				return s.SetIdentity(k.Context(), next, "q")
			}
			return s.ConfirmUser(k.Context(), u.ID, "next"+u.ID+"?", "next"+u.ID+"?", in(9))
		})
		k.one(errs, storage.ErrUsed)
		k.same(k.stored(u.ID).ConfirmedAt.IsZero(), true)
	}},
	{"of two accounts that move to one address one gets it", func(k kit) {
		users := make([]storage.User, callers)
		for i := range users {
			users[i] = k.user()
		}
		k.one(k.race(func(s storage.Store, i int) error {
			return s.ChangeIdentity(k.Context(), storage.IdentityChange{
				UserID: users[i].ID, From: users[i].CredentialVersion, To: "to", Email: "one@example.org",
				EmailKey: "one@example.org", Now: in(9),
			})
		}), storage.ErrExists)
	}},
	{"permissions given at once are all there", func(k kit) {
		k.ok(k.s.PutRole(k.Context(), storage.Role{Name: "r"}))
		k.exactly(callers, k.race(func(s storage.Store, i int) error {
			return s.ChangePermissions(k.Context(), "r", []string{name("p", i), "common"}, []string{"gone"})
		}), nil)
		got, err := k.s.PermissionsOf(k.Context(), []string{"r"})
		k.ok(err)
		if len(got) != callers+1 {
			k.Fatalf("%d permissions, want %d", len(got), callers+1)
		}
	}},
}
