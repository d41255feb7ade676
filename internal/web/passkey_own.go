package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// WanRegisterPage is the data of "wan_register": a user's passkeys, and a form to add one.
type WanRegisterPage struct {
	Form     PasskeyForm // the challenge, after name and use are entered
	Passkeys []PasskeyView
	First    bool // passkeys may be first factors
	Pending  bool // a sign-in that must set up a second factor
	Usage    string
	MaxName  int
}

// PasskeyView is a passkey as shown on pages.
type PasskeyView struct {
	Name, Usage     string
	Synced          bool
	Added, LastUsed time.Time
}

// passkeyViews and passkeyBodies return the same list for pages and for JSON.
func passkeyViews(in []auth.OwnPasskey) []PasskeyView {
	var out []PasskeyView
	for _, p := range in {
		out = append(out, PasskeyView{Name: p.Name, Usage: p.Usage, Synced: p.Synced, Added: p.CreatedAt,
			LastUsed: p.LastUsedAt})
	}
	return out
}

// passkeysBody is the JSON of the page of passkeys.
type passkeysBody struct {
	common
	Passkeys []passkeyBody `json:"registered_credentials"`
}

type passkeyBody struct {
	Name         string   `json:"name"`
	CredentialID string   `json:"credential_id"`
	Transports   []string `json:"transports"`
	LastUse      *string  `json:"lastuse"`
	Usage        string   `json:"usage"`
	Synced       bool     `json:"backup_state"`
	DeviceType   string   `json:"device_type"`
	Discoverable any      `json:"discoverable"` // a bool, or "Unknown"
}

func passkeyBodies(in []auth.OwnPasskey) []passkeyBody {
	out := []passkeyBody{}
	for _, p := range in {
		one := passkeyBody{
			Name: p.Name, CredentialID: p.CredentialID, Transports: append([]string{}, p.Transports...),
			LastUse: cmp.Or(stamp(p.LastUsedAt), stamp(p.CreatedAt)), Usage: p.Usage, Synced: p.Synced,
			DeviceType: "single_device", Discoverable: "Unknown",
		}
		if p.Syncable {
			one.DeviceType = "multi_device"
		}
		if p.Discoverable != nil {
			one.Discoverable = *p.Discoverable
		}
		out = append(out, one)
	}
	return out
}

// freshFor redirects a user whose session is not fresh to re-authentication, which leads back.
func (s webauthnSteps) freshFor(err error, path string) error {
	if errors.Is(err, auth.ErrReauthenticate) {
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), path))
	}
	return err
}

func (s webauthnSteps) getWanRegister(c *call) (*answer, error) {
	if c.who == nil { // do not show passkeys to a user who is not signed in yet
		return &answer{
			json: func() response { return &passkeysBody{Passkeys: []passkeyBody{}} }, page: "wan_register",
			view: func() any { return s.wanRegisterPage(c, nil) },
		}, nil
	}
	if err := s.c.Login.WebAuthn.MayChangePasskeys(c.r.Context(), *c.who); err != nil {
		return nil, s.freshFor(err, s.paths.WanRegister)
	}
	own, err := s.c.Login.WebAuthn.Passkeys(c.r.Context(), c.who.User)
	for _, p := range own {
		if page, ok := askRemoval(c, "passkey", p.Name, p.Name); ok {
			page.Action, page.Field, page.Value, page.Back = s.paths.WanDelete, "name", p.Name, s.paths.WanRegister
			return removal(page), err
		}
	}
	return &answer{
		json: func() response { return &passkeysBody{Passkeys: passkeyBodies(own)} }, user: &c.who.User,
		page: "wan_register", view: func() any { return s.wanRegisterPage(c, own) },
	}, err
}

func (s webauthnSteps) wanRegisterPage(c *call, own []auth.OwnPasskey) WanRegisterPage {
	if c.who == nil {
		return WanRegisterPage{Pending: true, Usage: storage.UseSecond, MaxName: s.c.Passkeys.MaxName}
	}
	page := WanRegisterPage{Passkeys: passkeyViews(own), First: s.c.Passkeys.First, Usage: c.form.text("usage"),
		MaxName: s.c.Passkeys.MaxName}
	if page.Usage == "" && page.First {
		page.Usage = storage.UseFirst
	}
	return page
}

func (s webauthnSteps) postWanRegister(c *call) (*answer, error) {
	if c.who != nil {
		if err := s.c.Login.WebAuthn.MayChangePasskeys(c.r.Context(), *c.who); err != nil {
			return nil, s.freshFor(err, s.paths.WanRegister)
		}
	}
	name, f := newPasskeyName(s.Site, c)
	if f != nil {
		return nil, f
	}
	usage := c.form.text("usage")
	switch usage {
	case "":
		usage = storage.UseSecond
	case storage.UseFirst, storage.UseSecond:
	default:
		return nil, fail(http.StatusBadRequest, "usage", "CHOICE_INVALID")
	}
	asked, err := s.c.Login.WebAuthn.NewPasskey(c.r.Context(), c.pending, c.who, name, usage, c.browser)
	if err != nil {
		return nil, s.passkeyOwnFailure(c, err, name, s.c.Passkeys.CreateWithin)
	}
	var own []auth.OwnPasskey
	if c.who != nil && !c.json { // only the page lists them
		if own, err = s.c.Login.WebAuthn.Passkeys(c.r.Context(), c.who.User); err != nil {
			return nil, err
		}
	}
	return &answer{json: challenge(asked), page: "wan_register", view: func() any {
		page := s.wanRegisterPage(c, own)
		page.Form = passkeyForm(asked, s.paths.WanRegister)
		return page
	}}, nil
}

func (s webauthnSteps) postWanRegisterAnswer(c *call) (*answer, error) {
	out, name, err := s.c.Login.WebAuthn.AddPasskey(c.r.Context(), c.pending, c.who, c.token, c.form.text("credential"),
		c.browser)
	if err != nil {
		f := s.passkeyOwnFailure(c, err, name, s.c.Passkeys.CreateWithin)
		if errors.Is(err, auth.ErrPasskeyName) {
			f.at("credential")
		}
		if f.to == "" {
			f = f.goTo(withNext(s.paths.WanRegister, c.next()))
		}
		return nil, f
	}
	to := s.views.PostWanRegister
	if c.who == nil {
		to = c.after(s.views.PostLogin)
	}
	return &answer{outcome: &out, user: &out.User, to: s.recovery.offerCodes(out, to),
		note: "WEBAUTHN_REGISTER_DONE"}, nil
}

// passkeyOwnFailure is like passkeyFailure, with the name if the text contains one.
func (s webauthnSteps) passkeyOwnFailure(c *call, err error, name string, within time.Duration) *failure {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), s.paths.WanRegister))
	case errors.Is(err, auth.ErrState):
		return s.secondFactor.illegal(c)
	case errors.Is(err, auth.ErrPasskeyName):
		return fail(http.StatusBadRequest, "name", "WEBAUTHN_NAME_INUSE", "name", name)
	case errors.Is(err, auth.ErrNoPasskey):
		return fail(http.StatusBadRequest, "name", "WEBAUTHN_NAME_NOT_FOUND", "name", name)
	case errors.Is(err, auth.ErrMethod):
		return fail(http.StatusBadRequest, "name", "WEBAUTHN_TOO_MANY")
	}
	f := s.passkeyFailure(c, err, within, s.paths.WanRegister)
	f.to = ""
	return f
}

func (s webauthnSteps) getWanDelete(c *call) (*answer, error) {
	return &answer{to: s.paths.WanRegister}, nil
}

func (s webauthnSteps) postWanDelete(c *call) (*answer, error) {
	if err := s.c.Login.WebAuthn.MayChangePasskeys(c.r.Context(), *c.who); err != nil {
		return nil, s.freshFor(err, s.paths.WanRegister)
	}
	name, f := s.passkeyName(c)
	if f != nil {
		return nil, f
	}
	out, err := s.c.Login.WebAuthn.DropPasskey(c.r.Context(), *c.who, name, c.browser)
	if err != nil {
		return nil, s.passkeyOwnFailure(c, err, name, 0)
	}
	return &answer{outcome: &out, user: &out.User, to: s.paths.WanRegister, note: "WEBAUTHN_DELETE_DONE"}, nil
}

// newPasskeyName is like passkeyName, but returns an empty name if the passkey names itself.
func newPasskeyName(s *Site, c *call) (string, *failure) {
	if strings.TrimSpace(c.form.text("name")) == "" && c.form.flag("unnamed") {
		return "", nil
	}
	return s.webauthn.passkeyName(c)
}

// passkeyName reads the name field: letters, digits, spaces, dashes and connectors, in NFKD as the
// wire contract requires.
func (s webauthnSteps) passkeyName(c *call) (string, *failure) {
	name := strings.TrimSpace(c.form.text("name"))
	if name == "" {
		return "", fail(http.StatusBadRequest, "name", "WEBAUTHN_NAME_REQUIRED")
	}
	name = norm.NFKD.String(name)
	for _, r := range name {
		if !unicode.In(r, unicode.L, unicode.N, unicode.Mn, unicode.Pc, unicode.Pd, unicode.Zs) {
			return "", fail(http.StatusBadRequest, "name", "INVALID_INPUT").says("PASSKEY_NAME")
		}
	}
	if utf8.RuneCountInString(name) > s.c.Passkeys.MaxName {
		return "", fail(http.StatusBadRequest, "name", "INVALID_INPUT_LENGTH", "length", s.c.Passkeys.MaxName)
	}
	return name, nil
}

// passkeySection adds the passkeys to the account page.
func (s webauthnSteps) passkeySection(c *call) (part, error) {
	if !s.c.Passkeys.On {
		return part{}, nil
	}
	own, err := s.c.Login.WebAuthn.Passkeys(c.r.Context(), c.who.User)
	return part{
		json: func(body *accountBody) { body.Passkeys = passkeyBodies(own) },
		page: func(p *AccountPage) {
			p.Passkeys.On = s.c.Passkeys.shown(s.c.Origin)
			for _, v := range passkeyViews(own) {
				if v.Usage == storage.UseFirst { // the others are listed with the second factors
					p.Passkeys.Passkeys = append(p.Passkeys.Passkeys, v)
				}
			}
		},
	}, err
}

// PasskeysPart is the section of passkeys on the account page.
type PasskeysPart struct {
	On       bool
	Passkeys []PasskeyView
}
