package explore

// packed is a State in 24 bytes: one word for the account, and one for two browsers
// each.
type packed [3]uint64

// bits writes numbers into a word, lowest bits first, or reads them from it. The
// same list of fields serves both.
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
		*is = *b.word>>b.shift&1 == 1
		b.shift++
	}
}

// things writes a set of things of some kinds that follow each other.
func (b *bits) things(from, to Kind, ts *Things) {
	first, width := thing(from, Ann), int(to-from+1)*int(people)
	some := *ts >> first
	field(b, width, &some)
	*ts = some << first
}

func (s State) pack() (p packed) {
	s.exchange(&p, true)
	return p
}

func (p packed) state() (s State) {
	s.exchange(&p, false)
	return s
}

func (s *State) exchange(p *packed, write bool) {
	b := bits{word: &p[0], write: write}
	b.flags(&s.Exists, &s.Proven, &s.EverProven, &s.WasAnns, &s.HasPassword, &s.ResetLately, &s.Blocked)
	b.flags(&s.AtFormer, &s.Leaves, &s.Stolen, &s.Strict, &s.Distrusts, &s.SendsMail)
	b.flags(&s.Knows[Ann], &s.Knows[Ben], &s.Knows[Eve])
	field(&b, 2, &s.Mailbox)
	field(&b, 2, &s.ProvenAt)
	field(&b, 2, &s.ProvenBy)
	field(&b, 2, &s.Recovery)
	field(&b, 2, &s.Invitation)
	b.things(Mail, Passkey, &s.Seconds)
	b.things(Mail, Passkey, &s.Firsts)
	b.things(Site, Site, &s.Sites)
	b.things(Sheet, Sheet, &s.Sheet)
	for i := range s.Browsers {
		if i%2 == 0 {
			b = bits{word: &p[1+i/2], write: write}
		}
		w := &s.Browsers[i]
		field(&b, 2, &w.Of)
		field(&b, 5, &w.Session.First)
		field(&b, 5, &w.Session.Second)
		field(&b, 5, &w.TrustFirst)
		field(&b, 5, &w.TrustSecond)
		b.flags(&w.Session.Trusted, &w.Session.Fresh, &w.Session.Copied, &w.Known, &w.Token, &w.Refreshes)
	}
}

// visited is the set of the states that were found, in the order in which they were.
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

// find is the place of a state in the table: its own, or the one where it belongs.
func (v *visited) find(p packed) uint64 {
	mask := uint64(len(v.table) - 1)
	for i := p.hash() & mask; ; i = (i + 1) & mask {
		if n := v.table[i]; n == 0 || v.at(int(n-1)) == p {
			return i
		}
	}
}

// add is the number of a state, and whether it is new.
func (v *visited) add(s State) (int, bool) {
	if 4*v.n >= 3*len(v.table) {
		v.grow()
	}
	p := s.pack()
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
