package twofoldtest

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"

	"github.com/twofold-auth/twofold"
)

// leavingStates returns the states of users whose account will be deleted.
func leavingStates(k *Kit) []state {
	if !k.has("/tf-delete") {
		return nil
	}
	left := func() (string, *Browser) {
		k.t.Helper()
		email, b := k.someone("leaving")
		b.must("deletion", b.Post(k.at("/tf-delete"), nil))
		return email, b
	}
	stopped := func() (string, *Browser) {
		k.t.Helper()
		email, _ := left()
		b := k.NewBrowser()
		b.must("stop", b.Post(k.at("/tf-delete")+"/"+b.mailed(email, "/tf-delete"), nil))
		return email, b
	}
	return []state{
		{name: "a deletion requested", open: func() *Browser { _, b := left(); return b }},
		{name: "a deletion waits, and only the first factor", open: func() *Browser {
			email, _ := left()
			return k.firstFactor(email)
		}},
		{name: "a deletion stopped by the mailed link", open: func() *Browser { _, b := stopped(); return b }},
		{name: "a deletion stopped, in the browser that requested it", open: func() *Browser {
			email, b := left()
			other := k.NewBrowser()
			other.must("stop", other.Post(k.at("/tf-delete")+"/"+other.mailed(email, "/tf-delete"), nil))
			return b
		}},
	}
}

// arrivedStates returns the states of users whose password was hashed by another system.
func arrivedStates(k *Kit) []state {
	if k.config.Users != nil || k.config.Accounts.MagicLink {
		return nil // the application stores the hashes, or there are no passwords
	}
	arrived := func() string {
		k.t.Helper()
		email, _ := k.someone("arrived")
		rehash(k, email)
		return email
	}
	return []state{
		{name: "an imported account, and only the first factor", open: func() *Browser {
			return k.firstFactor(arrived())
		}},
		{name: "an imported account, whose hash was just replaced", open: func() *Browser {
			email := arrived()
			k.firstFactor(email)
			return k.firstFactor(email)
		}},
		{name: "an imported account, and a wrong password", open: func() *Browser {
			email, b := arrived(), k.NewBrowser()
			b.Post(k.at("/login"), k.typed(email, "no "+Password))
			return b
		}},
	}
}

// rehash replaces an account's hash with one of another system.
func rehash(k *Kit, email string) {
	k.t.Helper()
	ctx := context.Background()
	key, err := pbkdf2.Key(sha256.New, Password, []byte("salt"), 1000, 32)
	if err != nil {
		k.t.Fatal(err)
	}
	n := twofold.NewUser{
		Email:        k.address("former"),
		PasswordHash: "pbkdf2_sha256$1000$salt$" + base64.StdEncoding.EncodeToString(key),
	}
	former, err := k.Auth.CreateUser(ctx, n)
	if err != nil {
		k.t.Fatal(err)
	}
	from, err := k.config.Store.UserByID(ctx, former.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	to, err := k.config.Store.UserByID(ctx, k.id(email))
	if err == nil {
		err = k.config.Store.UpgradePassword(ctx, to.ID, to.PasswordHash, from.PasswordHash)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}
