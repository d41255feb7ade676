package web

// RemovePage is the data of "remove", which asks for confirmation before a permanent removal. Its
// texts are remove_<kind>_title, _lead and _submit.
type RemovePage struct {
	Kind   string // factor, passkey, token, connection, method, session, sessions, device, staying, devices
	Name   string // name of the item
	Action string // where the button posts
	Back   string // link that cancels
	Field  string // field that identifies the item by Value; empty if Action does
	Value  string
	Last   bool // no second factor is left afterwards
}

// removeQuery is the query parameter with the entry of a list to remove.
const removeQuery = "remove"

// askRemoval reports whether the user wants to remove this entry of a list. Without scripts the
// button of an entry is a link to the same list with the entry in the query.
func askRemoval(c *call, kind, id, name string) (RemovePage, bool) {
	asked := c.r.URL.Query()
	if c.json || !safeMethod(c.r.Method) || id == "" || or(asked.Get(removeQuery), asked.Get("delete_method")) != id {
		return RemovePage{}, false
	}
	return RemovePage{Kind: kind, Name: c.words.Browser(name)}, true
}

func removal(p RemovePage) *answer { return &answer{page: "remove", view: func() any { return p }} }
