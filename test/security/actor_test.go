package security_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/event"
)

func TestR358_TheTrailAndTheMailSayWhoChangedAnAccount(t *testing.T) {
	w := newWorld(t)
	p, auth := w.withApp("alice"), w.Nodes[0].Auth
	ctx := event.WithActor(t.Context(), "Support\n(Bo)", "ticket\t4711"+strings.Repeat("x", 500))
	w.Must(auth.SetPassword(ctx, p.ID, "another horse 71 battery"))
	w.Must(auth.EndSessions(ctx, p.ID))
	w.Must(auth.StartRecovery(ctx, p.ID, "she called"))
	liar := w.browser()
	liar.Header["User-Agent"] = "by Support (Bo): ticket 4711x"
	liar.login(p)
	w.settled()
	for _, e := range w.trail(0) {
		operator := e.Event == "account-changed" && e.Reason == "password_changed" || e.Event == "session-ended" ||
			e.Event == "recovery-started"
		if said := strings.HasPrefix(e.By, "Support (Bo): ticket 4711x"); said != operator {
			t.Errorf("%s says %q", e.Event, e.By)
		}
		if len(e.By) > 500 || operator && e.Agent != "" {
			t.Errorf("%s: %d bytes, and the agent %q", e.Event, len(e.By), e.Agent)
		}
	}
	mails := w.letters("notice_password_changed", p.Email)
	if len(mails) != 1 || !strings.Contains(mails[0], "By: Support (Bo)\nReason: ticket 4711x") {
		t.Errorf("the mail: %q", mails)
	}
	w.sound()
}

func TestR359_AnyOneOfTheRolesIsEnough(t *testing.T) {
	w := newWorld(t)
	auth := w.Nodes[0].Auth
	status := func(b *browser, names ...string) int {
		page := auth.RequireAnyRole(names...)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest("GET", w.Nodes[0].Origin+"/page", nil)
		r.Header.Set("Accept", "application/json")
		for name, value := range b.Jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, r)
		return rec.Code
	}
	p := w.person("alice")
	w.Must(auth.SetRoles(t.Context(), p.ID, "staff"))
	b := w.browser()
	b.login(p).Want(200)
	for names, want := range map[string]int{"staff": 200, "admin staff": 200, "admin": 403, "staf": 403, "": 403} {
		if got := status(b, strings.Fields(names)...); got != want {
			t.Errorf("any of %q: %d, want %d", names, got, want)
		}
	}
	if got := status(w.browser(), "staff"); got != 401 {
		t.Errorf("a stranger: %d", got)
	}
}
