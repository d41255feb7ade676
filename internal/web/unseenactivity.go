package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/storage"
)

// NewsPart is the part of the account page with events that the owner has not marked as seen.
type NewsPart struct {
	Lines   []Happened
	Action  string
	Through int64 // the newest row shown; later rows are not seen yet
}

func (s profileSteps) newsRows() []route {
	return []route{
		{method: http.MethodGet, path: s.paths.Notices, access: forUser, step: s.getNews},
		{method: http.MethodPost, path: s.paths.Notices, access: forUser, step: s.postNews,
			take: fields{"through": text}},
		{method: http.MethodPost, path: s.paths.Language, access: forUser, step: s.postLanguage,
			take: fields{"language": text}},
	}
}

func (s profileSteps) newsSection(c *call, p *AccountPage, body map[string]any) error {
	rows, err := s.c.Login.Account.News(c.r.Context(), *c.who)
	if err != nil {
		return err
	}
	list := []map[string]any{}
	p.News.Action = s.paths.Notices
	for _, e := range rows {
		h, ok := newsLine(c.words, e)
		if !ok {
			continue
		}
		p.News.Through = max(p.News.Through, e.Row)
		p.News.Lines = append(p.News.Lines, h)
		list = append(list, map[string]any{
			"at": e.At.UTC().Format(time.RFC3339), "event": e.Name, "method": e.Method, "text": h.contract,
			"browser": h.Browser, "address": e.Address,
		})
	}
	body["tf_notices"] = list
	body["tf_notices_through"] = strconv.FormatInt(p.News.Through, 10)
	return nil
}

// newsLine returns the text of a row of the audit trail. A first factor without a second one has
// its own text.
func newsLine(w *Words, e storage.Event) (Happened, bool) {
	text, said, ok := w.Text("news_half"), w.Page("news_half"), true
	if e.Name != (event.FirstFactorProven{}).Name() {
		text, said, ok = happened(w, e)
	}
	h := Happened{Text: said, contract: text, Refused: e.Result == event.Refused, Address: e.Address, At: e.At}
	if e.Agent != "" {
		h.Browser = device.Name(e.Agent)
	}
	return h, ok
}

// getNews returns the events that are not seen yet. Browsers show them on the account page.
func (s profileSteps) getNews(c *call) (*answer, error) {
	var page AccountPage
	body := map[string]any{}
	if err := s.newsSection(c, &page, body); err != nil {
		return nil, err
	}
	all, _ := body["tf_notices"].([]map[string]any)
	part, p, err := paged(c, s.paths.Notices, all)
	if err != nil {
		return nil, err
	}
	body["tf_notices"] = part
	if c.json {
		pageBody(body, p)
	}
	return &answer{body: body, to: s.session.listed(s.paths.Sessions)}, nil
}

// postNews marks the shown events as seen, but no later ones.
func (s profileSteps) postNews(c *call) (*answer, error) {
	through, err := strconv.ParseInt(c.form.text("through"), 10, 64)
	if err != nil || through < 0 {
		return nil, wrongType("through")
	}
	if err := s.c.Login.Account.SeenNews(c.r.Context(), *c.who, through, c.browser); err != nil {
		return nil, err
	}
	return &answer{to: s.session.listed(s.paths.Sessions)}, nil
}
