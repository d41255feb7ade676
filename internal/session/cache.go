package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	// witnessed is the time for which an entry is used if every change is heard of. It limits the
	// damage if that is wrong.
	witnessed = 10 * time.Minute
	// staleAfter is the maximum time for which a change may go unnoticed then.
	staleAfter = 250 * time.Millisecond
)

type entry struct {
	session  storage.Session
	user     storage.User
	standing policy.Standing
	read     time.Time // when session and user were read
	judged   time.Time // when standing was decided
	seq      uint64    // the cache's count when the entry was added
}

// cache answers repeated look-ups. It keeps two generations, so removing old entries costs nothing.
//
// Without a witness, an entry is used for life. With one, it is used while the witness has heard of
// every change until a moment ago.
//
// An entry that was read from the store before a change must not be added after it. So every drop
// and clear starts a new epoch, and put refuses entries that were read in an older one.
type cache struct {
	life time.Duration // 0 or less: nothing is cached
	long bool          // there is a witness
	// heard is the time, since start, until which every change has been heard of.
	heard atomic.Int64
	wall  atomic.Int64 // the same by the wall clock, which does not stop while the machine sleeps
	start time.Time

	mu        sync.RWMutex
	count     uint64
	off       bool // notifications may be missed, so the cache is not used
	young     generation
	old       generation
	turned    time.Time
	maxPerGen int // an entry takes about 1.4 kB
}

// generation is the entries of a time, and the users that changed in it, with the count at that
// time: older entries of such a user are not used.
type generation struct {
	entries map[string]entry
	changed map[string]uint64
}

func newGeneration() generation { return generation{map[string]entry{}, map[string]uint64{}} }

func newCache(life time.Duration, long bool) *cache {
	return &cache{life: life, long: long, start: time.Now(), young: newGeneration(), maxPerGen: 5000}
}

// age returns the time for which an entry is used.
func (c *cache) age() time.Duration {
	switch {
	case !c.long:
		return c.life
	case time.Since(c.start)-time.Duration(c.heard.Load()) < staleAfter &&
		time.Duration(time.Now().UnixNano()-c.wall.Load()).Abs() < staleAfter:
		return witnessed
	}
	return min(c.life, staleAfter)
}

// since records that every change before t has been heard of. It is called several times a second.
func (c *cache) since(t time.Time) {
	c.mu.RLock()
	isOld := time.Since(c.turned) >= witnessed
	c.mu.RUnlock()
	if isOld {
		c.mu.Lock()
		c.turn(time.Now())
		c.mu.Unlock()
	}
	c.wall.Store(t.UnixNano())
	c.heard.Store(int64(t.Sub(c.start)))
}

func (c *cache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.count
}

// get uses the machine's clock, not the injected one, because the lifetime of the cache is measured
// in real time.
func (c *cache) get(hash string) (entry, bool) {
	if c.life <= 0 {
		return entry{}, false
	}
	age := c.age()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.off {
		return entry{}, false
	}
	e, ok := c.young.entries[hash]
	if !ok {
		e, ok = c.old.entries[hash]
	}
	if !ok || time.Since(e.read) >= age || max(c.young.changed[e.user.ID], c.old.changed[e.user.ID]) > e.seq {
		return entry{}, false
	}
	return e, true
}

// put adds an entry whose session and user were read in an epoch.
func (c *cache) put(hash string, e entry, epoch uint64) {
	if c.life <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off || c.count != epoch {
		return
	}
	now, turn := time.Now(), c.life
	if c.long {
		turn = witnessed
	}
	if now.Sub(c.turned) >= turn || len(c.young.entries) >= c.maxPerGen {
		c.turn(now)
	}
	e.seq = c.count
	c.young.entries[hash] = e
}

// turn removes the old generation and begins a young one.
func (c *cache) turn(now time.Time) { c.old, c.young, c.turned = c.young, newGeneration(), now }

func (c *cache) drop(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	delete(c.young.entries, hash)
	delete(c.old.entries, hash)
}

// dropUser makes all entries of a user useless.
func (c *cache) dropUser(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.off || c.life <= 0: // nothing is cached
		c.count++
	case len(c.young.changed) >= c.maxPerGen:
		c.empty()
	default:
		c.count++
		c.young.changed[id] = c.count
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.empty()
}

// use switches the cache on or off and clears it.
func (c *cache) use(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = !on
	c.empty()
}

func (c *cache) empty() {
	c.count++
	c.young, c.old = newGeneration(), generation{}
}
