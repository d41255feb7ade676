package web

import (
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// section reads a part of the account.
type section func(c *call) (part, error)

// part adds the data of a section to the account page or to its JSON. Each function may be nil.
type part struct {
	page func(p *AccountPage)
	json func(body *accountBody)
}

// accountBody is the JSON of the account page.
type accountBody struct {
	common
	User           accountUser      `json:"user"`
	Recovery       *recoveryBody    `json:"recovery"`
	Notices        []noticeBody     `json:"tf_notices"`
	NoticesThrough string           `json:"tf_notices_through"`
	Required       bool             `json:"tf_required"` // a second factor must remain
	Factors        []factorBody     `json:"tf_factors"`
	CodesLeft      *int             `json:"recovery_codes_left,omitempty"`
	Passkeys       []passkeyBody    `json:"passkeys,omitzero"`          // nil if passkeys are off
	Connections    []connectionBody `json:"oauth_connections,omitzero"` // nil if there are no providers
	Events         []eventBody      `json:"events"`
	Languages      []string         `json:"languages"`
}

// accountUser is the signed-in user and the session.
type accountUser struct {
	ID          string         `json:"id"`
	Email       string         `json:"email"`
	Username    *string        `json:"username"`
	Roles       []string       `json:"roles"`
	Permissions []string       `json:"permissions"`
	Level       int            `json:"level"`
	Trusted     bool           `json:"trusted"`
	Methods     []proofBody    `json:"methods"`
	Fresh       bool           `json:"fresh"`
	Language    *string        `json:"language"`
	Fields      map[string]any `json:"fields,omitzero"` // profile fields; nil if there are none
	*signInsBody
}

// signInsBody contains the counted sign-ins, under the names of the wire contract.
type signInsBody struct {
	Count          int64   `json:"login_count"`
	CurrentAt      *string `json:"current_login_at"`
	LastAt         *string `json:"last_login_at"`
	CurrentAddress *string `json:"current_login_ip"`
	LastAddress    *string `json:"last_login_ip"`
}

// sections returns the sections of the account page, in the order in which their checks are shown.
func (s profileSteps) sections() []section {
	return []section{
		s.recovery.recoverySection, s.newsSection, s.sessionSection, s.secondFactor.factorsSection,
		s.recovery.codesSection, s.webauthn.passkeySection, s.oauth.connectionsSection,
		s.session.sessionsSection, s.secondFactor.devicesSection, s.recentSection, s.languageSection,
	}
}

// getAccount shows the signed-in user, the protection of the account and recent activity, as JSON
// or as a page.
func (s profileSteps) getAccount(c *call) (*answer, error) {
	if c.r.URL.Query().Has(removeQuery) {
		if a, err := s.oauth.askDisconnect(c); a != nil || err != nil {
			return a, err
		}
	}
	var parts []part
	for _, read := range s.sections() {
		one, err := read(c)
		if err != nil {
			return nil, err
		}
		parts = append(parts, one)
	}
	return &answer{
		json: func() response {
			body := &accountBody{}
			for _, one := range parts {
				if one.json != nil {
					one.json(body)
				}
			}
			return body
		},
		page: "account",
		view: func() any {
			password := c.who.User.PasswordHash != ""
			page := AccountPage{ByMailbox: s.c.Life.ByLink || !password, Password: password}
			for _, one := range parts {
				if one.page != nil {
					one.page(&page)
				}
			}
			return page
		},
	}, nil
}

func (s profileSteps) sessionSection(c *call) (part, error) {
	u, session, ctx := c.who.User, c.who.Session, c.r.Context()
	var signIns *storage.SignIns
	if s.c.SignIns != nil {
		n, err := s.c.SignIns.SignInsOf(ctx, u.ID)
		if err != nil {
			return part{}, err
		}
		signIns = &n
	}
	permissions, err := s.c.Permissions(ctx, u.Roles)
	if err != nil {
		return part{}, err
	}
	return part{
		json: func(body *accountBody) {
			body.User = accountUser{
				ID: u.ID, Email: u.Email, Username: given(u.Username), Roles: append([]string{}, u.Roles...),
				Permissions: append([]string{}, permissions...), Level: int(session.Level), Trusted: session.Trusted,
				Methods: proofBodies(session.Proofs), Language: given(u.Language),
				Fresh: s.c.Login.Reauth.RequireFresh(ctx, *c.who, s.c.Freshness) == nil,
			}
			if of := s.c.Life.Fields; len(of) > 0 {
				body.User.Fields = of.Of(profile.Decode(u.Profile))
			}
			if n := signIns; n != nil {
				body.User.signInsBody = &signInsBody{
					Count: n.Count, CurrentAt: stamp(n.CurrentAt), LastAt: stamp(n.LastAt),
					CurrentAddress: given(n.CurrentAddress), LastAddress: given(n.LastAddress),
				}
			}
		},
		page: func(p *AccountPage) {
			p.Session = SessionPart{Level: int(session.Level), Trusted: session.Trusted, SignedIn: session.CreatedAt}
			for _, proof := range session.Proofs {
				p.Session.Proofs = append(p.Session.Proofs, proofView(proof))
				p.Session.Rescued = p.Session.Rescued || proof.Method == auth.ByCode || proof.Method == "rescue"
			}
			if signIns != nil {
				p.Session.SignIns = *signIns
			}
			p.Profile = fieldViews(c, s.c.Life.Fields, &u)
		},
	}, nil
}

// proofBody is a factor that was proven in a session.
type proofBody struct {
	Method string  `json:"method"`
	At     *string `json:"at"`
	Both   bool    `json:"both,omitempty"` // it counts as two factors
}

func proofBodies(in []storage.Proof) []proofBody {
	out := []proofBody{}
	for _, p := range in {
		out = append(out, proofBody{Method: p.Method, At: stamp(p.At), Both: p.UserVerified})
	}
	return out
}
