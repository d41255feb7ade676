package keycloak

import (
	"errors"
	"net/url"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// realm contains what users refer to.
type realm struct {
	Name      string
	RPID      string // for passkeys as second factors
	FirstRPID string // for passkeys that replace the password
	roles     map[string]role
	groups    map[string][]string // roles by path
	issuers   map[string]string   // of identity providers by alias
}

type role struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Composites  struct {
		Realm []string `json:"realm"`
	} `json:"composites"`
}

type group struct {
	Name       string   `json:"name"`
	Path       string   `json:"path"`
	RealmRoles []string `json:"realmRoles"`
	SubGroups  []group  `json:"subGroups"`
}

type provider struct {
	Alias  string         `json:"alias"`
	Kind   string         `json:"providerId"`
	Config map[string]any `json:"config"`
}

// member reads a member of the realm.
func (r *realm) member(f *stream, name string) error {
	switch name {
	case "realm":
		return f.value(&r.Name)
	case "webAuthnPolicyRpId":
		return f.value(&r.RPID)
	case "webAuthnPolicyPasswordlessRpId":
		return f.value(&r.FirstRPID)
	case "roles":
		return f.members(func(name string) error {
			if name != "realm" {
				return f.skip()
			}
			r.roles = map[string]role{}
			return f.items(func() error {
				var v role
				err := f.value(&v)
				r.roles[v.Name] = v
				return err
			})
		})
	case "groups":
		r.groups = map[string][]string{}
		return f.items(func() error {
			var g group
			if err := f.value(&g); err != nil {
				return err
			}
			r.addGroup(g, "", nil)
			return nil
		})
	case "identityProviders":
		r.issuers = map[string]string{}
		return f.items(func() error {
			var p provider
			if err := f.value(&p); err != nil {
				return err
			}
			r.issuers[p.Alias] = p.issuer()
			return nil
		})
	}
	return f.skip()
}

// addGroup adds a group and its subgroups, which have its roles too.
func (r *realm) addGroup(g group, parent string, inherited []string) {
	path := g.Path
	if path == "" {
		path = parent + "/" + g.Name
	}
	roles := append(append([]string{}, inherited...), g.RealmRoles...)
	r.groups[path] = roles
	for _, sub := range g.SubGroups {
		r.addGroup(sub, path, roles)
	}
}

// issuer returns the issuer in a provider's configuration, or that of its kind.
func (p provider) issuer() string {
	if s, ok := p.Config["issuer"].(string); ok && s != "" {
		if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" {
			return s
		}
	}
	return transfer.Issuer(p.Kind)
}

// check refuses a setting that would be wrong for all users.
func (r *realm) check() error {
	if r.RPID != "" && r.FirstRPID != "" && r.RPID != r.FirstRPID {
		return errors.New("the realm's two policies for passkeys have different RP ids")
	}
	if r.RPID == "" {
		r.RPID = r.FirstRPID
	}
	return nil
}

// source returns the name of the realm as a source.
func (r *realm) source() string {
	name := strings.Map(func(c rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", c) {
			return c
		}
		return '-'
	}, r.Name)
	return ("keycloak." + name)[:min(64, len("keycloak.")+len(name))]
}

// builtin reports whether Keycloak gives a role to everyone.
func (r *realm) builtin(name string) bool {
	return name == "offline_access" || name == "uma_authorization" || name == "default-roles-"+strings.ToLower(r.Name)
}

// roleName converts the name of a role to one without spaces and commas.
func roleName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c == ' ' || c == ',' }), "-")
}

// grant adds a role and those of which it is composed. Roles may contain each
// other.
func (r *realm) grant(d *transfer.Draft, name string, seen map[string]bool) {
	if seen[name] {
		return
	}
	seen[name] = true
	if !r.builtin(name) {
		d.AddRole(roleName(name))
	}
	for _, part := range r.roles[name].Composites.Realm {
		r.grant(d, part, seen)
	}
}
