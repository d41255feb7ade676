package target

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
	"github.com/twofold-auth/twofold/doorcheck/internal/door"
	"github.com/twofold-auth/twofold/doorcheck/internal/leaky"
)

func leaking() Target { return Leaking("all") }

// Leaking returns the site of package leaky with some of its leaks.
func Leaking(leaks ...string) Target {
	return Target{Name: "leaky", Title: "a leaky site", Dress: dressLeaky, asks: true, launch: func(ctx context.Context,
		at place) (string, error) {
		handler := leaky.New(at.origin, attack.Freshness, at.mail.Put, at.provider, at.former, leaks...)
		server := &http.Server{Addr: at.listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.ListenAndServe() }()
		go func() {
			<-ctx.Done()
			server.Close()
		}()
		b := door.NewBrowser(at.origin, "")
		for range 100 {
			if a, err := b.Do("GET", "/do/who", nil); err == nil && a.Status < 500 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return "of this folder", nil
	}}
}

func dressLeaky(s *door.Site) {
	s.Settings = "every leak is on"
	s.Links = linksTo(map[door.Verb]string{
		door.Confirm: "/link/confirm/", door.Reset: "/link/reset/", door.UseMagic: "/link/use-magic/",
		door.ChangeEmailEnd: "/link/change-email-end/", door.AcceptInvite: "/link/accept-invite/",
	})
	s.TrustCookie, s.TrustLife, s.InviteLife = "trust", 4*attack.Freshness, attack.Freshness
	s.Steps = map[door.Verb]door.Step{}
	for _, v := range []door.Verb{
		door.Register, door.Confirm, door.Login, door.Code, door.Who, door.WhoToken, door.TakeToken, door.SetUp,
		door.SetUpEnd, door.Show,
		door.Disable, door.MakeCodes, door.UseCode, door.AskReset, door.Reset, door.AskMagic, door.UseMagic,
		door.SetUpMail,
		door.AskMailCode, door.UseMailCode, door.Logout, door.LogoutAll, door.ChangePassword, door.ChangeEmail,
		door.ChangeEmailEnd,
		door.ForgedDisable, door.ForgedLogin, door.LogoutByLink, door.LoginPage, door.LoginNext, door.ProbeLogin,
		door.ProbeReset, door.ProbeRegister,
		door.WhoByMethod, door.GoAway, door.Connect, door.ComeBack,
		door.FinishSignUp, door.DeleteAccount,
		door.Trust, door.EndTrust, door.Invite, door.Revoke, door.AcceptInvite,
		door.AskPasskey, door.AskSecond, door.AddPasskey, door.RemovePasskey, door.AskAssertion, door.GiveAssertion,
	} {
		s.Steps[v] = plainStep(v)
	}
}

// plainStep posts a form to the path of a verb. The answer is an Out in JSON.
func plainStep(v door.Verb) door.Step {
	return func(b *door.Browser, in door.In) (door.Out, error) {
		method, form := "POST", url.Values{
			"email": {in.Email}, "password": {in.Password}, "code": {in.Code}, "link": {in.Link}, "new": {in.New},
			"next":     {in.Next},
			"remember": {strconv.FormatBool(in.Remember)},
			"state":    {in.State}, "credential": {in.Credential}, "name": {in.Name},
		}
		if v == door.WhoByMethod {
			method = in.Next
		}
		a, err := door.Judge(b.Do(method, "/do/"+string(v), form, "Token", in.Token))
		if a == nil {
			return door.Out{}, err
		}
		out := door.Out{
			Answer: a, Secret: a.Text("Secret"), Email: a.Text("Email"), Token: a.Text("Token"),
			Text: a.Text("Text"), Location: a.Header.Get("Location"),
		}
		out.Question, out.State, out.Name = a.Text("Question"), a.Text("State"), a.Text("Name")
		out.Codes = list(a.JSON["Codes"])
		if v == door.WhoByMethod && method == "HEAD" && a.Status == http.StatusOK {
			out.Email = a.Header.Get("Shown")
		}
		return out, err
	}
}
