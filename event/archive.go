package event

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// archiveLine is a line of an archive: a JSON object. The first line has the row and the seal that
// the archive follows. Then come rows, and after the rows of each seal the seal. The last line has
// a keyed hash over all lines before it, so a file that was cut off is refused.
type archiveLine struct {
	Line    string    `json:"line,omitempty"` // "begin", "seal" or "end"; empty for a row
	Row     int64     `json:"row,omitempty"`
	At      time.Time `json:"at,omitzero"`
	User    string    `json:"user,omitempty"`
	Event   string    `json:"event,omitempty"`
	Method  string    `json:"method,omitempty"`
	Result  string    `json:"result,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Session string    `json:"session,omitempty"`
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Request string    `json:"request,omitempty"`
	ID      string    `json:"id,omitempty"`
	After   int64     `json:"after,omitempty"`
	Through int64     `json:"through,omitempty"`
	Count   int       `json:"count,omitempty"` // of rows: of a seal, or of the archive
	MAC     []byte    `json:"mac,omitempty"`
	Erased  []byte    `json:"erased,omitempty"`
}

const (
	lineBegin = "begin"
	lineSeal  = "seal"
	lineEnd   = "end"
)

func rowLine(e store.Event) archiveLine {
	return archiveLine{
		Row: e.Row, At: lineTime(e.At), User: e.UserID, Event: e.Name, Method: e.Method, Result: e.Result,
		Reason: e.Reason, Session: e.Session, Address: e.Address, Agent: e.Agent, Request: e.Request, ID: e.ID,
		MAC: e.MAC, Erased: e.Erased,
	}
}

func (l archiveLine) event() store.Event {
	return store.Event{
		Row: l.Row, At: l.At, UserID: l.User, Name: l.Event, Method: l.Method, Result: l.Result,
		Reason: l.Reason, Session: l.Session, Address: l.Address, Agent: l.Agent, Request: l.Request, ID: l.ID,
		MAC: l.MAC, Erased: l.Erased,
	}
}

func beginLine(after storage.Seal) archiveLine {
	return archiveLine{Line: lineBegin, After: after.Through, MAC: after.MAC}
}

func sealLine(s storage.Seal) archiveLine {
	return archiveLine{
		Line: lineSeal, After: s.After, Through: s.Through, Count: s.Count, At: lineTime(s.At), MAC: s.MAC,
	}
}

func (l archiveLine) seal() storage.Seal {
	return storage.Seal{After: l.After, Through: l.Through, Count: l.Count, At: l.At, MAC: l.MAC}
}

func endLine(through int64, rows int, mac []byte) archiveLine {
	return archiveLine{Line: lineEnd, Through: through, Count: rows, MAC: mac}
}

// lineTime returns a time as it is stored and, for a row, signed: in microseconds.
func lineTime(at time.Time) time.Time { return at.UTC().Truncate(time.Microsecond) }

// archiver writes an archive.
type archiver struct {
	keys interface {
		MAC(string, ...string) []byte
	}
	out   *bufio.Writer
	sum   hash.Hash // of the lines so far
	lines *json.Encoder
	last  storage.Seal
	rows  int
}

// newArchiver begins an archive after a seal, or at the first row.
func (t *Trail) newArchiver(w io.Writer, after storage.Seal) (*archiver, error) {
	out := bufio.NewWriter(w)
	sum := sha256.New()
	a := &archiver{keys: t.keys, out: out, sum: sum, lines: json.NewEncoder(io.MultiWriter(out, sum)), last: after}
	return a, a.lines.Encode(beginLine(after))
}

// add writes the rows of a seal, and the seal.
func (a *archiver) add(s storage.Seal, rows []store.Event) error {
	for _, e := range rows {
		if err := a.lines.Encode(rowLine(e)); err != nil {
			return err
		}
	}
	a.last, a.rows = s, a.rows+len(rows)
	return a.lines.Encode(sealLine(s))
}

// end writes the last line.
func (a *archiver) end() error {
	mac := a.keys.MAC("archive", archived(a.last.Through, a.rows, a.sum)...)
	return errors.Join(a.lines.Encode(endLine(a.last.Through, a.rows, mac)), a.out.Flush())
}

func archived(through int64, rows int, sum hash.Hash) []string {
	return []string{strconv.FormatInt(through, 10), strconv.Itoa(rows), string(sum.Sum(nil))}
}

// ArchiveReport is the result of VerifyArchive.
type ArchiveReport struct {
	Rows, Seals    int
	After, Through int64    // the archive has the rows after After, up to Through
	Follows        string   // the Head of the archive before; "0:" if there is none
	Head           string   // see Trail.Head: the next archive, or the trail, follows it
	Problems       []string // empty if no row was changed, removed or inserted
}

// VerifyArchive reads a file of ArchiveBefore and reports what does not match. It needs no store.
func (t *Trail) VerifyArchive(r io.Reader) (ArchiveReport, error) {
	v := archiveVerifier{verifier: verifier{t: t}, sum: sha256.New()}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	lines.Split(wholeLines)
	for n := 1; lines.Scan(); n++ {
		l, ok := parseLine(lines.Bytes())
		if !ok || !v.line(n, l) {
			v.problem("line %d: it is not what an archive has there", n)
			break
		}
		v.sum.Write(lines.Bytes())
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		v.problem("a line is too long")
	} else if err != nil {
		return ArchiveReport{}, err
	}
	if !v.ended && len(v.Problems) == 0 {
		v.problem("the end of the archive is missing")
	}
	return ArchiveReport{
		Rows: v.Rows, Seals: v.Seals, After: v.follows.Through, Through: v.last.Through,
		Follows: headOf(v.follows), Head: headOf(v.last), Problems: v.Problems,
	}, nil
}

const longestLine = 1 << 20

// wholeLines is like bufio.ScanLines, and keeps the end of each line.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	n := bytes.IndexByte(data, '\n') + 1
	if n == 0 && atEOF {
		n = len(data)
	}
	if n == 0 {
		return 0, nil, nil
	}
	return n, data[:n], nil
}

// parseLine accepts a line only as the archiver writes it, with only the fields that its kind has, so
// that no other reader of JSON finds another value in it.
func parseLine(line []byte) (l archiveLine, ok bool) {
	if json.Unmarshal(line, &l) != nil {
		return l, false
	}
	again, err := json.Marshal(l.ofItsKind())
	return l, err == nil && bytes.Equal(append(again, '\n'), line)
}

// ofItsKind returns the line without the fields that its kind does not have.
func (l archiveLine) ofItsKind() archiveLine {
	switch l.Line {
	case lineBegin:
		return beginLine(storage.Seal{Through: l.After, MAC: l.MAC})
	case lineSeal:
		return sealLine(l.seal())
	case lineEnd:
		return endLine(l.Through, l.Count, l.MAC)
	default:
		return rowLine(l.event())
	}
}

type archiveVerifier struct {
	verifier
	sum     hash.Hash // of the lines so far
	follows storage.Seal
	rows    []store.Event // not sealed so far
	ended   bool
}

// line checks line n and reports whether such a line may be there.
func (v *archiveVerifier) line(n int, l archiveLine) bool {
	if v.ended || (n == 1) != (l.Line == lineBegin) {
		return false
	}
	switch l.Line {
	case lineBegin:
		v.follows = storage.Seal{Through: l.After, MAC: l.MAC}
		v.last = v.follows
	case "":
		v.rows = append(v.rows, l.event())
		return len(v.rows) <= batch // as many as a seal can cover
	case lineSeal:
		s := l.seal()
		v.sealedRows(s, v.rows)
		v.last, v.rows = s, nil
		v.Seals++
	case lineEnd:
		v.ended = true
		if len(v.rows) > 0 || l.Through != v.last.Through || l.Count != v.Rows ||
			!v.t.any(l.MAC, "archive", archived(v.last.Through, v.Rows, v.sum)) {
			v.problem("the lines of the archive do not match the keyed hash at its end")
		}
	default:
		return false
	}
	return true
}
