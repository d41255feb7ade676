package web

import (
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// profilePages show the profile fields of a signed-in user and change them.
type profilePages struct{ s *Site }

func (p profilePages) get(c *call) (*answer, error) {
	of := p.s.c.Life.Fields
	return &answer{
		json: func() response {
			return &profileBody{common: common{User: profileOf(of, c.who.User)}, Fields: fieldsBody(c, of)}
		},
		page: "profile", view: func() any { return ProfilePage{fieldViews(c, of, &c.who.User)} },
	}, nil
}

// profileOf returns the profile fields of a user for JSON.
func profileOf(of profile.List, u storage.User) *payload {
	return &payload{"fields": of.Of(profile.Decode(u.Profile))}
}

// post reads a form as a whole: a missing box is not checked. A JSON request changes only the
// fields that it contains.
func (p profilePages) post(c *call) (*answer, error) {
	of := p.s.c.Life.Fields
	c.shows = profileNames(of)
	values, problems := readProfile(c, of, of.Of(profile.Decode(c.who.User.Profile)))
	n := &needs{failure{problems: problems}}
	if f := n.result(); f != nil {
		return nil, f
	}
	u, err := p.s.c.Login.Account.SetProfile(c.r.Context(), *c.who, auth.ProfileChange{Of: of, Read: values}, c.browser)
	if err != nil {
		return nil, err
	}
	return &answer{json: func() response { return &common{User: profileOf(of, u)} },
		to: c.after(p.s.oauth.accountOr(p.s.paths.Profile)), note: "PROFILE_SAVED"}, nil
}

func profileNames(of profile.List) (names []string) {
	for _, f := range of {
		names = append(names, f.Name)
	}
	return names
}

// profileTake adds the profile fields to the fields of a step.
func profileTake(of profile.List, take fields) fields {
	for _, f := range of {
		take[f.Name] = text
		if f.Kind == profile.Checkbox {
			take[f.Name] = flag
		}
	}
	return take
}

// readProfile reads the profile fields of a request. A field that is not in a JSON request does not
// change.
func readProfile(c *call, of profile.List, present map[string]any) (map[string]any, []problem) {
	values, problems := of.Read(func(name string) string {
		typed, there := c.form.texts[name]
		if before, ok := present[name].(string); ok && !there && c.json {
			return before
		}
		return typed
	}, func(name string) bool {
		on, there := c.form.flags[name]
		if before, ok := present[name].(bool); ok && !there && c.json {
			return before
		}
		return on
	})
	var out []problem
	for _, p := range problems {
		for _, f := range of {
			if f.Name == p.Field {
				args := []any{"label", profileLabel(c, f), "n", p.Bound}
				out = append(out, problem{field: p.Field, key: profileTexts()[p.Reason], args: args})
			}
		}
	}
	return values, out
}

// profileTexts returns the text keys of the reasons why a value is refused.
func profileTexts() map[string]string {
	return map[string]string{
		profile.Required: "PROFILE_REQUIRED", profile.Unchecked: "PROFILE_UNCHECKED",
		profile.TooShort: "PROFILE_TOO_SHORT", profile.TooLong: "PROFILE_TOO_LONG",
		profile.NotText: "PROFILE_NOT_TEXT", profile.NotOption: "PROFILE_NOT_OPTION",
	}
}

// profileLabel returns the label that users see: the text of the catalogue, or the label in the
// configuration.
func profileLabel(c *call, f profile.Field) string {
	if key := "profile_field_" + f.Name; c.words.Replaced(key) {
		return c.words.Text(key)
	}
	return f.Label
}

// fieldViews returns the profile fields with the typed values, or else with the stored values of a
// user.
func fieldViews(c *call, of profile.List, u *storage.User) (out []FieldView) {
	stored := map[string]any{}
	if u != nil {
		stored = of.Of(profile.Decode(u.Profile))
	}
	for _, f := range of {
		v := FieldView{
			Name: f.Name, Label: profileLabel(c, f), Kind: f.Kind, Required: f.Required, Options: f.Options,
			Min: f.Min, Max: f.Max, Complete: completes()[f.Name],
		}
		if u == nil || len(c.problems) > 0 {
			v.Value, v.Checked = c.form.text(f.Name), c.form.flag(f.Name)
		} else {
			v.Value, _ = stored[f.Name].(string)
			v.Checked, _ = stored[f.Name].(bool)
		}
		out = append(out, v)
	}
	return out
}

// completes returns the autocomplete names of fields that browsers can fill in (WCAG 2.2, success
// criterion 1.3.5).
func completes() map[string]string {
	return map[string]string{
		"name": "name", "full_name": "name", "given_name": "given-name", "first_name": "given-name",
		"family_name": "family-name", "last_name": "family-name", "nickname": "nickname",
		"company": "organization", "organization": "organization", "job_title": "organization-title",
		"country": "country-name", "city": "address-level2", "postal_code": "postal-code", "phone": "tel",
		"website": "url",
	}
}

// profileBody is the JSON of the page of profile fields.
type profileBody struct {
	common
	Fields []fieldBody `json:"fields"`
}

// fieldBody describes a profile field for a program.
type fieldBody struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Kind     string   `json:"kind"`
	Required bool     `json:"required"`
	Options  []string `json:"options,omitzero"` // of a selection
	Min      *int     `json:"min,omitempty"`    // length of a text
	Max      *int     `json:"max,omitempty"`
}

func fieldsBody(c *call, of profile.List) (list []fieldBody) {
	for _, f := range of {
		one := fieldBody{Name: f.Name, Label: profileLabel(c, f), Kind: f.Kind, Required: f.Required}
		switch f.Kind {
		case profile.Select:
			one.Options = f.Options
		case profile.Text:
			one.Min, one.Max = &f.Min, &f.Max
		}
		list = append(list, one)
	}
	return list
}

// withFields adds profile fields to the user in an answer.
func withFields(user payload, fields map[string]any) payload {
	if len(fields) == 0 || user == nil {
		return user
	}
	out := payload{"fields": fields}
	for k, v := range user {
		out[k] = v
	}
	return out
}
