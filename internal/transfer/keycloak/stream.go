package keycloak

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxUser is the largest user, or other value at the top of the file, in bytes.
const maxUser = 1 << 20

var errLarge = fmt.Errorf("a value has more than %d bytes", maxUser)

// stream reads a JSON file value by value. It knows lines, and holds one value in
// memory.
type stream struct {
	r     io.Reader
	d     *json.Decoder
	read  int64   // bytes that the decoder took
	limit int64   // up to where it may read
	ends  []int64 // of lines that were read and not passed yet
	line  int64   // of what was passed
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

// here returns the line at the end of what was read. It also moves the limit on.
func (s *stream) here() int64 {
	at := s.d.InputOffset()
	for len(s.ends) > 0 && s.ends[0] < at {
		s.ends = s.ends[1:]
		s.line++
	}
	s.limit = s.read + maxUser
	return s.line
}

// fail says where something is wrong.
func (s *stream) fail(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		err = errors.New("this is not JSON")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends in the middle")
	}
	return fmt.Errorf("line %d: %w", s.here(), err)
}

// open passes a bracket.
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

// skip passes a value of any size.
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

// value reads a value, which must be valid UTF-8, into to.
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

// raw reads a value and returns the line that it begins in.
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

// describe says what is wrong without values.
func describe(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%q is a %s where a %s belongs", kind.Field, kind.Value, kind.Type.Kind())
	}
	return errors.New("a value is not what it should be")
}

// members calls each with the names of an object's members; it must pass their
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

// items calls each for the items of a list; it must pass them.
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
