package session

import (
	"context"
	"testing"
	"time"
)

// TestWhatWasReadBeforeAChangeIsNotKept: it may be of before the change.
func TestWhatWasReadBeforeAChangeIsNotKept(t *testing.T) {
	for name, change := range map[string]func(c *cache){
		"an ended session": func(c *cache) { c.drop("another") }, "a changed user": (*cache).clear,
		"on again": func(c *cache) { c.use(true) },
	} {
		c := newCache(time.Second)
		read := c.epoch()
		change(c)
		c.put("hash", entry{}, read)
		if _, ok := c.get("hash"); ok {
			t.Errorf("%s: kept", name)
		}
		c.put("hash", entry{}, c.epoch())
		if _, ok := c.get("hash"); !ok {
			t.Errorf("%s: what was read after it is not kept", name)
		}
	}
	c := newCache(time.Second)
	c.use(false)
	c.put("hash", entry{}, c.epoch())
	if len(c.young) != 0 {
		t.Error("kept while something may be missed")
	}
}

// shortWire is a channel that was up and breaks off.
type shortWire struct{}

func (shortWire) Notify(context.Context, string) error                    { return nil }
func (shortWire) Listen(_ context.Context, _ func(string), up func(bool)) { up(true) }

// TestAfterListeningNothingIsAnsweredFromMemory, however it came to an end.
func TestAfterListeningNothingIsAnsweredFromMemory(t *testing.T) {
	m, err := New(Config{Notices: shortWire{}})
	if err != nil {
		t.Fatal(err)
	}
	m.Follow(t.Context())
	if !m.cache.off {
		t.Error("the cache is on")
	}
}

func TestLimitsMayBeAsShortAsAMinute(t *testing.T) {
	for _, c := range []Config{{Idle: time.Minute, Absolute: time.Minute},
		{Idle: 2 * time.Hour, Absolute: 2 * time.Hour, TokenLife: 1}} {
		if _, err := New(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Config{{Idle: time.Minute - 1}, {Idle: 2 * time.Hour, Absolute: 2*time.Hour - 1},
		{TokenLife: -1}, {Cache: time.Second + 1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// longWire says what it is told to, as long as it is up.
type longWire struct {
	shortWire
	while func(heard func(string))
}

func (w longWire) Listen(_ context.Context, heard func(string), up func(bool)) {
	up(true)
	w.while(heard)
}

// TestWhatAnotherNodeEndedIsForgotten, that session or all of them.
func TestWhatAnotherNodeEndedIsForgotten(t *testing.T) {
	wire := &longWire{}
	m, err := New(Config{Notices: wire})
	if err != nil {
		t.Fatal(err)
	}
	wire.while = func(heard func(string)) {
		for _, hash := range []string{"one", "two"} {
			m.cache.put(hash, entry{}, m.cache.epoch())
		}
		for _, c := range []struct {
			word string
			left int
		}{{"session three", 2}, {"session one", 1}, {"all", 0}} {
			heard(c.word)
			if len(m.cache.young) != c.left {
				t.Errorf("after %q: %d left", c.word, len(m.cache.young))
			}
		}
	}
	m.Follow(t.Context())
}

// TestBothHalvesOfTheCacheAreOne: what has moved to the older half is answered
// and forgotten like the rest, and what is too much or too old moves on.
func TestBothHalvesOfTheCacheAreOne(t *testing.T) {
	for name, turn := range map[string]func(c *cache){
		"too old":  func(c *cache) { c.turned = c.turned.Add(-time.Second) },
		"too much": func(c *cache) { c.maxPerGen = 1 },
	} {
		c := newCache(time.Second)
		c.put("one", entry{}, c.epoch())
		turn(c)
		c.put("two", entry{}, c.epoch())
		if _, old := c.old["one"]; !old || len(c.young) != 1 {
			t.Errorf("%s: %d in the older half, %d in the younger", name, len(c.old), len(c.young))
		}
		if _, ok := c.get("one"); !ok {
			t.Errorf("%s: not answered", name)
		}
		c.drop("one")
		if _, ok := c.get("one"); ok {
			t.Errorf("%s: answered although it was dropped", name)
		}
	}
	c := newCache(time.Hour)
	c.put("one", entry{}, c.epoch())
	c.put("two", entry{}, c.epoch())
	if len(c.young) != 2 {
		t.Error("moved on too early")
	}
}
