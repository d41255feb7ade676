package flask

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/rows"
)

// split splits a list at commas, as Flask-Security stores it.
func split(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// account returns the account of a row.
func (r *reading) account(u rows.Row, roles, passkeys []rows.Row) *transfer.Draft {
	d := &transfer.Draft{}
	d.ID, d.Active, d.Created = u.Text("id"), u.Bool("active"), u.Time("create_datetime")
	confirmed := u.Time("confirmed_at")
	d.AddAddress(transfer.Address{Address: u.Text("email"), Proven: !confirmed.IsZero(), ProvenAt: confirmed})
	d.SetUsername(u.Text("username"))
	d.Password = r.password(d, u.Text("password"))
	for _, row := range roles {
		d.AddRole(r.roles[row.Text("role_id")])
	}
	for _, f := range r.o.Fields {
		d.SetField(f, u.Text(f))
	}
	if n := u.Int("login_count"); n > 0 {
		d.SignIns = &transfer.SignIns{
			Count: n, CurrentAt: u.Time("current_login_at"), LastAt: u.Time("last_login_at"),
			CurrentAddress: u.Text("current_login_ip"), LastAddress: u.Text("last_login_ip"),
		}
	}
	r.second(d, u)
	r.unified(d, u)
	r.recovery(d, u)
	for _, row := range passkeys {
		d.Passkeys = append(d.Passkeys, passkey(d, row, u.Text("fs_webauthn_user_handle")))
	}
	for _, row := range append([]rows.Row{u}, append(roles, passkeys...)...) {
		if p := row.Problem(); p != "" {
			d.Refuse("%s", p)
		}
	}
	return d
}

// hashes are the schemes of Flask-Security, as passlib recognizes and names them.
var hashes = []struct {
	looks *regexp.Regexp
	name  string
}{
	{regexp.MustCompile(`^\$2[abxy]?\$`), "bcrypt"},
	{regexp.MustCompile(`^\$argon2(i|d|id)\$`), "argon2"},
	{regexp.MustCompile(`^[./0-9A-Za-z]{13}$`), "des_crypt"},
	{regexp.MustCompile(`^\$pbkdf2-sha256\$`), "pbkdf2_sha256"},
	{regexp.MustCompile(`^\$pbkdf2-sha512\$`), "pbkdf2_sha512"},
	{regexp.MustCompile(`^\$5\$`), "sha256_crypt"},
	{regexp.MustCompile(`^\$6\$`), "sha512_crypt"},
	{regexp.MustCompile(`^pbkdf2_sha256\$`), "django_pbkdf2_sha256"},
	{regexp.MustCompile(`^pbkdf2_sha1\$`), "django_pbkdf2_sha1"},
	{regexp.MustCompile(`^argon2\$`), "django_argon2"},
	{regexp.MustCompile(`^bcrypt\$`), "django_bcrypt"},
	{regexp.MustCompile(`^bcrypt_sha256\$`), "django_bcrypt_sha256"},
	{regexp.MustCompile(`^sha1\$`), "django_salted_sha1"},
	{regexp.MustCompile(`^md5\$`), "django_salted_md5"},
	{regexp.MustCompile(`^crypt\$`), "django_des_crypt"},
}

// plaintext is the scheme of plain passwords.
const plaintext = "plaintext"

// single reports whether the hashes of a scheme do not use the salt of the
// settings.
func (o Options) single(scheme string) bool {
	if o.SingleHash == nil {
		return scheme == plaintext || strings.HasPrefix(scheme, "django_")
	}
	return slices.Equal(o.SingleHash, EverySingle) || slices.Contains(o.SingleHash, scheme)
}

// password distinguishes a hash from a plain password, which Flask-Security stores
// if it is configured to. passlib treats any string that it does not recognize as a
// plain password.
func (r *reading) password(d *transfer.Draft, stored string) *transfer.Password {
	if stored == "" {
		return nil
	}
	for _, h := range hashes {
		if h.looks.MatchString(stored) {
			pre := "flask"
			if r.o.single(h.name) {
				pre = "nfkd"
			}
			return &transfer.Password{Value: stored, Pre: pre}
		}
	}
	if stored[0] == '$' || stored[0] == '{' {
		d.Refuse("its password is a hash of a kind that Flask-Security does not have")
		return nil
	}
	if !r.o.single(plaintext) {
		d.Refuse("SECURITY_PASSWORD_SINGLE_HASH does not name plaintext: what is stored is not the password")
		return nil
	}
	return &transfer.Password{Scheme: "plain", Value: stored}
}

// Methods, by their current and former names.
const (
	byApp  = "authenticator"
	bySMS  = "sms"
	byMail = "email"
)

func method(name string) string {
	switch name {
	case "google_authenticator":
		return byApp
	case "mail":
		return byMail
	}
	return name
}

// second adds the second factor. If a set-up was not finished, there is no method.
func (r *reading) second(d *transfer.Draft, u rows.Row) {
	switch m := method(u.Text("tf_primary_method")); m {
	case "":
	case byApp:
		a, err := r.wallet.open(u.Text("tf_totp_secret"))
		if err != nil {
			d.Refuse("authenticator: %s", err)
			return
		}
		a.Primary = true
		d.Authenticators = append(d.Authenticators, a)
	case bySMS:
		if u.Text("tf_phone_number") == "" {
			d.Refuse("codes by SMS are its second factor, and it has no phone number")
			return
		}
		d.Phones = append(d.Phones, transfer.Phone{Number: u.Text("tf_phone_number"), Primary: true})
	case byMail:
		d.Mailboxes = append(d.Mailboxes, transfer.Mailbox{Primary: true})
	default:
		d.Refuse("its second factor is of an unknown method %.40q", m)
	}
}

// unified adds the factors that replace the password (us_totp_secrets).
func (r *reading) unified(d *transfer.Draft, u rows.Row) {
	text := u.Text("us_totp_secrets")
	if text == "" {
		return
	}
	secrets := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(text), &secrets) != nil || len(secrets) > 8 {
		d.Refuse("us_totp_secrets is invalid")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) { // for a fixed order
		raw := secrets[name]
		switch method(name) {
		case byApp:
			a, err := r.wallet.open(unquoted(raw))
			if err != nil {
				d.Refuse("authenticator in place of a password: %s", err)
				return
			}
			a.Use = transfer.UseFirst
			d.Authenticators = append(d.Authenticators, a)
		case bySMS:
			if u.Text("us_phone_number") == "" {
				d.Leave("codes by SMS in place of a password, without a phone number")
				continue
			}
			d.Phones = append(d.Phones, transfer.Phone{Number: u.Text("us_phone_number"), Use: transfer.UseFirst})
		case byMail:
			d.Mailboxes = append(d.Mailboxes, transfer.Mailbox{Use: transfer.UseFirst})
		default:
			d.Leave("a first factor of an unknown method")
		}
	}
}

// unquoted returns the value of a JSON string, or other JSON as it is.
func unquoted(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// recovery adds the recovery codes.
func (r *reading) recovery(d *transfer.Draft, u rows.Row) {
	for _, stored := range split(u.Text("mf_recovery_codes")) {
		if len(r.fernet) == 0 {
			if strings.HasPrefix(stored, "gAAAA") {
				d.Refuse("its recovery codes are encrypted: give SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS")
				return
			}
			d.AddCode(transfer.RecoveryCode{Plain: stored})
			continue
		}
		code, made, err := openFernet(r.fernet, stored)
		switch now := r.o.Now(); {
		case err != nil: // Flask-Security ignores it too
			d.Leave("recovery codes that no key decrypts")
		case r.o.CodeLife > 0 && now.After(made.Add(r.o.CodeLife)):
			d.Leave("recovery codes that have expired")
		default:
			d.AddCode(transfer.RecoveryCode{Plain: string(code), Created: made})
		}
	}
}

// passkey returns the passkey of a row.
func passkey(d *transfer.Draft, row rows.Row, handle string) transfer.Passkey {
	p := transfer.Passkey{
		CredentialID: []byte(row.Text("credential_id")), PublicKey: []byte(row.Text("public_key")),
		UserHandle: []byte(handle), // the authenticator stores the text of the handle
		Transports: split(row.Text("transports")), BackedUp: row.Bool("backup_state"),
		BackupEligible: row.Text("device_type") == "multi_device", Name: row.Text("name"),
		Created: row.Time("create_datetime"), Used: row.Time("lastuse_datetime"),
	}
	if p.BackedUp {
		p.BackupEligible = true
	}
	count := row.Int("sign_count")
	if count < 0 || count > 1<<32-1 {
		d.Refuse("passkey: its counter is not a counter")
	}
	p.Counter = uint32(count)
	switch row.Text("usage") {
	case "first":
		p.Use = transfer.UseFirst
	case "secondary":
	default:
		d.Refuse("passkey: its usage is neither first nor secondary")
	}
	if handle == "" {
		d.Refuse("passkey: the account has no user handle")
	}
	var extensions struct {
		Props struct {
			Discoverable *bool `json:"rk"`
		} `json:"credProps"`
	}
	if json.Unmarshal([]byte(row.Text("extensions")), &extensions) == nil {
		p.Discoverable = extensions.Props.Discoverable
	}
	return p
}
