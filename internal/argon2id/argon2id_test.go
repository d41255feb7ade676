package argon2id

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
)

// theirs returns the tag that golang.org/x/crypto computes.
func theirs(v Variant, password, salt []byte, c Cost, n int) []byte {
	if v == I {
		return argon2.Key(password, salt, c.Time, c.Memory, c.Threads, uint32(n))
	}
	return argon2.IDKey(password, salt, c.Time, c.Memory, c.Threads, uint32(n))
}

// sum calls Sum with inputs that are within the limits.
func sum(t testing.TB, p *Pool, v Variant, password, salt []byte, c Cost, n int) []byte {
	t.Helper()
	tag, err := p.Sum(v, password, salt, c, n)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// TestReferenceVectors checks the tags in the test of the reference implementation
// (github.com/P-H-C/phc-winner-argon2, src/test.c, version 0x13), with and without the kernel.
func TestReferenceVectors(t *testing.T) {
	for _, v := range []struct {
		variant        Variant
		time, log      uint32
		threads        uint8
		password, salt string
		tag            string
	}{
		{I, 2, 16, 1, "password", "somesalt",
			"c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0"},
		{I, 2, 8, 1, "password", "somesalt",
			"89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"},
		{I, 2, 8, 2, "password", "somesalt",
			"4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61"},
		{I, 1, 16, 1, "password", "somesalt",
			"d168075c4d985e13ebeae560cf8b94c3b5d8a16c51916b6f4ac2da3ac11bbecf"},
		{I, 4, 16, 1, "password", "somesalt",
			"aaa953d58af3706ce3df1aefd4a64a84e31d7f54175231f1285259f88174ce5b"},
		{I, 2, 16, 1, "differentpassword", "somesalt",
			"14ae8da01afea8700c2358dcef7c5358d9021282bd88663a4562f59fb74d22ee"},
		{I, 2, 16, 1, "password", "diffsalt",
			"b0357cccfbef91f3860b0dba447b2348cbefecadaf990abfe9cc40726c521271"},
		{ID, 2, 16, 1, "password", "somesalt",
			"09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{ID, 2, 8, 1, "password", "somesalt",
			"9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{ID, 2, 8, 2, "password", "somesalt",
			"6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		{ID, 1, 16, 1, "password", "somesalt",
			"f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		{ID, 4, 16, 1, "password", "somesalt",
			"9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
		{ID, 2, 16, 1, "differentpassword", "somesalt",
			"0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		{ID, 2, 16, 1, "password", "diffsalt",
			"bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		for _, portable := range []bool{false, true} {
			if portable && v.log > 8 {
				continue // golang.org/x/crypto tests itself
			}
			p, c := NewPool(1<<16, portable), Cost{1 << v.log, v.time, v.threads}
			got := sum(t, p, v.variant, []byte(v.password), []byte(v.salt), c, 32)
			if hex.EncodeToString(got) != v.tag {
				t.Errorf("%+v, portable %v: %x", v, portable, got)
			}
		}
	}
}

// example creates inputs from a source of random numbers. Lengths are often 0, 1, or close to the
// block size of BLAKE2b.
type example struct {
	variant        Variant
	password, salt []byte
	cost           Cost
	n              int
}

func newExample(r *rand.Rand) example {
	text := func() []byte {
		lengths := []int{0, 1, 8, 63, 64, 65, 127, 128, 129, r.IntN(300)}
		out := make([]byte, lengths[r.IntN(len(lengths))])
		for i := range out {
			out[i] = byte(r.Uint32())
		}
		return out
	}
	threads := 1 + r.IntN(4)
	if r.IntN(8) == 0 {
		threads = 1 + r.IntN(20)
	}
	tags := []int{4, 16, 31, 32, 33, 63, 64, 65, 95, 96, 97, 128, 129, 4 + r.IntN(200)}
	return example{
		variant:  []Variant{I, ID}[r.IntN(2)],
		password: text(), salt: text(),
		cost: Cost{uint32(8*threads + r.IntN(1+r.IntN(2000))), uint32(1 + r.IntN(4)), uint8(threads)},
		n:    tags[r.IntN(len(tags))],
	}
}

func (e example) String() string {
	return fmt.Sprintf("variant %d, cost %+v, password of %d, salt of %d, tag of %d",
		e.variant, e.cost, len(e.password), len(e.salt), e.n)
}

// TestSameAsCrypto compares tags with those of golang.org/x/crypto, for random costs, lengths and
// lanes, in both variants, and while other goroutines use the same pool.
func TestSameAsCrypto(t *testing.T) {
	p := NewPool(700, false) // some hashes need more
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var all sync.WaitGroup
	for worker := range uint64(4) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, worker))
			for range 60 {
				e := newExample(r)
				tag, err := p.Sum(e.variant, e.password, e.salt, e.cost, e.n)
				want := theirs(e.variant, e.password, e.salt, e.cost, e.n)
				if err != nil || !bytes.Equal(tag, want) {
					t.Errorf("%v: %x, want %x (%v)", e, tag, want, err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzSameAsCrypto(f *testing.F) {
	f.Add([]byte("password"), []byte("somesalt"), uint16(64), uint8(2), uint8(1), uint16(32), true)
	f.Add([]byte{}, []byte{}, uint16(0), uint8(0), uint8(0), uint16(0), false)
	f.Add(bytes.Repeat([]byte{1}, 200), make([]byte, 200), uint16(1500), uint8(3), uint8(7), uint16(97), true)
	p := NewPool(512, false)
	f.Fuzz(func(t *testing.T, password, salt []byte, m uint16, passes, threads uint8, n uint16, dependent bool) {
		v := I
		if dependent {
			v = ID
		}
		lanes := 1 + threads%16
		c := Cost{8*uint32(lanes) + uint32(m%2048), 1 + uint32(passes%4), lanes}
		length := 4 + int(n%(MaxTag-3))
		password, salt = password[:min(len(password), MaxInput)], salt[:min(len(salt), MaxInput)]
		got, want := sum(t, p, v, password, salt, c, length), theirs(v, password, salt, c, length)
		if !bytes.Equal(got, want) {
			t.Errorf("%d %+v %d: %x, want %x", v, c, length, got, want)
		}
	})
}

// TestBounds checks that the smallest and largest values are accepted and that the values next to
// them are refused, with and without the kernel.
func TestBounds(t *testing.T) {
	long := make([]byte, MaxInput+1)
	for _, portable := range []bool{false, true} {
		p := NewPool(64, portable)
		for _, e := range []example{
			{ID, nil, nil, Cost{8, 1, 1}, 4},
			{I, nil, nil, Cost{8, 1, 1}, 4},
			{ID, long[1:], long[1:], Cost{8, 1, 1}, MaxTag},
			{ID, nil, nil, Cost{8, MaxTime, 1}, 32},
			{I, nil, nil, Cost{8 * MaxThreads, 1, MaxThreads}, 32},
			{ID, nil, nil, Cost{8*MaxThreads + 4*MaxThreads - 1, 2, MaxThreads}, 32},
		} {
			got := sum(t, p, e.variant, e.password, e.salt, e.cost, e.n)
			want := theirs(e.variant, e.password, e.salt, e.cost, e.n)
			if !bytes.Equal(got, want) {
				t.Errorf("%v, portable %v: %x, want %x", e, portable, got, want)
			}
		}
		for _, e := range []example{
			{0, nil, nil, Cost{8, 1, 1}, 32},
			{3, nil, nil, Cost{8, 1, 1}, 32},
			{ID, long, nil, Cost{8, 1, 1}, 32},
			{ID, nil, long, Cost{8, 1, 1}, 32},
			{ID, nil, nil, Cost{}, 32},
			{ID, nil, nil, Cost{7, 1, 1}, 32},
			{ID, nil, nil, Cost{8, 0, 1}, 32},
			{ID, nil, nil, Cost{8, 1, 0}, 32},
			{ID, nil, nil, Cost{8, MaxTime + 1, 1}, 32},
			{ID, nil, nil, Cost{8*MaxThreads - 1, 1, MaxThreads}, 32},
			{ID, nil, nil, Cost{MaxMemory, 1, MaxThreads + 1}, 32},
			{ID, nil, nil, Cost{1<<32 - 1, 1<<32 - 1, 255}, 32},
			{ID, nil, nil, Cost{MaxMemory + 1, 1, 1}, 32},
			{ID, nil, nil, Cost{8, 1, 1}, 3},
			{ID, nil, nil, Cost{8, 1, 1}, 0},
			{ID, nil, nil, Cost{8, 1, 1}, -1},
			{ID, nil, nil, Cost{8, 1, 1}, MaxTag + 1},
		} {
			tag, err := p.Sum(e.variant, e.password, e.salt, e.cost, e.n)
			if !errors.Is(err, ErrBounds) || tag != nil {
				t.Errorf("%v, portable %v: %x, %v; want ErrBounds", e, portable, tag, err)
			}
		}
	}
}

// TestPortableIsPortable checks that a portable pool never uses the kernel and keeps no memory.
func TestPortableIsPortable(t *testing.T) {
	p := NewPool(64, true)
	sum(t, p, ID, nil, nil, Cost{64, 1, 1}, 32)
	if p.Fast() || len(p.free) != 0 {
		t.Errorf("fast %v, %d regions kept", p.Fast(), len(p.free))
	}
}

// TestMemoryIsKept checks that sequential hashes use one region, that the pool keeps as many
// regions as run at once, and that each is freed once, after ten seconds without use.
func TestMemoryIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(16, false)
		var mu sync.Mutex
		var all []*region // that were given back
		given := func() []*region {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
		take := func(n int) *region {
			t.Helper()
			r, err := p.take(n)
			if err != nil || len(r.blocks) < n {
				t.Fatalf("%d blocks, want %d (%v)", len(r.blocks), n, err)
			}
			give := r.give
			r.give = func() {
				mu.Lock()
				all = append(all, r)
				mu.Unlock()
				if give != nil {
					give()
				}
			}
			return r
		}
		again := func(n int, want *region) {
			t.Helper()
			if r, err := p.take(n); err != nil || r != want {
				t.Fatalf("took %p, want %p again (%v)", r, want, err)
			}
		}
		a, b := take(16), take(8)
		if a == b || &a.blocks[0] == &b.blocks[0] {
			t.Fatal("two hashes have the same memory")
		}
		p.put(b)
		p.put(a)
		again(16, a)
		time.Sleep(6 * time.Second)
		p.put(a)
		time.Sleep(idle - 6*time.Second)
		synctest.Wait()
		if !slices.Equal(given(), []*region{b}) {
			t.Fatalf("after ten seconds %d were given back, want the one not used since", len(given()))
		}
		again(9, a)
		time.Sleep(idle) // a region in use is not given back
		p.put(a)
		time.Sleep(idle - 1)
		if len(given()) != 1 {
			t.Fatal("memory was given back too early")
		}
		time.Sleep(1 * time.Nanosecond)
		synctest.Wait()
		if !slices.Equal(given(), []*region{b, a}) || len(p.free) != 0 {
			t.Fatalf("%d of 2 given back, %d left", len(given()), len(p.free))
		}
		big := take(17)
		p.put(big)
		if len(given()) != 3 || given()[2] != big {
			t.Fatal("more than the pool keeps was not given back at once")
		}
		p.put(take(1)) // the pool is empty, and is used again
		time.Sleep(idle)
		synctest.Wait()
		if len(given()) != 4 {
			t.Fatal("the pool forgot to give back")
		}
	})
}
