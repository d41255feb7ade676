package howto_test

import (
	"context"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/twofold-auth/twofold"
)

func german(ctx context.Context, auth *twofold.Auth, email string) error {
	user, err := auth.FindUser(ctx, email)
	if err != nil {
		return err
	}
	return auth.SetLanguage(ctx, user.ID, "de")
}

func languages(texts fs.FS) twofold.Pages {
	return twofold.Pages{Locales: texts} // such as os.DirFS("texts")
}

const danish = `{
  "language_name": "Dansk",
  "login_title": "Log ind",
  "login_email": "E-mailadresse",
  "login_password": "Adgangskode",
  "login_submit": "Log ind",
  "duration_day": {"one": "{{.N}} dag", "other": "{{.N}} dage"}
}`

const french = `{
  "login_title": "Connexion",
  "USE_CODE": "Votre code : {{.code}}"
}`

func TestTranslations(t *testing.T) {
	auth := newAuth(t, twofold.Config{Pages: languages(fstest.MapFS{
		"da.json": {Data: []byte(danish)}, "fr.json": {Data: []byte(french)},
	})})
	for tag, want := range map[string][]string{
		"da":    {`<html lang="da"`, "Adgangskode"},
		"fr-CA": {`<html lang="fr"`, "Connexion", "Mot de passe"},
		"ar":    {`dir="rtl"`},
		"xx":    {`<html lang="en"`},
	} {
		page := serveOnce(auth, http.MethodGet, "https://login.example.org/login",
			"Accept", "text/html", "Accept-Language", tag).Body
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %s", tag, text)
			}
		}
	}
	const email = "ada@example.org"
	n := twofold.NewUser{Email: email, Password: "correct horse 71 battery"}
	if _, err := auth.CreateUser(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := german(t.Context(), auth, email); err != nil {
		t.Fatal(err)
	}
	if u, err := auth.FindUser(t.Context(), email); err != nil || u.Language != "de" {
		t.Errorf("%q, %v", u.Language, err)
	}
}
