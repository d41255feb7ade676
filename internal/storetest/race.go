package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

var raceRules = []rule{
	{"of parallel takers of a right code exactly one gets it", func(k kit) {
		for i := range rounds() {
			key := name("c", i)
			k.challenge(key)
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.TryChallenge(k.Context(), key, right, now)
			}), storage.ErrNotFound)
		}
	}},
	{"parallel wrong codes cost one try each and no more are looked at", func(k kit) {
		for i := range rounds() {
			key := name("c", i)
			c := newChallenge(key)
			c.Tries = 5
			k.ok(k.s.PutChallenge(k.Context(), c))
			told := k.race(func(s storage.Store, _ int) error {
				err := s.TryChallenge(k.Context(), key, wrong, now)
				if errors.Is(err, storage.ErrWrong) {
					return nil
				}
				return err
			})
			k.exactly(5, told, storage.ErrNotFound)
		}
	}},
	{"a right code among parallel wrong ones is taken at most once", func(k kit) {
		for i := range rounds() {
			key := name("c", i)
			k.challenge(key)
			told := k.race(func(s storage.Store, i int) error {
				if i%4 == 0 {
					return s.TryChallenge(k.Context(), key, right, now)
				}
				return s.TryChallenge(k.Context(), key, wrong, now)
			})
			won, missed := 0, 0
			for _, err := range told {
				switch {
				case err == nil:
					won++
				case errors.Is(err, storage.ErrWrong):
					missed++
				default:
					k.is(err, storage.ErrNotFound)
				}
			}
			if won > 1 || missed > 3 || won == 0 && missed != 3 {
				k.Fatalf("%d took the code, %d wrong ones were looked at", won, missed)
			}
		}
	}},
	{"of parallel callers with one TOTP step exactly one is accepted", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		for i := range rounds() {
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.AdvanceStep(k.Context(), f.ID, int64(100+i), now)
			}), storage.ErrUsed)
		}
	}},
	{"no step is accepted after a later one, and the latest always is", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		for i := range rounds() / 4 {
			base := int64(100 + i*callers)
			told := k.race(func(s storage.Store, i int) error {
				return s.AdvanceStep(k.Context(), f.ID, base+int64(i), now)
			})
			k.ok(told[callers-1])
			k.same(k.factors(u.ID)[0].LastStep, base+callers-1)
		}
	}},
	{"parallel claims do not pass the limit", func(k kit) {
		for i := range rounds() {
			a, b := claim(name("a", i), 5), claim(name("b", i), 100)
			k.exactly(5, k.race(func(s storage.Store, i int) error {
				list := []storage.Claim{a, b}
				if i%2 == 1 { // in the other order: this must not deadlock
					list = []storage.Claim{b, a}
				}
				_, err := s.Reserve(k.Context(), now, list...)
				return err
			}), storage.ErrUsed)
		}
	}},
	{"parallel claims of which one budget is full count nothing in the others", func(k kit) {
		full := claim("full", 1)
		k.reserve(now, full)
		for i := range rounds() / 4 {
			other := claim(name("a", i), 1)
			k.exactly(0, k.race(func(s storage.Store, _ int) error {
				_, err := s.Reserve(k.Context(), now, other, full)
				return err
			}), storage.ErrUsed)
			k.reserve(now, other)
		}
	}},
	{"claims and releases in parallel come out even", func(k kit) {
		for i := range rounds() / 4 {
			c := claim(name("b", i), callers+1)
			k.exactly(callers, k.race(func(s storage.Store, _ int) error {
				if _, err := s.Reserve(k.Context(), now, c); err != nil {
					return err
				}
				return s.Release(k.Context(), []string{c.Key}, nil)
			}), nil)
			c.Limit = 2 // the count must be 0 now: the second of two claims closes the budget
			k.reserve(now, c)
			k.reserve(now, c)
			k.closed(now, in(60), c)
		}
	}},
	{"of parallel changes of factors exactly one wins", func(k kit) {
		for range rounds() {
			u := k.user()
			k.one(k.race(func(s storage.Store, _ int) error {
				f := newFactor(u)
				f.Primary = true
				return s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Add: &f, Now: now,
				})
			}), storage.ErrUsed)
			k.same(len(k.factors(u.ID)), 1)
		}
	}},
	{"a change of factors during a change of password keeps the credential version of the password", func(k kit) {
		for range rounds() / 4 {
			u := k.user()
			told := k.race(func(s storage.Store, i int) error {
				if i == 0 {
					return s.SetPassword(k.Context(), storage.NewPassword{
						UserID: u.ID, Hash: "h", CredentialVersion: "of the password", Now: now,
					})
				}
				f := newFactor(u)
				return s.ChangeFactors(k.Context(), storage.FactorChange{
					UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Add: &f, Now: now,
				})
			})
			k.ok(told[0])
			k.same(k.stored(u.ID).CredentialVersion, "of the password")
		}
	}},
	{"of parallel takers of a session exactly one gets it", func(k kit) {
		for range rounds() {
			v := k.session(newUser())
			k.one(k.race(func(s storage.Store, _ int) error {
				got, err := s.TakeSession(k.Context(), v.Hash)
				if err == nil && got.ID != v.ID {
					return errors.New("another session")
				}
				return err
			}), storage.ErrNotFound)
		}
	}},
	{"of parallel endings of a session exactly one has it", func(k kit) {
		for range rounds() {
			v := k.session(newUser())
			k.one(k.race(func(s storage.Store, _ int) error {
				_, err := s.EndSession(k.Context(), v.UserID, v.ID)
				return err
			}), storage.ErrNotFound)
		}
	}},
	{"of parallel takers of a pending exactly one gets it", func(k kit) {
		for range rounds() {
			p := k.pending(newPending(newUser()))
			k.one(k.race(func(s storage.Store, _ int) error {
				_, err := s.TakePending(k.Context(), p.Hash)
				return err
			}), storage.ErrUsed)
		}
	}},
	{"of parallel steps of a pending exactly one wins", func(k kit) {
		p := k.pending(newPending(newUser()))
		for range rounds() {
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.AdvancePending(k.Context(), p)
			}), storage.ErrUsed)
			p.Version++
		}
		k.waits(p)
	}},
	{"of parallel takers of a draft exactly one gets it", func(k kit) {
		for range rounds() {
			d := newDraft(newUser(), "pending:1")
			k.ok(k.s.PutDraft(k.Context(), d))
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.TakeDraft(k.Context(), d.Owner, d.ID)
			}), storage.ErrUsed)
		}
	}},
}

var moreRaceRules = []rule{
	{"of parallel accounts with one identity exactly one is created", func(k kit) {
		for i := range rounds() / 2 {
			key := name("wanted", i)
			k.one(k.race(func(s storage.Store, i int) error {
				u := newUser()
				if i%2 == 0 {
					u.EmailKey = key
				} else {
					u.UsernameKey = key
				}
				return s.CreateUser(k.Context(), u)
			}), storage.ErrExists)
		}
	}},
	{"of parallel moves to one identity exactly one wins", func(k kit) {
		users := make([]storage.User, callers)
		for i := range users {
			users[i] = k.user()
		}
		for i := range rounds() / 4 {
			key := name("wanted", i)
			k.one(k.race(func(s storage.Store, i int) error {
				u := users[i]
				u.EmailKey = key
				return s.SetIdentity(k.Context(), u, "q")
			}), storage.ErrExists)
		}
	}},
	{"of parallel upgrades of a hash exactly one wins", func(k kit) {
		u := k.user()
		for i := range rounds() / 2 {
			old := k.stored(u.ID).PasswordHash
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.UpgradePassword(k.Context(), u.ID, old, name("hash", i))
			}), storage.ErrUsed)
		}
	}},
	{"of parallel reseals exactly one wins", func(k kit) {
		u := k.user()
		f := newFactor(u)
		k.add(u, f)
		for i := range rounds() / 2 {
			next := []byte(name("sealed", i))
			k.one(k.race(func(s storage.Store, _ int) error {
				return s.Reseal(k.Context(), f.ID, f.Secret, next)
			}), storage.ErrUsed)
			f.Secret = next
		}
	}},
	{"parallel uses of one device secret agree on the next, within grace", func(k kit) {
		u := k.user()
		for range rounds() / 2 {
			d := k.device(u)
			var mu sync.Mutex
			seen := map[string]bool{}
			k.exactly(callers, k.race(func(s storage.Store, i int) error {
				got, err := s.UseDevice(k.Context(), storage.DeviceUse{
					ID: d.ID, UserID: u.ID, CredentialVersion: u.CredentialVersion, Secret: d.Secret,
					Next: name("next", i), Now: now, Grace: grace,
				})
				mu.Lock()
				defer mu.Unlock()
				seen[got.Secret] = true
				return err
			}), nil)
			if len(seen) != 1 {
				k.Fatalf("callers were told of %d next secrets: %v", len(seen), seen)
			}
			k.ok(k.s.RevokeDevice(k.Context(), u.ID, d.ID))
		}
	}},
	{"of parallel uses of one device secret without grace exactly one wins and the device is removed", func(k kit) {
		u := k.user()
		for range rounds() / 2 {
			d := k.device(u)
			won, copied := 0, 0
			for _, err := range k.race(func(s storage.Store, i int) error {
				_, err := s.UseDevice(k.Context(), storage.DeviceUse{
					ID: d.ID, UserID: u.ID, CredentialVersion: u.CredentialVersion, Secret: d.Secret,
					Next: name("next", i), Now: now,
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
				k.Fatalf("%d won and %d were told of a copy, want one each", won, copied)
			}
			k.devices(u, 0)
		}
	}},
	{"a touch during the end of a session does not revive it", func(k kit) {
		for range rounds() / 2 {
			v := k.session(newUser())
			for _, err := range k.race(func(s storage.Store, i int) error {
				if i == callers/2 {
					_, err := s.TakeSession(k.Context(), v.Hash)
					return err
				}
				err := s.TouchSession(k.Context(), v.Hash, in(1), in(101))
				if errors.Is(err, storage.ErrNotFound) {
					return nil
				}
				return err
			}) {
				k.ok(err)
			}
			k.dead(v, in(2))
		}
	}},
	{"parallel sign-ins of a user leave five pendings at most", func(k kit) {
		for range rounds() / 10 {
			u := newUser()
			hashes := make([]string, callers)
			for _, err := range k.race(func(s storage.Store, i int) error {
				p := newPending(u)
				hashes[i] = p.Hash
				return s.PutPending(k.Context(), p)
			}) {
				k.ok(err)
			}
			n := 0
			for _, hash := range hashes {
				if _, err := k.s.Pending(k.Context(), hash, now); err == nil {
					n++
				}
			}
			k.same(n, 5)
		}
	}},
	{"a message goes to one worker", func(k kit) {
		for i := range rounds() / 4 {
			ids := []string{name("a", i), name("b", i), name("c", i)}
			for _, id := range ids {
				k.ok(k.s.PutMessage(k.Context(), newMessage(id)))
			}
			var mu sync.Mutex
			got := map[string]int{}
			for _, err := range k.race(func(s storage.Store, _ int) error {
				list, err := s.ClaimMessages(k.Context(), in(1), time.Hour, 2)
				mu.Lock()
				defer mu.Unlock()
				for _, m := range list {
					got[m.ID]++
				}
				return err
			}) {
				k.ok(err)
			}
			// Workers that compete for the same messages may leave one for the next
			// call.
			rest, err := k.s.ClaimMessages(k.Context(), in(1), time.Hour, 10)
			k.ok(err)
			for _, m := range rest {
				got[m.ID]++
			}
			for _, id := range ids {
				if got[id] != 1 {
					k.Fatalf("message %q was handed out %d times", id, got[id])
				}
			}
		}
	}},
	{"what one node wrote every node sees at once", func(k kit) {
		for i := range rounds() {
			v := newSession(newUser())
			writer, reader := k.nodes[i%len(k.nodes)], k.nodes[(i+1)%len(k.nodes)]
			k.ok(writer.PutSession(k.Context(), v))
			_, err := reader.Session(k.Context(), v.Hash, now)
			k.ok(err)
			_, err = reader.TakeSession(k.Context(), v.Hash)
			k.ok(err)
			_, err = writer.Session(k.Context(), v.Hash, now)
			k.is(err, storage.ErrNotFound)
		}
	}},
}
