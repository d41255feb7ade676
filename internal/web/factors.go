package web

import (
	"errors"
	"net/http"

	"github.com/twofold-auth/twofold/internal/auth"
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

func (s secondFactorSteps) factorsPart(profile auth.Profile) FactorsPart {
	part := FactorsPart{Factors: factorViews(profile.Factors), Required: profile.Required,
		Offers: len(profile.Methods) > 0}
	for i := range part.Factors {
		part.Factors[i].Action = s.paths.Factors + "/" + part.Factors[i].ID
	}
	return part
}

func (s secondFactorSteps) getFactors(c *call) (*answer, error) {
	profile, err := s.c.Login.Enroll.Profile(c.r.Context(), c.who.User, false)
	if err != nil {
		return nil, err
	}
	for _, f := range profile.Factors {
		if page, ok := askRemoval(c, "factor", f.ID, or(f.Name, c.words.Page("label_"+f.Method))); ok {
			page.Action, page.Field, page.Value, page.Back = s.paths.Factors+"/"+f.ID, "action", "remove",
				s.session.listed(s.paths.Factors)
			page.Last = len(profile.Factors) == 1
			return removal(page), nil
		}
	}
	return &answer{
		json: func() response {
			return &factorListBody{factorsBody: ownFactors(profile), Required: profile.Required}
		},
		page: "tf_factors", view: func() any { return s.factorsPart(profile) },
	}, nil
}

// factorListBody is the JSON of the list.
type factorListBody struct {
	factorsBody
	Required bool `json:"tf_required"` // one must remain
}

// factorsBody is the answer to a change of the list.
type factorsBody struct {
	common
	Factors []factorBody `json:"tf_factors"`
}

// factorBody is the data that a custom front end may show of a factor. The destination is masked.
type factorBody struct {
	choiceBody
	Default  bool    `json:"default"`
	Added    *string `json:"added"`
	LastUsed *string `json:"last_used"`
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
	profile, err := s.c.Login.Enroll.Profile(ctx, c.who.User, false)
	if err != nil {
		return nil, err
	}
	return &answer{json: func() response { return new(ownFactors(profile)) }, to: s.session.listed(s.paths.Factors),
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
	profile, err := s.c.Login.Enroll.Profile(c.r.Context(), c.who.User, false)
	a := &answer{
		outcome: &out, json: func() response { return new(ownFactors(profile)) },
		to: s.session.listed(s.paths.Factors), note: "FACTOR_REMOVED",
	}
	if len(profile.Factors) == 0 {
		a.note = "TWO_FACTOR_DISABLED"
	}
	return a, err
}

// factorsSection adds the list to the account page.
func (s secondFactorSteps) factorsSection(c *call) (part, error) {
	profile, err := s.c.Login.Enroll.Profile(c.r.Context(), c.who.User, false)
	return part{
		json: func(body *accountBody) {
			body.Required, body.Factors = profile.Required, ownFactors(profile).Factors
		},
		page: func(p *AccountPage) {
			p.Factors = s.factorsPart(profile)
			n := len(profile.Factors)
			check := Check{Key: "factors", Good: n > 0, N: n}
			if !check.Good {
				check.Key = "factors_none"
				if p.Factors.Offers {
					check.To = s.paths.Setup
				}
			}
			p.Checks = append(p.Checks, check)
		},
	}, err
}

func ownFactors(p auth.Profile) factorsBody {
	body := factorsBody{Factors: []factorBody{}}
	for _, f := range p.Factors {
		body.Factors = append(body.Factors, factorBody{
			choiceBody: choiceBody{ID: f.ID, Method: f.Method, Name: f.Name,
				Destination: mask(f.Method, f.Destination)},
			Default: f.Primary, Added: stamp(f.CreatedAt), LastUsed: stamp(f.LastUsedAt),
		})
	}
	return body
}
