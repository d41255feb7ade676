package session

import (
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

type entry struct {
	session  storage.Session
	user     storage.User
	standing policy.Standing
	at       time.Time
}

// cache answers repeated look-ups for a short time. It keeps two generations, each for half of that
// time, so removing old entries costs nothing.
//
// An entry that was read from the store before a change must not be added after it. So every drop
// and clear starts a new epoch, and put refuses entries that were read in an older one.
type cache struct {
	life time.Duration

	mu        sync.RWMutex
	count     uint64
	off       bool // notifications may be missed, so the cache is not used
	young     map[string]entry
	old       map[string]entry
	turned    time.Time
	maxPerGen int
}

func newCache(life time.Duration) *cache {
	return &cache{life: life, young: map[string]entry{}, maxPerGen: 50_000}
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
	c.mu.RLock()
	off := c.off
	e, ok := c.young[hash]
	if !ok {
		e, ok = c.old[hash]
	}
	c.mu.RUnlock()
	if off || !ok || time.Since(e.at) >= c.life {
		return entry{}, false
	}
	return e, true
}

func (c *cache) put(hash string, e entry, epoch uint64) {
	if c.life <= 0 {
		return
	}
	e.at = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off || c.count != epoch {
		return
	}
	if e.at.Sub(c.turned) >= c.life || len(c.young) >= c.maxPerGen {
		c.old, c.young, c.turned = c.young, make(map[string]entry, len(c.young)), e.at
	}
	c.young[hash] = e
}

func (c *cache) drop(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	delete(c.young, hash)
	delete(c.old, hash)
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	c.young, c.old = map[string]entry{}, nil
}

// use switches the cache on or off and clears it.
func (c *cache) use(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	c.off = !on
	c.young, c.old = map[string]entry{}, nil
}
