package keycloak

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxUser is the maximum size of a user, or of another value at the top of the
// file, in bytes.
const maxUser = 1 << 20

var errLarge = fmt.Errorf("a value has more than %d bytes", maxUser)

// stream reads a JSON file value by value. It counts lines and holds one value in
// memory.
type stream struct {
	r     io.Reader
	d     *json.Decoder
	read  int64   // bytes that the decoder has read
	limit int64   // offset up to which it may read
	ends  []int64 // ends of lines that were read but not decoded yet
	line  int64   // line of the decoder
}

func newStream(r io.Reader) *stream {
	s := &stream{r: r, line: 1, limit: maxUser}
	s.d = json.NewDecoder(s)
	s.d.UseNumber()
	return s
}

// Read implements io.Reader for the decoder. It counts lines and stops at the limit.
func (s *stream) Read(p []byte) (int, error) {
	if s.read >= s.limit {
		return 0, errLarge
	}
	n, err := s.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			s.ends = append(s.ends, s.read+int64(i))
		}
	}
	s.read += int64(n)
	return n, err
}

// here returns the line of the decoder. It also moves the limit.
func (s *stream) here() int64 {
	at := s.d.InputOffset()
	for len(s.ends) > 0 && s.ends[0] < at {
		s.ends = s.ends[1:]
		s.line++
	}
	s.limit = s.read + maxUser
	return s.line
}

// fail adds the line to an error.
func (s *stream) fail(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		err = errors.New("this is not JSON")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file is truncated")
	}
	return fmt.Errorf("line %d: %w", s.here(), err)
}

// open reads an opening or closing bracket.
func (s *stream) open(bracket json.Delim) error {
	s.here()
	t, err := s.d.Token()
	if err != nil {
		return s.fail(err)
	}
	if t != bracket {
		return s.fail(fmt.Errorf("%q is missing", bracket.String()))
	}
	return nil
}

// skip skips a value of any size.
func (s *stream) skip() error {
	for depth := 0; ; {
		s.here()
		t, err := s.d.Token()
		if err != nil {
			return s.fail(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		if depth > 100 {
			return s.fail(errors.New("nested too deep"))
		}
	}
}

// value decodes a value, which must be valid UTF-8, into to.
func (s *stream) value(to any) error {
	raw, _, err := s.raw()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return s.fail(describe(err))
	}
	return nil
}

// raw reads a value and returns the line in which it begins.
func (s *stream) raw() (raw json.RawMessage, line int64, err error) {
	s.here()
	if err := s.d.Decode(&raw); err != nil {
		return nil, 0, s.fail(err)
	}
	line = s.here() - int64(bytes.Count(raw, []byte("\n")))
	if len(raw) > maxUser {
		return nil, line, fmt.Errorf("line %d: %w", line, errLarge)
	}
	if !utf8.Valid(raw) {
		return nil, line, fmt.Errorf("line %d: a text is not valid UTF-8", line)
	}
	return raw, line, nil
}

// describe describes an error without values of the file.
func describe(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%q is a %s, not a %s", kind.Field, kind.Value, kind.Type.Kind())
	}
	return errors.New("a value is invalid")
}

// members calls each with the names of an object's members. each must read their
// values.
func (s *stream) members(each func(name string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	for s.d.More() {
		s.here()
		t, err := s.d.Token()
		if err != nil {
			return s.fail(err)
		}
		name, _ := t.(string)
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := s.d.Token()
	if err != nil {
		return s.fail(err)
	}
	return nil
}

// items calls each for every item of a list. each must read it.
func (s *stream) items(each func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for s.d.More() {
		if err := each(); err != nil {
			return err
		}
	}
	if _, err := s.d.Token(); err != nil {
		return s.fail(err)
	}
	return nil
}
