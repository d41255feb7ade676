package target

import (
	"context"
	_ "embed"
	"net"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

//go:embed flask.py
var flaskSite []byte

func flask() Target {
	return Target{
		Name: "flask-security", Title: "Flask-Security",
		Needs: "Debian's python3-flask-security, python3-flask-sqlalchemy, python3-argon2, " +
			"python3-cryptography, python3-qrcode",
		Dress: dressFlask, launch: launchFlask,
	}
}

func launchFlask(ctx context.Context, at place) (string, error) {
	host, port, err := net.SplitHostPort(at.listen)
	if err != nil {
		return "", err
	}
	a, err := at.script(ctx, "site.py", flaskSite, nil, "/usr/bin/python3", host, port, at.database(), at.mailbox())
	if err != nil {
		return "", err
	}
	return a.Text("Flask-Security-Too") + " (Flask " + a.Text("Flask") + ")", nil
}

func dressFlask(s *door.Site) {
	w := wire{home: "/protected", links: "GET", token: true,
		tell: func(a *door.Answer) string { return a.Text("email") }}
	s.Settings = "`doorcheck/internal/target/flask.py` names the pages of " +
		"its documentation (flask-security-too.readthedocs.io, 5.1)"
	s.Links = linksTo(map[door.Verb]string{
		door.Confirm: "/confirm/", door.Reset: "/reset/", door.UseMagic: `/us-verify-link\?`,
	})
	s.Timeless = true
	noOtherSite(s)
	unwired(s, "its passkeys need the module webauthn, which the package registries of this run do not have",
		door.AskPasskey, door.AskSecond, door.AddPasskey, door.RemovePasskey, door.AskAssertion, door.GiveAssertion)
	s.Steps = w.steps()
	w.trustSteps(s)
	delete(s.Steps, door.EndTrust)
	s.Steps[door.Trust], s.Steps[door.Login] = w.trustAsJSON, w.loginAsJSON
	s.Steps[door.SetUpEnd] = w.validate
	s.Steps[door.SetUpMail] = w.step("/tf-setup",
		func(door.In) map[string]any { return map[string]any{"setup": "email"} })
	s.Steps[door.SetUpMailEnd] = w.validate
	// If mail is the method, the first factor causes a mailed code; a rescue mails one instead of
	// the app's.
	s.Steps[door.AskMailCode] = func(b *door.Browser, _ door.In) (door.Out, error) {
		if b.Vars["method"] == "email" {
			return door.Out{}, nil
		}
		a, err := w.post(b, "/tf-rescue", map[string]any{"help_setup": "email"})
		return door.Out{Answer: a}, err
	}
}
