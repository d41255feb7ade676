package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLine is the maximum length of a line in bytes. A longer line is refused, and
// skipped without being held in memory.
const MaxLine = 256 << 10

// Decode decodes one line. The error contains no values of the line.
func Decode(line []byte) (Account, error) {
	if err := readable(line); err != nil {
		return Account{}, err
	}
	var a Account
	problem := unmarshal(line, &a)
	if errors.Is(problem, errNotJSON) {
		return Account{}, problem
	}
	top, err := names(line)
	if err != nil {
		return Account{}, err
	}
	for _, name := range []string{"id", "active"} {
		if !top[name] {
			return Account{}, fmt.Errorf("%q is missing", name)
		}
	}
	if problem != nil {
		return Account{}, problem
	}
	return a, nil
}

func unmarshal(line []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	d.UseNumber()
	err := d.Decode(to)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && len(bytes.TrimSpace(line[d.InputOffset():])) == 0:
		return nil
	case err == nil, errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errNotJSON
	case errors.As(err, &kind):
		return fmt.Errorf("%q is a %s, not a %s", kind.Field, kind.Value, kind.Type.Kind())
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return errors.New("a value is invalid: " + plainText(err.Error()))
}

// plainText returns a short form of a message on one line.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > 120 {
		s = s[:120]
	}
	return strings.ToValidUTF8(s, "")
}

// File is a Source that reads the neutral file from a stream. It can be read once.
type File struct {
	r      *bufio.Reader
	line   int64
	first  []byte // the first line, if it is an account
	header *Header
	err    error
}

var _ Source = (*File)(nil)

// NewFile returns a source that reads r.
func NewFile(r io.Reader) *File { return &File{r: bufio.NewReaderSize(r, 64<<10)} }

// Header implements Source. A file without a header has version 1 and an unnamed
// source.
func (f *File) Header(context.Context) (Header, error) {
	if f.header != nil || f.err != nil {
		return f.headerOrZero(), f.err
	}
	line, long, err := f.next()
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
		return Header{}, err
	}
	f.header = &Header{Twofold: Version}
	if long {
		f.err = fmt.Errorf("line 1 has more than %d bytes", MaxLine)
		return Header{}, f.err
	}
	top, problem := strict(line)
	if problem != nil || !top["twofold"] {
		f.first = line
		return *f.header, nil
	}
	if err := unmarshal(line, f.header); err != nil {
		f.err = fmt.Errorf("line 1 (header): %w", err)
		return Header{}, f.err
	}
	if f.header.Twofold != Version {
		f.err = fmt.Errorf("line 1 (header): version %d of the format is not known, only %d", f.header.Twofold, Version)
	} else if problem := f.header.check(); problem != "" {
		f.err = errors.New("line 1 (header): " + problem)
	}
	return f.headerOrZero(), f.err
}

func (f *File) headerOrZero() Header {
	if f.header == nil {
		return Header{}
	}
	return *f.header
}

// Read implements Source.
func (f *File) Read(ctx context.Context, each func(Entry) error) error {
	if _, err := f.Header(ctx); err != nil {
		return err
	}
	if len(bytes.TrimSpace(f.first)) > 0 {
		if err := each(entry(1, f.first, false)); err != nil {
			return err
		}
		f.first = nil
	}
	for {
		line, long, err := f.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if long || len(bytes.TrimSpace(line)) > 0 {
			if problem := each(entry(f.line, line, long)); problem != nil {
				return problem
			}
		}
		if err != nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func entry(n int64, line []byte, long bool) Entry {
	e := Entry{Line: n}
	if long {
		e.Refused = fmt.Sprintf("the line has more than %d bytes", MaxLine)
		return e
	}
	a, err := Decode(line)
	if err != nil {
		e.Refused = err.Error()
		return e
	}
	e.Account = a
	if problems := a.Check(); len(problems) > 0 {
		e.Refused = strings.Join(problems, "; ")
	}
	return e
}

// next returns the next line. long reports whether the line was too long and was
// skipped.
func (f *File) next() (line []byte, long bool, err error) {
	f.line++
	for {
		part, err := f.r.ReadSlice('\n')
		if !long && len(line)+len(part) > MaxLine {
			long, line = true, nil
		}
		if !long {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// Writer writes the neutral file.
type Writer struct {
	w *bufio.Writer
	e *json.Encoder
}

// NewWriter writes the header and returns a writer. The caller must call Flush at
// the end.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	b := bufio.NewWriterSize(w, 64<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	h.Twofold = Version
	return &Writer{b, e}, e.Encode(h)
}

// Write writes one account.
func (w *Writer) Write(a Account) error { return w.e.Encode(a) }

// Flush writes the rest of the buffer.
func (w *Writer) Flush() error { return w.w.Flush() }
