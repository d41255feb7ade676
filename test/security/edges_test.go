package security_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// These tests come from mutation testing of the code that guards access: each of them detects a
// change that no other test noticed. See tools/mutate.

// rowsNamed returns the reasons of the audit rows with a name, oldest first.
func (w *world) rowsNamed(name string) (reasons []string) {
	w.T.Helper()
	for _, e := range w.trail(0) {
		if e.Event == name {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// TestR064_TenFactorsAndNoMore checks that an eleventh factor is refused, and that a replacement
// does not count as an additional one.
func TestR064_TenFactorsAndNoMore(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	for i := range 9 {
		p.enrollSMS(fmt.Sprintf("+1650555121%d", i))
	}
	b, phone := w.plantSession(p), "+16505551220"
	p.Phone = phone
	r := b.Post("/tf-setup", m{"setup": "sms", "phone": phone, "add": true}).Want(200)
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Texted()}).Want(400).Refused("the eleventh")
	if n := len(p.Factors()); n != 10 {
		t.Fatalf("%d factors", n)
	}
	p.enrollSMS("+16505551215") // the same phone again
	if n := len(p.Factors()); n != 10 {
		t.Errorf("%d factors after one was set up again", n)
	}
}

// TestR139_EditsOfFactorsAreRows checks that changes of factors are in the audit trail.
func TestR139_EditsOfFactorsAreRows(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	b := w.plantSession(p)
	b.Post("/tf-factors/"+p.factorIDs()["email"], m{"name": "mine"}).Want(200)
	b.Post("/tf-factors/"+p.factorIDs()["email"], m{"default": true}).Want(200)
	if got := w.rowsNamed("tf-factor-edited"); !slices.Equal(got, []string{"renamed", "preferred"}) {
		t.Errorf("rows %q", got)
	}
}

// TestR092_PasskeysAreToldApartByName checks that a passkey cannot have an empty name or the name
// of another passkey of the account. It can keep its own name or have that of another user's
// passkey.
func TestR092_PasskeysAreToldApartByName(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.Passkeys = passkeys() })
	p, _ := w.withKey("alice", storage.UseSecond, phoneKey)
	q, _ := w.withKey("bobby", storage.UseSecond, phoneKey)
	b := w.plantSession(p)
	b.register(w.key(phoneKey), "second", storage.UseSecond).Want(200)
	b = w.plantSession(p)
	path := "/tf-factors/" + p.passkeys()[0].ID
	other := p.passkeys()[1].Name
	for _, name := range []string{"", other} {
		b.Post(path, m{"name": name}).Want(400)
	}
	for _, name := range []string{p.passkeys()[0].Name, q.passkeys()[0].Name, "third"} {
		b.Post(path, m{"name": name}).Want(200)
	}
	if names := []string{p.passkeys()[0].Name, p.passkeys()[1].Name}; !slices.Contains(names, "third") ||
		!slices.Contains(names, other) {
		t.Errorf("names %q", names)
	}
}

// TestR059_TheLastAcceptedFactorStays checks that the last factor that the site accepts
// cannot be removed.
func TestR059_TheLastAcceptedFactorStays(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) {
		c.Passkeys = passkeys()
		c.TwoFactor.EnabledMethods = []string{storage.Authenticator}
	})
	p := w.withApp("alice")
	app := p.Factors()[0].ID
	w.plantFactor(p, storage.SMS, "+16505551212")
	w.plantSession(p).remove(app).Want(400).Refused("only one that is switched off would be left")
	if len(p.Factors()) != 2 {
		t.Error("it is gone")
	}
}

// TestR070_ACorrectCodeReleasesItsPlace checks that a correct code releases only its own place; the
// wrong codes before it still count.
func TestR070_ACorrectCodeReleasesItsPlace(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 5 })
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	for range 4 {
		w.plantPending(p).recover("aaaa-aaaa-aaaa-aaaa").Want(400).Refused("wrong")
	}
	w.plantPending(p).recover(codes[0]).Want(200)
	w.plantPending(p).recover("aaaa-aaaa-aaaa-aaaa").Want(400).Refused("the fifth")
	w.plantPending(p).recover(codes[1]).Want(429).Refused("after five")
}

// TestR018_ACodeIsNotAskedForInASetUp.
func TestR018_ACodeIsNotAskedForInASetUp(t *testing.T) {
	w := newWorld(t, required)
	p, plain := w.withApp("alice"), w.person("plain")
	w.plantPending(p).Get("/mf-recovery").Want(200)
	w.plantPending(plain).Get("/mf-recovery").Want(400).Refused("a sign-in that sets a factor up")
}

// TestR125_AUsernameIsChangedOnceItIsFree checks that a taken username has its own error. A free
// one is stored and recorded, the owner is notified, and the session continues.
func TestR125_AUsernameIsChangedOnceItIsFree(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.Usernames = true })
	p, q := w.person("alice"), w.person("bobby")
	b, other := w.plantSession(p), w.plantSession(p)
	w.plantSession(q).Post("/change-username", m{"username": "taken"}).Want(200)
	if r := b.Post("/change-username", m{"username": "Taken"}).Want(400); !strings.Contains(r.Body, "taken") &&
		!strings.Contains(r.Body, "associated") {
		t.Errorf("says %s", r.Body)
	}
	b.Post("/change-username", m{"username": "free"}).Want(200)
	b.in(p, 1)
	other.out("another session after the change")
	w.settled()
	if rows, kinds := w.rowsNamed("username-changed"), w.kinds(p.Email); len(rows) != 2 ||
		kinds["username_changed"] != 1 {
		t.Errorf("rows %q, notices %v", rows, kinds)
	}
}

// TestR063_TheSamePhoneAgainStaysThePrimary checks that enrolling the same phone again replaces the
// factor and keeps it primary.
func TestR063_TheSamePhoneAgainStaysThePrimary(t *testing.T) {
	w := newWorld(t, open)
	p := w.person("alice").enrollSMS("+16505551212").enrollApp().enrollSMS("+16505551212")
	if list := p.Factors(); len(list) != 2 || !list[0].Primary || list[0].Method != storage.SMS || list[1].Primary {
		t.Errorf("factors %+v", list)
	}
}

// TestR139_TheCodeToTheMailboxIsARow checks that a code sent to verify the mailbox is recorded like
// every other code.
func TestR139_TheCodeToTheMailboxIsARow(t *testing.T) {
	w := newWorld(t, proofFirst)
	w.browser().login(w.person("alice")).Want(200)
	if rows := w.rowsNamed("tf-security-token-sent"); len(rows) != 1 {
		t.Errorf("rows %q", rows)
	}
}

// TestR057_AnAddressTakenMeanwhileIsRefused checks that if two accounts request the same new
// address, the link used second fails.
func TestR057_AnAddressTakenMeanwhileIsRefused(t *testing.T) {
	w := newWorld(t, life)
	p, q := w.person("alice"), w.person("bobby")
	const want = "both@good.test"
	one, two := w.plantSession(p), w.plantSession(q)
	one.Post("/change-email", m{"email": want}).Want(200)
	first := w.link("change_email", want)
	two.Post("/change-email", m{"email": want}).Want(200)
	second := w.link("change_email", want)
	one.Post(first, m{}).Want(200)
	before := w.rows("users")
	two.Post(second, m{}).Want(400).Refused("taken meanwhile")
	if w.rows("users") != before {
		t.Error("a refusal changed somebody")
	}
}

// TestR111_TheNonceIsNotTheVerifier checks that the two differ. The nonce goes through the browser
// in the clear; the PKCE verifier proves that the client that redeems a code is the one that
// requested it.
func TestR111_TheNonceIsNotTheVerifier(t *testing.T) {
	w, corp, _ := sites(t)
	w.browser().through(corp, "corp")
	asked := corp.Asked()
	sum := sha256.Sum256([]byte(asked.Get("nonce")))
	if asked.Get("nonce") == "" || asked.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("asked %v", asked)
	}
}

// plainSite is a provider that cannot force its user to authenticate again.
type plainSite struct{}

func (plainSite) Name() string          { return "plain" }
func (plainSite) Title() string         { return "Plain" }
func (plainSite) Reauthenticates() bool { return false }
func (plainSite) Begin(_ context.Context, q federated.Question) (string, error) {
	return "https://plain.test/?state=" + q.State, nil
}
func (plainSite) Finish(context.Context, federated.Question, federated.Answer) (federated.Identity, error) {
	return federated.Identity{}, federated.ErrRefused
}

// TestR054_ASiteThatAsksNothingIsNoProofAnew checks that such a provider is accepted for signing
// in, but not for re-authentication.
func TestR054_ASiteThatAsksNothingIsNoProofAnew(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.Accounts.OAuth = []federated.Provider{plainSite{}} })
	p := w.person("alice")
	w.browser().Do("POST", "/login/oauthstart/plain", testkit.TypeJSON, "", "Accept", testkit.TypeJSON).Want(302)
	b := w.plantSession(p)
	if page := b.Page("/verify").Want(200); strings.Contains(page.Body, "Plain") {
		t.Error("it is offered for proving oneself again")
	}
	if page := w.browser().Page("/login").Want(200); !strings.Contains(page.Body, "Plain") {
		t.Error("it is not offered for signing in")
	}
}

// TestR008_ASessionOfAnotherAccountApprovesNoPassword checks that opening the link while signed
// in to another account does not approve the password that was registered.
func TestR008_ASessionOfAnotherAccountApprovesNoPassword(t *testing.T) {
	const victim = "victim@good.test"
	w := newWorld(t, life)
	w.browser().Post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).Want(200)
	b, link := w.plantSession(w.person("alice")), w.link("confirm", victim)
	b.Post(link, m{}).Want(400).Refused("without a password of the reader's own")
	w.signsIn(victim, secret).Want(400).Refused("the password planted before")
}

// TestR051_AResetDoesNotChangeWhoIsSignedIn checks that a reset ends only a session of the same
// account.
func TestR051_AResetDoesNotChangeWhoIsSignedIn(t *testing.T) {
	w := newWorld(t, life, autoLogin)
	p, q := w.person("alice"), w.person("bobby")
	fill := m{"password": newSecret, "password_confirm": newSecret}
	b := w.plantSession(q)
	b.Post(b.resets(p.Email), fill).Want(200)
	b.in(q, 1)
	b = w.plantSession(p)
	b.Post(b.resets(p.Email), fill).Want(200)
	b.in(p, 1)
}

// TestR122_NoUsernameIsMailedWhereThereIsNone.
func TestR122_NoUsernameIsMailedWhereThereIsNone(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.Usernames = true })
	named, nameless := w.person("alice").Email, "bobby@good.test"
	_, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: nameless, PasswordHash: hashed})
	w.Must(err)
	for _, email := range []string{named, nameless} {
		w.browser().Post("/recover-username", m{"email": email}).Want(200)
	}
	w.settled()
	if none, one := len(w.letters("username", nameless)), len(w.letters("username", named)); none != 0 || one != 1 {
		t.Errorf("%d mails to an account without one, %d to an account with one", none, one)
	}
}

// TestR111_TenConnectionsAndNoMore.
func TestR111_TenConnectionsAndNoMore(t *testing.T) {
	w, corp, _ := sites(t, open)
	p := w.person("alice")
	for i := range 10 {
		corp.SignIn(fmt.Sprint("alice", i))
		p.connected(corp, "corp")
	}
	corp.SignIn("alice10")
	b := w.plantSession(p)
	b.Get(b.leave(corp, "/login/oauth-connect/corp")).Want(400).Refused("the eleventh")
	if n := w.count("connections"); n != 10 {
		t.Errorf("%d connections", n)
	}
}

// TestR139_EventsOfOtherSitesAreRows checks that OAuth connections and refusals are recorded
// with their account, and that removing a connection takes effect at once.
func TestR139_EventsOfOtherSitesAreRows(t *testing.T) {
	w, corp, _ := sites(t, open)
	p := w.person("alice")
	old := w.plantSession(p)
	old.in(p, 1) // known to the node now
	b := p.connected(corp, "corp")
	old.out("a session from before the connection")
	b.in(p, 1)
	if added, removed := w.rowsNamed("connection-added"), w.rowsNamed("connection-removed"); len(added) != 1 ||
		len(removed) != 0 {
		t.Errorf("rows: added %q, removed %q", added, removed)
	}
	connections, _ := b.Get("/me").Want(200).JSON["oauth_connections"].([]any)
	id, _ := connections[0].(m)["id"].(string)
	b.copy().Post("/login/oauth-disconnect", m{"id": id}).Want(200)
	b.out("a session from before the end of it")
	if added, removed := w.rowsNamed("connection-added"), w.rowsNamed("connection-removed"); len(added) != 1 ||
		len(removed) != 1 {
		t.Errorf("rows: added %q, removed %q", added, removed)
	}
	corp.Answer(func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") })
	w.browser().through(corp, "corp").Want(400).Refused("refused there")
	b = w.plantSession(p)
	b.Get(b.leave(corp, "/login/oauth-connect/corp")).Want(400).Refused("refused there")
	var whom []string
	for _, e := range w.trail(0) {
		if e.Event == "user-failed-authn" && e.Reason == "refused by the other site" {
			whom = append(whom, e.User)
		}
	}
	if !slices.Equal(whom, []string{"", p.ID}) {
		t.Errorf("refusals of %q", whom)
	}
}

// TestR064_TenPasskeysAndNoMore.
func TestR064_TenPasskeysAndNoMore(t *testing.T) {
	w := newWorld(t, open)
	p := w.person("alice")
	for i := range 10 {
		w.plantSession(p).register(w.key(phoneKey), fmt.Sprint("key ", i), storage.UseFirst).Want(200)
	}
	w.plantSession(p).Post("/wan-register",
		m{"name": "one more", "usage": storage.UseFirst}).Want(400).Refused("the eleventh")
	if n := len(p.passkeys()); n != 10 {
		t.Errorf("%d passkeys", n)
	}
}

// TestR087_AnAnswerNamesItsQuestion checks that a valid assertion is refused with the id of another
// challenge.
func TestR087_AnAnswerNamesItsQuestion(t *testing.T) {
	w := newWorld(t, open)
	p := w.person("alice")
	b, k := w.plantSession(p), w.key(phoneKey)
	_, former := b.asks("/wan-register", m{"name": "key", "usage": storage.UseFirst})
	options, _ := b.asks("/wan-register", m{"name": "key", "usage": storage.UseFirst})
	b.Post("/wan-register/"+former,
		m{"credential": w.creates(k, options)}).Want(400).Refused("the former question's name")
	if len(p.passkeys()) != 0 {
		t.Error("it is registered")
	}
}

// TestR093_TheOwnerIsToldOfACopy.
func TestR093_TheOwnerIsToldOfACopy(t *testing.T) {
	w := newWorld(t, open)
	p, k := w.person("alice"), w.key(phoneKey)
	k.Counter = 5
	w.plantSession(p).register(k, "one", storage.UseFirst).Want(200)
	w.browser().signInBy(k, softkey.Count(6)).Want(200)
	w.settled()
	if n := w.kinds(p.Email)["passkey_copied"]; n != 0 {
		t.Errorf("%d notices of nothing", n)
	}
	w.browser().signInBy(k, softkey.Count(6)).Refused("a counter that stands")
	w.settled()
	if n := w.kinds(p.Email)["passkey_copied"]; n != 1 {
		t.Errorf("%d notices of a copy", n)
	}
}

// TestR076_ABlockedRequestCannotBeCanceled checks that after "this was not me" no session can cancel the
// request, which would unlock the account. Nothing can be canceled either after a request has
// expired or the credentials have changed.
func TestR076_ABlockedRequestCannotBeCanceled(t *testing.T) {
	w := newWorld(t, waiting)
	none := func(b *browser, why string) {
		t.Helper()
		if r := b.Get("/me").Want(200); r.JSON["recovery"] != nil {
			t.Errorf("%s: shown %v", why, r.JSON["recovery"])
		}
		b.del("/tf-recovery").Want(404)
	}
	a := w.withApp("alice")
	codes := a.recoveryCodes()
	w.asks(a).Want(200)
	w.browser().Form("/tf-not-me/" + a.newestStop()).Want(200)
	b := w.plantPending(a)
	b.recover(codes[0]).Want(200) // which proves no factor
	none(b, "shut")
	w.plantPending(a).Post("/tf-rescue", m{"help_setup": "email"}).Want(400).Refused("shut")

	c := w.withApp("bobby")
	w.asks(c).Want(200)
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), c.ID, newSecret))
	none(w.plantSession(c), "another password")

	d := w.withApp("carol")
	w.asks(d).Want(200)
	w.Advance(48 * time.Hour)
	none(w.plantSession(d), "lapsed")
}

// TestR139_TheEndOfARecoveryIsARow checks that every outcome of a recovery is recorded, and that
// the owner is notified of a completed one.
func TestR139_TheEndOfARecoveryIsARow(t *testing.T) {
	w := newWorld(t, waiting)
	a := w.withApp("alice")
	w.asks(a).Want(200)
	w.plantSession(a).del("/tf-recovery").Want(200)
	w.asks(a).Want(200)
	w.plantPending(a).validate(a.Next()).Want(200)
	if rows := w.rowsNamed("recovery-ended"); !slices.Equal(rows, []string{"cancelled", "signed in"}) {
		t.Errorf("rows %q", rows)
	}
	link := w.askedLink(a)
	w.Advance(24 * time.Hour)
	_, r := w.opens(link, secret)
	r.Want(200)
	w.settled()
	if n := w.kinds(a.Email)["rescued"]; n != 1 {
		t.Errorf("%d notices of the rescue", n)
	}
}

// TestR015_ASignInByPasskeyAloneReplacesTheFormer checks that a sign-in with a passkey replaces the
// pending sign-in of its browser, as every other sign-in does.
func TestR015_ASignInByPasskeyAloneReplacesTheFormer(t *testing.T) {
	w := newWorld(t, open)
	p, k := w.withKey("alice", storage.UseFirst, phoneKey)
	q := w.withApp("bobby")
	b := w.plantPending(q)
	former := b.copy()
	b.signInBy(k).Want(200)
	b.in(p, 2)
	former.validate(q.Next()).Want(400).Refused("the sign-in that was under way")
	former.out("the sign-in that was under way")
}

// TestR054_APasskeyAfterThePasswordProvesAnew checks re-authentication with a passkey as the second
// factor.
func TestR054_APasskeyAfterThePasswordProvesAnew(t *testing.T) {
	w := newWorld(t, open)
	p, k := w.withKey("alice", storage.UseSecond, phoneKey)
	b := w.plantSession(p)
	w.Advance(16 * time.Minute)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(401)
	b.Post("/verify", m{"password": secret}).Want(200)
	b.verifyBy(k).Want(200)
	b.in(p, 2)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}
