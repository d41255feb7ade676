package web

import (
	"net/http"
	"net/url"
	"strconv"
)

// A page of a list shows 25 entries, or the requested number up to 100.
const (
	pageSize    = 25
	maxPageSize = 100
)

// Pager describes the part of a list that a page shows. Previous and Next are links, or empty.
type Pager struct {
	Number, Pages, Total int
	Previous, Next       string
}

// paged returns the part of a list that is requested with ?page and ?limit. Without them, a program
// gets the whole list, as before lists had pages, and a browser the first page. After the last
// page, a program gets an empty list and a browser the last page, because the user may have removed
// entries.
func paged[T any](c *call, path string, list []T) ([]T, Pager, error) {
	asked := c.r.URL.Query()
	if c.json && !asked.Has("page") && !asked.Has("limit") {
		return list, Pager{}, nil
	}
	number, err := pageNumber(asked, "page", 1, 1<<30)
	if err != nil {
		return nil, Pager{}, err
	}
	size, err := pageNumber(asked, "limit", pageSize, maxPageSize)
	if err != nil {
		return nil, Pager{}, err
	}
	p := Pager{Number: number, Pages: max(1, (len(list)+size-1)/size), Total: len(list)}
	if p.Number > p.Pages && !c.json {
		p.Number = p.Pages
	}
	at := func(n int) string {
		q := url.Values{"page": {strconv.Itoa(n)}}
		if asked.Has("limit") {
			q.Set("limit", strconv.Itoa(size))
		}
		return path + "?" + q.Encode()
	}
	if p.Number > 1 {
		p.Previous = at(min(p.Number-1, p.Pages))
	}
	if p.Number < p.Pages {
		p.Next = at(p.Number + 1)
	}
	from := min((p.Number-1)*size, len(list))
	return list[from:min(from+size, len(list))], p, nil
}

// pageNumber reads a number from one up to most.
func pageNumber(q url.Values, name string, absent, most int) (int, error) {
	if !q.Has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 1 || n > most || len(q[name]) > 1 {
		return 0, fail(http.StatusBadRequest, name, "API_ERROR")
	}
	return n, nil
}

// pagingBody is the position of the part for JSON.
type pagingBody struct {
	Page     int    `json:"page"`
	Pages    int    `json:"pages"`
	Total    int    `json:"total"`
	Previous string `json:"previous,omitempty"`
	Next     string `json:"next,omitempty"`
}

// body returns the position of the part for JSON, or nil if no part was requested.
func (p Pager) body() *pagingBody {
	if p.Pages == 0 {
		return nil
	}
	return &pagingBody{Page: p.Number, Pages: p.Pages, Total: p.Total, Previous: p.Previous, Next: p.Next}
}

// firstPage returns the part of a list that the account page shows, and a link to the rest.
func firstPage[T any](path string, list []T) ([]T, Pager) {
	if len(list) <= pageSize {
		return list, Pager{}
	}
	return list[:pageSize], Pager{Next: path + "?page=2"}
}
