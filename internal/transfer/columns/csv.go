package columns

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// CSV describes a CSV file (RFC 4180) in UTF-8 with a header.
type CSV struct {
	Path string
	// Source names the system from which the file comes; "csv" if empty. IDs are
	// unique in a source.
	Source string
	// Columns maps the names of this package to those in the file.
	Columns map[string]string
	// Ignore lists columns that are not read.
	Ignore []string
}

// NewCSV returns a source that reads a file. Each reading opens the file.
func NewCSV(c CSV) transfer.Source {
	if c.Source == "" {
		c.Source = "csv"
	}
	return csvFile{c, func() (io.ReadCloser, error) { return os.Open(c.Path) }}
}

type csvFile struct {
	c    CSV
	from func() (io.ReadCloser, error)
}

// Header implements transfer.Source.
func (s csvFile) Header(context.Context) (transfer.Header, error) {
	h := transfer.Header{Twofold: transfer.Version, Source: s.c.Source}
	in, err := s.open()
	if err != nil {
		return h, err
	}
	return h, in.file.Close()
}

// maxRecord is the maximum length of a record in bytes.
const maxRecord = transfer.MaxLine

// bounded is a reader that fails if a record is too long.
type bounded struct {
	r     io.Reader
	taken int
}

var errLong = fmt.Errorf("more than %d bytes", maxRecord)

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.taken > maxRecord {
		return 0, errLong
	}
	n, err := b.r.Read(p)
	b.taken += n
	return n, err
}

// opened is a file whose header was read.
type opened struct {
	file  io.Closer
	limit *bounded
	r     *csv.Reader
	names []string // name of each column in this package; empty if it is not read
}

func (s csvFile) open() (*opened, error) {
	f, err := s.from()
	if err != nil {
		return nil, errors.New("the file cannot be opened")
	}
	in := &opened{file: f, limit: &bounded{r: f}}
	if err := in.header(s.c); err != nil {
		_ = f.Close()
		return nil, err
	}
	return in, nil
}

func (in *opened) header(c CSV) error {
	b := bufio.NewReaderSize(in.limit, 4096)
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(3) // the byte order mark that spreadsheets write
	}
	first, _ := b.Peek(4096)
	first, _, _ = bytes.Cut(first, []byte("\n"))
	in.r = csv.NewReader(b)
	in.r.ReuseRecord = true
	for _, comma := range []byte(";\t") { // used by spreadsheets in some languages
		if bytes.IndexByte(first, comma) >= 0 && bytes.IndexByte(first, ',') < 0 {
			in.r.Comma = rune(comma)
		}
	}
	header, err := in.r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("line 1: the header is missing")
	case err != nil:
		return lined(err)
	}
	for _, h := range header {
		name, err := c.ours(h)
		if err != nil {
			return fmt.Errorf("line 1: %w", err)
		}
		if name != "" && slices.Contains(in.names, name) {
			return fmt.Errorf("line 1: two columns are %s", name)
		}
		in.names = append(in.names, name)
	}
	if !slices.Contains(in.names, "email") && !slices.Contains(in.names, "username") {
		return errors.New("line 1: there is neither a column email nor username")
	}
	for ours, theirs := range c.Columns {
		if !slices.Contains(in.names, ours) {
			return fmt.Errorf("line 1: there is no column %q for %s", theirs, ours)
		}
	}
	return nil
}

// ours returns the name of a column in this package: the configured one, or the
// header itself in any case, with spaces or dashes as underscores.
func (c CSV) ours(header string) (string, error) {
	if !utf8.ValidString(header) {
		return "", errors.New("the name of a column is not valid UTF-8")
	}
	header = strings.TrimSpace(header)
	for ours, theirs := range c.Columns {
		if theirs == header {
			if !knows(ours) {
				return "", fmt.Errorf("%q is not a field of an account: use %s or field.NAME", ours,
					strings.Join(Names(), ", "))
			}
			return ours, nil
		}
	}
	if slices.Contains(c.Ignore, header) {
		return "", nil
	}
	name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(header))
	if _, mapped := c.Columns[name]; !knows(name) || mapped {
		return "", fmt.Errorf("the column %q is not known: "+
			"name what it is (--column email=%q), or leave it out (--ignore %q)",
			header, header, header)
	}
	return name, nil
}

// lined returns a CSV error with its line.
func lined(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("line %d: %w", p.StartLine, p.Err)
	}
	return err
}

// Read implements transfer.Source.
func (s csvFile) Read(ctx context.Context, each func(transfer.Entry) error) error {
	in, err := s.open()
	if err != nil {
		return err
	}
	defer in.file.Close()
	last := 1
	for {
		in.limit.taken = 0
		record, err := in.r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLong):
			return fmt.Errorf("line %d: %w", last+1, errLong)
		case err != nil && !errors.Is(err, csv.ErrFieldCount):
			return lined(err)
		}
		line, _ := in.r.FieldPos(0)
		last = line
		e := in.entry(record, err != nil)
		e.Line = int64(line)
		if err := each(e); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (in *opened) entry(record []string, odd bool) transfer.Entry {
	if odd {
		return transfer.Entry{Refused: fmt.Sprintf("%d values for %d columns", len(record), len(in.names))}
	}
	v := values{}
	for i, name := range in.names {
		if name == "" {
			continue
		}
		if !utf8.ValidString(record[i]) {
			return transfer.Entry{Refused: "the line is not valid UTF-8"}
		}
		v[name] = strings.TrimSpace(record[i])
		if name == "password" {
			v[name] = record[i] // not trimmed: a plain password may contain spaces
		}
	}
	return v.draft().Entry(0)
}
