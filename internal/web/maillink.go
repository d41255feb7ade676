package web

import (
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
)

// askedLife is how long a browser remembers that it asked for links: as long
// as the longest of them lives.
const askedLife = 7 * 24 * time.Hour

// asks is called by every step that has a link mailed: it marks the browser, so
// that the page of the link can tell whether it is the same one. It does so
// whether or not there is an account, so that it tells nothing.
func (s *Site) asks(c *call) {
	if len(c.browser.Asked) != len(seal.Token()) {
		c.browser.Asked = seal.Token()
	}
	s.jar.set(c.w, s.jar.asked(), c.browser.Asked, askedLife)
	c.asked = true
}

// LinkPage is the data of "link": the page that a mailed link opens. It says
// what its button does; opening it does nothing (R51).
type LinkPage struct {
	Kind   string // of the link; its texts are link_<kind>_title, _lead and _submit
	Action string // where the button posts
}

// linkPage is the page of a link that was found to be good.
func (s *Site) linkPage(c *call, kind string) *answer {
	return &answer{page: "link", data: LinkPage{Kind: wordsOf(kind), Action: c.r.URL.EscapedPath()}}
}

// wordsOf is a link's kind as keys of texts spell it.
func wordsOf(kind string) string { return strings.ReplaceAll(kind, "-", "_") }
