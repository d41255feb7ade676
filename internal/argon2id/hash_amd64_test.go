//go:build !purego

package argon2id

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"
)

func skipWithoutKernel(t *testing.T) {
	if !hasKernel() {
		t.Skip("this processor has no AVX2")
	}
}

// TestRFCVectors checks the vectors of RFC 9106, sections 5.2 and 5.3, which have a secret and
// data.
func TestRFCVectors(t *testing.T) {
	skipWithoutKernel(t)
	for v, want := range map[Variant]string{
		I:  "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
		ID: "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
	} {
		tag, err := NewPool(32, false).sum(job{
			variant: v, cost: Cost{Memory: 32, Time: 3, Threads: 4}, n: 32,
			password: bytes.Repeat([]byte{1}, 32), salt: bytes.Repeat([]byte{2}, 16),
			secret: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
		})
		if got := hex.EncodeToString(tag); err != nil || got != want {
			t.Errorf("variant %d: %s, want %s (%v)", v, got, want, err)
		}
	}
}

// TestContentOfMemory checks that the previous content of a region does not change a tag, and that
// a hash of one pass leaves nothing in it.
func TestContentOfMemory(t *testing.T) {
	skipWithoutKernel(t)
	p := NewPool(512, false)
	for _, v := range []Variant{I, ID} {
		for _, c := range []Cost{{512, 1, 1}, {512, 2, 1}, {509, 3, 3}, {8, 1, 1}} {
			r, err := p.take(512)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.blocks {
				for j := range r.blocks[i] {
					r.blocks[i][j] = math.MaxUint64
				}
			}
			p.put(r)
			got := sum(t, p, v, []byte("p"), []byte("s"), c, 32)
			want := theirs(v, []byte("p"), []byte("s"), c, 32)
			if !bytes.Equal(got, want) {
				t.Errorf("%d %+v in used memory: %x, want %x", v, c, got, want)
			}
			used := int(c.Memory) / (4 * int(c.Threads)) * 4 * int(c.Threads)
			left := 0
			for _, b := range r.blocks[:used] {
				if b != (block{}) {
					left++
				}
			}
			if c.Time == 1 && left > 0 || c.Time > 1 && left == 0 {
				t.Errorf("%d %+v leaves %d blocks", v, c, left)
			}
		}
	}
}

// TestReferenceStaysInBounds checks, at the largest cost and at small ones, that each block mixes
// in a block that is finished, in its lane or another one, whatever the word is.
func TestReferenceStaysInBounds(t *testing.T) {
	skipWithoutKernel(t)
	for _, c := range []Cost{{MaxMemory, 2, 1}, {MaxMemory, 2, MaxThreads}, {8, 2, 1}, {24, 2, 3}, {100, 2, 1}} {
		lanes := int(c.Threads)
		columns := int(c.Memory) / (4 * lanes) * 4
		r, err := newRegion(lanes * columns) // mapped, and never touched
		if err != nil {
			t.Fatal(err)
		}
		f := &filling{job: job{cost: c, variant: ID}, blocks: r.blocks, lanes: lanes, columns: columns}
		numbers := make(map[*block]int)
		for i := range f.blocks {
			if columns <= 100 {
				numbers[&f.blocks[i]] = i
			}
		}
		length := columns / 4
		for pass := range 2 {
			for slice := range 4 {
				for _, lane := range []int{0, lanes - 1} {
					for _, index := range []int{0, 1, 2, length / 2, length - 1} {
						if index >= length || pass == 0 && slice == 0 && index < 2 {
							continue
						}
						at := place{filling: f, pass: pass, slice: slice, lane: lane, index: index, length: length}
						for n := range uint64(256) {
							word := n%64*(math.MaxUint32/63) | n/64*(math.MaxUint32/3)<<32
							got := at.reference(word) // fails on its own beyond the blocks
							if columns <= 100 {
								checkReference(t, at, numbers[got])
							}
						}
					}
				}
			}
		}
		r.release()
	}
}

// checkReference reports references that section 3.4.2 forbids.
func checkReference(t *testing.T, at place, number int) {
	t.Helper()
	lane, column := number/at.columns, number%at.columns
	here := at.slice*at.length + at.index
	before := (here + at.columns - 1) % at.columns
	segment := column / at.length
	bad := ""
	switch {
	case lane != at.lane && at.pass == 0 && at.slice == 0:
		bad = "another lane in the first segment"
	case lane != at.lane && segment == at.slice:
		bad = "a segment that another lane computes now"
	case at.pass == 0 && segment > at.slice, at.pass == 0 && lane == at.lane && column >= here:
		bad = "a block that is not yet made"
	case column == here && lane == at.lane:
		bad = "itself"
	case column == before && (lane == at.lane || at.index == 0):
		bad = "the block before"
	case lane == at.lane && segment == at.slice && column > here:
		bad = "a block that is about to be overwritten"
	}
	if bad != "" {
		t.Errorf("pass %d, slice %d, lane %d, index %d of %+v mixes in lane %d, column %d: %s",
			at.pass, at.slice, at.lane, at.index, at.cost, lane, column, bad)
	}
}
