package web

import (
	"strings"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/store"
)

// How many rows of the audit trail are looked at, and how many lines shown.
const (
	latelyRows  = 40
	latelyLines = 8
)

// latelySection is what happened to the account, from the audit trail.
func (s *Site) latelySection(c *call, p *AccountPage, body map[string]any) error {
	rows, err := s.c.Login.Lately(c.r.Context(), *c.who, latelyRows)
	if err != nil {
		return err
	}
	list := []map[string]any{}
	for _, e := range rows {
		text, said, ok := happened(c.words, e)
		if !ok || len(list) == latelyLines {
			continue
		}
		h := Happened{Text: said, Refused: e.Result == event.Refused, Address: e.Address, At: e.At}
		if e.Agent != "" {
			h.Browser = device.Name(e.Agent)
		}
		p.Lately = append(p.Lately, h)
		list = append(list, map[string]any{
			"at": stamp(e.At), "event": e.Name, "method": e.Method, "result": e.Result, "text": text, "browser": h.Browser, "address": e.Address,
		})
	}
	body["events"] = list
	return nil
}

// happened says an event in the words of JSON and in those of pages: the text
// "lately_" + name, followed by what was changed if the account was. An event
// without a text is not shown.
func happened(w *Words, e store.Event) (text, page string, ok bool) {
	key := "lately_" + event.Current(e.Name)
	switch {
	case e.Name == event.AccountChanged{}.Name(), e.Name == event.TFFactorEdited{}.Name():
		key += "_" + e.Reason
	case e.Name == event.UserAuthenticated{}.Name() && e.Reason != "":
		key += "_trusted"
	}
	key = strings.NewReplacer("-", "_", " ", "_").Replace(key)
	method := ""
	if e.Method != "" {
		method = w.Text("method_" + e.Method)
	}
	text = w.Text(key, "method", method)
	return text, w.Page(key, "method", method), text != key
}
