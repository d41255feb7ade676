package twofoldtest

import (
	"time"

	"github.com/twofold-auth/twofold/federated"
)

// planted tries to set up every credential on a registered account before its address is proven.
// Credentials that an attacker added there could still sign in to the owner's account after a
// reset.
func planted(k *Kit) {
	k.t.Helper()
	if !k.has("/register") || k.config.Mail == nil {
		return
	}
	k.Clock.Move(time.Hour) // avoid the hourly limit
	b, email := k.NewBrowser(), k.address("planted")
	b.must("register", b.Post(k.at("/register"), k.registration(email)))
	type way struct {
		path string
		body fields
	}
	var ways []way
	add := func(path string, body fields) {
		if k.has(path) {
			ways = append(ways, way{k.at(path), body})
		}
	}
	for _, method := range []string{"authenticator", "sms"} {
		add("/tf-setup", fields{"setup": method, "phone": "+16505550199"})
		add("/us-setup", fields{"chosen_method": method, "phone": "+16505550199"})
	}
	for _, usage := range []string{"first", "secondary"} {
		add("/wan-register", fields{"name": "planted " + usage, "usage": usage})
	}
	if scopes := k.config.Tokens.Scopes; len(scopes) > 0 {
		add("/access-tokens", fields{"name": "planted", "scopes": scopes[:1]})
	}
	for _, site := range k.siteNames() {
		if k.has(toConnect + "/{token}") {
			ways = append(ways, way{k.at(toConnect) + "/" + site, nil})
		}
	}
	for _, w := range ways {
		if a := b.Post(w.path, w.body); a.Status < 400 {
			k.t.Errorf("side door: before the address is proven, %s answers %d", w.path, a.Status)
		}
	}
	outlived(k, b, email)
}

// outlived lets the owner of the address reset the password. Neither a session nor the password of
// the stranger who registered it may stay valid.
func outlived(k *Kit, stranger *Browser, email string) {
	k.t.Helper()
	if a := k.config.Accounts; !k.has("/reset/{token}") || a.MagicLink || a.Confirmable {
		return // the stranger is not signed in
	}
	owner, typed := k.NewBrowser(), fields{"password": "a fresh " + Password, "password_confirm": "a fresh " + Password}
	owner.must("reset", owner.Post(k.at("/reset"), fields{"email": email}))
	owner.must("password", owner.Post(k.at("/reset")+"/"+owner.mailed(email, "/reset"), typed))
	if a := stranger.Get(k.at("/tf-setup")); a.Status < 400 {
		k.t.Errorf(
			"side door: the session of the stranger who registered an address outlives the reset: %s answers %d",
			k.at("/tf-setup"), a.Status,
		)
	}
	if a := k.NewBrowser().Post(k.at("/login"), k.typed(email, Password)); a.Status < 400 {
		k.t.Errorf(
			"side door: the password of the stranger who registered an address outlives the reset: %s answers %d",
			k.at("/login"), a.Status,
		)
	}
}

// rescuedByMail continues a sign-in at an identity provider with a rescue code mailed to the
// account here, because both usually depend on one mailbox. It returns nil if the configuration
// does not allow that.
func rescuedByMail(k *Kit, p federated.Provider, email string, b *Browser) *Browser {
	if noMailRescue(k) || federated.IsIndependent(p) {
		return nil
	}
	before := len(k.Mail.To(email))
	b.Post(k.at("/tf-rescue"), fields{"help_setup": "email"})
	if len(k.Mail.To(email)) > before {
		b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, email)})
	}
	return b
}
