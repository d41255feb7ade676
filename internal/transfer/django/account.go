package django

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// account returns the account of a row.
func (r *reading) account(u rows.Row, own map[string]map[string][]rows.Row) *transfer.Draft {
	id := u.Text("id")
	of := func(table string) []rows.Row { return own[table][id] }
	d := &transfer.Draft{}
	d.ID, d.Created, d.Active = id, u.Time("date_joined"), !r.users.Has("is_active") || u.Bool("is_active")
	if at := u.Time("last_login"); !at.IsZero() {
		d.SignIns = &transfer.SignIns{CurrentAt: at, LastAt: at}
	}
	addresses(d, u.Text("email"), of("account_emailaddress"))
	d.SetUsername(u.Text("username"))
	d.SetField("first_name", u.Text("first_name"))
	d.SetField("last_name", u.Text("last_name"))
	// In Django, the hash of an account without a password begins with an
	// exclamation mark.
	if hash := u.Text("password"); hash != "" && hash[0] != '!' {
		d.Password = &transfer.Password{Value: hash}
	}
	for _, g := range of("groups") {
		d.AddRole(roleName(r.groups[g.Text("group_id")]))
	}
	if u.Bool("is_staff") {
		d.AddRole(roleStaff)
	}
	if u.Bool("is_superuser") {
		d.AddRole(roleSuperuser)
	}
	for _, c := range of("socialaccount_socialaccount") {
		r.connection(d, c)
	}
	for _, a := range of("mfa_authenticator") {
		r.allauth(d, a)
	}
	otp(d, of, own["tokens"])
	begin(d)
	for _, list := range append([]rows.Row{u}, all(of)...) {
		if p := list.Problem(); p != "" {
			d.Refuse("%s", p)
		}
	}
	return d
}

// begin lets passkeys begin a sign-in if that does not weaken the account. In
// allauth, a passkey does both. Here it either replaces the password or is the
// second factor.
func begin(d *transfer.Draft) {
	if d.Password != nil && len(d.Authenticators)+len(d.Phones)+len(d.Mailboxes) == 0 {
		if len(d.Passkeys) > 0 {
			d.Leave("a passkey no longer begins a sign-in: it is the second factor after the password")
		}
		return
	}
	for i, p := range d.Passkeys {
		if p.Discoverable != nil && *p.Discoverable {
			d.Passkeys[i].Use = transfer.UseFirst
		}
	}
}

func all(of func(string) []rows.Row) (list []rows.Row) {
	for name := range parts {
		list = append(list, of(name)...)
	}
	return list
}

// addresses adds the addresses. allauth stores whether each is proven; Django does
// not.
func addresses(d *transfer.Draft, email string, list []rows.Row) {
	for _, primary := range []bool{true, false} {
		for _, a := range list {
			if a.Bool("primary") == primary {
				d.AddAddress(transfer.Address{Address: a.Text("email"), Proven: a.Bool("verified")})
			}
		}
	}
	d.AddAddress(transfer.Address{Address: email})
}

// connection adds an account at another site.
func (r *reading) connection(d *transfer.Draft, c rows.Row) {
	name := c.Text("provider")
	issuer := r.issuer[name]
	if issuer == "" {
		issuer = transfer.Issuer(name)
	}
	if issuer == "" {
		d.Leave("the connection to %s: its issuer is not known", name)
		return
	}
	d.Connections = append(d.Connections, transfer.Connection{
		Provider: name, Issuer: issuer, Subject: c.Text("uid"), Created: c.Time("date_joined"),
	})
}

// findIssuers reads the issuers of OpenID Connect, which allauth stores in the
// settings of a SocialApp.
func (r *reading) findIssuers(ctx context.Context) error {
	apps, err := r.db.Table(ctx, "socialaccount_socialapp", "id", "provider", "provider_id", "settings")
	if err != nil || !apps.Has("settings") {
		return err
	}
	return r.db.Each(ctx, apps, func(list []rows.Row) error {
		for _, a := range list {
			var settings struct {
				Server string `json:"server_url"`
			}
			name := a.Text("provider_id")
			if name == "" {
				name = a.Text("provider")
			}
			// If a setting is damaged, its connections are left out and their
			// accounts report it.
			_ = json.Unmarshal([]byte(a.Text("settings")), &settings)
			server := strings.TrimSuffix(settings.Server, "/.well-known/openid-configuration")
			if u, err := url.Parse(server); err == nil && u.Host != "" && u.User == nil {
				r.issuer[name] = server
			}
		}
		return nil
	})
}
