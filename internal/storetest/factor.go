package storetest

import "github.com/twofold-auth/twofold/internal/storage"

var factorRules = []rule{
	{"a factor comes back as stored", func(k kit) {
		u := k.user()
		f := newFactor(u)
		f.Primary = true
		k.add(u, f)
		k.same(k.factors(u.ID), []storage.Factor{f})
	}},
	{"a factor without secret comes back without", func(k kit) {
		u := k.user()
		f := newFactor(u)
		f.Secret = nil
		k.add(u, f)
		if got := k.factors(u.ID)[0].Secret; len(got) != 0 {
			k.Fatalf("secret %v", got)
		}
	}},
	{"no factors are an empty list, not an error", func(k kit) {
		list, err := k.s.FactorsOf(k.Context(), k.user().ID)
		k.ok(err)
		if list == nil || len(list) != 0 {
			k.Fatalf("got %#v", list)
		}
	}},
	{"the primary is listed first, then the others by age", func(k kit) {
		u := k.user()
		young, old, primary := newFactor(u), newFactor(u), newFactor(u)
		young.CreatedAt, old.CreatedAt, primary.CreatedAt = in(-1), in(-100), in(-50)
		primary.Primary = true
		k.add(k.add(k.add(u, young), old), primary)
		k.same(k.factors(u.ID), []storage.Factor{primary, old, young})
	}},
	{"a user has one primary: a new one unsets the others", func(k kit) {
		u, other := k.user(), k.user()
		a, b := newFactor(u), newFactor(u)
		a.Primary, b.Primary = true, true
		theirs := newFactor(other)
		theirs.Primary = true
		k.add(other, theirs)
		k.add(k.add(u, a), b)
		a.Primary = false
		k.same(k.factors(u.ID), []storage.Factor{b, a})
		k.same(k.factors(other.ID), []storage.Factor{theirs})
	}},
	{"a change sets the credential version and deletes the devices", func(k kit) {
		u := k.user()
		d := k.device(u)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Now: in(9)}))
		u.CredentialVersion, u.UpdatedAt = "q", in(9)
		k.same(k.stored(u.ID), u)
		k.gone(d)
	}},
	{"a change from an old credential version is ErrUsed and changes nothing", func(k kit) {
		u := k.user()
		f, late := newFactor(u), newFactor(u)
		u = k.add(u, f)
		k.device(u)
		k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: "old", To: "q", Add: &late, Remove: []string{f.ID}, RemoveAll: true, Now: in(9),
		}), storage.ErrUsed)
		k.same(k.stored(u.ID), u)
		k.same(k.factors(u.ID), []storage.Factor{f})
		k.devices(u, 1)
	}},
	{"a change of an unknown user is ErrNotFound", func(k kit) {
		u := newUser()
		f := newFactor(u)
		k.is(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &f}), storage.ErrNotFound)
		k.is(k.s.AdvanceStep(k.Context(), f.ID, 9, now), storage.ErrNotFound)
	}},
	{"a change replaces one factor by another", func(k kit) {
		u := k.user()
		a, b, c := newFactor(u), newFactor(u), newFactor(u)
		a.Primary, c.Primary = true, true
		a.CreatedAt, b.CreatedAt = in(-9), in(-8)
		u = k.add(k.add(u, a), b)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &c, Remove: []string{a.ID, "unknown"}, Now: now,
		}))
		k.same(k.factors(u.ID), []storage.Factor{c, b})
	}},
	{"RemoveAll removes what was there before, not what is added", func(k kit) {
		u, other := k.user(), k.user()
		a, b, c, theirs := newFactor(u), newFactor(u), newFactor(u), newFactor(other)
		u = k.add(k.add(u, a), b)
		k.add(other, theirs)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &c, RemoveAll: true, Now: now}))
		k.same(k.factors(u.ID), []storage.Factor{c})
		k.same(k.factors(other.ID), []storage.Factor{theirs})
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: "q", To: "r", RemoveAll: true, Now: now}))
		k.same(k.factors(u.ID), []storage.Factor{})
	}},
	{"another user's factor is not removed", func(k kit) {
		u, other := k.user(), k.user()
		theirs := newFactor(other)
		k.add(other, theirs)
		k.ok(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Remove: []string{theirs.ID}, Now: now,
		}))
		k.same(k.factors(other.ID), []storage.Factor{theirs})
	}},
	{"another user's factor is not added", func(k kit) {
		u, other := k.user(), k.user()
		theirs := newFactor(other)
		if err := k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &theirs, Now: now,
		}); err == nil {
			k.Fatal("no error")
		}
		k.same(k.factors(other.ID), []storage.Factor{})
		k.same(k.stored(u.ID), u)
	}},
	{"a change that adds a taken id is ErrExists and changes nothing", func(k kit) {
		u, other := k.user(), k.user()
		mine, theirs := newFactor(u), newFactor(other)
		k.add(other, theirs)
		u = k.add(u, mine)
		k.device(u)
		double := newFactor(u)
		double.ID = theirs.ID
		k.is(k.s.ChangeFactors(k.Context(), storage.FactorChange{
			UserID: u.ID, From: u.CredentialVersion, To: "q", Add: &double, RemoveAll: true, Now: now,
		}), storage.ErrExists)
		k.same(k.stored(u.ID), u)
		k.same(k.factors(u.ID), []storage.Factor{mine})
		k.devices(u, 1)
	}},
	{"MarkUsed sets when", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.ok(k.s.MarkUsed(k.Context(), f.ID, in(9)))
		f.LastUsedAt = in(9)
		k.same(k.factors(u.ID), []storage.Factor{f})
		k.is(k.s.MarkUsed(k.Context(), "unknown", now), storage.ErrNotFound)
	}},
	{"Reseal replaces the secret it knows", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.is(k.s.Reseal(k.Context(), f.ID, []byte("another"), []byte("new")), storage.ErrUsed)
		k.is(k.s.Reseal(k.Context(), "unknown", f.Secret, []byte("new")), storage.ErrNotFound)
		k.same(k.factors(u.ID), []storage.Factor{f})
		k.ok(k.s.Reseal(k.Context(), f.ID, f.Secret, []byte("new")))
		f.Secret = []byte("new")
		k.same(k.factors(u.ID), []storage.Factor{f})
	}},
}

var stepRules = []rule{
	{"a TOTP step is accepted once", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.ok(k.s.AdvanceStep(k.Context(), f.ID, 100, in(1)))
		k.is(k.s.AdvanceStep(k.Context(), f.ID, 100, in(2)), storage.ErrUsed)
		f.LastStep, f.LastUsedAt = 100, in(1)
		k.same(k.factors(u.ID), []storage.Factor{f})
	}},
	{"a step before an accepted one is spent, whatever the clock says", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.ok(k.s.AdvanceStep(k.Context(), f.ID, 100, now))
		k.is(k.s.AdvanceStep(k.Context(), f.ID, 99, in(-300)), storage.ErrUsed)
		k.is(k.s.AdvanceStep(k.Context(), f.ID, 100, in(-300)), storage.ErrUsed)
		k.ok(k.s.AdvanceStep(k.Context(), f.ID, 101, in(-300)))
	}},
	{"the step proven at enrollment is spent", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		k.is(k.s.AdvanceStep(k.Context(), f.ID, f.LastStep, now), storage.ErrUsed)
		k.ok(k.s.AdvanceStep(k.Context(), f.ID, f.LastStep+1, now))
	}},
	{"a step of one factor is not spent for another", func(k kit) {
		u := k.user()
		a, b := newFactor(u), newFactor(u)
		k.add(k.add(u, a), b)
		k.ok(k.s.AdvanceStep(k.Context(), a.ID, 100, now))
		k.ok(k.s.AdvanceStep(k.Context(), b.ID, 100, now))
	}},
	{"a step of a factor that is gone is ErrNotFound", func(k kit) {
		u := k.user()
		f := newFactor(u)
		u = k.add(u, f)
		k.ok(k.s.ChangeFactors(k.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: "q", Remove: []string{f.ID}, Now: now}))
		k.is(k.s.AdvanceStep(k.Context(), f.ID, 1000, now), storage.ErrNotFound)
	}},
}
