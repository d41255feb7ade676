package contract_test

import (
	"encoding/base64"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// image decodes the SVG image of an answer.
func (r *reply) image(name string) string {
	r.T.Helper()
	text, ok := strings.CutPrefix(r.Text(name), "data:image/svg+xml;base64,")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		r.T.Fatalf("%s is not an SVG image: %.80s", name, r.Text(name))
	}
	if err := xml.Unmarshal(raw, new(struct{ XMLName xml.Name })); err != nil {
		r.T.Fatalf("%s: %v", name, err)
	}
	return string(raw)
}

// TestTheQRCodeIsInTheAnswerIfAskedFor checks that an answer has a QR code if the query or the
// setting requests it and the method has one.
func TestTheQRCodeIsInTheAnswerIfAskedFor(t *testing.T) {
	s := newSite(t, withUnified)
	c := s.client()
	c.login("joe").want(200)
	c.post("/tf-setup", m{"setup": storage.Authenticator}).want(200).has("tf_authr_qr", absent)
	first := c.post("/tf-setup?include_qr", m{"setup": storage.Authenticator}).want(200).image("tf_authr_qr")
	if second := c.post("/tf-setup?include_qr",
		m{"setup": storage.Authenticator}).want(200).image("tf_authr_qr"); first == second {
		t.Error("two keys have the same QR code")
	}
	c.post("/tf-setup?include_qr", m{"setup": storage.Email}).want(200).has("tf_authr_qr", absent)
	c.post("/us-setup", m{"chosen_method": storage.Authenticator}).want(200).has("authr_qr", absent)
	c.post("/us-setup?include_qr", m{"chosen_method": storage.Authenticator}).want(200).image("authr_qr")

	s = anotherSite(t, withUnified, func(c *twofold.Config) { c.TwoFactor.QRInJSON = true })
	c = s.client()
	c.login("joe").want(200)
	c.post("/tf-setup", m{"setup": storage.Authenticator}).want(200).image("tf_authr_qr")
	c.post("/us-setup", m{"chosen_method": storage.Authenticator}).want(200).image("authr_qr")
}
