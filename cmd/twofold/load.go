package main

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// problem is one error in the settings, with its solution.
type problem struct{ Name, Text string }

func (p problem) String() string { return p.Name + ": " + p.Text }

// problems contains all errors, one line each.
type problems []problem

func (ps problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// where contains the flags that select the settings.
type where struct {
	Config string `help:"TOML file with settings, instead of /etc/twofold/twofold.toml; the environment takes precedence." placeholder:"FILE"`
	Dev    bool   `help:"For development only: use the database and keys of 'serve --dev'."`
	Dir    string `help:"Folder in which --dev keeps twofold.db and twofold.key." default:"." placeholder:"DIR"`
	Listen string `kong:"-"`
	anyKey bool   // the command determines which key wrote the data
	// only lists the settings that the command needs. It runs even if others are wrong or missing.
	// If it is empty, all are needed.
	only  []string
	found string // the file that was read
}

// defaultConfig is the default settings file.
const defaultConfig = "/etc/twofold/twofold.toml"

// keyName is the name of the key file next to the settings file.
const keyName = "twofold.key"

// file returns the path of the settings file, or an empty string.
func (w where) file(env map[string]any) string {
	if w.Config != "" {
		return w.Config
	}
	if v, ok := env["TWOFOLD_CONFIG"].(string); ok {
		return v
	}
	if w.Dev {
		return ""
	}
	if _, err := os.Stat(defaultConfig); err == nil || errors.Is(err, fs.ErrPermission) {
		return defaultConfig
	}
	return ""
}

// matter returns the problems that prevent the command from running.
func (w where) matter(all problems) problems {
	if len(w.only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(p problem) bool { return !slices.Contains(w.only, p.Name) })
}

// value is a raw value and its source.
type value struct {
	raw  any
	from string // "environment", "file"
}

// load reads the file and the environment, and returns the settings or all
// problems at once.
func load(w where, environ []string) (*settings, error) {
	env := readEnv(environ)
	path := w.file(env)
	file := map[string]any{}
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, problems{{"--config", "cannot read the file: " + fileCause(err) + ownerCure(err)}}
		}
		w.found = path
		var ps problems
		if file, ps = parseFile(path, string(raw)); ps != nil {
			return nil, ps
		}
		if ps = openSecrets(path, file); ps != nil {
			return nil, ps
		}
	}
	return assemble(file, env, w)
}

// openSecrets returns an error if a file with secrets can be read by every user of the machine, as
// for a key file.
func openSecrets(path string, file map[string]any) problems {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil // it was just read; the permissions of a pipe cannot be fixed
	}
	var bad problems
	for _, row := range table() {
		if raw, given := file[row.Name]; given && row.Type.hidden() && holdsSecret(raw) {
			bad = append(bad, problem{row.Name, "is in " + path + ", which every user of this machine can read: " +
				"chmod 600 it, or set the secret elsewhere (TWOFOLD_KEY_FILE, the environment)"})
		}
	}
	return bad
}

// holdsSecret reports whether a hidden value contains a secret. The address of a database may have
// no password.
func holdsSecret(raw any) bool {
	text, ok := raw.(string)
	if !ok {
		return raw != nil
	}
	if isNone(raw) {
		return false
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !strings.Contains(text, "://") {
		return true
	}
	_, set := u.User.Password()
	return set || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// ownerCure returns how to fix a file that only another user may read.
func ownerCure(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return " (run this as its owner, e.g. with sudo)"
	}
	return ""
}

// fileCause returns the cause of a file error without the system call.
func fileCause(err error) string {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Path + ": " + pathError.Err.Error()
	}
	return err.Error()
}

// parseFile parses TOML. Its problems contain the line number and the name, never the line itself,
// which may contain a secret.
func parseFile(path, raw string) (map[string]any, problems) {
	m := map[string]any{}
	_, err := toml.Decode(raw, &m)
	if err == nil {
		return m, nil
	}
	var bad toml.ParseError
	if !errors.As(err, &bad) {
		return nil, problems{{"--config", "is not TOML: write NAME = value, one per line"}}
	}
	name := path + ", line " + strconv.Itoa(bad.Position.Line)
	if strings.Contains(bad.Message, "already been defined") {
		return nil, problems{{name, "sets a name a second time: remove one of the two"}}
	}
	return nil, problems{{name,
		`is not TOML: put text in quotes, write true and false in lower case, lists as ["a", "b"] and dicts as { KEY = "value" }`}}
}

// readEnv returns our settings in the environment.
func readEnv(environ []string) map[string]any {
	active := map[string]bool{}
	for _, row := range table() {
		active[row.Name] = row.Group != groupInert && row.Group != groupAbsent
	}
	out := map[string]any{}
	for _, e := range environ {
		name, v, _ := strings.Cut(e, "=")
		if (prefixed(name) || active[name]) && v != "" {
			out[name] = v
		}
	}
	return out
}

// prefixed reports whether a name has the prefix of a setting.
func prefixed(name string) bool {
	name = strings.ToUpper(name)
	return strings.HasPrefix(name, "SECURITY_") || strings.HasPrefix(name, "TWOFOLD_") ||
		strings.HasPrefix(name, "MAIL_")
}

// assemble merges the file and the environment, which takes precedence, applies every row of the
// table and checks settings that depend on each other.
func assemble(file, env map[string]any, w where) (*settings, error) {
	s := &settings{given: map[string]bool{}, from: map[string]string{}}
	// All sections exist while rows are applied. finish removes those that are off.
	s.Config.Passkeys, s.Config.Passwordless, s.Config.TwoFactor.RecoveryCodes = &s.passkeys.with, &s.unified.with,
		&s.codes.with
	var bad problems
	values := map[string]value{}
	for _, layer := range []struct {
		from   string
		values map[string]any
	}{{"file", file}, {"environment", env}} {
		bad = append(bad, databaseAlias(layer.values)...)
		for name, raw := range layer.values {
			values[name] = value{raw, layer.from}
		}
	}
	s.values = values
	if key := w.keyBeside(values); key != "" {
		values["TWOFOLD_KEY_FILE"] = value{key, "file alongside " + w.found}
	}
	rows := table()
	bad = append(bad, s.unknown(values, rows)...)
	for _, row := range append(rows, messageRows(values)...) {
		v, given := values[row.Name]
		switch {
		case !given || !isNone(v.raw) || row.TakesNone && v.raw == "None":
		case row.Type == list && v.raw == "None": // an empty list, which is not the same as not set
			v.raw = []any{}
		default:
			given = false
		}
		if given {
			s.given[row.Name], s.from[row.Name] = true, v.from
		} else if v.raw = row.Default; row.Default == "" {
			continue
		}
		err := row.Apply(s, v.raw)
		var warning clamped
		switch {
		case errors.As(err, &warning):
			s.note("%s %s", row.Name, warning.Error())
		case err != nil && w.Dev && slices.Contains(unusedInDev, row.Name): // reported by finishDev
		case err != nil:
			bad = append(bad, problem{row.Name, err.Error()})
		}
	}
	bad = append(bad, s.finish(w)...)
	if bad = w.matter(bad); len(bad) > 0 {
		return nil, bad
	}
	return s, nil
}

// keyBeside returns the key file next to the settings file, if no setting contains the key or its
// path.
func (w where) keyBeside(values map[string]value) string {
	_, secret := values["SECRET_KEY"]
	_, file := values["TWOFOLD_KEY_FILE"]
	if w.found == "" || w.Dev || secret || file {
		return ""
	}
	path := filepath.Join(filepath.Dir(w.found), keyName)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return ""
	}
	return path
}

// databaseAlias merges the two names of the database setting.
func databaseAlias(values map[string]any) problems {
	other, ok := values["DATABASE_URL"]
	if !ok {
		return nil
	}
	if first, both := values["SQLALCHEMY_DATABASE_URI"]; both && plain(first) != plain(other) {
		return problems{{"DATABASE_URL", "differs from SQLALCHEMY_DATABASE_URI: remove one of the two"}}
	}
	values["SQLALCHEMY_DATABASE_URI"] = other
	return nil
}

// messageRows returns the rows for replaced texts.
func messageRows(values map[string]value) []setting {
	var rows []setting
	for name := range values {
		key, ok := strings.CutPrefix(name, messagePrefix)
		if !ok {
			key, ok = subjects[name], subjects[name] != ""
		}
		if ok && key != "" {
			rows = append(rows, setting{Name: name, Type: text, Apply: applyMessage(key)})
		}
	}
	slices.SortFunc(rows, func(a, b setting) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// unknown reports unknown settings: as an error if the name has our prefix or is similar to a
// setting, and otherwise as a line in the log.
func (s *settings) unknown(values map[string]value, rows []setting) problems {
	var names []string
	isKnown := map[string]bool{}
	for _, row := range rows {
		names = append(names, row.Name)
		isKnown[row.Name] = true
	}
	var bad problems
	for name, v := range values {
		if isKnown[name] || subjects[name] != "" || strings.HasPrefix(name, messagePrefix) &&
			len(name) > len(messagePrefix) {
			continue
		}
		_, section := v.raw.(map[string]any)
		near := nearest(name, names)
		shown := strconv.QuoteToASCII(name)
		if shown = shown[1 : len(shown)-1]; len(shown) > 80 {
			shown = shown[:80] + "..."
		}
		switch {
		case near != "" && (prefixed(name) || distance(strings.ToUpper(name), near, 3) < 3):
			bad = append(bad, problem{shown, "is not a setting: did you mean " + near + "?"})
		case prefixed(name):
			bad = append(bad, problem{shown, "is not a setting: remove it (docs/configuration.md lists all)"})
		case section:
			bad = append(bad, problem{"[" + shown + "]",
				"is a section, but settings must not be in a section: put them above the first one"})
		default:
			s.note("%s is not a setting of this server and has no effect", shown)
		}
	}
	slices.SortFunc(bad, func(a, b problem) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(s.noteworthy)
	return bad
}
