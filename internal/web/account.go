package web

import (
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// section adds its part to the account page and to its JSON.
type section func(c *call, p *AccountPage, body map[string]any) error

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
	password := c.who.User.PasswordHash != ""
	page, body := AccountPage{ByMailbox: s.c.Life.ByLink || !password, Password: password}, map[string]any{}
	for _, add := range s.sections() {
		if err := add(c, &page, body); err != nil {
			return nil, err
		}
	}
	for _, x := range page.Connections.Connections {
		if page, ok := askRemoval(c, "connection", x.ID, x.Title); ok {
			page.Action, page.Field, page.Value, page.Back = s.paths.OAuth.Disconnect, "id", x.ID, s.paths.Account
			return removal(page), nil
		}
	}
	return &answer{body: body, page: "account", data: page}, nil
}

func (s profileSteps) sessionSection(c *call, p *AccountPage, body map[string]any) error {
	u, session := c.who.User, c.who.Session
	p.Session = SessionPart{Level: int(session.Level), Trusted: session.Trusted, SignedIn: session.CreatedAt}
	methods := []map[string]any{}
	for _, proof := range session.Proofs {
		methods = append(methods, proofBody(proofView(proof)))
		p.Session.Proofs = append(p.Session.Proofs, proofView(proof))
		p.Session.Rescued = p.Session.Rescued || proof.Method == auth.ByCode || proof.Method == "rescue"
	}
	user := map[string]any{
		"id": u.ID, "email": u.Email, "username": nil, "roles": append([]string{}, u.Roles...),
		"level": int(session.Level), "trusted": session.Trusted, "methods": methods, "language": nil,
		"fresh": s.c.Login.Reauth.RequireFresh(c.r.Context(), *c.who, s.c.Freshness) == nil,
	}
	if of := s.c.Life.Fields; len(of) > 0 {
		user["fields"] = of.Of(profile.Decode(u.Profile))
	}
	p.Profile = fieldViews(c, s.c.Life.Fields, &u)
	if u.Username != "" {
		user["username"] = u.Username
	}
	if err := signIns(c, s.c.SignIns, p, user); err != nil {
		return err
	}
	if u.Language != "" {
		user["language"] = u.Language
	}
	permissions, err := s.c.Permissions(c.r.Context(), u.Roles)
	if err != nil {
		return err
	}
	user["permissions"] = append([]string{}, permissions...)
	body["user"] = user
	return nil
}

// signIns adds the counted sign-ins, under the names of the wire contract.
func signIns(c *call, counter storage.SignInCounter, p *AccountPage, user map[string]any) error {
	if counter == nil {
		return nil
	}
	n, err := counter.SignInsOf(c.r.Context(), c.who.User.ID)
	if err != nil {
		return err
	}
	p.Session.SignIns = n
	user["login_count"] = n.Count
	user["current_login_at"], user["last_login_at"] = stamp(n.CurrentAt), stamp(n.LastAt)
	user["current_login_ip"], user["last_login_ip"] = given(n.CurrentAddress), given(n.LastAddress)
	return nil
}

// proofBody returns a proof for JSON.
func proofBody(p ProofView) map[string]any {
	out := map[string]any{"method": p.Method, "at": stamp(p.At)}
	if p.Both {
		out["both"] = true
	}
	return out
}
