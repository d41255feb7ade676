package twofold_test

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEventsDocIsUpToDate checks that docs/events.md lists every event with its fields, as
// documented in package event. UPDATE=1 writes the file.
func TestEventsDocIsUpToDate(t *testing.T) {
	const path = "docs/events.md"
	want := eventsPage(t)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: UPDATE=1 go test . -run TestEventsDoc", path)
	}
}

const eventsHead = "# Events\n\n" +
	"For developers who react to what happens, and operators who read the audit trail. This file is generated from\n" +
	"package `event` and checked by a test; do not edit it.\n\n" +
	"`Config.Advanced.OnEvent` receives each event as a Go type of\n" +
	"[package event](https://pkg.go.dev/github.com/twofold-auth/twofold/event), after it has happened. The audit\n" +
	"trail keeps a row of it under the name in the first column: `twofold audit list --event NAME`. Every event " +
	"also\n" +
	"has the time, the client address, the user agent, the id of the request, the session, and who acted if an\n" +
	"operator or the application did (`Context`). `User` is the account: its id, e-mail address and username.\n\n" +
	"| event | type | it reports | fields |\n|---|---|---|---|\n"

// described is an event with its documentation.
type described struct{ name, kind, doc, fields string }

func eventsPage(t *testing.T) string {
	var all []described
	names := eventNames(t)
	for _, f := range sources(t, false) {
		if f.dir != "event" {
			continue
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && names[s.Name.Name] != "" {
					all = append(all, described{names[s.Name.Name], s.Name.Name, d.Doc.Text(), fieldsOf(s)})
				}
			}
			return false
		})
	}
	if len(all) != len(names) {
		t.Errorf("found %d types for %d events", len(all), len(names))
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	b.WriteString(eventsHead)
	for _, e := range all {
		doc := strings.TrimPrefix(strings.Join(strings.Fields(e.doc), " "), e.kind+" reports ")
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", e.name, e.kind, strings.ReplaceAll(doc, "|", `\|`), e.fields)
	}
	return b.String()
}

// eventNames returns the names of the events by their types.
func eventNames(t *testing.T) map[string]string {
	names := map[string]string{}
	for _, f := range sources(t, false) {
		if f.dir != "event" {
			continue
		}
		for _, d := range f.file.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || m.Name.Name != "Name" || len(m.Body.List) != 1 {
				continue
			}
			if is, ok := m.Recv.List[0].Type.(*ast.Ident); ok {
				if r, ok := m.Body.List[0].(*ast.ReturnStmt); ok {
					if lit, ok := r.Results[0].(*ast.BasicLit); ok {
						names[is.Name] = strings.Trim(lit.Value, `"`)
					}
				}
			}
		}
	}
	return names
}

// fieldsOf returns the names of a type's fields, except User and the fields that every event has.
func fieldsOf(s *ast.TypeSpec) string {
	var out []string
	for _, field := range s.Type.(*ast.StructType).Fields.List {
		for _, name := range field.Names {
			if name.Name != "User" {
				out = append(out, "`"+name.Name+"`")
			}
		}
	}
	return strings.Join(out, ", ")
}
