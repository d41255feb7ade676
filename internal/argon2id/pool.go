package argon2id

import (
	"sync"
	"time"
)

// idle is the time for which unused memory is kept.
const idle = 10 * time.Second

// A block is B[i][j] of RFC 9106: 1 KiB as 128 words, the first byte lowest.
type block [128]uint64

const blockSize = 1024

// A Pool keeps the memory of hashes for later ones. It has as many regions as there were concurrent
// calls of Sum, and frees each that was not used for ten seconds.
type Pool struct {
	keep     int // blocks
	portable bool

	mu   sync.Mutex
	free []*region // the last one was used last
	// waiting is set if a timer will call sweep, so that no second timer is started.
	waiting bool
}

// NewPool returns a Pool that keeps regions of at most keep KiB. A portable pool uses
// golang.org/x/crypto/argon2 on every machine, and keeps no memory.
func NewPool(keep uint32, portable bool) *Pool {
	return &Pool{keep: int(min(keep, MaxMemory)), portable: portable}
}

// A region is the memory of one hash. At any time it belongs either to the pool or
// to one call of Sum.
type region struct {
	blocks []block
	give   func() // gives the memory back to the system; nil if the collector does
	used   time.Time
}

// take returns a region of at least n blocks. Its content is undefined.
func (p *Pool) take(n int) (*region, error) {
	if n > p.keep {
		return newRegion(n)
	}
	p.mu.Lock()
	if last := len(p.free) - 1; last >= 0 {
		r := p.free[last]
		p.free[last], p.free = nil, p.free[:last]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	return newRegion(p.keep)
}

// put returns a region from take to the pool.
func (p *Pool) put(r *region) {
	if len(r.blocks) > p.keep {
		r.release()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.used = time.Now()
	p.free = append(p.free, r)
	if !p.waiting {
		p.waiting = true
		time.AfterFunc(idle, p.sweep)
	}
}

// sweep frees regions that were not used for a while. It runs again as long as the pool has
// regions, so an abandoned pool ends up empty.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(p.free) && now.Sub(p.free[n].used) >= idle {
		p.free[n].release()
		n++
	}
	left := copy(p.free, p.free[n:])
	clear(p.free[left:])
	p.free = p.free[:left]
	// A region that is in use is returned by put, which schedules sweep again.
	if p.waiting = left > 0; p.waiting {
		time.AfterFunc(idle-now.Sub(p.free[0].used), p.sweep)
	}
}

func (r *region) release() {
	r.blocks = nil
	if r.give != nil {
		r.give()
	}
}
