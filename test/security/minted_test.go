package security_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// minted creates a token for a person as an operator does.
func (w *world) minted(p *person, scopes ...string) string {
	w.T.Helper()
	ctx := event.WithActor(w.T.Context(), "Support (Bo)", "nightly export")
	token, err := w.Nodes[0].Auth.MintToken(ctx, p.ID, "export", scopes, 24*time.Hour)
	w.Must(err)
	w.handedOut("personal access token", token)
	return token
}

// TestR390_AnOperatorsTokenIsOneFactor checks that the token grants its scopes but nothing that
// requires two factors or a fresh proof, whatever the account has. It is recorded, and the owner is
// notified.
func TestR390_AnOperatorsTokenIsOneFactor(t *testing.T) {
	for name, account := range map[string]func(*world) *person{
		"with a second factor": func(w *world) *person { return w.withApp("alice") },
		"without":              func(w *world) *person { return w.person("alice") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tokens, required)
			p, n := account(w), w.Nodes[0]
			n.Server.Handler = both(n.Server.Handler, scopedPages(n))
			token := w.minted(p, "read")
			prog := w.program("Authentication-Token", token)
			for path, want := range map[string]int{
				"/token-check?scope=read": 200, "/token-check?scope=write": 403, "/api/read": 403, "/api/fresh": 401,
				"/api/user": 401, "/api/one": 200,
			} {
				if r := prog.Get(path); r.Status != want {
					t.Errorf("%s: %d %.100s, want %d", path, r.Status, r.Body, want)
				}
			}
			prog.out("an operator's token is no session")
			if r := prog.Get("/token-check?scope=read"); !strings.Contains(r.Body, `"level":1`) {
				t.Errorf("the level: %s", r.Body)
			}
			w.settled()
			if mail := w.mailTo(p); !strings.Contains(mail, "An access token was created") ||
				!strings.Contains(mail, "By: Support (Bo)\nReason: nightly export") {
				t.Errorf("the owner is not told who did it: %s", mail)
			}
			made := happened[event.TokenMinted](w)
			if e := made[len(made)-1]; e.By != "Support (Bo)" || e.Why != "nightly export" || e.Kind != "personal" {
				t.Errorf("the event: %+v", e)
			}
			w.Advance(24*time.Hour + time.Second)
			if r := prog.Get("/token-check?scope=read"); r.Status != 401 {
				t.Errorf("it outlives its life: %d", r.Status)
			}
			w.sound()
		})
	}
}

// TestR390_AnOperatorsTokenEnds checks that the owner, the operator and a change of credentials end
// the token like others.
func TestR390_AnOperatorsTokenEnds(t *testing.T) {
	w := newWorld(t, tokens)
	p, auth := w.withApp("alice"), w.Nodes[0].Auth
	for name, end := range map[string]func(token string){
		"the owner": func(string) {
			b := w.full(p)
			list, _ := b.Get("/access-tokens").Want(200).JSON["tokens"].([]any)
			if len(list) != 1 {
				t.Fatalf("the owner sees %v", list)
			}
			b.Post("/access-tokens/"+list[0].(m)["id"].(string), m{}).Want(200)
		},
		"EndSessions": func(string) { w.Must(auth.EndSessions(t.Context(), p.ID)) },
		"SetActive": func(string) {
			w.Must(auth.SetActive(t.Context(), p.ID, false))
			w.Must(auth.SetActive(t.Context(), p.ID, true))
		},
	} {
		token := w.minted(p, "read")
		prog := w.program("Authorization", "Bearer "+token)
		if r := prog.Get("/token-check?scope=read"); r.Status != 200 {
			t.Fatalf("%s: %d %s", name, r.Status, r.Body)
		}
		end(token)
		if r := prog.Get("/token-check?scope=read"); r.Status != 401 {
			t.Errorf("%s does not end it: %d", name, r.Status)
		}
	}
}

// TestR390_ATokenOutOfBoundsIsRefused checks that a refused token leaves no audit row.
func TestR390_ATokenOutOfBoundsIsRefused(t *testing.T) {
	w := newWorld(t, tokens)
	p, q, auth := w.person("alice"), w.person("robert"), w.Nodes[0].Auth
	w.Must(auth.SetActive(t.Context(), q.ID, false))
	w.settled()
	before := w.rows("users", "tokens", "events", "messages")
	read, day := []string{"read"}, 24*time.Hour
	for why, try := range map[string]struct {
		id, name string
		scopes   []string
		life     time.Duration
	}{
		"no name": {p.ID, " \n", read, day}, "no scope": {p.ID, "x", nil, day}, "no life": {p.ID, "x", read, 0},
		"another scope": {p.ID, "x", []string{"admin"}, day}, "too long a life": {p.ID, "x", read, 91 * day},
		"no such user": {"none", "x", read, day}, "inactive": {q.ID, "x", read, day},
	} {
		token, err := auth.MintToken(t.Context(), try.id, try.name, try.scopes, try.life)
		if err == nil || token != "" || !strings.HasPrefix(err.Error(), "twofold: ") {
			t.Errorf("%s: %q, %v", why, token, err)
		}
	}
	if w.rows("users", "tokens", "events", "messages") != before {
		t.Error("a refused token changed something")
	}
	for range 50 {
		w.minted(p, "read", "write", "read")
	}
	if token, err := auth.MintToken(t.Context(), p.ID, "x", read, day); err == nil || token != "" {
		t.Error("an account has more tokens than it may have")
	}
	if n := w.count("tokens"); n != 50 {
		t.Errorf("%d tokens", n)
	}
}

// TestR390_TheTrailHasEveryTokenAndNoOther checks that of concurrent calls for the last place one
// creates a token. The others write no audit row and no notice.
func TestR390_TheTrailHasEveryTokenAndNoOther(t *testing.T) {
	w := newWorld(t, tokens)
	p, auth := w.person("alice"), w.Nodes[0].Auth
	second := w.Start(nil).Auth
	for range 49 {
		w.minted(p, "read")
	}
	w.settled()
	told := len(w.Mail.To(p.Email))
	var made atomic.Int64
	testkit.Par(storm, func(i int) {
		a := auth
		if i%2 == 1 {
			a = second
		}
		if _, err := a.MintToken(t.Context(), p.ID, "x", []string{"read"}, 24*time.Hour); err == nil {
			made.Add(1)
		}
	})
	w.settled()
	rows, heard, mails := w.rowsOf("token-minted"), len(happened[event.TokenMinted](w)), len(w.Mail.To(p.Email))-told
	if made.Load() != 1 || w.count("tokens") != 50 || rows != 50 || heard != 50 || mails != 1 {
		t.Errorf("%d made, %d tokens, %d rows, %d events, %d mails", made.Load(), w.count("tokens"), rows, heard, mails)
	}
	w.sound()
}
