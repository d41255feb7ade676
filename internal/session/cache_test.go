package session

import (
	"context"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestAnEntryReadBeforeAChangeIsNotCached checks that an entry read before a change is not cached.
func TestAnEntryReadBeforeAChangeIsNotCached(t *testing.T) {
	for name, change := range map[string]func(c *cache){
		"an ended session": func(c *cache) { c.drop("another") },
		"a changed user":   func(c *cache) { c.dropUser("another") },
		"much":             (*cache).clear,
		"on again":         func(c *cache) { c.use(true) },
	} {
		c := newCache(time.Second, false)
		read := c.epoch()
		change(c)
		c.put("hash", entry{read: time.Now()}, read)
		if _, ok := c.get("hash"); ok {
			t.Errorf("%s: kept", name)
		}
		c.put("hash", entry{read: time.Now()}, c.epoch())
		if _, ok := c.get("hash"); !ok {
			t.Errorf("%s: what was read after it is not kept", name)
		}
	}
	c := newCache(time.Second, false)
	c.use(false)
	c.put("hash", entry{read: time.Now()}, c.epoch())
	if len(c.young.entries) != 0 {
		t.Error("kept while something may be missed")
	}
}

// shortWire is a channel that connects and then fails.
type shortWire struct{}

func (shortWire) Notify(context.Context, string) error                    { return nil }
func (shortWire) Listen(_ context.Context, _ func(string), up func(bool)) { up(true) }

// TestAfterListeningNothingIsAnsweredFromMemory checks that the cache is not used after the channel
// ends, for whatever reason.
func TestAfterListeningNothingIsAnsweredFromMemory(t *testing.T) {
	m, err := New(Config{Idle: time.Hour, Absolute: time.Hour, TokenLife: time.Hour, Notices: shortWire{}})
	if err != nil {
		t.Fatal(err)
	}
	m.Follow(t.Context())
	if !m.cache.off {
		t.Error("the cache is on")
	}
}

func TestLimitsMayBeAsShortAsAMinute(t *testing.T) {
	for _, c := range []Config{{Idle: time.Minute, Absolute: time.Minute, TokenLife: 1},
		{Idle: 2 * time.Hour, Absolute: 2 * time.Hour, TokenLife: 1}} {
		if _, err := New(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Config{{Idle: time.Minute - 1, Absolute: time.Hour, TokenLife: 1},
		{Idle: 2 * time.Hour, Absolute: 2*time.Hour - 1, TokenLife: 1}, {Idle: time.Hour, Absolute: time.Hour},
		{Idle: time.Hour, Absolute: time.Hour, TokenLife: 1, Cache: time.Second + 1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// longWire delivers the notifications of a test while it is up.
type longWire struct {
	shortWire
	while func(heard func(string))
}

func (w longWire) Listen(_ context.Context, heard func(string), up func(bool)) {
	up(true)
	w.while(heard)
}

// TestASessionEndedByAnotherNodeIsForgotten covers one session and all sessions of a user.
func TestASessionEndedByAnotherNodeIsForgotten(t *testing.T) {
	wire := &longWire{}
	m, err := New(Config{Idle: time.Hour, Absolute: time.Hour, TokenLife: time.Hour, Notices: wire})
	if err != nil {
		t.Fatal(err)
	}
	wire.while = func(heard func(string)) {
		for _, hash := range []string{"one", "two"} {
			m.cache.put(hash, entry{read: time.Now()}, m.cache.epoch())
		}
		for _, c := range []struct {
			word string
			left int
		}{{"session three", 2}, {"session one", 1}, {"all", 0}} {
			heard(c.word)
			if len(m.cache.young.entries) != c.left {
				t.Errorf("after %q: %d left", c.word, len(m.cache.young.entries))
			}
		}
	}
	m.Follow(t.Context())
}

// TestBothHalvesOfTheCacheAreOne checks that entries in the older generation are found and removed
// like the others, and that a generation that is full or too old becomes the older one.
func TestBothHalvesOfTheCacheAreOne(t *testing.T) {
	for name, turn := range map[string]func(c *cache){
		"too old":  func(c *cache) { c.turned = c.turned.Add(-time.Second) },
		"too much": func(c *cache) { c.maxPerGen = 1 },
	} {
		c := newCache(time.Second, false)
		c.put("one", entry{read: time.Now()}, c.epoch())
		turn(c)
		c.put("two", entry{read: time.Now()}, c.epoch())
		if _, old := c.old.entries["one"]; !old || len(c.young.entries) != 1 {
			t.Errorf("%s: %d in the older half, %d in the younger", name, len(c.old.entries), len(c.young.entries))
		}
		if _, ok := c.get("one"); !ok {
			t.Errorf("%s: not answered", name)
		}
		c.drop("one")
		if _, ok := c.get("one"); ok {
			t.Errorf("%s: answered although it was dropped", name)
		}
	}
	c := newCache(time.Hour, false)
	c.put("one", entry{read: time.Now()}, c.epoch())
	c.put("two", entry{read: time.Now()}, c.epoch())
	if len(c.young.entries) != 2 {
		t.Error("moved on too early")
	}
}

// witnessedCache returns a cache that has heard of every change until the given time ago.
func witnessedCache(ago time.Duration) *cache {
	c := newCache(time.Second, true)
	c.start = time.Now().Add(-time.Hour)
	c.since(time.Now().Add(-ago))
	return c
}

func TestAnEntryIsUsedWhileChangesAreReceived(t *testing.T) {
	for name, row := range map[string]struct {
		heard, read time.Duration // ago
		used        bool
	}{
		"heard, read long ago":              {0, 5 * time.Minute, true},
		"heard, read too long ago":          {0, 11 * time.Minute, false},
		"not heard, read long ago":          {time.Second, 5 * time.Minute, false},
		"not heard, read half a second ago": {time.Second, 500 * time.Millisecond, false},
		"not heard, just read":              {time.Second, 0, true},
	} {
		c := witnessedCache(row.heard)
		c.put("hash", entry{read: time.Now().Add(-row.read)}, c.epoch())
		if _, ok := c.get("hash"); ok != row.used {
			t.Errorf("%s: used %v", name, ok)
		}
	}
}

func TestAChangeOfAUserDropsTheSessionsOfThatUser(t *testing.T) {
	c := witnessedCache(0)
	c.maxPerGen = 4
	add := func(hash, user string) { c.put(hash, entry{user: storage.User{ID: user}, read: time.Now()}, c.epoch()) }
	used := func(hash string) bool { _, ok := c.get(hash); return ok }
	add("ann1", "ann")
	add("ann2", "ann")
	add("bob", "bob")
	c.dropUser("ann")
	if used("ann1") || used("ann2") || !used("bob") {
		t.Error("not exactly the sessions of the changed user were dropped")
	}
	add("ann3", "ann")
	if !used("ann3") {
		t.Error("a session that was read after the change is not used")
	}
	for i := range 3 { // now they are of the older generation
		add(string(rune('a'+i)), "carol")
	}
	if used("ann1") || !used("ann3") {
		t.Error("a change of the older generation counts for another session")
	}
	c.dropUser("bob")
	if used("bob") || !used("ann3") {
		t.Error("not exactly the sessions of the changed user were dropped from the older generation")
	}
}
