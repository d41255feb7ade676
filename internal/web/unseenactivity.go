package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/event"
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

// noticesBody is the answer with the events that are not seen yet.
type noticesBody struct {
	common
	Notices []noticeBody `json:"tf_notices"`
	Through string       `json:"tf_notices_through"`
	Paging  *pagingBody  `json:"paging,omitempty"`
}

type noticeBody struct {
	At      string `json:"at"`
	Event   string `json:"event"`
	Method  string `json:"method"`
	Text    string `json:"text"`
	Browser string `json:"browser"`
	Address string `json:"address"`
}

// news returns the events that are not seen yet and have a text, and the newest row of them. A first
// factor without a second one has its own text.
func (s profileSteps) news(c *call) (lines []line, through int64, err error) {
	rows, err := s.c.Login.Account.News(c.r.Context(), *c.who)
	for _, e := range rows {
		n, ok := c.lineOf(e)
		if e.Name == (event.FirstFactorProven{}).Name() {
			n.key, ok = "news_half", true
		}
		if ok {
			lines = append(lines, n)
			through = max(through, e.Row)
		}
	}
	return lines, through, err
}

func (c *call) noticeBodies(lines []line) []noticeBody {
	out := []noticeBody{}
	for _, n := range lines {
		out = append(out, noticeBody{
			At: n.row.At.UTC().Format(time.RFC3339), Event: n.row.Name, Method: n.row.Method,
			Text: c.words.Text(n.key, n.args(c.words)...), Browser: n.browser(), Address: n.row.Address,
		})
	}
	return out
}

func (s profileSteps) newsSection(c *call) (part, error) {
	lines, through, err := s.news(c)
	return part{
		json: func(body *accountBody) {
			body.Notices, body.NoticesThrough = c.noticeBodies(lines), strconv.FormatInt(through, 10)
		},
		page: func(p *AccountPage) {
			p.News = NewsPart{Action: s.paths.Notices, Through: through}
			for _, n := range lines {
				p.News.Lines = append(p.News.Lines, c.happened(n))
			}
		},
	}, err
}

// getNews returns the events that are not seen yet. Browsers show them on the account page.
func (s profileSteps) getNews(c *call) (*answer, error) {
	lines, through, err := s.news(c)
	if err != nil {
		return nil, err
	}
	lines, pager, err := paged(c, s.paths.Notices, lines)
	if err != nil {
		return nil, err
	}
	return &answer{to: s.session.listed(s.paths.Sessions), json: func() response {
		return &noticesBody{Notices: c.noticeBodies(lines), Through: strconv.FormatInt(through, 10),
			Paging: pager.body()}
	}}, nil
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
