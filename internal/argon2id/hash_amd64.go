//go:build !purego

package argon2id

import (
	"encoding/binary"
	"hash"
	"sync"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/sys/cpu"
)

const (
	sliceCount = 4    // SL of RFC 9106
	version    = 0x13 // v
)

func hasKernel() bool { return cpu.X86.HasAVX2 }

// first computes the rows of G(prev, ref) into half, and from them the first quarter
// of the columns into dst: words 0 to 3 of every 16. The old words of dst are in old,
// or old is a block of zeros; they are XORed in.
//
//go:noescape
func first(half, dst, prev, ref, old *block)

// second computes the other three quarters of the columns. It first prefetches next, which it does
// not read.
//
//go:noescape
func second(half, dst, prev, ref, old, next *block)

// sum implements RFC 9106, section 3.2. The caller has checked the limits of j.
func (p *Pool) sum(j job) ([]byte, error) {
	lanes := int(j.cost.Threads)
	columns := int(j.cost.Memory) / (sliceCount * lanes) * sliceCount // q
	r, err := p.take(lanes * columns)
	if err != nil {
		return nil, err
	}
	defer p.put(r)
	f := filling{job: j, blocks: r.blocks[:lanes*columns], lanes: lanes, columns: columns}
	f.start()
	for pass := range int(j.cost.Time) {
		for slice := range sliceCount {
			f.fill(pass, slice)
		}
	}
	tag := f.finish()
	if j.cost.Time == 1 { // see "Memory" in the comment of the package
		clear(f.blocks)
	}
	return tag, nil
}

// A filling is the matrix B of one hash, lane after lane: B[i][j] is block
// i*columns+j. There are at least 8 columns.
type filling struct {
	job
	blocks         []block
	lanes, columns int
}

func (f *filling) block(lane, column int) *block { return &f.blocks[lane*f.columns+column] }

// start writes the first two columns (steps 1 to 4).
func (f *filling) start() {
	h0 := f.h0()
	bytes := make([]byte, blockSize)
	for lane := range f.lanes {
		for column := range 2 {
			variableHash(bytes, h0[:], little(column), little(lane))
			b := f.block(lane, column)
			for i := range b {
				b[i] = binary.LittleEndian.Uint64(bytes[8*i:])
			}
		}
	}
}

// h0 is step 1: it hashes all inputs with their lengths.
func (f *filling) h0() (sum [64]byte) {
	h := newBlake2b(64)
	for _, v := range []int{
		int(f.cost.Threads), f.n, int(f.cost.Memory), int(f.cost.Time), version, int(f.variant),
	} {
		h.Write(little(v))
	}
	for _, v := range [][]byte{f.password, f.salt, f.secret, f.data} {
		h.Write(little(len(v)))
		h.Write(v)
	}
	h.Sum(sum[:0])
	return sum
}

// fill computes one segment of every lane (steps 5 and 6). Segments of one slice do not read each
// other, so lanes run concurrently.
func (f *filling) fill(pass, slice int) {
	if f.lanes == 1 {
		f.segment(pass, slice, 0)
		return
	}
	var all sync.WaitGroup
	for lane := range f.lanes {
		all.Go(func() { f.segment(pass, slice, lane) })
	}
	all.Wait()
}

// segment fills the columns from slice*length to the next slice in one lane.
func (f *filling) segment(pass, slice, lane int) {
	var half, none block
	length := f.columns / sliceCount
	at := place{filling: f, pass: pass, slice: slice, lane: lane, length: length}
	if f.variant == I || pass == 0 && slice < sliceCount/2 {
		at.fixed = newAddresses(at)
	}
	if pass == 0 && slice == 0 {
		at.index = 2 // start wrote the first two
	}
	column := slice*length + at.index
	prev := f.block(lane, (column+f.columns-1)%f.columns)
	ref := at.reference(prev[0])
	for at.index < length {
		dst, old := f.block(lane, slice*length+at.index), &none
		if pass > 0 {
			old = dst
		}
		first(&half, dst, prev, ref, old)
		next := dst // at the end, where nothing is left to fetch
		if at.index++; at.index < length {
			next = at.reference(dst[0])
		}
		second(&half, dst, prev, ref, old, next)
		prev, ref = dst, next
	}
}

// A place identifies the block to compute: number index of its segment.
type place struct {
	*filling
	pass, slice, lane, index int
	length                   int        // of a segment, at least 2
	fixed                    *addresses // nil where the password decides
}

// reference returns the block to mix in at p (section 3.4). word is the first word of the block
// before p.
func (p *place) reference(word uint64) *block {
	if p.fixed != nil {
		word = p.fixed.word(p.index)
	}
	j1, j2 := uint64(uint32(word)), uint32(word>>32)
	lane := p.lane
	if p.lanes > 1 && (p.pass > 0 || p.slice > 0) {
		lane = int(j2 % uint32(p.lanes))
	}

	// w is the number of candidate blocks, which begin at column start: in the first pass, all
	// segments before this one; in later passes, the three segments before it. Blocks of this
	// segment are added, and the block before p is excluded.
	size, start := p.slice*p.length, 0
	if p.pass > 0 {
		size = (sliceCount - 1) * p.length
		if p.slice < sliceCount-1 {
			start = (p.slice + 1) * p.length
		}
	}
	switch {
	case lane == p.lane:
		size += p.index - 1
	case p.index == 0:
		size--
	}
	// size is at least 1: length is at least 2, and the very first segment begins at index 2 and
	// stays in its lane. So 0 <= z < size, and start+z < 2*columns. Each product has two factors
	// below 1<<32.
	x := j1 * j1 >> 32
	z := size - 1 - int(uint64(size)*x>>32)
	column := start + z
	if column >= p.columns {
		column -= p.columns
	}
	return p.block(lane, column)
}

// addresses computes the words that choose blocks independently of the password (section 3.4.1.2),
// 128 at a time.
type addresses struct {
	input, words, none, half block
	made                     int // how many batches
}

func newAddresses(at place) *addresses {
	return &addresses{input: block{
		uint64(at.pass), uint64(at.lane), uint64(at.slice), uint64(len(at.blocks)),
		uint64(at.cost.Time), uint64(at.variant),
	}}
}

// word returns the word for the block with that index in its segment. Indexes must be requested in
// order.
func (a *addresses) word(index int) uint64 {
	for a.made <= index/len(a.words) {
		a.made++
		a.input[6] = uint64(a.made)
		a.mix(&a.input)
		a.mix(&a.words)
	}
	return a.words[index%len(a.words)]
}

// mix sets words to G(0, ref).
func (a *addresses) mix(ref *block) {
	var out block
	first(&a.half, &out, &a.none, ref, &a.none)
	second(&a.half, &out, &a.none, ref, &a.none, &out)
	a.words = out
}

// finish returns the tag (steps 7 and 8).
func (f *filling) finish() []byte {
	var c block
	for lane := range f.lanes {
		for i, word := range f.block(lane, f.columns-1) {
			c[i] ^= word
		}
	}
	bytes := make([]byte, blockSize)
	for i, word := range c {
		binary.LittleEndian.PutUint64(bytes[8*i:], word)
	}
	tag := make([]byte, f.n)
	variableHash(tag, bytes)
	return tag
}

// variableHash is H' of section 3.3. It fills out, which is not empty, with the hash of the
// concatenation of in.
func variableHash(out []byte, in ...[]byte) {
	h := newBlake2b(min(len(out), blake2b.Size))
	h.Write(little(len(out)))
	for _, part := range in {
		h.Write(part)
	}
	v := h.Sum(nil)
	for len(out) > blake2b.Size {
		out = out[copy(out, v[:blake2b.Size/2]):]
		h = newBlake2b(min(len(out), blake2b.Size))
		h.Write(v)
		v = h.Sum(v[:0])
	}
	copy(out, v)
}

// newBlake2b returns BLAKE2b with a digest of n bytes, 1 to 64, and no key.
func newBlake2b(n int) hash.Hash {
	h, _ := blake2b.New(n, nil) // fails only for another n, or for a key
	return h
}

// little returns LE32(n).
func little(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
