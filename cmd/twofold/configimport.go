package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/flaskconfig"
)

type configImport struct {
	Source string `arg:"" help:"Python file (app.py, config.py) or file of environment variables (.env)." placeholder:"FILE"`
	To     string `help:"File to write." default:"twofold.toml" placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (configImport) Help() string {
	return `Reads the settings of a Flask application and writes them to a file for 'serve --config'. It does not run
the application: it reads assignments of literals, and reports every line that it cannot read. Keys from public
examples are replaced with new ones. An existing file is not overwritten.

Examples:
  twofold config import app.py
  twofold config import .env --to /etc/twofold/twofold.toml`
}

// maxSource is the maximum size of a source, in bytes.
const maxSource = 4 << 20

// Run converts a configuration and prints a report.
func (c configImport) Run(p process) error {
	info, err := os.Stat(c.Source)
	if err != nil {
		return errors.New(fileCause(err))
	}
	if info.Size() > maxSource {
		return fmt.Errorf("%s is larger than 4 MiB: it is not a settings file", c.Source)
	}
	raw, err := os.ReadFile(c.Source)
	if err != nil {
		return errors.New(fileCause(err))
	}
	t := take(c.Source, string(raw))
	if len(t.rows) == 0 {
		return errors.Join(fmt.Errorf("%s contains no settings of this server", c.Source), t.tell(p))
	}
	f, err := os.OpenFile(c.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s already exists: use another file with --to, or remove it", c.To)
	}
	if err != nil {
		return errors.New(fileCause(err))
	}
	if _, err := f.WriteString(t.file(c.Source)); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := t.tell(p); err != nil {
		return err
	}
	return line(p, "Wrote %s. Check it with: twofold config check --config %s", c.To, c.To)
}

// taking contains the settings that were read and the result of the conversion.
type taking struct {
	source string
	rows   map[string]any    // settings that are written
	why    map[string]string // comment above each setting
	inert  []string          // names that have no effect here
	told   []string          // lines for the report
}

// take reads a source. As in Python, the last assignment of a name is used.
func take(path, source string) *taking {
	read := flaskconfig.Read
	if base := filepath.Base(path); strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".env") {
		read = flaskconfig.ReadEnv
	}
	taken, left := read(source)
	t := &taking{source: path, rows: map[string]any{}, why: map[string]string{}}
	known := map[string]setting{}
	for _, row := range table() {
		known[row.Name] = row
	}
	for _, l := range left {
		if known[l.Name].Name != "" || prefixed(l.Name) || l.Name == "config" {
			t.say(l.Line, l.Name, l.Why)
		}
	}
	lines := map[string]int{}
	for _, a := range taken {
		row, isOurs := known[a.Name]
		switch {
		case !isOurs && (prefixed(a.Name)):
			t.say(a.Line, a.Name, misspelled(a.Name, known))
		case !isOurs:
		case (row.Group == groupInert || row.Group == groupAbsent) && !forImport(a.Name):
			t.inert = append(t.inert, a.Name)
		default:
			if before, twice := lines[a.Name]; twice {
				t.say(a.Line, a.Name, "is set again; line "+strconv.Itoa(before)+" is ignored")
			}
			lines[a.Name] = a.Line
			t.rows[a.Name] = a.Value
			if len(a.Env) > 0 {
				t.why[a.Name] = "In the application, the " +
					"variable " + strings.Join(a.Env, " or ") + " could override it."
			}
		}
	}
	if len(t.rows) > 0 {
		t.keys()
		t.database()
		t.check(lines)
	}
	return t
}

// forImport reports whether a setting without effect is read by an import of accounts.
func forImport(name string) bool {
	return name == "SECURITY_PASSWORD_SINGLE_HASH" || name == "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS"
}

// misspelled returns the text about an unknown setting, with the probably intended name.
func misspelled(name string, known map[string]setting) string {
	if near := nearest(name, slices.Collect(maps.Keys(known))); near != "" {
		return "is not a setting: did you mean " + near + "?"
	}
	return "is not a setting of this server"
}

// say adds a line to the report.
func (t *taking) say(line int, name, what string) {
	t.told = append(t.told, fmt.Sprintf("%s:%d: %s %s", t.source, line, name, what))
}

// sampleSalt is the example in the documentation of the original.
const sampleSalt = "146585145368132386173505678016728509634"

// keys replaces keys from public examples, and creates a key if there is none.
func (t *taking) keys() {
	old, given := t.rows["SECRET_KEY"].(string)
	if !given || weakKey(old) != "" {
		t.rows["SECRET_KEY"] = twofold.NewKey()
		t.why["SECRET_KEY"] = "A new key: there was none, or it was public or easily guessed."
	}
	if salt, _ := t.rows["SECURITY_PASSWORD_SALT"].(string); salt == sampleSalt || salt != "" && weakKey(salt) != "" {
		t.why["SECURITY_PASSWORD_SALT"] = "It is from a public example or easily guessed. It is kept because " +
			"the application's password hashes need it; new hashes do not use it."
	}
	secrets, _ := t.rows["SECURITY_TOTP_SECRETS"].(map[string]any)
	for _, k := range secrets {
		if text, _ := k.(string); weakKey(text) != "" {
			t.rows["SECURITY_TOTP_SECRETS"] = map[string]any{"1": twofold.NewKey()}
			t.why["SECURITY_TOTP_SECRETS"] = "A new key: the old one is from a public example or easily guessed. " +
				"To import accounts, pass the old one to the import command."
		}
	}
}

// database sets a separate database for the server if the application uses a file.
func (t *taking) database() {
	for _, name := range []string{"SQLALCHEMY_DATABASE_URI", "DATABASE_URL"} {
		old, _ := t.rows[name].(string)
		if strings.HasPrefix(old, "sqlite") {
			t.rows[name] = "sqlite:///twofold.db"
			t.why[name] = "A separate file. The application used " + strconv.Quote(old) + "."
		}
	}
}

// check removes settings that the server would refuse, and reports the reasons.
func (t *taking) check(lines map[string]int) {
	for {
		file := maps.Clone(t.rows)
		if _, given := file["TWOFOLD_ORIGIN"]; !given {
			file["TWOFOLD_ORIGIN"] = "https://login.example.org"
		}
		_, err := assemble(file, map[string]any{}, where{})
		var bad problems
		if !errors.As(err, &bad) {
			return
		}
		dropped := false
		for _, p := range bad {
			if _, there := t.rows[p.Name]; there {
				t.say(lines[p.Name], p.Name, p.Text)
				delete(t.rows, p.Name)
				dropped = true
			}
		}
		if !dropped { // config check reports missing settings
			return
		}
	}
}

// file returns the text of the settings file.
func (t *taking) file(source string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Settings taken from %s.\n", filepath.Base(source))
	if _, given := t.rows["TWOFOLD_ORIGIN"]; !given {
		b.WriteString("\n# The address of the site as browsers see it. Required.\n")
		b.WriteString("# TWOFOLD_ORIGIN = \"https://login.example.org\"\n")
	}
	group := ""
	for _, row := range table() {
		v, given := t.rows[row.Name]
		if !given {
			continue
		}
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(&b, "\n# %s\n", group)
		}
		if why := t.why[row.Name]; why != "" {
			fmt.Fprintf(&b, "# %s\n", why)
		}
		fmt.Fprintf(&b, "%s = %s\n", row.Name, asTOML(v))
	}
	if len(t.inert) > 0 {
		fmt.Fprintf(&b, "\n# Left out because they have no effect here: %s.\n", strings.Join(t.inert, ", "))
	}
	return b.String()
}

// asTOML returns a value in TOML. JSON strings and numbers are also valid TOML.
func asTOML(v any) string {
	switch v := v.(type) {
	case nil:
		return `"None"`
	case []any:
		parts := make([]string, len(v))
		for i, it := range v {
			parts[i] = asTOML(it)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if v[k] != nil {
				parts = append(parts, asTOML(k)+" = "+asTOML(v[k]))
			}
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return `""`
	}
	return strings.TrimSpace(b.String())
}

// tell prints the report, starting with the omitted settings.
func (t *taking) tell(p process) error {
	for _, l := range t.told {
		if err := line(p, "%s", l); err != nil {
			return err
		}
	}
	return line(p, "%d settings imported, %d without effect here, %d lines to check.",
		len(t.rows), len(t.inert), len(t.told))
}
