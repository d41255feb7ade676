package twofold_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func page(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestNewNamesEveryMistakeWithItsField(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := filepath.Join(dir, "open.key")
	if err := os.WriteFile(open, []byte(twofold.NewKey()), 0o644); err != nil {
		t.Fatal(err)
	}
	paths := twofold.Paths{Login: "login", Setup: "/a b"}
	paths.Life.Reset = "//evil"
	_, err := twofold.New(twofold.Config{
		Origin: "ftp://example.org", Key: twofold.KeyFile(open), TwoFactor: twofold.TwoFactor{PhoneRegion: "XX"},
		Accounts: twofold.Accounts{AuditDays: 400, AuditArchive: filepath.Join(dir, "missing")},
		Pages: twofold.Pages{
			Paths: paths,
			Templates: fstest.MapFS{"logn.html": page("x"), "login.html": page("{{define \"title\"}}x{{end}}<p>no " +
				"content</p>")},
			Locales: fstest.MapFS{},
		},
	})
	var wrong *twofold.ConfigError
	if !errors.As(err, &wrong) {
		t.Fatalf("not a ConfigError: %v", err)
	}
	if first := wrong.Problems[0]; first.Field != "Origin" || !strings.HasPrefix(first.Problem, "must be https") {
		t.Errorf("the first mistake is %+v", first)
	}
	for _, want := range []string{
		"Origin: ", "Store: ", "Key: " + open + " can be read by others", "PhoneRegion: ",
		"Accounts.AuditArchive: is not a folder",
		`Pages.Paths.Login: "login"`, `Pages.Paths.Setup: "/a b"`, `Pages.Paths.Life.Reset: "//evil"`,
		"Templates: logn.html: unknown page: did you mean login.html?",
		"Templates: login.html: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestNewRefusesPagesThatWouldFailLater(t *testing.T) {
	t.Parallel()
	content := func(body string) string {
		return `{{define "title"}}t{{end}}{{define "content"}}` + body + `{{end}}`
	}
	for name, test := range map[string]struct {
		templates, locales fstest.MapFS
		want               string
	}{
		"a field that is not there": {fstest.MapFS{"login.html": page(content("{{.Data.Nothing}}"))}, nil,
			"Templates: login.html"},
		"a branch that is seldom drawn": {
			fstest.MapFS{"login.html": page(content("{{if .Data.Passkey}}{{.Data.Nothing}}{{end}}"))}, nil,
			"Templates: login.html"},
		"a list that is empty at first": {
			fstest.MapFS{"tf_select.html": page(content("{{range .Data.Factors}}{{.Nothing}}{{end}}"))}, nil,
			"Templates: tf_select.html"},
		"a text that is not there": {fstest.MapFS{"login.html": page(content(`{{.T "no_such_text"}}`))}, nil,
			`unknown text "no_such_text"`},
		"a template that is not closed": {fstest.MapFS{"login.html": page(content("{{if"))}, nil,
			"Templates: template login.html"},
		"a mail that fails":       {fstest.MapFS{"mail_code.html": page("{{")}, nil, "Templates: "},
		"a folder without a page": {fstest.MapFS{"readme.txt": page("x")}, nil, "Templates: contains no page"},
		"a text without its code": {nil, fstest.MapFS{"fr.json": page(`{"USE_CODE": "Votre code"}`)},
			"Locales: fr.json: USE_CODE: lacks {{.code}}"},
		"two languages that are not JSON": {nil, fstest.MapFS{"fr.json": page(`{`), "es.json": page(`[`)},
			"Locales: es.json"},
	} {
		c := twofold.Config{Origin: "http://localhost", Key: twofold.KeyText(twofold.NewKey())}
		if test.templates != nil {
			c.Pages.Templates = test.templates
		}
		if test.locales != nil {
			c.Pages.Locales = test.locales
		}
		_, err := twofold.New(c)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestNewNamesEveryPageThatIsWrong checks that one error names all wrong pages.
func TestNewNamesEveryPageThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := twofold.New(twofold.Config{
		Origin: "http://localhost", Key: twofold.KeyText(twofold.NewKey()),
		Pages: twofold.Pages{
			Templates: fstest.MapFS{
				"tf_setup.html": page("{{"), "tf_select.html": page("{{if"), "mail_code.html": page("{{"),
				"login.html": page("no block"), "logn.html": page(""),
			},
		},
	})
	for _, want := range []string{
		"template tf_setup.html", "template tf_select.html", "mail_code.html", `login.html: no such template "content"`,
		"logn.html: unknown page",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s: %v", want, err)
		}
	}
}

func TestNewTakesPagesThatAreRight(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var log bytes.Buffer
	auth, err := twofold.New(twofold.Config{
		Origin: "http://127.0.0.1:8080", Key: twofold.KeyText(twofold.NewKey()), Store: db,
		Pages: twofold.Pages{
			Templates: fstest.MapFS{
				"login.html": page(`{{define "title"}}{{.T "login_title"}}{{end}}{{define "content"}}<h1>{{.T "my_own"}}</h1>{{end}}`)},
			Locales: fstest.MapFS{"en.json": page(`{"my_own": "Welcome"}`)},
		},
		Passkeys: &twofold.Passkeys{}, Sessions: twofold.Sessions{RememberByDefault: true},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	background.Start(auth)()
	for _, want := range []string{"Sessions.RememberByDefault has no effect", "Passkeys has no effect"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, &log)
		}
	}
}

func TestAFailedNewHasMadeNoKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "app.key")
	if _, err := twofold.New(twofold.Config{Origin: "http://localhost", Key: twofold.KeyFile(file)}); err == nil {
		t.Fatal("a configuration without a store is taken")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the key was made all the same")
	}
}
