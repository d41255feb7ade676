package twofold

import (
	"io/fs"
	"net/http"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store"
)

// Pages says how our pages look and what they link to. The zero value is our own
// look, with the first letter of Site instead of a logo. For more than that
// see Config.Templates.
type Pages struct {
	// Static are files of the site's own: pictures, style sheets, fonts, scripts.
	// They are read once, by New, and served below URLs.Static, in "own/":
	// "/tf-static/own/logo.svg".
	Static fs.FS
	// Logo is a file of Static, e.g. "logo.svg". Pages show it instead of the name,
	// 36 pixels high. LogoDark takes its place on dark pages.
	Logo, LogoDark string
	// Accent is the color of buttons and links, as "#0b7285". Where text in it could
	// not be read, pages use a darker shade, or a lighter one on dark pages; New says
	// so in Log.
	Accent string
	// Style is a style sheet in Static. It comes after ours, so it may set the
	// properties that docs/server.md lists.
	Style string
	// Home is where the name leads, and the way back from the account page. Help,
	// Terms and Privacy are links below each page. Each is a path, or an address
	// that begins with "https://" or "mailto:"; one that is empty is left out.
	Home, Help, Terms, Privacy string
	// Data is what templates of the application's own get as .App, e.g. the entries
	// of its navigation: it is called for each page. The identity is zero on pages
	// before sign-in. Guard what may be missing with {{with .App}}.
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

// judge finds what is wrong with a registration, whatever accounts there are.
func (b *builder) judge(email, username, password string) error {
	return b.a.accounts.Judge(account.Draft{Email: email, Username: username, Password: password})
}
