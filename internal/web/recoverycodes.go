package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
)

// fewCodes is the number of remaining codes from which a warning is shown.
const fewCodes = 2

// sheetPurpose and sheetLife are the purpose and lifetime of the signed text with new recovery
// codes in a page.
const (
	sheetPurpose = "recovery-sheet"
	sheetLife    = 15 * time.Minute
)

// CodesPage is the data of "mf_recovery_codes".
type CodesPage struct {
	Codes []string // a new set, shown only once
	Sheet string   // the same, signed; see sheet
	Left  int
	Able  bool // the account has a second factor, so codes can be created
	Fresh bool // the first second factor was just set up
}

// CodesPart is the section of recovery codes on the account page.
type CodesPart struct {
	Offered bool
	Left    int
}

// UseCodePage is the data of "mf_recovery".
type UseCodePage struct {
	Back string // link to the other factors
}

// sheet is a signed set of codes in a page. The forms of the page send it back, so that a file can
// be created, or the page shown again, without storing the codes.
type sheet struct {
	User    string   `json:"u"`
	Session string   `json:"s"`
	At      int64    `json:"t"`
	Codes   []string `json:"c"`
}

// codeRows returns the paths of recovery codes.
func (s recoverySteps) codeRows() []route {
	if !s.c.Login.Recovery.OffersCodes() {
		return nil
	}
	p := s.paths
	return []route{
		{method: http.MethodGet, path: p.Codes, access: forUser, step: s.getCodes},
		{method: http.MethodPost, path: p.Codes, access: forUser, step: s.postCodes,
			take: fields{"action": text, "sheet": text, "saved": flag}},
		{method: http.MethodGet, path: p.UseCode, access: forAnonymous, step: s.getUseCode},
		{method: http.MethodPost, path: p.UseCode, access: forAnonymous, step: s.postUseCode, again: s.getUseCode,
			take: fields{"code": text}},
	}
}

// getCodes returns the number of remaining codes. The codes themselves are not stored.
func (s recoverySteps) getCodes(c *call) (*answer, error) {
	ctx := c.r.Context()
	if err := s.c.Login.Reauth.RequireFresh(ctx, *c.who, s.c.Freshness); err != nil {
		return nil, s.codesError(c, err)
	}
	left, err := s.c.Login.Recovery.CodesLeft(ctx, *c.who)
	if err != nil {
		return nil, err
	}
	if len(c.made) > 0 {
		signed, err := signSheet(s.Site, c.who.User.ID, c.who.Session.ID, c.made)
		return s.codesPage(c, c.made, signed), err
	}
	profile, err := s.c.Login.Enroll.Profile(ctx, c.who.User, false)
	return &answer{
		json: func() response { return &codesBody{Codes: []string{}, Left: left} }, page: "mf_recovery_codes",
		view: func() any {
			return CodesPage{Left: left, Able: len(profile.Factors) > 0 || s.c.EarlyCodes,
				Fresh: left == 0 && c.next() != ""}
		},
	}, err
}

// codesBody is the JSON of the page of recovery codes.
type codesBody struct {
	common
	Codes []string `json:"recovery_codes"` // a new set, shown only once
	Left  int      `json:"recovery_codes_left"`
}

// codeUsedBody is the answer to a recovery code that signs in.
type codeUsedBody struct {
	common
	Left int `json:"recovery_codes_left"`
}

// codesError redirects to re-authentication, which leads back.
func (s recoverySteps) codesError(c *call, err error) error {
	switch {
	case errors.Is(err, auth.ErrReauthenticate):
		return s.toFailure(err).goTo(withNext(s.passwordless.verifyPath(), withNext(s.paths.Codes, c.next())))
	case errors.Is(err, auth.ErrState):
		return s.secondFactor.illegal(c)
	}
	return s.toFailure(err).goTo(s.session.listed(s.paths.Setup))
}

// postCodes creates a new set. If the page sends a set back, it creates a file from it, or lets a
// user who has saved it continue.
func (s recoverySteps) postCodes(c *call) (*answer, error) {
	switch c.form.text("action") {
	case "":
		return s.newCodes(c)
	case "download", "saved":
	default:
		return nil, fail(http.StatusBadRequest, "action", "CHOICE_INVALID").goTo(s.paths.Codes)
	}
	codes, ok := s.readSheet(c)
	switch {
	case !ok:
		return nil, fail(http.StatusBadRequest, "sheet", "API_ERROR").goTo(s.paths.Codes)
	case c.form.text("action") == "download":
		return &answer{file: s.codesFile(c, codes)}, nil
	case !c.form.flag("saved"):
		c.again = func(c *call) (*answer, error) { return s.codesPage(c, codes, c.form.text("sheet")), nil }
		return nil, fail(http.StatusBadRequest, "saved", "FIELD_REQUIRED").says("CODES_NOT_SAVED")
	}
	return &answer{to: c.after(s.session.listed(s.views.PostSetup)), note: "RECOVERY_CODES_SAVED"}, nil
}

func (s recoverySteps) newCodes(c *call) (*answer, error) {
	codes, out, err := s.c.Login.Recovery.NewCodes(c.r.Context(), *c.who, c.browser)
	if err != nil {
		return nil, s.codesError(c, err)
	}
	signed, err := signSheet(s.Site, out.User.ID, out.Session.ID, codes)
	if err != nil {
		return &answer{outcome: &out}, err
	}
	a := s.codesPage(c, codes, signed)
	a.outcome, a.keep = &out, &kept{At: s.paths.Codes, Session: out.Session.ID, Made: codes}
	return a, nil
}

func signSheet(s *Site, user, session string, codes []string) (string, error) {
	raw, err := json.Marshal(sheet{User: user, Session: session, At: s.c.Now().Unix(), Codes: codes})
	if err != nil {
		return "", err
	}
	return s.c.Keys.Sign(sheetPurpose, raw), nil
}

func (s recoverySteps) codesPage(_ *call, codes []string, signed string) *answer {
	return &answer{
		json: func() response { return &codesBody{Codes: append([]string{}, codes...), Left: len(codes)} },
		page: "mf_recovery_codes",
		view: func() any { return CodesPage{Codes: codes, Sheet: signed, Left: len(codes), Able: true} },
	}
}

// readSheet returns a set that was recently shown to this session.
func (s recoverySteps) readSheet(c *call) ([]string, bool) {
	raw, err := s.c.Keys.Verify(sheetPurpose, c.form.text("sheet"))
	var v sheet
	if err != nil || json.Unmarshal(raw, &v) != nil || v.User != c.who.User.ID || v.Session != c.who.Session.ID {
		return nil, false
	}
	age := s.c.Now().Sub(time.Unix(v.At, 0))
	return v.Codes, age > -time.Minute && age < sheetLife && len(v.Codes) > 0
}

// codesFile returns the set as a text file.
func (s recoverySteps) codesFile(c *call, codes []string) *file {
	lines := []string{s.c.Name + ": " + c.words.Text("codes_title"), c.who.User.Email, c.words.Date(s.c.Now()), ""}
	lines = append(lines, codes...)
	lines = append(lines, "", c.words.Text("codes_keep"), "")
	return &file{name: "recovery-codes.txt", text: strings.Join(lines, "\r\n")}
}

// offerCodes redirects a user who has just set up the first second factor to the page of recovery
// codes, which leads on to the original target. An application with its own pages offers the codes
// itself, as with the original.
func (s recoverySteps) offerCodes(out auth.Outcome, to string) string {
	if !out.FirstFactor || !s.c.Login.Recovery.OffersCodes() || s.spa.elsewhere(to) {
		return to
	}
	return withNext(s.paths.Codes, to)
}

func (s recoverySteps) getUseCode(c *call) (*answer, error) {
	out, err := s.c.Login.Recovery.CodeTakable(c.r.Context(), c.pending)
	if err != nil {
		return nil, s.secondFactor.turn(c, err)
	}
	return &answer{page: "mf_recovery", view: func() any {
		return UseCodePage{Back: s.account.pendingPath(out.Pending, c.next())}
	}}, nil
}

func (s recoverySteps) postUseCode(c *call) (*answer, error) {
	ctx, code := c.r.Context(), c.form.text("code")
	if code == "" { // report a step out of order before a missing field
		if _, err := s.c.Login.Recovery.CodeTakable(ctx, c.pending); err != nil {
			return nil, s.secondFactor.turn(c, err)
		}
		return nil, fail(http.StatusBadRequest, "code", "FIELD_REQUIRED")
	}
	out, left, err := s.c.Login.Recovery.UseCode(ctx, c.pending, code, c.browser)
	if err != nil {
		return nil, s.secondFactor.codeFailed(c, err)
	}
	a := &answer{outcome: &out, user: &out.User, json: func() response { return &codeUsedBody{Left: left} },
		to: c.after(s.views.PostLogin)}
	a.note = "RECOVERY_CODE_USED"
	if left <= fewCodes {
		a.note = "RECOVERY_CODES_FEW"
	}
	return a, nil
}

// codesSection shows whether the user has recovery codes for a lost second factor.
func (s recoverySteps) codesSection(c *call) (part, error) {
	if !s.c.Login.Recovery.OffersCodes() {
		return part{page: func(p *AccountPage) {
			if len(p.Factors.Factors) == 1 && p.Factors.Offers {
				p.Checks = append(p.Checks, Check{Key: "single", To: s.paths.Setup + "?add"})
			}
		}}, nil
	}
	left, err := s.c.Login.Recovery.CodesLeft(c.r.Context(), *c.who)
	return part{
		json: func(body *accountBody) { body.CodesLeft = &left },
		page: func(p *AccountPage) {
			if len(p.Factors.Factors) > 0 { // codes replace a second factor
				s.showCodes(p, left)
			}
		},
	}, err
}

func (s recoverySteps) showCodes(p *AccountPage, left int) {
	p.Codes = CodesPart{Offered: true, Left: left}
	check := Check{Key: "codes", Good: left > fewCodes, N: left, To: s.paths.Codes}
	switch {
	case check.Good:
		check.To = ""
	case left == 0:
		check.Key = "codes_none"
	default:
		check.Key = "codes_few"
	}
	p.Checks = append(p.Checks, check)
}
