package web

import "time"

// getAccount is who am I: the signed-in user as JSON or as a page.
func (s *Site) getAccount(c *call) (*answer, error) {
	if err := s.needWho(c); err != nil {
		return nil, err
	}
	u, session := c.who.User, c.who.Session
	profile, err := s.c.Login.Profile(c.r.Context(), u, false)
	if err != nil {
		return nil, err
	}
	methods := []map[string]any{}
	data := AccountPage{
		Level: int(session.Level), Trusted: session.Trusted, Factors: factorViews(profile.Factors),
		Required: profile.Required, SetupOffers: len(profile.Methods) > 0, SignedIn: session.CreatedAt,
	}
	for _, p := range session.Proofs {
		methods = append(methods, map[string]any{"method": p.Method, "at": p.At.UTC().Format(time.RFC3339)})
		data.Proofs = append(data.Proofs, ProofView(p))
	}
	user := map[string]any{
		"id": u.ID, "email": u.Email, "username": nil, "roles": append([]string{}, u.Roles...),
		"level": int(session.Level), "trusted": session.Trusted, "methods": methods,
		"fresh": s.c.Login.RequireFresh(c.r.Context(), *c.who, s.c.Freshness) == nil,
	}
	if u.Username != "" {
		user["username"] = u.Username
	}
	return &answer{body: map[string]any{"user": user}, page: "account", data: data}, nil
}
