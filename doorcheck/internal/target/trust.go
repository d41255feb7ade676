package target

import (
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// trustLife and inviteLife are the lifetimes of trust and of invitations. They replace 30 and 7
// days, so that attacks can wait for the end.
const (
	trustLife  = 90 * time.Second
	inviteLife = time.Minute
)

// trustSteps holds the steps of trusted browsers.
func (w wire) trustSteps(s *door.Site) {
	s.TrustCookie, s.TrustLife = "tf_validity", trustLife
	s.Steps[door.Trust] = func(b *door.Browser, in door.In) (door.Out, error) {
		in.Remember = true
		if _, err := w.post(b, "/login", login(in)); err != nil {
			return door.Out{}, err
		}
		return w.validate(b, in)
	}
	s.Steps[door.EndTrust] = w.step("/tf-devices", none)
}

// inviteSteps holds the steps of invited people.
func (w wire) inviteSteps(s *door.Site) {
	s.InviteLife = inviteLife
	operate := func(what func(o *door.Operator) func(string) error) door.Step {
		return func(_ *door.Browser, in door.In) (door.Out, error) {
			if s.Operator == nil {
				return door.Out{}, errors.New("only an operator on its machine can invite people")
			}
			return door.Out{}, what(s.Operator)(in.Email)
		}
	}
	s.Steps[door.Invite] = operate(func(o *door.Operator) func(string) error { return o.Invite })
	s.Steps[door.Revoke] = operate(func(o *door.Operator) func(string) error { return o.Revoke })
	s.Steps[door.AcceptInvite] = w.open(func(in door.In) map[string]any {
		body := map[string]any{"password": in.Password, "password_confirm": in.Password}
		if in.Email != "" {
			body["email"] = in.Email
		}
		return body
	})
}

// trustAsJSON is Trust of Flask-Security: a JSON client gets the value that a page gets as a cookie
// in the answer, and sends it with the password (loginAsJSON).
func (w wire) trustAsJSON(b *door.Browser, in door.In) (door.Out, error) {
	in.Remember = true
	if _, err := w.post(b, "/login", login(in)); err != nil {
		return door.Out{}, err
	}
	out, err := w.validate(b, in)
	if out.Answer != nil {
		if token := out.Answer.Text("response", "tf_validity_token"); token != "" {
			b.Keep(&http.Cookie{Name: "tf_validity", Value: token})
		}
	}
	return out, err
}

func (w wire) loginAsJSON(b *door.Browser, in door.In) (door.Out, error) {
	body := login(in)
	if token := b.Cookie("tf_validity"); token != "" {
		body["tf_validity_token"] = token
	}
	a, err := w.post(b, "/login", body)
	return door.Out{Answer: a}, err
}
