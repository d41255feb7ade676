package django

import (
	"encoding/hex"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// otp adds the devices of django-otp and django-two-factor-auth. An unconfirmed
// device is not a factor.
func otp(d *transfer.Draft, of func(table string) []rows.Row, tokens map[string][]rows.Row) {
	confirmed := func(table string) (list []rows.Row) {
		for _, r := range of(table) {
			if r.Bool("confirmed") {
				list = append(list, r)
			} else {
				d.Leave("a device that was never confirmed")
			}
		}
		return list
	}
	for _, r := range confirmed("otp_totp_totpdevice") {
		totp(d, r)
	}
	for _, r := range confirmed("otp_email_emaildevice") {
		d.Mailboxes = append(d.Mailboxes, transfer.Mailbox{Address: r.Text("email"), Name: r.Text("name")})
	}
	for _, table := range []string{"two_factor_phonedevice", "otp_twilio_twiliosmsdevice"} {
		for _, r := range confirmed(table) {
			if r.Text("method") == "call" {
				d.Leave("calls to a phone: codes come by SMS instead")
			}
			d.Phones = append(d.Phones, transfer.Phone{Number: r.Text("number"), Name: r.Text("name")})
		}
	}
	for _, device := range confirmed("otp_static_staticdevice") {
		for _, t := range tokens[device.Text("id")] {
			d.AddCode(transfer.RecoveryCode{Plain: t.Text("token")})
		}
	}
	// Unsupported devices may be left out only if another second factor is kept.
	for table, name := range map[string]string{
		"otp_hotp_hotpdevice":             "a token that counts (HOTP)",
		"otp_yubikey_yubikeydevice":       "a YubiKey that types codes",
		"otp_yubikey_remoteyubikeydevice": "a YubiKey that types codes",
		"otp_webauthn_webauthncredential": "a passkey of django-otp-webauthn",
	} {
		if len(confirmed(table)) == 0 {
			continue
		}
		if d.HasSecond() {
			d.Leave("%s", name)
		} else {
			d.Refuse("%s is the only second factor, and does not exist here", name)
		}
	}
}

// totp adds an authenticator app.
func totp(d *transfer.Draft, r rows.Row) {
	secret, err := hex.DecodeString(r.Text("key"))
	switch {
	case err != nil:
		d.Refuse("authenticator: key is not hexadecimal")
		return
	case r.Int("t0") != 0:
		d.Refuse("authenticator: its steps do not begin in 1970 (t0)")
		return
	}
	a := transfer.Authenticator{
		Secret: secret, Digits: int(r.Int("digits")), Period: int(r.Int("step")), Name: r.Text("name"),
		LastStep: max(r.Int("last_t"), 0),
	}
	if drift := r.Int("drift"); drift < -1 || drift > 1 {
		d.Leave("the drift of an authenticator whose clock is wrong: its codes may be refused until its clock is set")
	}
	d.Authenticators = append(d.Authenticators, a)
}
