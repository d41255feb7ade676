package contract_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestAPausedPageNamesWhatTheAccountHas checks that while codes are paused, the page names the
// methods that work and none that the account does not have.
func TestAPausedPageNamesWhatTheAccountHas(t *testing.T) {
	s := newSite(t, withCodes, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 2 })
	owner, _ := s.enroll("joe", "authenticator")
	pausedPage := func() (*client, *reply) {
		c := s.client()
		c.loginForm("joe").to("/tf-validate")
		for _, code := range []string{"000001", "000002"} {
			c.post("/tf-validate", m{"code": code})
		}
		return c, c.form("/tf-validate", "code", "000003")
	}
	_, without := pausedPage()
	without.shows("Too many wrong codes").hides("ecovery code works", "asskey works")
	codes := owner.post("/mf-recovery-codes", m{}).want(200).JSON["recovery_codes"].([]any)
	c, page := pausedPage()
	page.shows("A recovery code works now.", `href="/mf-recovery"`).hides("asskey works")
	c.page("/tf-validate").shows("Too many wrong codes").hides(`name="code"`) // and so does a reload
	c.post("/mf-recovery", m{"code": codes[0]}).want(200)
	c.signedIn("joe", 2)
}

// TestPagesOfAnAddressOfferNoPasskeys checks that pages on an IP address offer no passkeys, because
// browsers create them for host names only. The paths work for programs.
func TestPagesOfAnAddressOfferNoPasskeys(t *testing.T) {
	s := newSite(t, withPasskeys, func(c *twofold.Config) { c.Pages.AccountPage = true })
	c := s.client()
	c.page("/login").hides("a passkey", "/wan-signin")
	c.login("matt").want(200)
	c.page("/tf-setup").hides("asskey")
	c.page("/me").hides("/wan-register")
	c.get("/wan-register").want(200)
}

// TestAnUnconfirmedSignInLinksToAnotherMail checks that the form for another mail has the address
// that was entered.
func TestAnUnconfirmedSignInLinksToAnotherMail(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) {
		c.Accounts.Registerable, c.Accounts.Confirmable, c.Accounts.RevealAccounts = true, true, true
	})
	c := s.client()
	c.register("dude@lp.com").want(200)
	c.form("/login", "email", "dude@lp.com", "password", newPlain).
		shows("Please confirm your email address first.", `href="/confirm?email=dude%40lp.com"`)
	c.page("/confirm?email=dude%40lp.com").shows(`value="dude@lp.com"`)
}

// TestADemandedSetUpIsNoNews checks that a required enrollment is not shown as unseen activity to
// the user who completed it, although its event is older than the session.
func TestADemandedSetUpIsNoNews(t *testing.T) {
	var ticks atomic.Int64
	s := newSite(t, withPasskeys, func(c *twofold.Config) {
		c.TwoFactor.Required, c.Pages.AccountPage = true, true
		now := c.Advanced.Now
		c.Advanced.Now = func() time.Time { return now().Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	})
	c := s.client()
	c.login("matt").want(200).has("tf_state", "setup_from_login")
	asked := c.post("/wan-register", m{"unnamed": true}).want(200)
	options, err := json.Marshal(asked.JSON["credential_options"])
	if err != nil {
		t.Fatal(err)
	}
	made := m{"credential": s.made(s.key().Create(options))}
	c.post("/wan-register/"+asked.Text("wan_state"), made).want(200)
	c.page("/me").want(200).hides("Recent security changes")
}
