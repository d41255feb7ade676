package explore

// packed is a State in 24 bytes: one word for the account, and one for each two browsers. The browsers are
// sorted, because the order of a person's browsers does not matter.
type packed [1 + browsers/2]uint64

// bits writes numbers to a word, lowest bits first, or reads them. Both use the same list of
// fields.
type bits struct {
	word  *uint64
	shift int
	write bool
}

func field[T ~uint8 | ~uint32](b *bits, width int, v *T) {
	if b.write {
		*b.word |= uint64(*v) << b.shift
	} else {
		*v = T(*b.word >> b.shift & (1<<width - 1))
	}
	b.shift += width
}

func (b *bits) flags(flags ...*bool) {
	for _, is := range flags {
		if b.write && *is {
			*b.word |= 1 << b.shift
		}
		if !b.write {
			*is = *b.word>>b.shift&1 == 1
		}
		b.shift++
	}
}

// things writes a set of things of consecutive kinds.
func (b *bits) things(from, to Kind, ts *Things) {
	first, width := thing(from, Ann), int(to-from+1)*int(people)
	some := *ts >> first
	if field(b, width, &some); !b.write {
		*ts = some << first
	}
}

func (s *State) pack() (p packed) {
	s.account(&bits{word: &p[0], write: true})
	var order [browsers]uint64
	for i := range s.Browsers {
		n, j := s.Browsers[i].pack(), i
		for ; j > 0 && order[j-1] < n; j-- {
			order[j] = order[j-1]
		}
		order[j] = n
	}
	for i, n := range order {
		p[1+i/2] |= n << (i % 2 * browserBits)
	}
	return p
}

func (p packed) state() (s State) {
	s.account(&bits{word: &p[0]})
	for i := range s.Browsers {
		if n := p[1+i/2] >> (i % 2 * browserBits) & (1<<browserBits - 1); n != 0 {
			s.Browsers[i].exchange(&bits{word: &n})
		}
	}
	return s
}

// account writes or reads everything except the browsers.
func (s *State) account(b *bits) {
	b.flags(&s.Exists, &s.Proven, &s.EverProven, &s.WasAnns, &s.HasPassword, &s.ResetLately, &s.Blocked)
	b.flags(&s.AtFormer, &s.Leaves, &s.Stolen, &s.Strict, &s.Distrusts, &s.SendsMail)
	b.flags(&s.Knows[Ann], &s.Knows[Ben], &s.Knows[Eve])
	field(b, 2, &s.Mailbox)
	field(b, 2, &s.ProvenAt)
	field(b, 2, &s.ProvenBy)
	field(b, 2, &s.Recovery)
	field(b, 2, &s.Invitation)
	b.things(Mail, Passkey, &s.Seconds)
	b.things(Mail, Passkey, &s.Firsts)
	b.things(Site, Site, &s.Sites)
	b.things(Sheet, Sheet, &s.Sheet)
}

// browserBits is the number of bits of a browser.
const browserBits = 32

// pack returns 0 for an empty browser.
func (b Browser) pack() (word uint64) {
	if !b.empty() {
		b.exchange(&bits{word: &word, write: true})
	}
	return word
}

func (b *Browser) exchange(to *bits) {
	field(to, 2, &b.Of)
	field(to, 5, &b.Session.First)
	field(to, 5, &b.Session.Second)
	field(to, 5, &b.TrustFirst)
	field(to, 5, &b.TrustSecond)
	to.flags(&b.Session.Trusted, &b.Session.Fresh, &b.Session.Copied, &b.Known, &b.Token, &b.Refreshes)
}

// visited is the set of found states, in the order in which they were found.
type visited struct {
	blocks [][]packed // so that nothing is copied when there are more
	table  []uint32   // the numbers of states, plus one, by their hashes
	n      int
}

const blockSize = 1 << 14

func (v *visited) at(i int) packed { return v.blocks[i/blockSize][i%blockSize] }

func (v *visited) state(i int) State { return v.at(i).state() }

func (p packed) hash() uint64 {
	h := p[0]*0x9e3779b97f4a7c15 ^ p[1]
	h = (h^h>>32)*0xd6e8feb86659fd93 ^ p[2]
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// find returns the index of a state in the table, or the index at which it belongs.
func (v *visited) find(p packed) uint64 {
	mask := uint64(len(v.table) - 1)
	for i := p.hash() & mask; ; i = (i + 1) & mask {
		if n := v.table[i]; n == 0 || v.at(int(n-1)) == p {
			return i
		}
	}
}

// add returns the number of a state, and whether it is new.
func (v *visited) add(p packed) (int, bool) {
	if 4*v.n >= 3*len(v.table) {
		v.grow()
	}
	i := v.find(p)
	if n := v.table[i]; n != 0 {
		return int(n - 1), false
	}
	if v.n%blockSize == 0 {
		v.blocks = append(v.blocks, make([]packed, blockSize))
	}
	v.blocks[v.n/blockSize][v.n%blockSize] = p
	v.n++
	v.table[i] = uint32(v.n)
	return v.n - 1, true
}

func (v *visited) grow() {
	v.table = make([]uint32, max(1<<10, 2*len(v.table)))
	for i := range v.n {
		v.table[v.find(v.at(i))] = uint32(i + 1)
	}
}
