package security_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	apptotp "github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/flask"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/internal/transfer/transfertest"
)

// flaskSite is what scripts/transfer/flask knows of the database that it made.
type flaskSite struct {
	Salt    string
	Secrets map[string]string
	Keys    []string
	People  []flaskPerson
}

// flaskPerson is an account, and what its owner holds.
type flaskPerson struct {
	Email    string
	Kind     string
	Password *string
	Refused  *string
	App      string
	FirstApp string `json:"first app"`
	Codes    []string
	Passkey  *softkey.Key
}

func readFlask(t *testing.T, file string) (s flaskSite) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestR347_PeopleOfAFlaskSecuritySiteSignInWithWhatTheyHad: each kind of account that
// Flask-Security 5.1.2 made comes from its database, and its owner signs in with the
// old password, app, recovery code and passkey, and with nothing less.
func TestR347_PeopleOfAFlaskSecuritySiteSignInWithWhatTheyHad(t *testing.T) {
	for _, version := range []string{"v1", "v2", "v3"} {
		t.Run(version, func(t *testing.T) {
			s := readFlask(t, arrivals+"flask/testdata/"+version+".json")
			comesFromFlask(t, s, transfertest.SQLite(t, arrivals+"flask/testdata/"+version+".sql"))
		})
	}
}

// TestR347_AThousandPeopleOfAFlaskSecuritySite is the same for a database that
// scripts/transfer/flask made in the folder TWOFOLD_FLASK_SITE.
func TestR347_AThousandPeopleOfAFlaskSecuritySite(t *testing.T) {
	dir := os.Getenv("TWOFOLD_FLASK_SITE")
	if dir == "" {
		t.Skip("TWOFOLD_FLASK_SITE is not set: scripts/transfer/flask DIR 1000 makes such a site")
	}
	comesFromFlask(t, readFlask(t, filepath.Join(dir, "people.json")), "sqlite:///"+filepath.Join(dir, "site.db"))
}

func comesFromFlask(t *testing.T, s flaskSite, address string) {
	w := newWorld(t, open, unified, func(c *twofold.Config) { c.Password.Salt = s.Salt })
	move, err := w.nodes[0].auth.Transfers(sealed.NewScratch)
	w.must(err)
	refused := 0
	for _, p := range s.People {
		if p.Refused != nil {
			refused++
		}
	}
	source := func() transfer.Source {
		return flask.New(flask.Options{Address: address, TOTPSecrets: s.Secrets, RecoveryKeys: s.Keys, Now: w.Now})
	}
	o := engine.Options{RPID: "127.0.0.1", SkipBad: true}
	begun := time.Now()
	report, err := move.Import(t.Context(), source(), o)
	if err != nil || report.Refused != refused || report.New != len(s.People)-refused || report.OtherID != 0 {
		t.Fatalf("%+v %v", report, err)
	}
	t.Logf("%d accounts in %v", report.New, time.Since(begun).Round(time.Millisecond))
	if again, err := move.Import(t.Context(), source(), o); err != nil || again.Unchanged != report.New {
		t.Fatalf("a second time: %+v %v", again, err)
	}
	for _, p := range s.People {
		w.clock.advance(2 * time.Minute)
		switch {
		case p.Refused != nil:
			w.browser().post("/login", m{"email": p.Email, "password": *p.Password}).refused("one that was refused")
		case p.Kind == "off":
			w.browser().post("/login", m{"email": p.Email, "password": *p.Password}).refused("an account that is off")
		case p.Password != nil:
			w.signsInAsBefore(p)
		}
	}
}

// signsInAsBefore signs a person in with everything that they had, and checks that less
// is not enough.
func (w *world) signsInAsBefore(p flaskPerson) {
	w.t.Helper()
	begin := func() *browser {
		b := w.browser()
		b.post("/login", m{"email": p.Email, "password": *p.Password}).want(200)
		return b
	}
	w.browser().post("/login", m{"email": p.Email, "password": "x" + *p.Password}).refused("a wrong password")
	b := begin()
	if p.App != "" {
		b.out("before the app's code")
		if p.Passkey != nil { // there is a choice
			b.post("/tf-select", m{"which": "authenticator"}).want(200)
		}
		b.validate(w.appCode(p.App)).want(200)
		b.isIn(p.Email, 2)
	}
	for _, code := range p.Codes {
		b := begin()
		b.recover(code).want(200)
		b.isIn(p.Email, 2)
		begin().recover(code).refused("a code a second time")
	}
	if k := p.Passkey; k != nil {
		k.Origin, k.RPID = w.nodes[0].origin, "127.0.0.1"
		b := w.browser()
		if p.Kind != "passkey first" {
			b = begin()
			b.out("before the passkey")
			if p.App != "" {
				b.post("/tf-select", m{"which": "webauthn"}).want(200)
			}
		}
		b.signInBy(k).want(200)
		b.isIn(p.Email, 2)
		return
	}
	if p.FirstApp != "" {
		b := w.browser()
		b.post("/us-signin", m{"identity": p.Email, "passcode": w.appCode(p.FirstApp)}).want(200)
		b.isIn(p.Email, 1)
	}
	switch p.Kind {
	case "sms":
		b.out("before the code by SMS")
		sent := w.sms.All()
		b.validate(sixDigits.FindString(sent[len(sent)-1].Text)).want(200)
		b.isIn(p.Email, 2)
	case "email":
		b.out("before the code by mail")
		b.validate(w.mail.Code(w.t, p.Email)).want(200)
		b.isIn(p.Email, 2)
	default:
		if p.App == "" {
			b.isIn(p.Email, 1)
		}
	}
}

// appCode is what an app with a key in base32 shows now.
func (w *world) appCode(key string) string {
	w.t.Helper()
	secret, err := transfer.DecodeBase32(key)
	w.must(err)
	return apptotp.Code(apptotp.SHA1, secret, apptotp.Step(w.Now()), apptotp.Size)
}
