package web

import (
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Brand configures the look and the links of the pages.
type Brand struct {
	// Static contains the site's own files, which are served in "own" below the path of ours.
	Static fs.FS
	// Logo, LogoDark and Style are files in Static.
	Logo, LogoDark, Style string
	Accent                string
	// Home, Help, Terms and Privacy are link targets. Empty ones are omitted.
	Home, Help, Terms, Privacy string
	// Data returns the value of .App in the site's own templates. It may be nil.
	Data func(r *http.Request, u *storage.User) any
}

const (
	// ownFolder is the folder of the site's own files, below the path of ours.
	ownFolder = "own/"
	// accentFile and markFile are generated at start.
	accentFile, markFile = "accent.css", "mark.svg"
	maxOwnFile           = 2 << 20
	maxOwnFiles          = 16 << 20
)

// BrandProblem describes a problem with a field of a brand.
type BrandProblem struct{ Field, Text string }

// Check returns all problems of a brand.
func (b Brand) Check() (bad []BrandProblem) {
	add := func(field, text string) { bad = append(bad, BrandProblem{field, text}) }
	if b.Accent != "" {
		if _, err := parseColor(b.Accent); err != nil {
			add("Accent", fmt.Sprintf("%q %v", b.Accent, err))
		}
	}
	const pictures = ".svg .png .jpg .jpeg .webp .gif"
	for _, f := range []struct{ field, file, kinds string }{
		{"Logo", b.Logo, pictures}, {"LogoDark", b.LogoDark, pictures}, {"Style", b.Style, ".css"},
	} {
		switch {
		case f.file == "":
		case b.Static == nil:
			add(f.field, "is a file of Static, which is not set")
		case !strings.Contains(f.kinds+" ", strings.ToLower(path.Ext(f.file))+" ") || path.Ext(f.file) == "":
			add(f.field, fmt.Sprintf("%q must end with %s", f.file, strings.ReplaceAll(f.kinds, " ", " or ")))
		case !fs.ValidPath(f.file):
			add(f.field, fmt.Sprintf("%q must be the name of a file in Static, such as logo.svg", f.file))
		default:
			if info, err := fs.Stat(b.Static, f.file); err != nil || info.IsDir() {
				add(f.field, fmt.Sprintf("there is no file %q in Static", f.file))
			}
		}
	}
	if b.LogoDark != "" && b.Logo == "" {
		add("LogoDark", "needs Logo, for light pages")
	}
	for _, l := range []struct{ field, to string }{
		{"Home", b.Home}, {"Help", b.Help}, {"Terms", b.Terms}, {"Privacy", b.Privacy},
	} {
		if l.to != "" && !linkable(l.to) {
			add(l.field, fmt.Sprintf("%q must be a path such as /help, or begin with https:// or mailto:", l.to))
		}
	}
	if b.Static != nil {
		if _, err := ownFiles(b.Static); err != nil {
			add("Static", err.Error())
		}
	}
	return bad
}

// linkable reports whether a page may link to an address.
func linkable(to string) bool {
	if strings.ContainsFunc(to, func(r rune) bool { return unicode.IsControl(r) || r == ' ' || r == '\\' }) {
		return false
	}
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return false
	case u.Scheme == "":
		return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//")
	case u.Scheme == "mailto":
		return strings.Contains(u.Opaque, "@")
	case u.Scheme == "http":
		return Loopback(u.Hostname())
	}
	return u.Scheme == "https" && u.Host != ""
}

// Note describes a part of a brand that is not used as given, or returns an empty string.
func (b Brand) Note() string {
	if b.Accent == "" {
		return ""
	}
	_, note, _ := accentSheet(b.Accent)
	return note
}

// ownFiles reads the files of a site. Files of unknown types are omitted.
func ownFiles(from fs.FS) (map[string][]byte, error) {
	out, total := map[string][]byte{}, 0
	err := fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name != "." && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasPrefix(e.Name(), ".") || staticKinds()[strings.ToLower(path.Ext(name))] == "" {
			return nil
		}
		raw, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		if total += len(raw); len(raw) > maxOwnFile || total > maxOwnFiles {
			return fmt.Errorf("%s is too large: the limit is 2 MB for a file and 16 MB for all files", name)
		}
		out[name] = raw
		return nil
	})
	return out, err
}

// assets returns our static files and those of the site: its own files, the style sheet of its
// accent, and a mark with its first letter, or our mark if the site has no name.
func (b Brand) assets(site, host string) (*assets, error) {
	ours, err := ownAssets()
	if err != nil {
		return nil, err
	}
	all := ours.clone()
	mark := "#2750c4"
	if b.Accent != "" {
		sheet, _, err := accentSheet(b.Accent)
		if err != nil {
			return nil, err
		}
		if err := all.add(accentFile, []byte(sheet)); err != nil {
			return nil, err
		}
		c, _ := parseColor(b.Accent)
		light, _ := grounds()
		p, _ := light.palette(c)
		mark = p.accent.String()
	}
	raw := []byte(letterMark(site, mark))
	if site == "Twofold" || site == host { // the site has no own name
		raw = all.files["twofold.svg"].plain
	}
	if err := all.add(markFile, raw); err != nil {
		return nil, err
	}
	if b.Static == nil {
		return all, nil
	}
	files, err := ownFiles(b.Static)
	if err != nil {
		return nil, err
	}
	for name, raw := range files {
		if err := all.add(ownFolder+name, raw); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// letterMark draws the first letter of a site's name.
func letterMark(site, color string) string {
	first := "?"
	for _, r := range site {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			first = strings.ToUpper(string(r))
			break
		}
	}
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36" width="36" height="36">` +
		`<rect width="36" height="36" rx="10" fill="` + color + `"/>` +
		`<text x="18" y="25" font-family="system-ui, sans-serif" font-size="20" font-weight="700" ` +
		`text-anchor="middle" fill="#fff">` +
		html.EscapeString(first) + "</text></svg>\n"
}

// Look is the brand as used by templates. Each field is a path or URL, or empty.
type Look struct {
	Logo, LogoDark             string // files of the site
	Icon                       string // for the browser tab
	Mark                       string // shown before the name if there is no logo
	Accent, Style              string // style sheets
	Home, Help, Terms, Privacy string
}

// lookOf returns the look of a site.
func lookOf(s *Site) Look {
	b := s.c.Brand
	file := func(on bool, name string) string {
		if !on {
			return ""
		}
		return s.paths.Static + "/" + s.assets.named(name)
	}
	l := Look{
		Logo: file(b.Logo != "", ownFolder+b.Logo), LogoDark: file(b.LogoDark != "", ownFolder+b.LogoDark),
		Mark: file(true, markFile), Accent: file(b.Accent != "", accentFile), Style: file(b.Style != "",
			ownFolder+b.Style),
		Home: b.Home, Help: b.Help, Terms: b.Terms, Privacy: b.Privacy,
	}
	l.Icon = or(l.Logo, l.Mark)
	return l
}
