package web

// RemovePage is the data of "remove", which asks before something is taken away
// for good. Its texts are remove_<kind>_title, _lead and _submit.
type RemovePage struct {
	Kind   string // factor, passkey, token, connection, method, session, sessions, device, staying, devices
	Name   string // of what is removed
	Action string // where the button posts
	Back   string // where nothing is removed
	Field  string // a field that names it, with Value; empty: Action does
	Value  string
	Last   bool // no second step is left afterwards
}

// removeQuery names what the page of a list is asked to remove.
const removeQuery = "remove"

// askRemoval reports whether a person wants to remove this entry of a list. Without
// a script the button of an entry is a link to the same list, which names the entry.
func askRemoval(c *call, kind, id, name string) (RemovePage, bool) {
	asked := c.r.URL.Query()
	if c.json || !safeMethod(c.r.Method) || id == "" || or(asked.Get(removeQuery), asked.Get("delete_method")) != id {
		return RemovePage{}, false
	}
	return RemovePage{Kind: kind, Name: c.words.browser(name)}, true
}

func removal(p RemovePage) *answer { return &answer{page: "remove", data: p} }
