package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// doubles finds names that occur in more than one account of a source. It stores
// hashes of the names and sorts them in parts on disk, so that memory does not grow
// with their number. The hashes have a random key, so no source can be made so that
// two of its names collide.
type doubles struct {
	key     [32]byte
	scratch func() (transfer.Scratch, error)
	part    []mark
	parts   []transfer.Scratch
}

// mark is a name and its line.
type mark struct {
	hash [16]byte
	line int64
	kind byte
}

const (
	marksInMemory = 1 << 18
	markSize      = 16 + 8 + 1
)

// kinds are the kinds of names, with their text in reasons.
var kinds = [...]struct{ kind, text string }{
	{"old id", "its id"}, {"identity", "its address or username"}, {"passkey", "its passkey"},
	{"subject", "its connection"}, {"phone", "its phone number"},
}

func kindOf(kind string) byte {
	for i, k := range kinds {
		if k.kind == kind {
			return byte(i)
		}
	}
	return 0
}

func newDoubles(scratch func() (transfer.Scratch, error)) *doubles {
	d := &doubles{scratch: scratch}
	rand.Read(d.key[:]) // never fails: crypto/rand aborts the program instead
	return d
}

// add adds a name.
func (d *doubles) add(line int64, n name) error {
	m := mark{line: line, kind: kindOf(n.kind)}
	h := sha256.New()
	h.Write(d.key[:])
	h.Write([]byte{m.kind})
	h.Write([]byte(n.text))
	copy(m.hash[:], h.Sum(nil))
	if d.part = append(d.part, m); len(d.part) < marksInMemory {
		return nil
	}
	return d.spill()
}

func compareMarks(a, b mark) int {
	return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.line, b.line))
}

func (d *doubles) spill() error {
	slices.SortFunc(d.part, compareMarks)
	s, err := d.scratch()
	if err != nil {
		return err
	}
	d.parts = append(d.parts, s)
	w := bufio.NewWriterSize(s, 64<<10)
	for _, m := range d.part {
		var b [markSize]byte
		copy(b[:], m.hash[:])
		binary.BigEndian.PutUint64(b[16:], uint64(m.line))
		b[24] = m.kind
		if _, err := w.Write(b[:]); err != nil {
			return err
		}
	}
	d.part = d.part[:0]
	return w.Flush()
}

// each calls found for every line that shares a name with another line.
func (d *doubles) each(found func(line, other int64, kind string) error) error {
	var h streams
	slices.SortFunc(d.part, compareMarks)
	for _, s := range d.parts {
		r, err := s.Rewind()
		if err != nil {
			return err
		}
		if err := h.add(&stream{r: bufio.NewReaderSize(r, 64<<10)}); err != nil {
			return err
		}
	}
	if err := h.add(&stream{memory: d.part}); err != nil {
		return err
	}
	var group mark // first mark of its name
	told := false
	for len(h) > 0 {
		m := h[0].mark
		if err := h[0].next(); errors.Is(err, io.EOF) {
			heap.Pop(&h)
		} else if err != nil {
			return err
		} else {
			heap.Fix(&h, 0)
		}
		if m.hash != group.hash || group.line == 0 {
			group, told = m, false
			continue
		}
		if m.line == group.line {
			continue
		}
		if !told {
			told = true
			if err := found(group.line, m.line, kinds[m.kind].text); err != nil {
				return err
			}
		}
		if err := found(m.line, group.line, kinds[m.kind].text); err != nil {
			return err
		}
	}
	return nil
}

func (d *doubles) close() (err error) {
	for _, s := range d.parts {
		err = errors.Join(err, s.Close())
	}
	return err
}

// stream reads sorted marks.
type stream struct {
	mark   mark
	memory []mark
	r      *bufio.Reader
}

func (s *stream) next() error {
	if s.r == nil {
		if len(s.memory) == 0 {
			return io.EOF
		}
		s.mark, s.memory = s.memory[0], s.memory[1:]
		return nil
	}
	var b [markSize]byte
	if _, err := io.ReadFull(s.r, b[:]); err != nil {
		return err
	}
	copy(s.mark.hash[:], b[:])
	s.mark.line, s.mark.kind = int64(binary.BigEndian.Uint64(b[16:])), b[24]
	return nil
}

// streams is a heap of streams, ordered by their next marks.
type streams []*stream

func (h *streams) add(s *stream) error {
	err := s.next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		heap.Push(h, s)
	}
	return err
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h streams) Len() int           { return len(h) }
func (h streams) Less(i, j int) bool { return compareMarks(h[i].mark, h[j].mark) < 0 }
func (h streams) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *streams) Push(x any)        { *h = append(*h, x.(*stream)) }
func (h *streams) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
