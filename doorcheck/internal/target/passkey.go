package target

import (
	"crypto/rand"
	"encoding/json"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// passkeySteps are Twofold's steps with passkeys.
func (w wire) passkeySteps(s *door.Site) {
	s.Steps[door.AskPasskey], s.Steps[door.AskSecond] = w.askPasskey("first"), w.askPasskey("secondary")
	s.Steps[door.AddPasskey] = func(b *door.Browser, in door.In) (door.Out, error) {
		a, err := w.post(b, "/wan-register/"+in.State, map[string]any{"credential": in.Credential})
		return door.Out{Answer: a, Name: b.Vars["passkey"]}, err
	}
	s.Steps[door.RemovePasskey] = w.step("/wan-delete", func(in door.In) map[string]any {
		return map[string]any{"name": in.Name}
	})
	s.Steps[door.AskAssertion] = func(b *door.Browser, _ door.In) (door.Out, error) {
		return questioned(w.post(b, "/wan-signin", map[string]any{}))
	}
	s.Steps[door.GiveAssertion] = func(b *door.Browser, in door.In) (door.Out, error) {
		a, err := w.post(b, "/wan-signin/"+in.State, map[string]any{"credential": in.Credential})
		return door.Out{Answer: a}, err
	}
}

func (w wire) askPasskey(usage string) door.Step {
	return func(b *door.Browser, _ door.In) (door.Out, error) {
		b.Vars["passkey"] = "key " + rand.Text()
		return questioned(w.post(b, "/wan-register", map[string]any{"name": b.Vars["passkey"], "usage": usage}))
	}
}

// questioned reads a challenge and its name.
func questioned(a *door.Answer, err error) (door.Out, error) {
	if a == nil || err != nil {
		return door.Out{Answer: a}, err
	}
	response, _ := a.JSON["response"].(map[string]any)
	raw, err := json.Marshal(response["credential_options"])
	return door.Out{Answer: a, Question: string(raw), State: a.Text("response", "wan_state")}, err
}

// betterPasskeys holds the steps of Better Auth's passkey plugin. A cookie identifies the
// challenge.
func betterPasskeys(s *door.Site) {
	asks := func(path string) door.Step {
		return func(b *door.Browser, _ door.In) (door.Out, error) {
			a, err := door.Judge(b.Do("GET", "/api/auth/passkey/"+path, nil))
			if a == nil {
				return door.Out{}, err
			}
			return door.Out{Answer: a, Question: a.Body}, err
		}
	}
	gives := func(path string) door.Step {
		return func(b *door.Browser, in door.In) (door.Out, error) {
			a, err := better(b, "/passkey/"+path, map[string]any{"response": json.RawMessage(in.Credential)})
			if a == nil {
				return door.Out{}, err
			}
			return door.Out{Answer: a, Name: a.Text("id")}, err
		}
	}
	s.Steps[door.AskPasskey], s.Steps[door.AddPasskey] = asks("generate-register-options"), gives("verify-registration")
	s.Steps[door.AskAssertion] = asks("generate-authenticate-options")
	s.Steps[door.GiveAssertion] = gives("verify-authentication")
	s.Steps[door.RemovePasskey] = betterStep("/passkey/delete-passkey", func(in door.In) map[string]any {
		return map[string]any{"id": in.Name}
	})
}

// unwired gives reasons why doorcheck does not run some steps that the product has.
func unwired(s *door.Site, why string, verbs ...door.Verb) {
	if s.Unwired == nil {
		s.Unwired = map[door.Verb]string{}
	}
	for _, v := range verbs {
		s.Unwired[v] = why
	}
}

// noOtherSite is the reason for drivers of sites without an OpenID provider.
func noOtherSite(s *door.Site) {
	unwired(s, "no other site is set up for it here", door.GoAway, door.Connect, door.ComeBack,
		door.FinishSignUp)
}
