// Package keycloak reads the accounts of a Keycloak realm from its export: one
// file, or the directory that "kc.sh export --dir" writes.
package keycloak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// Options contain the information that the export lacks.
type Options struct {
	// Path is the path of the file or of the directory.
	Path string
	// RPID is the host for which passkeys were made, if the policy of the realm
	// leaves it to the request.
	RPID string
}

// New returns a source that reads the export. Each reading opens it.
func New(o Options) transfer.Source {
	return &source{o: o, open: func(name string) (io.ReadCloser, error) { return os.Open(name) }}
}

type source struct {
	o     Options
	open  func(name string) (io.ReadCloser, error)
	realm *realm
}

// files returns the file of the realm and the files of users, which may be the
// same.
func (s *source) files() (list []string, err error) {
	if info, err := os.Stat(s.o.Path); err != nil || !info.IsDir() {
		return []string{s.o.Path}, nil
	}
	realms, _ := filepath.Glob(filepath.Join(escape(s.o.Path), "*-realm.json"))
	if len(realms) != 1 {
		return nil, fmt.Errorf("the folder has %d files named REALM-realm.json: name the one to read", len(realms))
	}
	users, _ := filepath.Glob(strings.TrimSuffix(escape(realms[0]), "realm.json") + "users-*.json")
	slices.SortFunc(users, func(a, b string) int { return part(a) - part(b) })
	return append(realms, users...), nil
}

func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// part returns the number N of a file REALM-users-N.json.
func part(name string) int {
	name = strings.TrimSuffix(name, ".json")
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	return n
}

// Header implements transfer.Source.
func (s *source) Header(ctx context.Context) (transfer.Header, error) {
	r, err := s.load(ctx)
	if err != nil {
		return transfer.Header{}, err
	}
	h := transfer.Header{Twofold: transfer.Version, Source: r.source(), RPID: s.o.RPID}
	if h.RPID == "" {
		h.RPID = r.RPID
	}
	for _, role := range r.roles {
		if !r.builtin(role.Name) {
			h.Roles = append(h.Roles, transfer.Role{Name: roleName(role.Name), Description: clip(role.Description)})
		}
	}
	slices.SortFunc(h.Roles, func(a, b transfer.Role) int { return strings.Compare(a.Name, b.Name) })
	return h, nil
}

func clip(s string) string {
	if len(s) > 255 {
		s = s[:255]
	}
	return strings.ToValidUTF8(s, "")
}

// load reads everything except users, because users may precede what they refer to.
func (s *source) load(ctx context.Context) (*realm, error) {
	if s.realm != nil {
		return s.realm, nil
	}
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	r := &realm{}
	if err := s.each(ctx, files[:1], r.member); err != nil {
		return nil, err
	}
	if r.Name == "" {
		return nil, errors.New("this is not the export of a realm: it has no \"realm\"")
	}
	s.realm = r
	return r, r.check()
}

// each calls member for each member of the outermost objects of the files.
func (s *source) each(ctx context.Context, files []string, member func(f *stream, name string) error) error {
	for _, name := range files {
		f, err := s.open(name)
		if err != nil {
			return errors.New("the export cannot be opened")
		}
		in := newStream(f)
		err = in.members(func(name string) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return member(in, name)
		})
		if err == nil {
			if _, more := in.d.Token(); !errors.Is(more, io.EOF) {
				err = in.fail(errors.New("there is data after the end"))
			}
		}
		_ = f.Close()
		if err != nil && len(files) > 1 {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Read implements transfer.Source. The line of an entry is the line of its user. In
// a directory, lines are counted across files.
func (s *source) Read(ctx context.Context, each func(transfer.Entry) error) error {
	r, err := s.load(ctx)
	if err != nil {
		return err
	}
	files, err := s.files()
	if err != nil {
		return err
	}
	before := int64(0)
	for _, file := range files {
		last := int64(0)
		if err := s.each(ctx, []string{file}, func(f *stream, name string) error {
			if name != "users" {
				return f.skip()
			}
			return f.items(func() error {
				raw, line, err := f.raw()
				if err != nil {
					return err
				}
				last = f.here()
				return each(r.entry(before+line, raw))
			})
		}); err != nil {
			if len(files) > 1 {
				return fmt.Errorf("%s: %w", filepath.Base(file), err)
			}
			return err
		}
		before += last
	}
	return nil
}
