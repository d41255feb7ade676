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
	kept := c.Set["twofold-notes"]
	if kept == nil || kept.MaxAge != 10 {
		t.Fatalf("the note on the way to the application's page is %+v, want one that lives for ten seconds",
			kept)
	}
	r := s.ask(s.Auth, "GET", "/nowhere", nil) // a page of ours leaves the note of another browser alone
	if strings.Contains(r.Body.String(), "signed out") {
		t.Error("a note is told to a browser that does not have it")
	}
	w, req := record("GET", s.Origin+"/", "twofold-notes="+kept.Value)
	notes := s.Auth.Notes(w, req)
	if len(notes) != 1 || notes[0].Kind != "success" || notes[0].Text == "" {
		t.Errorf("the application gets %+v", notes)
	}
	if cleared := w.Header().Get("Set-Cookie"); !strings.HasPrefix(cleared, "twofold-notes=;") {
		t.Errorf("the note stays: %q", cleared)
	}
	if w, req := record("GET", s.Origin+"/", ""); len(s.Auth.Notes(w, req)) != 0 || w.Header().Get("Set-Cookie") != "" {
		t.Error("there is a note without one")
	}
}
