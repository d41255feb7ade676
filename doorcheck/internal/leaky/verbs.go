package leaky

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

type verb = func() (door.Out, int)

// verbs are the steps that the site offers: all of them.
func (s *request) verbs() map[door.Verb]verb {
	return map[door.Verb]verb{
		door.Register: s.register, door.ProbeRegister: s.register, door.Confirm: s.confirm,
		door.Login: s.login, door.ProbeLogin: s.login, door.ForgedLogin: s.login, door.LoginNext: s.login,
		door.Code: s.code, door.Who: s.who, door.WhoByMethod: s.whoByMethod, door.WhoToken: s.whoToken,
		door.TakeToken: s.takeToken,
		door.SetUp:     s.setUp, door.SetUpEnd: s.setUpEnd, door.Show: s.show, door.Disable: s.disable,
		door.ForgedDisable: s.disable,
		door.MakeCodes:     s.makeCodes, door.UseCode: s.useCode,
		door.AskReset: s.askReset, door.ProbeReset: s.askReset, door.Reset: s.reset,
		door.AskMagic: s.askMagic, door.UseMagic: s.useMagic,
		door.SetUpMail: s.setUpMail, door.AskMailCode: s.askMailCode, door.UseMailCode: s.useMailCode,
		door.Logout: s.logout, door.LogoutByLink: s.logout, door.LogoutAll: s.logoutAll,
		door.ChangePassword: s.changePassword, door.ChangeEmail: s.changeEmail, door.ChangeEmailEnd: s.changeEmailEnd,
		door.LoginPage: s.loginPage, door.GoAway: s.goAway, door.Connect: s.connect, door.ComeBack: s.comeBack,
		door.AskPasskey: func() (door.Out, int) { return s.askPasskey(false) },
		door.AskSecond:  func() (door.Out, int) { return s.askPasskey(true) },
		door.AddPasskey: s.addPasskey,
		door.Trust:      s.trust, door.EndTrust: s.endTrust,
		door.Invite: s.invite, door.Revoke: s.revoke, door.AcceptInvite: s.acceptInvite,
		door.FinishSignUp: s.finishSignUp, door.DeleteAccount: s.deleteAccount,
		door.RemovePasskey: s.removePasskey, door.AskAssertion: s.askAssertion, door.GiveAssertion: s.giveAssertion,
	}
}

func (s *request) register() (door.Out, int) {
	u := s.users[s.in.Email]
	if u == nil {
		s.users[s.in.Email] = &user{email: s.in.Email, password: s.in.Password, used: map[string]bool{},
			codes: map[string]bool{}}
		s.post(s.in.Email, &link{verb: door.Confirm, email: s.in.Email})
		return door.Out{}, ok
	}
	if s.leak("after-registration") {
		s.give(&session{user: u, full: true, proven: time.Now()}, false)
	}
	if s.leak("tell-register") {
		return door.Out{}, http.StatusConflict
	}
	return door.Out{}, ok
}

func (s *request) confirm() (door.Out, int) {
	l := s.take(door.Confirm)
	if l == nil {
		return door.Out{}, refused
	}
	s.users[l.email].confirmed = true
	return door.Out{}, ok
}

// login is the first factor.
func (s *request) login() (door.Out, int) {
	u := s.users[s.in.Email]
	if u == nil || u.waits {
		if u = s.arrives(); u == nil {
			return door.Out{}, refused
		}
	}
	if s.leak("time-login") {
		time.Sleep(25 * time.Millisecond)
	}
	_, err := s.r.Cookie("known")
	known := err == nil
	if u.wrongWords > 20 && !known && !s.leak("guess-password") || u.wrongWords > 20 && u.key != nil &&
		s.leak("lockout-password") {
		return door.Out{}, refused
	}
	if s.in.Password != u.password && (s.in.Password != u.former || u.former == "") {
		u.wrongWords++
		if s.leak("lockout-session") && u.wrongWords > 20 {
			s.end(u, nil)
		}
		if s.leak("tell-login") {
			return door.Out{Text: "wrong password"}, refused
		}
		return door.Out{}, refused
	}
	if !u.confirmed && !s.leak("planted-password", "planted-factor", "planted-session", "planted-address",
		"passkey-planted") {
		return door.Out{}, refused
	}
	x := &session{user: u, full: u.key == nil && !u.mailFactor && !s.hasSecond(u), proven: time.Now()}
	x.full = x.full || s.vouches(u)
	s.give(x, s.leak("fixation"))
	if u.mailFactor {
		s.mailCode()
	}
	if s.in.Remember && (x.full || s.leak("remember-before-code")) {
		remembered := *x
		remembered.full = true
		name := rand.Text()
		s.sessions[name] = &remembered
		http.SetCookie(s.w, &http.Cookie{Name: "remember", Value: name, Path: "/", MaxAge: 3600, HttpOnly: true,
			Secure: true, SameSite: http.SameSiteLaxMode})
	}
	if x.full {
		s.knownBrowser()
	}
	return door.Out{Location: s.next()}, http.StatusSeeOther
}

// arrives queries the former system and returns the account that its answer opens.
func (s *request) arrives() *user {
	found, ok := s.former.Ask(s.in.Email, s.in.Password)
	u := s.users[found.Email]
	if !ok || u == nil || !u.waits || !found.Proven && !s.leak("former-claim") {
		return nil
	}
	u.waits, u.password = false, s.in.Password
	return u
}

func (s *request) knownBrowser() {
	http.SetCookie(s.w, &http.Cookie{Name: "known", Value: "1", Path: "/", MaxAge: 3600, HttpOnly: true,
		Secure: true, SameSite: http.SameSiteLaxMode})
}

// next returns the page after the sign-in.
func (s *request) next() string {
	for _, name := range []string{"absolute", "slashes", "backslash", "userinfo", "suffix", "scheme", "control"} {
		if s.leak("redirect-" + name) {
			return s.in.Next
		}
	}
	if n := s.in.Next; strings.HasPrefix(n, "/") && !strings.HasPrefix(n, "//") && !strings.ContainsAny(n, "\\\t\r\n") {
		return n
	}
	return "/"
}

// pending returns the session of a user who has proven the first factor, and whether more guesses
// are allowed.
func (s *request) pending(leaks ...string) (*session, bool) {
	x := s.session
	if x == nil || x.full {
		return nil, false
	}
	return x, x.user.wrongCodes < 5 || s.leak(leaks...)
}

// passed makes a session a full one, with a new name.
func (s *request) passed(x *session) (door.Out, int) {
	x.user.wrongCodes = 0
	y := *x
	y.full, y.proven = true, time.Now()
	if s.leak("fixation-at-code", "fixation") {
		s.give(&y, true)
	} else {
		delete(s.sessions, s.sid)
		s.give(&y, false)
	}
	s.knownBrowser()
	return door.Out{Location: s.next()}, http.StatusSeeOther
}

func (s *request) wrong(x *session) (door.Out, int) {
	x.user.wrongCodes++
	return door.Out{}, refused
}

func (s *request) code() (door.Out, int) {
	x, may := s.pending("guess-code", "guess-code-spread")
	if !may || x.user.key == nil {
		return door.Out{}, refused
	}
	u := x.user
	if !u.key.Takes(s.in.Code) || u.used[s.in.Code] && !s.leak("totp-replay", "totp-replay-same-browser", "totp-race") {
		return s.wrong(x)
	}
	u.used[s.in.Code] = true
	return s.passed(x)
}

func (s *request) useCode() (door.Out, int) {
	x, may := s.pending("guess-recovery")
	if !may {
		return door.Out{}, refused
	}
	if !x.user.codes[s.in.Code] {
		return s.wrong(x)
	}
	if !s.leak("recovery-replay", "recovery-race") {
		delete(x.user.codes, s.in.Code)
	}
	return s.passed(x)
}

func (s *request) useMailCode() (door.Out, int) {
	x, may := s.pending("guess-mailcode")
	if !may {
		return door.Out{}, refused
	}
	right := x.code
	if s.leak("mailcode-replay") {
		right += " " + x.user.lastMailed
	}
	if s.in.Code == "" || !strings.Contains(right, s.in.Code) {
		return s.wrong(x)
	}
	x.code = ""
	return s.passed(x)
}

// askMailCode mails a code to the owner of a factor by mail, unless the mailbox was the first
// factor.
func (s *request) askMailCode() (door.Out, int) {
	x, may := s.pending()
	if !may || !x.user.mailFactor && !s.leak("mailbox-instead-of-app") {
		return door.Out{}, refused
	}
	s.mailCode()
	return door.Out{}, ok
}

func (s *request) mailCode() {
	x := s.session
	if x.magic && !s.leak("mail-twice-magic") {
		return
	}
	if x.user.byReset && !s.leak("mail-twice-reset", "mailbox-instead-of-app") {
		return
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1000000))
	if err != nil {
		return
	}
	x.code = fmt.Sprintf("%06d", n)
	x.user.lastMailed += " " + x.code
	s.mail(x.user.email, "Your code is "+x.code)
}

func (s *request) who() (door.Out, int) {
	x := s.session
	if u := s.trusted(); x == nil && u != nil && s.leak("trust-alone") {
		return door.Out{Email: u.email}, ok
	}
	if x == nil || !x.full && (!s.leak("first-factor-only") || x.user.planted || x.user.key == nil) {
		return door.Out{}, ok
	}
	return door.Out{Email: x.user.email}, ok
}

func (s *request) whoByMethod() (door.Out, int) {
	if s.session == nil && s.leak("method") {
		return door.Out{Email: "shown"}, ok
	}
	return s.who()
}

func (s *request) whoToken() (door.Out, int) { return door.Out{Email: s.tokens[s.in.Token]}, ok }

func (s *request) takeToken() (door.Out, int) {
	x := s.session
	if x == nil || !x.full && !s.leak("token-before-code") {
		return door.Out{}, refused
	}
	token := rand.Text()
	s.tokens[token] = x.user.email
	return door.Out{Token: token}, ok
}

func (s *request) loginPage() (door.Out, int) {
	if s.session == nil && s.leak("fixation") {
		s.sid = rand.Text()
		http.SetCookie(s.w, &http.Cookie{Name: s.cookie(), Value: s.sid, Path: "/", Secure: true, HttpOnly: true})
	}
	return door.Out{}, ok
}
