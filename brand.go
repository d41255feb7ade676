package twofold

import (
	"io/fs"
	"net/http"

	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Pages configures the look of the built-in pages and their links. The zero
// value is the built-in look, with the first letter of Site instead of a logo.
// To change more, use Config.Templates.
type Pages struct {
	// Static contains files of the site, such as pictures, style sheets, fonts
	// and scripts. New reads them once. They are served in "own/" below
	// URLs.Static, for example at "/tf-static/own/logo.svg".
	Static fs.FS
	// Logo is a file in Static, such as "logo.svg". Pages show it instead of
	// the name, 36 pixels high. LogoDark replaces it on dark pages.
	Logo, LogoDark string
	// Accent is the color of buttons and links, such as "#0b7285". If text in
	// it were unreadable, pages use a darker shade, or a lighter one on dark
	// pages, and New logs that.
	Accent string
	// Style is a style sheet in Static. It is loaded after the built-in one, so
	// it can set the properties that docs/server.md lists.
	Style string
	// Home is the target of the name and of the way back from the account page.
	// Help, Terms and Privacy are links below each page. Each is a path, or a
	// URL that starts with "https://" or "mailto:". An empty one is omitted.
	Home, Help, Terms, Privacy string
	// Data returns what replaced templates get as .App, such as navigation
	// entries. It is called for each page. The identity is zero on pages before
	// sign-in. Templates test for missing data with {{with .App}}.
	Data func(r *http.Request, who Identity) any
}

// brand is the same for the pages.
func (p Pages) brand() web.Brand {
	b := web.Brand{
		Static: p.Static, Logo: p.Logo, LogoDark: p.LogoDark, Style: p.Style, Accent: p.Accent,
		Home: p.Home, Help: p.Help, Terms: p.Terms, Privacy: p.Privacy,
	}
	if p.Data != nil {
		b.Data = func(r *http.Request, u *store.User) any {
			if u == nil {
				return p.Data(r, Identity{})
			}
			return p.Data(r, identityOf(*u))
		}
	}
	return b
}
