package account

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// injections are inputs for R142 that try to make a mail program send to another recipient or send
// another content. The value describes the attempt.
var injections = map[string]string{
	"a@x.t\r\nBcc: e@e.t":                  "a header",
	"a@x.t\nBcc: e@e.t":                    "a header",
	"a@x.t\n.\nMAIL FROM:<e@e.t>":          "a conversation",
	"a@x.t%0aBcc:e@e.t":                    "an escaped header",
	"a@x.t,b@x.t":                          "a list",
	"a@x.t;b@x.t":                          "a list",
	"a@x.t b@x.t":                          "a list",
	"N <a@x.t>":                            "a display name",
	"a@x.t (c)":                            "a comment",
	"a(c)@x.t":                             "a comment",
	"=?utf-8?q?a=40x.t?= <b@x.t>":          "an encoded word",
	"=?utf-8?q?a?=@x.t>":                   "an encoded word",
	"\"a\"@x.t":                            "a quoted local part",
	"\"a@x.t\"@y.t":                        "a quoted local part",
	"@r.t:a@x.t":                           "a route",
	"a@[127.0.0.1]":                        "an address literal",
	"group:a@x.t;":                         "a group",
	"a@x.t\x00":                            "a NUL",
	"a\x00@x.t":                            "a NUL",
	"a@x.t\u2028Bcc: e@e.t":                "a line separator",
	"a@b@x.t":                              "two at signs",
	"a@x":                                  "no domain of the internet",
	"a@localhost":                          "this machine",
	"a@.x.t":                               "an empty label",
	"a@x..t":                               "an empty label",
	"a@-x.t":                               "no host name",
	"a..b@x.t":                             "an empty atom",
	".a@x.t":                               "an empty atom",
	"a.@x.t":                               "an empty atom",
	"a\u00a0b@x.t":                         "a blank",
	"a\ufffd@x.t":                          "broken text",
	"a\xff@x.t":                            "broken text",
	"":                                     "nothing",
	"@":                                    "nothing",
	"@x.t":                                 "nobody",
	"a@":                                   "nowhere",
	strings.Repeat("a", 65) + "@x.t":       "a local part that is too long",
	"a@" + strings.Repeat("x.", 130) + "t": "an address that is too long",
}

func TestOnlyOneBareAddressIsTaken(t *testing.T) {
	for s, what := range injections {
		if address, _, err := ParseEmail(s); !errors.Is(err, ErrEmail) {
			t.Errorf("%s: %q was taken as %q: %v", what, s, address, err)
		}
	}
	for s, want := range map[string]string{
		"<alice@x.t>": "alice@x.t", "mailto:alice@x.t": "alice@x.t", "alice@x.t.": "alice@x.t",
		" alice@x.t\r\n":              "alice@x.t",
		"\u202aali\u200bce@x.t\u202c": "alice@x.t", "alice\uff20x.t": "alice@x.t",
		"alice@x.t":                             "alice@x.t",
		" alice@x.t\n":                          "alice@x.t",
		"Alice.B+c@Sub.Example.ORG":             "Alice.B+c@sub.example.org",
		"o'hara@example.org":                    "o'hara@example.org",
		"a@straße.de":                           "a@xn--strae-oqa.de",
		"a@xn--strae-oqa.de":                    "a@xn--strae-oqa.de",
		"jose\u0301@example.org":                "josé@example.org",
		"用户@例子.广告":                              "用户@xn--fsqu00a.xn--4rr70v",
		strings.Repeat("a", 64) + "@x.t":        strings.Repeat("a", 64) + "@x.t",
		"!#$%&'*+-/=?^_`{|}~@example.org":       "!#$%&'*+-/=?^_`{|}~@example.org",
		"a@" + strings.Repeat("x", 63) + ".org": "a@" + strings.Repeat("x", 63) + ".org",
	} {
		if address, key, err := ParseEmail(s); err != nil || address != want || key != Key(want) {
			t.Errorf("%q: %q %q %v, want %q", s, address, key, err, want)
		}
	}
}

// R6: every spelling of an identity finds the same account and uses the same budget.
func TestSpellingsOfOneIdentityHaveOneKey(t *testing.T) {
	for want, spellings := range map[string][]string{
		"alice@x.t": {"alice@x.t", "ALICE@X.T", " alice@x.t ", "\talice@x.t\n", "alice@x.t\u200b",
			"\ufeffalice@x.t", "al\u00adice@x.t",
			"ａｌｉｃｅ@x.t", "ａｌｉｃｅ＠ｘ．ｔ", "alice@x。t", "𝒶lice@x.t", "alice@x.t\x00", "a\u2060lice@x.t"},
		"strasse@xn--strae-oqa.de": {"straße@xn--strae-oqa.de", "STRASSE@XN--STRAE-OQA.DE"},
		"josé@x.t":                 {"josé@x.t", "jose\u0301@x.t", "JOSÉ@x.t"},
		"alice":                    {"alice", "Alice", " ＡＬＩＣＥ"},
	} {
		for _, s := range spellings {
			if got := Key(s); got != want {
				t.Errorf("%q: %q, want %q", s, got, want)
			}
		}
	}
	for a, b := range map[string]string{"alice@x.t": "a1ice@x.t", "alice": "alice2", "аlice@x.t": "alice@x.t",
		"a.lice@x.t": "alice@x.t", "a+b@x.t": "a@x.t", "a@straße.de": "a@strasse.de"} {
		if Key(a) == Key(b) {
			t.Errorf("%q and %q are two people and have one key", a, b)
		}
	}
	for _, s := range []string{"", " ", "\u200b", "\xff", strings.Repeat("a", 5000)} {
		if got := Key(s); got != "" {
			t.Errorf("%q: %q, want nobody", s, got)
		}
	}
}

func TestLengthsOfUsernames(t *testing.T) {
	for s, want := range map[string]error{"a": ErrUsernameLength, "ab": nil, "äöü": nil,
		"abcd": ErrUsernameLength, "": ErrUsernameLength} {
		if _, _, err := ParseUsername(s, Lengths{Min: 2, Max: 3}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", s, err, want)
		}
	}
}

func TestUsernames(t *testing.T) {
	for s, want := range map[string]error{
		"alice": nil, " Alice9 ": nil, "用户名称": nil, strings.Repeat("a", 32): nil,
		"abc": ErrUsernameLength, strings.Repeat("a", 33): ErrUsernameLength, "": ErrUsernameLength,
		"a@x.t": ErrUsernameCharacters, "al ice": ErrUsernameCharacters, "ali\u200bce": ErrUsernameCharacters,
		"alice\r\nx": ErrUsernameCharacters,
		"ali<b>":     ErrUsernameCharacters, "\xffalice": ErrUsernameCharacters, "al-ice": ErrUsernameCharacters,
	} {
		if _, _, err := ParseUsername(s, Lengths{Min: 4, Max: 32}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", s, err, want)
		}
	}
}

// people is the accounts in a real database file, with a count of cache notifications.
type people struct {
	*Accounts
	db      *sqlite.DB
	now     time.Time
	changed int
}

const phrase = "correct horse 71 battery"

func open(t *testing.T) *people {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := &people{db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	p.Accounts = New(Config{
		Users: db, Hasher: h, Policy: password.Policy{}, Context: []string{"walking-club"},
		Usernames: Lengths{Min: 4, Max: 32},
		Now:       func() time.Time { return p.now }, Changed: func(string) { p.changed++ },
	})
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountIsFoundByAllItsSpellingsAndMadeOnce(t *testing.T) {
	ctx, p := context.Background(), open(t)
	u, err := p.Create(ctx, Draft{Email: "Alice@Straße.de", Username: "Alice", Roles: []string{"admin",
		" admin ", "", "cook"}})
	must(t, err)
	if u.Email != "Alice@xn--strae-oqa.de" || !u.Active || !slices.Equal(u.Roles, []string{"admin", "cook"}) ||
		u.PasswordHash != "" {
		t.Errorf("made %+v", u)
	}
	for _, s := range []string{"alice@straße.de", "ALICE@Straße.DE\u200b", "alice@xn--strae-oqa.de", "ALICE",
		"ａｌｉｃｅ"} {
		if got, err := p.Find(ctx, s); err != nil || got.ID != u.ID {
			t.Errorf("%q finds %q %v", s, got.ID, err)
		}
	}
	for _, d := range []Draft{{Email: "ALICE@straße.de"}, {Email: "alice@xn--strae-oqa.de"},
		{Email: "other@x.t", Username: "ａLICE"}} {
		if _, err := p.Create(ctx, d); !errors.Is(err, storage.ErrExists) {
			t.Errorf("%+v was made: %v", d, err)
		}
	}
	for _, s := range []string{"", " ", "bob", "\xff", "alice@x.t"} {
		if _, err := p.Find(ctx, s); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if all, err := p.List(ctx, "", 10); err != nil || len(all) != 1 {
		t.Errorf("there are %d accounts: %v", len(all), err)
	}
}

func TestPasswordsAreCheckedBeforeTheyAreKept(t *testing.T) {
	ctx, p := context.Background(), open(t)
	for plain, want := range map[string]error{
		"seven77": password.ErrTooShort, "password1": password.ErrCommon, strings.Repeat("x",
			2000): password.ErrTooLong,
		"Alice@Example.org": password.ErrContext, "walking-club": password.ErrContext,
		"long\x00enough": password.ErrMalformed,
	} {
		if _, err := p.Create(ctx, Draft{Email: "alice@example.org", Password: plain}); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", plain, err, want)
		}
	}
	u, err := p.Create(ctx, Draft{Email: "alice@example.org", Password: phrase})
	must(t, err)
	for plain, want := range map[string]bool{phrase: true, phrase + " ": false, "": false, "\x00": false,
		strings.ToUpper(phrase): false} {
		if got, err := p.CheckPassword(ctx, &u, "", plain); got.OK != want || err != nil {
			t.Errorf("%q: %v %v", plain, got, err)
		}
	}
	none, err := p.Create(ctx, Draft{Email: "none@example.org"})
	must(t, err)
	for _, nobody := range []storage.User{none, {}} {
		for _, plain := range []string{"", " ", phrase, "\x00"} {
			if got, err := p.CheckPassword(ctx, &nobody, "", plain); got.OK || err != nil {
				t.Errorf("an account without a password opens to %q: %v %v", plain, got, err)
			}
		}
	}
}

// Every change of an account creates a new credential version and notifies caches.
func TestEveryChangeEndsWhatWasIssued(t *testing.T) {
	ctx, p := context.Background(), open(t)
	u, err := p.Create(ctx, Draft{Email: "alice@x.t", Password: phrase})
	must(t, err)
	add := storage.Factor{ID: storage.NewID(), UserID: u.ID, Method: storage.SMS, Destination: "+16505551212",
		Primary: true, CreatedAt: p.now}
	must(t, p.db.ChangeFactors(ctx, storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: NewUniquifier(),
		Add: &add, Now: p.now}))
	for name, change := range map[string]func() error{
		"password": func() error { return p.SetPassword(ctx, u.ID, "another horse 72 battery") },
		"off":      func() error { return p.SetActive(ctx, u.ID, false) },
		"on":       func() error { return p.SetActive(ctx, u.ID, true) },
		"identity": func() error { return p.SetIdentity(ctx, u.ID, "alicia@x.t", "alicia") },
		"reset":    func() error { return p.ResetAccess(ctx, u.ID) },
	} {
		before, err := p.ByID(ctx, u.ID)
		must(t, err)
		told := p.changed
		must(t, change())
		after, err := p.ByID(ctx, u.ID)
		must(t, err)
		if after.CredentialVersion == before.CredentialVersion || p.changed != told+1 {
			t.Errorf("%s: a new version %v, caches told %d times", name,
				after.CredentialVersion != before.CredentialVersion,
				p.changed-told)
		}
	}
	if left, err := p.db.FactorsOf(ctx, u.ID); err != nil || len(left) != 0 {
		t.Errorf("after a reset of access %d factors are left: %v", len(left), err)
	}
	if _, err := p.Find(ctx, "alice@x.t"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the old address still finds somebody: %v", err)
	}
	must(t, p.SetRoles(ctx, u.ID, []string{"cook", "cook", ""}))
	if after, err := p.Find(ctx, "ALICIA"); err != nil || !slices.Equal(after.Roles, []string{"cook"}) {
		t.Errorf("%+v %v", after, err)
	}
	for name, err := range map[string]error{
		"password": p.SetPassword(ctx, "nobody", "another horse 72 battery"), "active": p.SetActive(ctx,
			"nobody", true),
		"roles": p.SetRoles(ctx, "nobody", nil), "identity": p.SetIdentity(ctx, "nobody", "n@x.t", ""),
		"reset": p.ResetAccess(ctx, "nobody"),
	} {
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s of nobody: %v", name, err)
		}
	}
	if err := p.SetIdentity(ctx, u.ID, "a@x.t\r\nBcc: e@e.t", ""); !errors.Is(err, ErrEmail) {
		t.Errorf("an injection was stored: %v", err)
	}
}

// An imported hash remains valid and is replaced by a new one.
func TestAnImportedHashIsReplacedAtTheFirstSignIn(t *testing.T) {
	ctx, p := context.Background(), open(t)
	u, err := p.Create(ctx, Draft{
		Email: "alice@x.t", Hash: "$argon2id$v=19$m=8,t=1,p=1$d2Fsa3dhbGt3YWxrd2Fsaw$" +
			"pq5MWo7FB8AXDUibQzt8xnKz2Vp4c8UPDBaFMIkjyqU",
	})
	must(t, err)
	for range 2 {
		got, err := p.CheckPassword(ctx, &u, "", "walking boots 71")
		if !got.OK || err != nil {
			t.Fatalf("%v %v", got, err)
		}
		after, err := p.ByID(ctx, u.ID)
		must(t, err)
		if after.CredentialVersion != u.CredentialVersion || !strings.Contains(after.PasswordHash, "m=19456,t=2") {
			t.Errorf("%s, a new version %v", after.PasswordHash, after.CredentialVersion != u.CredentialVersion)
		}
		u = after
	}
}
