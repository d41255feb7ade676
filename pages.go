package twofold

import (
	"io/fs"
	"net/http"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
)

// Pages configures the built-in pages: their paths, texts, look and links. The zero value uses the
// paths of the wire contract and the built-in look, with the first letter of Site as the logo. To
// change more, use Templates.
type Pages struct {
	// Site is the name of the site in pages and messages. If it is empty, the
	// host of Origin is used.
	Site string
	// Prefix is put in front of every path, such as "/auth".
	Prefix string
	// Paths renames paths. An empty field keeps the name of the wire contract.
	Paths Paths
	// Views are the pages that a browser is sent to after a step. An empty
	// field keeps the default.
	Views Views
	// SPA describes the single-page application that serves the pages of Views.
	SPA SPA
	// AccountPage adds an account page at /me.
	AccountPage bool
	// Templates replaces pages. A file with the name of a built-in page, such as "login.html",
	// replaces it.
	Templates fs.FS
	// Locales adds languages. A file such as "fr.json" contains texts for the keys of the built-in
	// languages.
	Locales fs.FS
	// Static contains files of the site, such as pictures, style sheets, fonts
	// and scripts. New reads them once. They are served in "own/" below
	// Paths.Static, for example at "/tf-static/own/logo.svg".
	Static fs.FS
	// Logo is a file in Static, such as "logo.svg". Pages show it instead of
	// the name, 36 pixels high. LogoDark replaces it on dark pages.
	Logo, LogoDark string
	// Accent is the color of buttons and links, such as "#0b7285". If text in
	// it were unreadable, pages use a darker shade, or a lighter one on dark
	// pages, and Run logs that.
	Accent string
	// Style is a style sheet in Static. It is loaded after the built-in one, so
	// it can set the properties that docs/how-to/branding.md lists.
	Style string
	// Home is the target of the name and of the way back from the account page.
	// Help, Terms and Privacy are links below each page. Each is a path, or a
	// URL that starts with "https://" or "mailto:". An empty one is omitted.
	Home, Help, Terms, Privacy string
	// Data returns the value of .App in replaced templates, such as navigation entries. It is
	// called for each page. The User is zero on pages before sign-in. Templates test for missing
	// data with {{with .App}}.
	Data func(r *http.Request, who User) any
}

// brand converts the look for package web.
func (p Pages) brand() web.Brand {
	b := web.Brand{
		Static: p.Static, Logo: p.Logo, LogoDark: p.LogoDark, Style: p.Style, Accent: p.Accent,
		Home: p.Home, Help: p.Help, Terms: p.Terms, Privacy: p.Privacy,
	}
	if p.Data != nil {
		b.Data = func(r *http.Request, u *storage.User) any {
			if u == nil {
				return p.Data(r, User{})
			}
			return p.Data(r, publicUser(*u))
		}
	}
	return b
}
