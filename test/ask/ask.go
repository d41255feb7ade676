// Package ask sends requests to servers that tests started in processes of their own.
package ask

import (
	"io"
	"net/http"
)

// Answer is what a server said. The zero value: nothing, or not all of it, as one that
// was killed.
type Answer struct {
	Status   int
	Body     []byte
	Location string
	Cookies  []*http.Cookie
}

// With sends a request for JSON with the cookies of a browser.
func With(client *http.Client, r *http.Request, jar map[string]string) Answer {
	r.Header.Set("Accept", "application/json")
	for name, v := range jar {
		if v != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: v})
		}
	}
	resp, err := client.Do(r)
	if err != nil {
		return Answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}
	}
	return Answer{resp.StatusCode, body, resp.Header.Get("Location"), resp.Cookies()}
}
