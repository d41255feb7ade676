package keycloak

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// user contains the members of a user that are read.
type user struct {
	ID              string              `json:"id"`
	Created         int64               `json:"createdTimestamp"`
	Username        string              `json:"username"`
	Enabled         bool                `json:"enabled"`
	Email           string              `json:"email"`
	EmailVerified   bool                `json:"emailVerified"`
	FirstName       string              `json:"firstName"`
	LastName        string              `json:"lastName"`
	Attributes      map[string][]string `json:"attributes"`
	Credentials     []credential        `json:"credentials"`
	RequiredActions []string            `json:"requiredActions"`
	Identities      []federated         `json:"federatedIdentities"`
	RealmRoles      []string            `json:"realmRoles"`
	ClientRoles     map[string][]string `json:"clientRoles"`
	Groups          []string            `json:"groups"`
	Service         string              `json:"serviceAccountClientId"`
	ServiceLink     string              `json:"serviceAccountClientLink"`
	Federation      string              `json:"federationLink"`
}

type federated struct {
	Provider string `json:"identityProvider"`
	UserID   string `json:"userId"`
	Name     string `json:"userName"`
}

// entry returns the entry of a user.
func (r *realm) entry(line int64, raw json.RawMessage) transfer.Entry {
	var u user
	if err := json.Unmarshal(raw, &u); err != nil {
		return transfer.Entry{Line: line, Refused: describe(err).Error()}
	}
	d := &transfer.Draft{}
	if u.Service != "" || u.ServiceLink != "" {
		d.Refuse("a service account of a client, not a person")
	}
	d.ID, d.Active, d.Created = u.ID, u.Enabled, milliseconds(u.Created)
	d.AddAddress(transfer.Address{Address: u.Email, Proven: u.EmailVerified && u.Email != ""})
	d.SetUsername(u.Username)
	r.profile(d, u)
	r.rights(d, u)
	for _, f := range u.Identities {
		issuer := r.issuers[f.Provider]
		if issuer == "" {
			d.Leave("the connection to %s: its issuer is not known", f.Provider)
			continue
		}
		d.Connections = append(d.Connections, transfer.Connection{
			Provider: f.Provider, Issuer: issuer, Subject: f.UserID, Label: f.Name,
		})
	}
	for _, c := range u.Credentials {
		c.add(d)
	}
	if u.Federation != "" && d.Password == nil {
		d.Leave("the password is in another directory")
	}
	actions(d, u.RequiredActions)
	uncommon(d, u.Credentials)
	return d.Entry(line)
}

func milliseconds(n int64) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// profile adds names and attributes.
func (r *realm) profile(d *transfer.Draft, u user) {
	d.SetField("first_name", u.FirstName)
	d.SetField("last_name", u.LastName)
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		v := u.Attributes[name]
		switch {
		case name == "locale" && len(v) == 1:
			d.Language = v[0]
		case strings.HasPrefix(name, "LDAP_"), name == "createTimestamp", name == "modifyTimestamp", len(v) == 0:
		case len(v) > 1:
			d.Leave("the attribute %s, which has several values", name)
		default:
			d.SetField(name, v[0])
		}
	}
}

// rights adds roles: the user's own, those of groups, and those of clients as
// CLIENT.ROLE.
func (r *realm) rights(d *transfer.Draft, u user) {
	seen := map[string]bool{}
	for _, name := range u.RealmRoles {
		r.grant(d, name, seen)
	}
	for _, path := range u.Groups {
		for _, name := range r.groups[path] {
			r.grant(d, name, seen)
		}
	}
	for _, client := range slices.Sorted(maps.Keys(u.ClientRoles)) {
		if client == "account" || client == "broker" { // everyone has these roles
			continue
		}
		for _, name := range u.ClientRoles[client] {
			d.AddRole(roleName(client + "." + name))
		}
	}
}

// actions handles the actions that Keycloak requires at the next sign-in.
func actions(d *transfer.Draft, list []string) {
	for _, a := range list {
		switch a {
		case "UPDATE_PASSWORD":
			// If a password must be changed, another person knows it.
			if d.Password != nil {
				d.Password = nil
				d.Leave("a temporary password: its owner sets a new one with \"forgot password\"")
			}
		case "VERIFY_EMAIL":
			if len(d.Addresses) > 0 {
				d.Addresses[0].Proven = false
			}
		default:
			d.Leave("the required action %s", a)
		}
	}
}
