package main

// pagesTable returns the settings of the look and the links of pages.
func pagesTable() []setting {
	row := func(name, empty, field string, p func(*settings) *string, doc string) setting {
		return setting{Name: name, Type: text, Empty: empty, Field: "Pages." + field, Doc: doc, Apply: toText(p)}
	}
	return []setting{
		row("TWOFOLD_STATIC", "none", "Static", func(s *settings) *string { return &s.Static },
			"Folder of your own files, such as pictures, style sheets and fonts. They are read when the "+
				"server starts and served at `/tf-static/own/`."),
		row("TWOFOLD_LOGO", "the first letter of `TWOFOLD_SITE`", "Logo",
			func(s *settings) *string { return &s.Config.Pages.Logo },
			"A picture in `TWOFOLD_STATIC`, e.g. `logo.svg`. Pages show it 36 pixels high instead of the name."),
		row("TWOFOLD_LOGO_DARK", "`TWOFOLD_LOGO`", "LogoDark",
			func(s *settings) *string { return &s.Config.Pages.LogoDark },
			"The logo for dark pages."),
		row("TWOFOLD_ACCENT", "blue", "Accent", func(s *settings) *string { return &s.Config.Pages.Accent },
			"Color of buttons and links, e.g. `#0b7285`. If text in it would be hard to read, pages use a "+
				"darker shade, or a lighter one on dark pages, and the log says so."),
		row("TWOFOLD_STYLE", "none", "Style", func(s *settings) *string { return &s.Config.Pages.Style },
			"A style sheet in `TWOFOLD_STATIC`, e.g. `brand.css`. It is loaded after ours; "+
				"docs/how-to/branding.md lists the properties to set."),
		row("TWOFOLD_LINKS_HOME", "none", "Home", func(s *settings) *string { return &s.Config.Pages.Home },
			"Page to which the name or the logo leads, and the account page links back: a path or an "+
				"address."),
		row("TWOFOLD_LINKS_HELP", "none", "Help", func(s *settings) *string { return &s.Config.Pages.Help },
			"Help link at the bottom of each page: a path, or an address that begins with `https://` or "+
				"`mailto:`."),
		row("TWOFOLD_LINKS_TERMS", "none", "Terms", func(s *settings) *string { return &s.Config.Pages.Terms },
			"The same for the terms of use."),
		row("TWOFOLD_LINKS_PRIVACY", "none", "Privacy", func(s *settings) *string { return &s.Config.Pages.Privacy },
			"The same for the privacy notice."),
	}
}
