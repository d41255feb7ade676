package storetest

import (
	"github.com/twofold-auth/twofold/internal/storage"
)

// Hashes of the correct code (under a new and an old key) and of a wrong one.
var (
	right = [][]byte{{1, 0, 255}, {2, 0, 255}}
	wrong = [][]byte{{1, 0, 254}, {2, 0}}
)

func newChallenge(key string) storage.Challenge {
	return storage.Challenge{
		Key: key, UserID: "user 1", Channel: storage.SMS, Destination: "+4912345", MAC: []byte{2, 0, 255}, Tries: 3,
		CreatedAt: now, ExpiresAt: in(300),
	}
}

func (k kit) challenge(key string) {
	k.Helper()
	k.ok(k.s.PutChallenge(k.Context(), newChallenge(key)))
}

func (k kit) try(key string, macs [][]byte) error {
	return k.s.TryChallenge(k.Context(), key, macs, in(1))
}

var challengeRules = []rule{
	{"a right code is taken once", func(k kit) {
		k.challenge("c")
		k.challenge("other")
		k.ok(k.try("c", right))
		k.is(k.try("c", right), storage.ErrNotFound)
		k.is(k.try("c", wrong), storage.ErrNotFound)
		k.ok(k.try("other", right))
	}},
	{"any one of the hashes may be the right one", func(k kit) {
		for i, macs := range [][][]byte{{right[1]}, {right[1], right[0]}, {wrong[0], wrong[1], right[1], wrong[0]}} {
			k.challenge(name("c", i))
			k.ok(k.try(name("c", i), macs))
		}
	}},
	{"an unknown code is ErrNotFound", func(k kit) {
		k.is(k.try("c", right), storage.ErrNotFound)
	}},
	{"a wrong code costs a try, the last one all", func(k kit) {
		k.challenge("c")
		for range 3 {
			k.is(k.try("c", wrong), storage.ErrWrong)
		}
		k.is(k.try("c", wrong), storage.ErrNotFound)
		k.is(k.try("c", right), storage.ErrNotFound)
	}},
	{"the right code is taken as long as a try is left", func(k kit) {
		k.challenge("c")
		k.is(k.try("c", wrong), storage.ErrWrong)
		k.is(k.try("c", wrong), storage.ErrWrong)
		k.ok(k.try("c", right))
	}},
	{"a call costs one try, however many hashes it brings", func(k kit) {
		k.challenge("c")
		k.is(k.try("c", [][]byte{wrong[0], wrong[1], wrong[0], wrong[1]}), storage.ErrWrong)
		k.is(k.try("c", wrong), storage.ErrWrong)
		k.ok(k.try("c", right))
	}},
	{"nothing is wrong, and so is a beginning or a longer one", func(k kit) {
		for i, macs := range [][][]byte{nil, {}, {nil}, {{}}, {{2}}, {{2, 0}}, {{2, 0, 255, 0}}} {
			k.challenge(name("c", i))
			k.is(k.try(name("c", i), macs), storage.ErrWrong)
		}
	}},
	{"a challenge without a hash is never right", func(k kit) {
		for i, macs := range [][][]byte{nil, {nil}, {{}}} {
			c := newChallenge(name("c", i))
			c.MAC = nil
			k.ok(k.s.PutChallenge(k.Context(), c))
			k.is(k.try(c.Key, macs), storage.ErrWrong)
		}
	}},
	{"without tries from the beginning nothing is right", func(k kit) {
		c := newChallenge("c")
		c.Tries = 0
		k.ok(k.s.PutChallenge(k.Context(), c))
		k.is(k.try("c", right), storage.ErrNotFound)
	}},
	{"an expired code is ErrNotFound, and stays so if the clock steps back", func(k kit) {
		k.challenge("c")
		k.is(k.s.TryChallenge(k.Context(), "c", right, in(300)), storage.ErrNotFound)
		k.is(k.s.TryChallenge(k.Context(), "c", right, in(1)), storage.ErrNotFound)
		k.challenge("d")
		k.ok(k.s.TryChallenge(k.Context(), "d", right, in(300).Add(-tick)))
	}},
	{"a taken code stays taken if the clock steps back", func(k kit) {
		k.challenge("c")
		k.ok(k.try("c", right))
		k.is(k.s.TryChallenge(k.Context(), "c", right, in(-300)), storage.ErrNotFound)
	}},
	{"a new code takes the place of the former one", func(k kit) {
		k.challenge("c")
		for range 3 {
			k.is(k.try("c", wrong), storage.ErrWrong)
		}
		c := newChallenge("c")
		c.MAC = []byte("new")
		k.ok(k.s.PutChallenge(k.Context(), c))
		k.is(k.try("c", right), storage.ErrWrong) // that of the earlier challenge
		k.ok(k.try("c", [][]byte{c.MAC}))
		k.challenge("c") // replaces one that was taken
		k.ok(k.try("c", right))
	}},
	{"a dropped code is void, and dropping none is not an error", func(k kit) {
		k.challenge("c")
		k.challenge("other")
		k.ok(k.s.DropChallenge(k.Context(), "c"))
		k.ok(k.s.DropChallenge(k.Context(), "c"))
		k.is(k.try("c", right), storage.ErrNotFound)
		k.ok(k.try("other", right))
	}},
}
