package twofoldtest

import (
	"time"

	"github.com/twofold-auth/twofold/federated"
)

// planted tries to set up everything on an account that registered itself, before
// a code that was mailed to its address came back. What a stranger set up there
// would still open the account of the address's owner after a reset.
func (k *Kit) planted() {
	k.t.Helper()
	if !k.has("/register") || k.config.Mail == nil {
		return
	}
	k.Clock.Move(time.Hour) // there are only so many an hour
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
}

// rescuedByMail goes on, after an account at another site, to what is mailed to
// the account here: most often that is one mailbox twice. Nil: that is not so
// here.
func (k *Kit) rescuedByMail(p federated.Provider, email string, b *Browser) *Browser {
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
