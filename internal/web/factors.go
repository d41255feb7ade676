package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/storage"
)

// factorRows returns the paths of the list of second factors. A form can only post, so it names the
// action for which programs use DELETE.
func (s secondFactorSteps) factorRows() []route {
	p := s.paths
	return []route{
		{method: http.MethodGet, path: p.Factors, access: forUser, step: s.getFactors},
		{method: http.MethodPost, path: p.Factors + tokenEnd, access: forUser, step: s.postFactor,
			take: fields{"name": text, "default": flag, "action": text}},
		{method: http.MethodDelete, path: p.Factors + tokenEnd, access: forUser, step: s.removeFactor},
	}
}

// FactorsPart contains a user's second factors, for the account page and a separate page.
type FactorsPart struct {
	Factors  []FactorView
	Required bool // one must remain
	Offers   bool // more can be set up
}

// factorsPart reads the list.
func (s secondFactorSteps) factorsPart(c *call) (FactorsPart, []storage.Factor, error) {
	profile, err := s.c.Login.Enroll.Profile(c.r.Context(), c.who.User, false)
	part := FactorsPart{Factors: factorViews(profile.Factors), Required: profile.Required,
		Offers: len(profile.Methods) > 0}
	for i := range part.Factors {
		part.Factors[i].Action = s.paths.Factors + "/" + part.Factors[i].ID
	}
	return part, profile.Factors, err
}

func (s secondFactorSteps) getFactors(c *call) (*answer, error) {
	part, factors, err := s.factorsPart(c)
	if err != nil {
		return nil, err
	}
	for _, f := range part.Factors {
		if page, ok := askRemoval(c, "factor", f.ID, or(f.Name, c.words.Page("label_"+f.Method))); ok {
			page.Action, page.Field, page.Value, page.Back = f.Action, "action", "remove",
				s.session.listed(s.paths.Factors)
			page.Last = len(part.Factors) == 1
			return removal(page), nil
		}
	}
	return &answer{body: map[string]any{"tf_factors": ownFactors(factors), "tf_required": part.Required},
		page: "tf_factors", data: part}, nil
}

// postFactor renames a factor, makes it the default, or removes it.
func (s secondFactorSteps) postFactor(c *call) (*answer, error) {
	name, named := c.form.texts["name"]
	switch action := c.form.text("action"); {
	case action == "remove" && !named && !c.form.flag("default"):
		return s.removeFactor(c)
	case action != "":
		return nil, fail(http.StatusBadRequest, "action", "CHOICE_INVALID").goTo(s.session.listed(s.paths.Factors))
	case !named && !c.form.flag("default"):
		return nil, fail(http.StatusBadRequest, "name", "FIELD_REQUIRED").goTo(s.session.listed(s.paths.Factors))
	}
	ctx, note := c.r.Context(), "FACTOR_RENAMED"
	if named {
		err := s.c.Login.SecondFactor.NameFactor(ctx, *c.who, c.token, TidyName(name), c.browser)
		if errors.Is(err, auth.ErrPasskeyName) {
			return nil, fail(http.StatusBadRequest, "name", "WEBAUTHN_NAME_INUSE", "name", TidyName(name))
		}
		if err != nil {
			return nil, s.session.listError(c, err, s.paths.Factors)
		}
	}
	if c.form.flag("default") {
		if err := s.c.Login.SecondFactor.PreferFactor(ctx, *c.who, c.token, c.browser); err != nil {
			return nil, s.session.listError(c, err, s.paths.Factors)
		}
		note = "FACTOR_PREFERRED"
	}
	_, factors, err := s.factorsPart(c)
	if err != nil {
		return nil, err
	}
	return &answer{body: map[string]any{"tf_factors": ownFactors(factors)}, to: s.session.listed(s.paths.Factors),
		note: note}, nil
}

func (s secondFactorSteps) removeFactor(c *call) (*answer, error) {
	out, err := s.c.Login.SecondFactor.RemoveFactor(c.r.Context(), *c.who, c.token, c.browser)
	if errors.Is(err, auth.ErrLastFactor) || errors.Is(err, auth.ErrLastWayIn) {
		return nil, s.toFailure(err).at("").goTo(s.session.listed(s.paths.Factors))
	}
	if err != nil {
		return nil, s.session.listError(c, err, s.paths.Factors)
	}
	_, factors, err := s.factorsPart(c)
	a := &answer{
		outcome: &out, body: map[string]any{"tf_factors": ownFactors(factors)}, to: s.session.listed(s.paths.Factors),
		note: "FACTOR_REMOVED",
	}
	if len(factors) == 0 {
		a.note = "TWO_FACTOR_DISABLED"
	}
	return a, err
}

// factorsSection adds the list to the account page.
func (s secondFactorSteps) factorsSection(c *call, p *AccountPage, body map[string]any) error {
	part, factors, err := s.factorsPart(c)
	if err != nil {
		return err
	}
	p.Factors = part
	check := Check{Key: "factors", Good: len(factors) > 0, N: len(factors)}
	if !check.Good {
		check.Key = "factors_none"
		if part.Offers {
			check.To = s.paths.Setup
		}
	}
	p.Checks = append(p.Checks, check)
	body["tf_required"], body["tf_factors"] = part.Required, ownFactors(factors)
	return nil
}

// ownFactors returns the data that a custom front end may show of a user's factors. Destinations
// are masked.
func ownFactors(in []storage.Factor) []map[string]any {
	out := []map[string]any{}
	for _, f := range in {
		out = append(out, map[string]any{
			"id": f.ID, "method": f.Method, "name": f.Name, "destination": mask(f.Method, f.Destination),
			"default": f.Primary, "added": stamp(f.CreatedAt), "last_used": stamp(f.LastUsedAt),
		})
	}
	return out
}
