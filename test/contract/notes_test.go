package contract_test

import (
	"strings"
	"testing"
)

func TestTheApplicationTakesTheNotesOfAStep(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.login("matt").want(200)
	c.form("/logout").to("/")
	kept := c.cookies["twofold-notes"]
	if kept.Cookie == nil || kept.MaxAge != 10 {
		t.Fatalf("the note on the way to the application's page is %+v, want one that lives for ten seconds",
			kept.Cookie)
	}
	r := s.ask(s.auth, "GET", "/nowhere", nil) // a page of ours leaves the note of another browser alone
	if strings.Contains(r.Body.String(), "signed out") {
		t.Error("a note is told to a browser that does not have it")
	}
	w, req := record("GET", s.origin+"/", "twofold-notes="+kept.Value)
	notes := s.auth.Notes(w, req)
	if len(notes) != 1 || notes[0].Kind != "success" || notes[0].Text == "" {
		t.Errorf("the application gets %+v", notes)
	}
	if cleared := w.Header().Get("Set-Cookie"); !strings.HasPrefix(cleared, "twofold-notes=;") {
		t.Errorf("the note stays: %q", cleared)
	}
	if w, req := record("GET", s.origin+"/", ""); len(s.auth.Notes(w, req)) != 0 || w.Header().Get("Set-Cookie") != "" {
		t.Error("there is a note without one")
	}
}
