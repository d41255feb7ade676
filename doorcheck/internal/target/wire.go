// Package target starts sites and defines how to run each step there.
package target

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// wire is the JSON interface of Flask-Security, which Twofold implements too.
type wire struct {
	home  string // the page that shows the address of its user
	token bool   // JSON requests need a CSRF token
	links string // HTTP method by which links in mails are followed
	tell  func(*door.Answer) string
}

// asJSON holds the headers of a JSON client.
var asJSON = []string{"Accept", "application/json"}

// csrf returns a CSRF token, which a page of another site cannot read. The sign-in page contains
// one and ends a pending sign-in.
func (w wire) csrf(b *door.Browser, fresh bool) string {
	if !w.token || b.Foreign {
		return ""
	}
	if fresh || b.Vars["csrf"] == "" {
		a, err := b.Do("GET", "/login", nil, asJSON...)
		if err != nil {
			return ""
		}
		b.Vars["csrf"] = a.Text("response", "csrf_token")
	}
	return b.Vars["csrf"]
}

// post sends JSON and keeps the header token of the answer.
func (w wire) post(b *door.Browser, path string, body map[string]any) (*door.Answer, error) {
	if b.Vars["token"] != "" {
		path += "?include_auth_token=1"
	}
	headers := asJSON
	if token := w.csrf(b, strings.HasPrefix(path, "/login")); token != "" {
		headers = append([]string{"X-CSRFToken", token}, asJSON...)
		body["csrf_token"] = token
	}
	if b.Foreign { // a form of another site cannot send JSON
		form := url.Values{}
		for name, value := range body {
			form.Set(name, fmt.Sprint(value))
		}
		return door.Judge(b.Do("POST", path, form))
	}
	a, err := door.Judge(b.Do("POST", path, body, headers...))
	if a != nil {
		if token := a.Text("response", "user", "authentication_token"); token != "" {
			b.Token = token
		}
		if method := a.Text("response", "tf_primary_method"); method != "" {
			b.Vars["method"] = method
		}
	}
	return a, err
}

// step is a step with one POST whose answer is not needed.
func (w wire) step(path string, body func(in door.In) map[string]any) door.Step {
	return func(b *door.Browser, in door.In) (door.Out, error) {
		a, err := w.post(b, path, body(in))
		return door.Out{Answer: a}, err
	}
}

// open opens a link of a mail and presses its button if there is one.
func (w wire) open(body func(in door.In) map[string]any) door.Step {
	return func(b *door.Browser, in door.In) (door.Out, error) {
		if w.links == "GET" {
			a, err := door.Judge(b.Do("GET", in.Link, nil))
			return door.Out{Answer: a}, err
		}
		path := strings.TrimPrefix(in.Link, b.Origin)
		a, err := w.post(b, path, body(in))
		return door.Out{Answer: a}, err
	}
}

func none(door.In) map[string]any { return map[string]any{} }

func login(in door.In) map[string]any {
	return map[string]any{"email": in.Email, "password": in.Password, "remember": in.Remember}
}

func code(in door.In) map[string]any { return map[string]any{"code": in.Code} }

func address(in door.In) map[string]any { return map[string]any{"email": in.Email} }

// steps returns the steps that both sites have.
func (w wire) steps() map[door.Verb]door.Step {
	register := w.step("/register", func(in door.In) map[string]any {
		return map[string]any{"email": in.Email, "password": in.Password, "password_confirm": in.Password}
	})
	disable := w.step("/tf-setup", func(door.In) map[string]any { return map[string]any{"setup": "disable"} })
	return map[door.Verb]door.Step{
		door.Register: register, door.ProbeRegister: register,
		door.Confirm: w.open(func(in door.In) map[string]any {
			if in.Password == "" {
				return map[string]any{}
			}
			return map[string]any{"password": in.Password, "password_confirm": in.Password}
		}),
		door.Login: w.step("/login", login), door.ProbeLogin: w.step("/login", login),
		door.ForgedLogin: w.step("/login", login),
		door.Code:        w.validate, door.UseMailCode: w.validate,
		door.Who: w.who, door.WhoToken: w.whoToken, door.WhoByMethod: w.whoByMethod,
		door.TakeToken: w.takeToken,
		door.SetUp:     w.setUp, door.Show: w.show, door.Disable: disable, door.ForgedDisable: disable,
		door.UseCode: w.step("/mf-recovery", code),
		door.MakeCodes: func(b *door.Browser, _ door.In) (door.Out, error) {
			a, err := w.post(b, "/mf-recovery-codes", map[string]any{})
			return door.Out{Codes: texts(a, "recovery_codes"), Answer: a}, err
		},
		door.AskReset: w.step("/reset", address), door.ProbeReset: w.step("/reset", address),
		door.Reset: func(b *door.Browser, in door.In) (door.Out, error) {
			a, err := w.post(b, strings.TrimPrefix(in.Link, b.Origin), map[string]any{"password": in.Password,
				"password_confirm": in.Password})
			return door.Out{Answer: a}, err
		},
		door.AskMagic: w.step("/us-signin/send-code", func(in door.In) map[string]any {
			return map[string]any{"identity": in.Email, "chosen_method": "email"}
		}),
		door.UseMagic: w.open(none), door.SetUpMagic: w.setUpMagic, door.SetUpMagicEnd: w.setUpMagicEnd,
		door.Logout: w.step("/logout", none),
		door.ChangePassword: w.step("/change", func(in door.In) map[string]any {
			return map[string]any{"password": in.Password, "new_password": in.New, "new_password_confirm": in.New}
		}),
		door.LogoutByLink: get("/logout"), door.LoginPage: get("/login"), door.LoginNext: w.loginNext,
	}
}

// takeToken returns the token of the sign-in. Flask-Security sends none with a code, so the client
// proves the password again to get one.
func (w wire) takeToken(b *door.Browser, in door.In) (door.Out, error) {
	if b.Token == "" {
		if _, err := w.post(b, "/verify", map[string]any{"password": in.Password}); err != nil {
			return door.Out{}, err
		}
	}
	if b.Token == "" {
		return door.Out{}, &door.Refusal{}
	}
	return door.Out{Token: b.Token}, nil
}

// validate sends a code. If there is a next page, it sends a form, because JSON is not redirected.
func (w wire) validate(b *door.Browser, in door.In) (door.Out, error) {
	body := code(in)
	if in.Remember {
		body["remember"] = true
	}
	if in.Next == "" {
		a, err := w.post(b, "/tf-validate", body)
		return door.Out{Answer: a}, err
	}
	form := url.Values{"code": {in.Code}, "next": {in.Next}, "csrf_token": {w.csrf(b, false)}}
	a, err := door.Judge(b.Do("POST", "/tf-validate", form))
	return located(a), err
}

func (w wire) loginNext(b *door.Browser, in door.In) (door.Out, error) {
	form := url.Values{"email": {in.Email}, "password": {in.Password}, "next": {in.Next}, "csrf_token": {w.csrf(b,
		true)}}
	a, err := door.Judge(b.Do("POST", "/login?next="+url.QueryEscape(in.Next), form))
	return located(a), err
}

func located(a *door.Answer) door.Out {
	if a == nil {
		return door.Out{}
	}
	return door.Out{Answer: a, Location: a.Header.Get("Location")}
}

func (w wire) who(b *door.Browser, _ door.In) (door.Out, error) {
	a, err := b.Do("GET", w.home, nil, asJSON...)
	if err != nil || a.Status != 200 {
		return door.Out{Answer: a}, err
	}
	return door.Out{Email: w.tell(a), Answer: a}, nil
}

func (w wire) whoToken(b *door.Browser, in door.In) (door.Out, error) {
	a, err := b.Do("GET", w.home, nil, append([]string{"Authentication-Token", in.Token}, asJSON...)...)
	if err != nil || a.Status != 200 {
		return door.Out{Answer: a}, err
	}
	return door.Out{Email: w.tell(a), Answer: a}, nil
}

func (w wire) whoByMethod(b *door.Browser, in door.In) (door.Out, error) {
	a, err := b.Do(in.Next, w.home, nil, append([]string{"X-HTTP-Method-Override", "GET"}, asJSON...)...)
	if err != nil {
		return door.Out{}, err
	}
	out := door.Out{Answer: a}
	if a.Status == 200 && (in.Next == "HEAD" || strings.Contains(a.Body, "@")) {
		out.Email = "shown"
	}
	return out, nil
}

func (w wire) setUp(b *door.Browser, _ door.In) (door.Out, error) {
	a, err := w.post(b, "/tf-setup", map[string]any{"setup": "authenticator"})
	if a == nil {
		return door.Out{}, err
	}
	b.Vars["state"] = a.Text("response", "tf_state_token")
	return door.Out{Secret: a.Text("response", "tf_authr_key"), Answer: a}, err
}

// setUpEnd sends the first code of an enrollment to the path of its state, or to that of a sign-in.
func (w wire) setUpEnd(b *door.Browser, in door.In) (door.Out, error) {
	path := "/tf-validate"
	if state := b.Vars["state"]; state != "" {
		path = "/tf-setup/" + state
	}
	a, err := w.post(b, path, code(in))
	return door.Out{Answer: a}, err
}

// setUpMagic enables mailed codes and links as first factors.
func (w wire) setUpMagic(b *door.Browser, _ door.In) (door.Out, error) {
	a, err := w.post(b, "/us-setup", map[string]any{"chosen_method": "email"})
	if a != nil {
		b.Vars["us-state"] = a.Text("response", "state")
	}
	return door.Out{Answer: a}, err
}

func (w wire) setUpMagicEnd(b *door.Browser, in door.In) (door.Out, error) {
	a, err := w.post(b, "/us-setup/"+b.Vars["us-state"], map[string]any{"passcode": in.Code})
	return door.Out{Answer: a}, err
}

func (w wire) show(b *door.Browser, _ door.In) (door.Out, error) {
	var all strings.Builder
	for _, path := range []string{"/tf-setup", "/tf-validate", w.home, "/us-setup", "/mf-recovery-codes"} {
		for _, accept := range []string{"text/html", "application/json"} {
			a, err := b.Do("GET", path, nil, "Accept", accept)
			if err != nil {
				return door.Out{}, err
			}
			all.WriteString(a.Body)
		}
	}
	return door.Out{Text: all.String()}, nil
}

func get(path string) door.Step {
	return func(b *door.Browser, _ door.In) (door.Out, error) {
		a, err := door.Judge(b.Do("GET", path, nil))
		return door.Out{Answer: a}, err
	}
}

// texts returns a list of strings in an answer.
func texts(a *door.Answer, name string) []string {
	if a == nil {
		return nil
	}
	response, _ := a.JSON["response"].(map[string]any)
	return list(response[name])
}

// list returns the strings of a JSON array.
func list(array any) (out []string) {
	values, _ := array.([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// linksTo matches links in mails by the start of their path.
func linksTo(paths map[door.Verb]string) map[door.Verb]*regexp.Regexp {
	out := map[door.Verb]*regexp.Regexp{}
	for v, path := range paths {
		out[v] = regexp.MustCompile(`https?://[^\s"'<>]+` + path + `[^\s"'<>)]+`)
	}
	return out
}

var sixDigits = regexp.MustCompile(`\b(\d{6})\b`)
