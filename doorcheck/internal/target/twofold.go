package target

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// twofoldSettings enables every feature that an attack needs, with the names of
// docs/configuration.md; all other settings have their defaults. A proof is fresh for 20 seconds
// instead of 15 minutes, so that attacks can wait for its end.
var twofoldSettings = []string{
	"SECURITY_REGISTERABLE=true", "SECURITY_CONFIRMABLE=true", "SECURITY_RECOVERABLE=true", "SECURITY_CHANGEABLE=true",
	"SECURITY_CHANGE_EMAIL=true", "SECURITY_MULTI_FACTOR_RECOVERY_CODES=true", "SECURITY_UNIFIED_SIGNIN=true",
	"SECURITY_REMEMBER_ME=true", "SECURITY_TWO_FACTOR_ENABLED_METHODS=authenticator,email",
	"SECURITY_FRESHNESS=20 seconds", "SECURITY_OAUTH_ENABLE=true", "SECURITY_OAUTH_SIGN_UP=corp",
	"SECURITY_WEBAUTHN=true", "TWOFOLD_USER_DELETABLE=true", "TWOFOLD_LEGACY=Webhook",
	"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=false", "SECURITY_TWO_FACTOR_LOGIN_VALIDITY=90 seconds",
	"TWOFOLD_INVITE_WITHIN=1 minute",
}

func twofold() Target {
	return Target{Name: "twofold", Title: "Twofold", Needs: "this repository and Go", Dress: dressTwofold, asks: true,
		launch: launchTwofold}
}

func launchTwofold(ctx context.Context, at place) (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(at.dir, "twofold")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/twofold")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	key, err := exec.CommandContext(ctx, binary, "key", "new").Output()
	if err != nil {
		return "", err
	}
	smtp := at.mail.SMTP.Addr().String()
	host, port, _ := strings.Cut(smtp, ":")
	corp := fmt.Sprintf(`{"corp": {"ISSUER": %q, "CLIENT_ID": %q, "CLIENT_SECRET": %q, "SCOPES": "email"}}`,
		at.provider.URL, at.provider.ClientID, at.provider.Secret)
	env := append([]string{
		"SECURITY_OAUTH_PROVIDERS=" + corp,
		fmt.Sprintf("TWOFOLD_LEGACY_CONFIG={\"URL\": %q, \"SECRET\": %q}", at.former.URL, at.former.Secret),
		"SECRET_KEY=" + strings.TrimSpace(string(key)), "TWOFOLD_ORIGIN=" + at.origin, "TWOFOLD_LISTEN=" + at.listen,
		"TWOFOLD_TRUSTED_PROXIES=127.0.0.1", "SQLALCHEMY_DATABASE_URI=sqlite:///" + filepath.Join(at.dir, "door.db"),
		"MAIL_SERVER=" + host, "MAIL_PORT=" + port, "MAIL_DEFAULT_SENDER=no-reply@example.org",
	}, twofoldSettings...)
	if err := at.imports(ctx, env, binary); err != nil {
		return "", err
	}
	operate := func(args ...string) error {
		c := exec.CommandContext(ctx, binary, args...)
		c.Dir, c.Env = at.dir, env
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", args, err, out)
		}
		return nil
	}
	at.operator.Invite = func(email string) error { return operate("user", "invite", email) }
	at.operator.Revoke = func(email string) error { return operate("user", "invite", email, "--revoke") }
	p, err := start(ctx, at.dir, env, binary, "serve")
	if err != nil {
		return "", err
	}
	if err := at.ready(p, "/login"); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "log", "-1", "--format=%cs %h").Output()
	if err != nil {
		return "this tree", nil
	}
	return strings.TrimSpace(string(out)), nil
}

// imports creates the accounts that wait for the former system (docs/transfer.md).
func (at place) imports(ctx context.Context, env []string, binary string) error {
	var lines strings.Builder
	for i, email := range at.former.Waiting() {
		fmt.Fprintf(&lines, `{"id": "%d", "active": true, "addresses": [{"address": %q, "proven": true}], `+
			`"password": {"value": "$ask$"}}`+"\n", i, email)
	}
	file := filepath.Join(at.dir, "accounts.jsonl")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, binary, "import", file)
	c.Dir, c.Env = at.dir, env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w: %s", err, out)
	}
	return nil
}

func dressTwofold(s *door.Site) {
	w := wire{home: "/me", links: "POST", tell: func(a *door.Answer) string {
		return a.Text("response", "user",
			"email")
	}}
	s.Settings = "docs/configuration.md: " + strings.Join(twofoldSettings, ", ")
	s.Links = linksTo(map[door.Verb]string{
		door.Confirm: "/confirm/", door.Reset: "/reset/", door.UseMagic: "/us-verify-link/",
		door.ChangeEmailEnd: "/change-email/", door.AcceptInvite: "/tf-invite/",
	})
	s.Steps = w.steps()
	s.Remarks = map[string]string{
		"mail-twice-reset": "docs/configuration.md gives this price for the method `email`; without it, or with " +
			"SECURITY_TWO_FACTOR_STRONG_ONLY, no account has mail as its only second factor",
	}
	s.Steps[door.DeleteAccount] = w.step("/tf-delete", none)
	s.Steps[door.FinishSignUp] = w.step("/login/oauth-signup", code)
	w.passkeySteps(s)
	w.trustSteps(s)
	w.inviteSteps(s)
	s.Steps[door.SetUpEnd] = w.setUpEnd
	s.Steps[door.ChangeEmail] = w.step("/change-email",
		func(in door.In) map[string]any { return map[string]any{"email": in.New} })
	s.Steps[door.ChangeEmailEnd] = w.open(none)
	s.Steps[door.SetUpMail] = func(b *door.Browser, _ door.In) (door.Out, error) {
		a, err := w.post(b, "/tf-setup", map[string]any{"setup": "email"})
		if a != nil {
			b.Vars["state"] = a.Text("response", "tf_state_token")
		}
		return door.Out{Answer: a}, err
	}
	s.Steps[door.SetUpMailEnd] = w.setUpEnd
	// If mail is the default, the first factor causes a mailed code; a rescue mails one instead of
	// the app's.
	s.Steps[door.AskMailCode] = func(b *door.Browser, _ door.In) (door.Out, error) {
		for _, body := range []map[string]any{{"which": "email"}, {"help_setup": "email"}} {
			path := "/tf-select"
			if body["which"] == nil {
				path = "/tf-rescue"
			}
			if a, err := w.post(b, path, body); err == nil {
				return door.Out{Answer: a}, nil
			}
		}
		return door.Out{}, nil
	}
	s.Steps[door.GoAway], s.Steps[door.Connect] = away("/login/oauthstart/corp"), away("/login/oauth-connect/corp")
	s.Steps[door.ComeBack] = back
	s.Steps[door.LogoutAll] = func(b *door.Browser, _ door.In) (door.Out, error) {
		a, err := w.post(b, "/tf-sessions", map[string]any{})
		return door.Out{Answer: a}, err
	}
}

// away follows the redirect to the provider.
func away(path string) door.Step {
	return func(b *door.Browser, _ door.In) (door.Out, error) {
		a, err := door.Judge(b.Do("POST", path, nil, asJSON...))
		return located(a), err
	}
}

// back follows the callback.
func back(b *door.Browser, in door.In) (door.Out, error) {
	a, err := door.Judge(b.Do("GET", in.Link, nil, asJSON...))
	return located(a), err
}
