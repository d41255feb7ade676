package security_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/store"
)

// silent is a store that fails to write audit rows.
type silent struct{ storage.Store }

func (silent) AppendEvent(context.Context, storage.Event) error { return errors.New("full") }

// TestR349_MovingAccountsIsInTheTrail checks that an import and an export are recorded in the audit
// trail, which still verifies. If the row cannot be written, nothing is imported or exported.
func TestR349_MovingAccountsIsInTheTrail(t *testing.T) {
	w := newWorld(t)
	const line = `{"id":"1","active":true,"addresses":[{"address":"ann@good.test"}]}`
	move := func(n *node) (out string, err error) {
		e, err := n.Auth.Transfers(sealed.NewScratch)
		w.Must(err)
		_, err = e.Import(t.Context(), transfer.NewFile(strings.NewReader(line)), engine.Options{Source: "old"})
		var b bytes.Buffer
		_, failed := e.Export(t.Context(), &b, engine.ExportOptions{Secrets: true})
		return b.String(), errors.Join(err, failed)
	}
	mute := w.Start(func(s storage.Store) storage.Store { return silent{s} })
	if out, err := move(mute); err == nil || out != "" {
		t.Errorf("without a trail: %v, %q", err, out)
	}
	if _, err := w.Nodes[0].Auth.FindUser(t.Context(), "ann@good.test"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an account came without a row of the trail: %v", err)
	}
	if out, err := move(w.Nodes[0]); err != nil || !strings.Contains(out, "ann@good.test") {
		t.Errorf("%v, %q", err, out)
	}
	rows, err := w.Nodes[0].Auth.Audit().List(t.Context(), event.AuditFilter{})
	w.Must(err)
	var said []string
	for _, r := range rows {
		said = append(said, r.Event+" "+r.Result+" "+r.Reason)
	}
	want := "import-started ok old: 1 new, 0 changed, 0 refused|accounts-imported ok old: 1 new, 0 changed|" +
		"accounts-exported ok with secrets"
	if got := strings.Join(said, "|"); got != want {
		t.Errorf("the trail says\n%s, want\n%s", got, want)
	}
	report, err := w.Nodes[0].Auth.Audit().Verify(t.Context(), "")
	w.Must(err)
	if len(report.Problems) > 0 {
		t.Errorf("%+v", report)
	}
}

// TestR340_ThePageKnowsHowManyDigitsAnAppShows checks that the script of the page submits a code
// when it is complete, not after six digits of eight.
func TestR340_ThePageKnowsHowManyDigitsAnAppShows(t *testing.T) {
	w := newWorld(t)
	e, err := w.Nodes[0].Auth.Transfers(sealed.NewScratch)
	w.Must(err)
	for digits, email := range map[int]string{6: "six@good.test", 8: "eight@good.test"} {
		line := fmt.Sprintf(`{"id":"%d","active":true,"addresses":[{"address":"%s"}],"password":{"scheme":"plain",`+
			`"value":"%s"},"authenticators":[{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","digits":%d}]}`,
			digits, email, secret, digits)
		_, err := e.Import(t.Context(), transfer.NewFile(strings.NewReader(line)), engine.Options{Source: "old"})
		w.Must(err)
		b := w.browser()
		b.Post("/login", m{"email": email, "password": secret}).Want(200)
		page := b.Do("GET", "/tf-validate", "", "", "Accept", "text/html").Want(200).Body
		if !strings.Contains(page, fmt.Sprintf(`data-auto="%d"`, digits)) ||
			digits == 8 && !strings.Contains(page, "8 digits") {
			t.Errorf("the page for %d digits: %s", digits, page)
		}
		code := totp20(w.Now().Unix() / 30)
		if digits == 8 {
			b.validate(code).Refused("six digits of an app that shows eight")
			code = fmt.Sprintf("%08d", shows(sha1.New, []byte("12345678901234567890"), w.Now().Unix()/30, 1e8))
		}
		b.validate(code).Want(200)
		b.isIn(email, 2)
	}
}
