package security_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
)

// open raises the budgets of people who share one address so that they do not interfere.
func open(c *twofold.Config) {
	plenty(c)
	c.Advanced.Limits.RegisterHour, c.Advanced.Limits.SetupHour, c.Advanced.Limits.FirstFailures = 100_000, 10_000, 100
	c.Advanced.Limits.RescueHour, c.Advanced.Limits.RescueDay, c.Advanced.Limits.SendHour = 1000, 1000, 1_000_000
}

// registers creates an account by the regular flow.
func (w *world) registers(email, password string) *answer {
	w.T.Helper()
	return w.browser().Post("/register", m{"email": email, "password": password, "password_confirm": password})
}

// signsIn sends the first factor.
func (w *world) signsIn(email, password string) *answer {
	w.T.Helper()
	return w.browser().Post("/login", m{"email": email, "password": password})
}

// reason returns the reason why a password was refused.
func reason(a *answer) string {
	fields, _ := a.JSON["field_errors"].(m)
	list, _ := fields["password"].([]any)
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprint(list[0])
}

// TestR001_PasswordLength checks that passwords need at least eight code points of any kind, and
// that all of them are compared.
func TestR001_PasswordLength(t *testing.T) {
	w := newWorld(t, open)
	emoji := []rune("🐙🦊🐢🦉🐝🦋🐬🦔🐧🦀🐳🦜🐌🦚🐿")
	long := strings.Repeat("a", 80)
	for name, c := range map[string]struct {
		password string
		good     bool
	}{
		"seven": {"kitchen", false}, "seven emoji": {string(emoji[:7]), false},
		"seven accents in two parts": {strings.Repeat("e\u0301", 7), false},
		"nothing":                    {"", false}, "nul": {"abc\x00defghijklmnop", false},
		"1025 bytes": {strings.Repeat("ab", 512) + "c", false},
		"eight":      {"kitchenq", true}, "eight emoji": {string(emoji[:8]), true},
		"fifteen emoji": {string(emoji), true},
		"digits only":   {"8035271964", true}, "small letters only": {"wurzelgnomparade", true},
		"64 with spaces": {"a passphrase with spaces, sixty-four characters long, to the end", true},
		"all of ASCII": {" !\"#$%&'()*+,-./0123456789:;" +
			"<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~", true},
		"blanks around": {"  blanks around  ", true}, "80 and one": {long + "X", true},
		"an accent": {"caf\u00e9 au lait", true},
	} {
		email := strings.ReplaceAll(name, " ", "-") + "@good.test"
		r := w.registers(email, c.password)
		if !c.good {
			r.Want(400).Refused(name)
			if len(c.password) > 0 && reason(r) == "" {
				t.Errorf("%s: no reason beside the field: %s", name, r.Body)
			}
			continue
		}
		r.Want(200)
		w.signsIn(email, c.password).Want(200)
		near := map[string]string{"without its end": string([]rune(c.password)[:len([]rune(c.password))-1])}
		if strings.Contains(name, " ") {
			near["trimmed"], near["in capitals"] = strings.TrimSpace(c.password), strings.ToUpper(c.password)
		}
		for what, near := range near {
			if near != c.password {
				w.signsIn(email, near).Want(400).Refused(name + ": " + what)
			}
		}
	}
	w.signsIn("80-and-one@good.test", long+"Y").Want(400).Refused("another end")
	w.signsIn("80-and-one@good.test", long[:72]).Want(400).Refused("72 bytes")
	w.signsIn("an-accent@good.test", "cafe\u0301 au lait").Want(200)
	w.signsIn("nul@good.test", "abc").Want(400)
	w.browser().Form("/register", "email", "page@good.test", "password", "kitchen", "password_confirm",
		"kitchen").Refused("a page")
	if w.number(`SELECT COUNT(*) FROM twofold_users WHERE email LIKE 'page@%' OR email LIKE 'nul@%'`) != 0 {
		t.Error("an account was made all the same")
	}
	w.Advance(5 * 365 * 24 * time.Hour) // nothing expires
	w.signsIn("eight@good.test", "kitchenq").Want(200)
	if _, err := twofold.New(twofold.Config{Password: twofold.Password{MinLength: 7}}); err == nil ||
		!strings.Contains(err.Error(), "MinLength") {
		t.Errorf("a minimum of seven is taken: %v", err)
	}
	strict := w.Restart(func(c *twofold.Config) { c.Password.MinLength = 15 })
	w.registers("fourteen@good.test", "wurzelgnompara").Want(400)
	w.registers("fifteen@good.test", "wurzelgnomparad").Want(200)
	if _, err := strict.Auth.CreateUser(t.Context(),
		twofold.NewUser{Email: "made@good.test", Password: "wurzelgnompara"}); !errors.Is(err, password.ErrTooShort) {
		t.Errorf("CreateUser: %v", err)
	}
}

// TestR002_ListedPasswords covers every place that sets a password, and the reason of the refusal.
func TestR002_ListedPasswords(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open, func(c *twofold.Config) { c.Pages.Site = "Wurzelpark" })
	auth := w.Nodes[0].Auth
	p := w.person("gardener")
	everywhere := func(email, username, candidate string) (reasons []string) {
		r := w.browser().Post("/register",
			m{"email": email, "username": username, "password": candidate, "password_confirm": candidate})
		if r.Status == 400 {
			reasons = append(reasons, reason(r))
		}
		w.Must(auth.SetIdentity(ctx, p.ID, "held-"+email, username+"x"))
		for _, f := range []func() error{
			func() error {
				_, err := auth.CreateUser(ctx,
					twofold.NewUser{Email: "made-" + email, Username: username + "y", Password: candidate})
				return err
			},
			func() error { return auth.SetPassword(ctx, p.ID, candidate) },
		} {
			if err := f(); errors.Is(err, password.ErrCommon) || errors.Is(err, password.ErrContext) {
				reasons = append(reasons, err.Error())
			} else if err != nil {
				t.Errorf("%q: %v", candidate, err)
			}
		}
		return reasons
	}
	for i, listed := range []string{"password1", "1234567890", "Password1", "PASSWORD123", "iloveyou", "qwertyuiop",
		"1q2w3e4r5t", "sunshine", "aaaaaaaaaaaaaaa", "abcdefghijklmnop", "123456789012345"} {
		if got := everywhere(fmt.Sprintf("listed%d@good.test", i), fmt.Sprintf("listed%d", i), listed); len(got) != 3 ||
			!strings.Contains(got[0], "common") {
			t.Errorf("%q: refused by %q", listed, got)
		}
	}
	for name, context := range map[string]string{"site": "wurzelPARK", "address": "bigmarrow@good.test",
		"local part": "BigMarrow", "username": "gardengnome"} {
		r := w.browser().Post("/register",
			m{"email": "bigmarrow@good.test", "username": "gardengnome", "password": context,
				"password_confirm": context}).Want(400)
		if reason(r) == "" {
			t.Errorf("%s: no reason: %s", name, r.Body)
		}
		_, err := auth.CreateUser(ctx,
			twofold.NewUser{Email: "bigmarrow@good.test", Username: "gardengnome", Password: context})
		if !errors.Is(err, password.ErrContext) {
			t.Errorf("%s: CreateUser: %v", name, err)
		}
		w.Must(auth.SetIdentity(ctx, p.ID, "bigmarrow@good.test", "gardengnome"))
		if err := auth.SetPassword(ctx, p.ID, context); !errors.Is(err, password.ErrContext) {
			t.Errorf("%s: SetPassword: %v", name, err)
		}
		w.Must(auth.SetIdentity(ctx, p.ID, p.Email, ""))
	}
	w.signsIn(p.Email, secret).Want(200)
	if got := everywhere("free@good.test", "freely", "my password1 has friends"); len(got) != 0 {
		t.Errorf("a password that holds a listed word is refused: %q", got)
	}
}

var ours = regexp.MustCompile(
	`^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+),keyid=dHdvZm9sZA\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$`)

func (w *world) hashOf(email string) string {
	w.T.Helper()
	id, err := w.Nodes[0].Auth.FindUser(w.T.Context(), email)
	w.Must(err)
	u, err := w.Nodes[0].Store.UserByID(w.T.Context(), id.ID)
	w.Must(err)
	return u.PasswordHash
}

// TestR003_HashStrengthAndUpgrade checks that hashes are argon2id with at least the parameters of
// OWASP and a salt per row. The next correct password replaces weaker and foreign hashes; nothing
// else does.
func TestR003_HashStrengthAndUpgrade(t *testing.T) {
	const salt = "146585145368132386173505678016728509634"
	w := newWorld(t, open, func(c *twofold.Config) { c.Password.Salt = salt })
	salts := map[string]bool{}
	for _, email := range []string{"one@good.test", "two@good.test"} {
		w.registers(email, secret).Want(200)
		f := ours.FindStringSubmatch(w.hashOf(email))
		if f == nil || f[1] != "19456" || f[2] != "2" || f[3] != "1" || salts[f[4]] || salts[f[5]] {
			t.Fatalf("row %q", w.hashOf(email))
		}
		salts[f[4]], salts[f[5]] = true, true
	}
	b64 := base64.RawStdEncoding.EncodeToString
	flask := hmac.New(sha512.New, []byte(salt))
	flask.Write([]byte(secret))
	prepared := []byte(base64.StdEncoding.EncodeToString(flask.Sum(nil)))
	few := []byte("0123456789abcdef")
	crypted, err := bcrypt.GenerateFromPassword(prepared[:72], bcrypt.MinCost)
	w.Must(err)
	for name, hash := range map[string]string{
		"weak": "$argon2id$v=19$m=8192,t=1,p=1,keyid=dHdvZm9sZA$" + b64(few) + "$" +
			b64(argon2.IDKey([]byte(secret), few, 1, 8192, 1, 32)),
		"short salt": "$argon2id$v=19$m=19456,t=2,p=1,keyid=dHdvZm9sZA$" + b64(few[:8]) + "$" +
			b64(argon2.IDKey([]byte(secret), few[:8], 2, 19456, 1, 32)),
		"flask argon2": "$argon2id$v=19$m=65536,t=3,p=4$" + b64(few) + "$" +
			b64(argon2.IDKey(prepared, few, 3, 65536, 4, 32)),
		"flask argon2i": "$argon2i$v=19$m=8192,t=1,p=1$" + b64(few) + "$" +
			b64(argon2.Key(prepared, few, 1, 8192, 1, 32)),
		"flask bcrypt": "$2b$" + strings.TrimPrefix(string(crypted), "$2a$"),
	} {
		email := strings.ReplaceAll(name, " ", "-") + "@good.test"
		_, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: email, PasswordHash: hash})
		w.Must(err)
		w.signsIn(email, "another horse 72 battery").Want(400)
		w.signsIn(email, string(prepared)).Want(400)
		if w.hashOf(email) != hash {
			t.Errorf("%s: a wrong password rewrote the row", name)
		}
		w.signsIn(email, secret).Want(200)
		upgraded := w.hashOf(email)
		if !ours.MatchString(upgraded) || !strings.Contains(upgraded, "m=19456,t=2,p=1") {
			t.Errorf("%s: after the sign-in the row is %q", name, upgraded)
		}
		w.signsIn(email, secret).Want(200)
		w.signsIn(email, "another horse 72 battery").Want(400)
		if w.hashOf(email) != upgraded {
			t.Errorf("%s: a row that is good was rewritten", name)
		}
	}
	for _, damaged := range []string{"", "*", "plain:" + secret,
		"$argon2id$v=19$m=19456,t=2,p=1,keyid=dHdvZm9sZA$" + b64(few) + "$", "$1$abc$def"} {
		email := fmt.Sprintf("damaged%x@good.test", len(damaged))
		_, err := w.Nodes[0].Auth.CreateUser(t.Context(), twofold.NewUser{Email: email})
		w.Must(err)
		w.write(`UPDATE twofold_users SET password_hash = '` + damaged + `' WHERE email = '` + email + `'`)
		w.signsIn(email, secret).Refused("damaged hash " + damaged)
	}
}

// TestR004_HashingIsBounded checks that passwords that are too long are refused before they are
// hashed. A burst of sign-ins, including those with unknown identities, is limited to its slots,
// and signed-in users are served meanwhile.
func TestR004_HashingIsBounded(t *testing.T) {
	w := newWorld(t, open)
	a := w.person("alice")
	fastest := func(f func()) time.Duration {
		best := time.Hour
		for range 8 {
			begin := time.Now()
			f()
			best = min(best, time.Since(begin))
		}
		return best
	}
	mega := strings.Repeat("p", 1<<20)
	if took := fastest(func() { w.signsIn(a.Email, mega).Want(413) }); took > 250*time.Millisecond {
		t.Errorf("a password of 1 MiB took %v as JSON", took)
	}
	pair := url.Values{"email": {a.Email}, "password": {mega}}.Encode()
	if took := fastest(func() {
		w.browser().Do("POST", "/login", testkit.TypeForm, pair).Want(413)
	}); took > 250*time.Millisecond {
		t.Errorf("a password of 1 MiB took %v as a form", took)
	}
	w.timed(func() error {
		hashing := fastest(func() { w.signsIn("nobody@good.test", "wrong password").Want(400) })
		if took := fastest(func() { w.signsIn(a.Email, mega[:1025]).Want(400) }); took > hashing/2 {
			return fmt.Errorf("a password of 1025 bytes took %v, hashing takes %v: it was hashed", took, hashing)
		}
		if took := fastest(func() { w.signsIn(a.Email, mega[:1024]).Want(400) }); took < hashing/4 {
			return fmt.Errorf("a password of 1024 bytes took %v, hashing takes %v", took, hashing)
		}
		return nil
	})
}

// TestR004_StormOfSignIns runs the program itself with two slots.
func TestR004_StormOfSignIns(t *testing.T) {
	t.Parallel()
	p := runProgram(t, []string{"SECURITY_PASSWORD_SLOTS=2", "GOMEMLIMIT=64MiB"}, "serve", "--dev", "--listen",
		"127.0.0.1:0")
	p.do(200, "POST", "/login", `{"email":"test@me.com","password":"password"}`)
	base := p.memory()
	const storm = 300
	done := make(chan int, storm)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	go testkit.Par(storm, func(i int) {
		done <- p.stranger(ctx, "POST", "/login",
			fmt.Sprintf(`{"email":"nobody%d@me.com","password":"wrong password"}`, i))
	})
	statuses, slowest := map[int]int{}, time.Duration(0)
	for n := 0; n < storm; {
		begin := time.Now()
		p.do(200, "GET", "/me", "")
		slowest = max(slowest, time.Since(begin))
		for drained := false; !drained; {
			select {
			case status := <-done:
				statuses[status]++
				n++
			case <-time.After(50 * time.Millisecond):
				drained = true
			}
		}
	}
	if statuses[400]+statuses[429]+statuses[503] != storm || statuses[400] == 0 {
		t.Errorf("statuses %v", statuses)
	}
	if slowest > 3*time.Second {
		t.Errorf("a signed-in user waited %v", slowest)
	}
	// Each hash uses 19 MiB, which may remain until the next garbage collection. Without slots, 300
	// hashes would use 5 GiB at once.
	if grown := p.memory() - base; base > 0 && grown > 256<<10 {
		t.Errorf("the process grew by %d KiB at its peak", grown)
	}
}

// TestR112_NumbersHaveBounds checks that the configuration cannot disable the limits.
func TestR112_NumbersHaveBounds(t *testing.T) {
	for _, n := range []limit.Limits{{FirstFailures: 101}, {FirstFailures: -1}, {SecondFailures: 11},
		{FactorFailures: 101}, {SecondWindow: time.Second}, {AddressFailures: 1}} {
		_, err := twofold.New(twofold.Config{Advanced: twofold.Advanced{Limits: n}})
		if err == nil || !strings.Contains(err.Error(), "Limits") {
			t.Errorf("%+v is taken: %v", n, err)
		}
	}
}

// TestR198_AnUnknownHashIsAWrongPassword checks that an account whose stored hash has an unknown
// format has the same answer and timing as one with another password and as an unknown account. A
// 503 would reveal that it exists.
func TestR198_AnUnknownHashIsAWrongPassword(t *testing.T) {
	w := newWorld(t, open)
	a := w.person("alice")
	wrong := w.signsIn(a.Email, "wrong password").Want(400)
	stranger := w.signsIn("nobody@good.test", "wrong password").Want(400)
	fastest := func(email string) time.Duration {
		best := time.Hour
		for range 5 {
			begin := time.Now()
			w.signsIn(email, secret).Want(400)
			best = min(best, time.Since(begin))
		}
		return best
	}
	nobody := fastest("nobody@good.test")
	for _, unknown := range []string{"pbkdf2_sha256$600000$x$y", "!", "$6$salt$hash", "$argon2id$v=19$m=1"} {
		w.write(`UPDATE twofold_users SET password_hash = '` + unknown + `' WHERE email = '` + a.Email + `'`)
		if got := w.signsIn(a.Email, secret); got.Status != 400 || reason(got) != reason(wrong) ||
			reason(got) != reason(stranger) {
			t.Errorf("%s: %d %s, want what a wrong password gets: %s", unknown, got.Status, got.Body, wrong.Body)
		}
		w.timed(func() error {
			if took := fastest(a.Email); took < nobody/2 {
				return fmt.Errorf("%s: a sign-in takes %v, and %v where there is no account", unknown, took, nobody)
			}
			return nil
		})
	}
}
