package target

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

//go:embed betterauth.mjs
var betterAuthSite []byte

// modulesVariable names the folder with the npm packages.
const (
	modulesVariable = "DOORCHECK_BETTER_AUTH"
	modulesNeeded   = "better-auth, @better-auth/passkey and better-sqlite3"
)

func betterAuth() Target {
	return Target{
		Name: "better-auth", Title: "Better Auth",
		Needs: "node, and in " + modulesVariable + " a folder where npm has installed " + modulesNeeded,
		Dress: dressBetterAuth, launch: launchBetterAuth,
	}
}

func launchBetterAuth(ctx context.Context, at place) (string, error) {
	modules := os.Getenv(modulesVariable)
	if modules == "" {
		return "", fmt.Errorf("%s must name a folder where npm has installed %s", modulesVariable, modulesNeeded)
	}
	modules, err := filepath.Abs(filepath.Join(modules, "node_modules"))
	if err != nil {
		return "", err
	}
	if err := os.Symlink(modules, filepath.Join(at.dir, "node_modules")); err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(at.listen)
	if err != nil {
		return "", err
	}
	env := []string{"NODE_ENV=production"}
	a, err := at.script(ctx, "site.mjs", betterAuthSite, env, "node", port, at.database(), at.mailbox(), at.origin)
	if err != nil {
		return "", err
	}
	return a.Text("version") + " (passkey " + a.Text("passkey") + ")", nil
}

// better posts to a path of Better Auth and keeps the bearer token of the answer.
func better(b *door.Browser, path string, body map[string]any) (*door.Answer, error) {
	var content any = body
	if b.Foreign { // a form of another site cannot send JSON
		form := url.Values{}
		for name, value := range body {
			form.Set(name, fmt.Sprint(value))
		}
		content = form
	}
	a, err := door.Judge(b.Do("POST", "/api/auth"+path, content))
	if a != nil && a.Header.Get("Set-Auth-Token") != "" {
		b.Token = a.Header.Get("Set-Auth-Token")
	}
	return a, err
}

// betterStep is a step that is one POST.
func betterStep(path string, body func(in door.In) map[string]any) door.Step {
	return func(b *door.Browser, in door.In) (door.Out, error) {
		a, err := better(b, path, body(in))
		if a == nil {
			return door.Out{}, err
		}
		return door.Out{Answer: a, Location: a.Text("url")}, err
	}
}

// follow opens a link of a mail.
func follow(b *door.Browser, in door.In) (door.Out, error) {
	a, err := door.Judge(b.Do("GET", in.Link, nil))
	if err == nil && strings.Contains(a.Header.Get("Location"), "error=") {
		err = &door.Refusal{Status: a.Status}
	}
	return door.Out{Answer: a}, err
}

func dressBetterAuth(s *door.Site) {
	s.Settings = "`doorcheck/internal/target/betterauth.mjs` names the pages of " +
		"its documentation (better-auth.com/docs)"
	s.Links = linksTo(map[door.Verb]string{
		door.Confirm: `/verify-email\?`, door.Reset: "/reset-password/", door.UseMagic: `/magic-link/verify\?`,
		door.ChangeEmailEnd: `/verify-email\?`,
	})
	register := betterStep("/sign-up/email", func(in door.In) map[string]any {
		return map[string]any{"email": in.Email, "password": in.Password, "name": "P"}
	})
	login := betterStep("/sign-in/email", func(in door.In) map[string]any {
		body := map[string]any{"email": in.Email, "password": in.Password, "rememberMe": in.Remember}
		if in.Next != "" {
			body["callbackURL"] = in.Next
		}
		return body
	})
	reset := betterStep("/request-password-reset", func(in door.In) map[string]any {
		return map[string]any{"email": in.Email, "redirectTo": "/reset"}
	})
	secret := func(in door.In) map[string]any { return map[string]any{"password": in.Password} }
	disable := betterStep("/two-factor/disable", secret)
	s.Steps = map[door.Verb]door.Step{
		door.Register: register, door.ProbeRegister: register, door.Confirm: follow,
		door.Login: login, door.ProbeLogin: login, door.ForgedLogin: login, door.LoginNext: login,
		door.Code: betterStep("/two-factor/verify-totp",
			code), door.UseCode: betterStep("/two-factor/verify-backup-code", code),
		door.Who: betterWho("GET"), door.WhoToken: betterWho("GET"), door.WhoByMethod: betterWho(""),
		door.TakeToken: betterToken,
		door.SetUp:     betterSetUp, door.SetUpEnd: betterStep("/two-factor/verify-totp", code), door.Show: betterShow,
		door.Disable: disable, door.ForgedDisable: disable, door.MakeCodes: betterCodes,
		door.AskReset: reset, door.ProbeReset: reset, door.Reset: betterReset,
		door.AskMagic: betterStep("/sign-in/magic-link", address), door.UseMagic: follow,
		door.SetUpMail: betterSetUpMail, door.SetUpMailEnd: betterStep("/two-factor/verify-otp", code),
		door.AskMailCode: betterStep("/two-factor/send-otp",
			none), door.UseMailCode: betterStep("/two-factor/verify-otp", code),
		door.Logout: betterStep("/sign-out", none), door.LogoutAll: betterStep("/revoke-sessions", none),
		door.LogoutByLink: get("/api/auth/sign-out"),
		door.ChangePassword: betterStep("/change-password", func(in door.In) map[string]any {
			return map[string]any{"currentPassword": in.Password, "newPassword": in.New}
		}),
		door.ChangeEmail: betterStep("/change-email", func(in door.In) map[string]any {
			return map[string]any{"newEmail": in.New, "callbackURL": "/"}
		}),
		door.ChangeEmailEnd: follow,
		door.DeleteAccount:  betterStep("/delete-user", none),
	}
	s.Remarks = map[string]string{
		"passkey-unverified": "its plugin asks for user verification as \"preferred\" and does not demand it",
	}
	betterPasskeys(s)
	s.TrustCookie, s.TrustLife = "trust_device", trustLife
	s.Steps[door.Trust] = betterTrust
	noOtherSite(s)
}

func betterWho(method string) door.Step {
	return func(b *door.Browser, in door.In) (door.Out, error) {
		with, headers := method, []string{}
		if with == "" {
			with, headers = in.Next, []string{"X-HTTP-Method-Override", "GET"}
		}
		if in.Token != "" {
			headers = []string{"Authorization", "Bearer " + in.Token}
		}
		a, err := b.Do(with, "/api/auth/get-session", nil, headers...)
		if err != nil {
			return door.Out{}, err
		}
		user, _ := a.JSON["user"].(map[string]any)
		email, _ := user["email"].(string)
		return door.Out{Email: email, Answer: a}, nil
	}
}

// betterTrust signs in with both factors and trusts the browser.
func betterTrust(b *door.Browser, in door.In) (door.Out, error) {
	if _, err := better(b, "/sign-in/email", map[string]any{"email": in.Email, "password": in.Password}); err != nil {
		return door.Out{}, err
	}
	a, err := better(b, "/two-factor/verify-totp", map[string]any{"code": in.Code, "trustDevice": true})
	return door.Out{Answer: a}, err
}

func betterToken(b *door.Browser, _ door.In) (door.Out, error) {
	if b.Token == "" {
		return door.Out{}, &door.Refusal{}
	}
	return door.Out{Token: b.Token}, nil
}

// betterSetUp starts an enrollment. The answer also has recovery codes.
func betterSetUp(b *door.Browser, in door.In) (door.Out, error) {
	a, err := better(b, "/two-factor/enable", map[string]any{"password": in.Password})
	if a == nil {
		return door.Out{}, err
	}
	out := door.Out{Answer: a, Codes: list(a.JSON["backupCodes"])}
	if u, broken := url.Parse(a.Text("totpURI")); broken == nil {
		out.Secret = u.Query().Get("secret")
	}
	return out, err
}

func betterCodes(b *door.Browser, in door.In) (door.Out, error) {
	a, err := better(b, "/two-factor/generate-backup-codes", map[string]any{"password": in.Password})
	if a == nil {
		return door.Out{}, err
	}
	return door.Out{Answer: a, Codes: list(a.JSON["backupCodes"])}, err
}

func betterShow(b *door.Browser, _ door.In) (door.Out, error) {
	a, err := b.Do("POST", "/api/auth/two-factor/get-totp-uri", map[string]any{})
	if err != nil {
		return door.Out{}, err
	}
	return door.Out{Text: a.Body}, nil
}

func betterReset(b *door.Browser, in door.In) (door.Out, error) {
	token, _, _ := strings.Cut(in.Link[strings.LastIndex(in.Link, "/reset-password/")+len("/reset-password/"):], "?")
	a, err := better(b, "/reset-password", map[string]any{"newPassword": in.Password, "token": token})
	return door.Out{Answer: a}, err
}

// betterSetUpMail enables the second factor and requests a mailed code.
func betterSetUpMail(b *door.Browser, in door.In) (door.Out, error) {
	if _, err := better(b, "/two-factor/enable", map[string]any{"password": in.Password}); err != nil {
		return door.Out{}, err
	}
	a, err := better(b, "/two-factor/send-otp", map[string]any{})
	return door.Out{Answer: a}, err
}
