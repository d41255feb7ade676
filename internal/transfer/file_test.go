package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// whole is an account with every part.
func whole() Account {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	yes := true
	handle := Base64("0123456789abcdef")
	return Account{
		ID: "17", Username: "annie",
		Addresses: []Address{{"ann@example.org", true, at}, {Address: "ann@example.net"}},
		Roles:     []string{"admin"}, Active: true, Created: at, Language: "de",
		Fields:   map[string]any{"name": "Ann", "age": json.Number("42"), "news": true},
		Password: &Password{Scheme: "bcrypt", Value: "$2b$12$x", Params: map[string]string{"n": "1"}, Pre: "flask"},
		Authenticators: []Authenticator{{Secret: Base32("12345678901234567890"), Digits: 8, Period: 60,
			Algorithm: "SHA256", LastStep: 9, Name: "phone", Primary: true, Created: at, Used: at}},
		Phones:    []Phone{{Number: "+4915112345678", Use: UseFirst, Created: at}},
		Mailboxes: []Mailbox{{Use: UseSecond, Created: at}},
		RecoveryCodes: []RecoveryCode{{Plain: "a1b2-c3d4-e5f6", Created: at},
			{Scheme: "bcrypt", Value: "$2b$12$y", Created: at}},
		Passkeys: []Passkey{{CredentialID: Base64("id"), PublicKey: Base64("key"), Counter: 7,
			Transports: []string{"usb"}, BackupEligible: true, BackedUp: true, AAGUID: make(Base64, 16),
			UserHandle: handle, Discoverable: &yes, Name: "key", Use: UseFirst, Created: at, Used: at}},
		Connections: []Connection{{"google", "https://accounts.google.com", "1", "ann@gmail.com", at}},
		SignIns:     &SignIns{3, at, at, "192.0.2.1", "192.0.2.2"},
	}
}

func read(t *testing.T, text string) (Header, []Entry, error) {
	t.Helper()
	f := NewFile(strings.NewReader(text))
	h, err := f.Header(context.Background())
	if err != nil {
		return h, nil, err
	}
	var all []Entry
	err = f.Read(context.Background(), func(e Entry) error {
		all = append(all, e)
		return nil
	})
	return h, all, err
}

func TestWrittenRecordsAreReadBack(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, Header{Source: "site", RPID: "example.org", Roles: []Role{{Name: "admin"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := whole()
	if err := errors.Join(w.Write(want), w.Flush()); err != nil {
		t.Fatal(err)
	}
	h, got, err := read(t, b.String())
	if err != nil || h.Source != "site" || h.RPID != "example.org" || len(h.Roles) != 1 || len(got) != 1 {
		t.Fatalf("%+v %+v %v", h, got, err)
	}
	if got[0].Refused != "" || got[0].Line != 2 || !reflect.DeepEqual(got[0].Account, want) {
		t.Errorf("read %+v (%s), want %+v", got[0].Account, got[0].Refused, want)
	}
}

func TestAFileNeedsNoHeader(t *testing.T) {
	h, got, err := read(t, "{\"id\":\"1\",\"active\":true}\n\n{\"id\":\"2\",\"active\":false}")
	if err != nil || h.Twofold != 1 || len(got) != 2 || got[0].Line != 1 || got[1].Line != 3 || got[1].Account.Active {
		t.Errorf("%+v %+v %v", h, got, err)
	}
}

func TestBadHeadersAreRefused(t *testing.T) {
	for _, text := range []string{
		`{"twofold":2}`, `{"twofold":1,"more":1}`, `{"twofold":1,"source":"a b"}`, `{"twofold":"x"}`,
		`{"twofold":1,"roles":[{"name":""}]}`,
	} {
		if _, _, err := read(t, text+"\n"); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// TestBadLinesAreRefusedByNumber checks that a line is refused with its number if
// two readers could read it differently, or if its values cannot be stored. The
// next line is read.
func TestBadLinesAreRefusedByNumber(t *testing.T) {
	app := func(rest string) string { return `{"id":"1","active":true,"authenticators":[{` + rest + `}]}` }
	key := func(rest string) string { return `{"id":"1","active":true,"passkeys":[{` + rest + `}]}` }
	long := `{"id":"` + strings.Repeat("x", MaxLine) + `","active":true}`
	for name, line := range map[string]string{
		"not JSON":            `{"id":"1","active":true`,
		"an array":            `["id"]`,
		"bad UTF-8":           "{\"id\":\"\xff\",\"active\":true}",
		"a NUL":               `{"id":"a\u0000","active":true}`,
		"half a character":    `{"id":"a\ud800","active":true}`,
		"no id":               `{"active":true}`,
		"an empty id":         `{"id":"","active":true}`,
		"active not said":     `{"id":"1"}`,
		"an unknown field":    `{"id":"1","active":true,"admin":true}`,
		"a name twice":        `{"id":"1","active":true,"id":"2"}`,
		"a name in two cases": `{"id":"1","active":true,"ID":"2"}`,
		"another case":        `{"ID":"1","active":true}`,
		"deep":                `{"id":"1","fields":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"too long":            long,
		"a wrong kind":        `{"id":7,"active":true}`,
		"an absurd number":    `{"id":"1","active":true,"sign_ins":{"count":1e400}}`,
		"a negative number":   `{"id":"1","active":true,"sign_ins":{"count":-1}}`,
		"an absurd period":    app(`"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","period":1`),
		"nine digits":         app(`"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","digits":9`),
		"a short key":         app(`"secret":"GEZDGNBV"`),
		"not base32":          app(`"secret":"0000"`),
		"padded base64":       key(`"credential_id":"YQ==","public_key":"YQ","user_handle":"YQ"`),
		"odd flags": key(`"credential_id":"YQ","public_key":"YQ","flags_unknown":true,` +
			`"backup_eligible":true`),
		"a code twice":      `{"id":"1","active":true,"recovery_codes":[{"plain":"abcdef"},{"plain":"abcdef"}]}`,
		"two primaries":     `{"id":"1","active":true,"mailboxes":[{"primary":true},{"primary":true}]}`,
		"a list as a field": `{"id":"1","active":true,"fields":{"a":["b"]}}`,
		"the year 1":        `{"id":"1","active":true,"created":"0001-01-01T00:00:01Z"}`,
	} {
		_, got, err := read(t, "{\"twofold\":1}\n"+line+"\n{\"id\":\"good\",\"active\":true}\n")
		if err != nil || len(got) != 2 {
			t.Errorf("%s: %d entries, %v", name, len(got), err)
			continue
		}
		if got[0].Refused == "" || got[0].Line != 2 {
			t.Errorf("%s: line %d was taken: %+v", name, got[0].Line, got[0].Account)
		}
		if len(got[0].Refused) > 1000 {
			t.Errorf("%s: the reason has %d bytes", name, len(got[0].Refused))
		}
		if got[1].Refused != "" || got[1].Account.ID != "good" || got[1].Line != 3 {
			t.Errorf("%s: the next line is lost: %+v", name, got[1])
		}
	}
}

// TestDeepNestingIsFoundFirst checks that deep nesting is found before anything is
// decoded, so that it uses no memory.
func TestDeepNestingIsFoundFirst(t *testing.T) {
	for text, deep := range map[string]bool{
		strings.Repeat("[", 1<<20): true, `{"a":{"b":[[[[[`: true, `{"a":"[[[[[[[[\"[[[[["}`: false,
		`{"a":[[],[],[],[],[],[]]}`: false,
	} {
		_, err := strict([]byte(text))
		if got := err != nil && strings.Contains(err.Error(), "nested"); got != deep {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// endless is a reader of a line that does not end.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	e.left -= int64(len(p))
	return len(p), nil
}

// TestALineOfAGigabyte checks that a line of a gigabyte is refused with its number
// and without using memory.
func TestALineOfAGigabyte(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := NewFile(io.MultiReader(strings.NewReader("{\"twofold\":1}\n"), &endless{1 << 30},
		strings.NewReader("\n{\"id\":\"good\",\"active\":true}\n")))
	var got []Entry
	err := f.Read(context.Background(), func(e Entry) error {
		got = append(got, e)
		return nil
	})
	runtime.ReadMemStats(&after)
	if err != nil || len(got) != 2 || got[0].Line != 2 || got[0].Refused == "" || got[1].Account.ID != "good" {
		t.Errorf("%d entries: %+v %v", len(got), got, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("reading took %d MiB of memory", used>>20)
	}
}

func TestNoSecretInAReason(t *testing.T) {
	for _, line := range []string{
		`{"id":"1","active":true,"password":"hunter2-hunter2"}`,
		`{"id":"1","active":true,"authenticators":[{"secret":"hunter2-hunter2!"}]}`,
		`{"id":"1","active":true,"recovery_codes":[{"plain":"hunter2-hunter2","value":"x"}]}`,
	} {
		_, got, _ := read(t, line)
		if len(got) != 1 || got[0].Refused == "" || strings.Contains(got[0].Refused, "hunter2") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestNothingSecretIsLeftWithoutSecrets(t *testing.T) {
	public, left := whole().OmitSecrets()
	raw, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"$2b$", "a1b2", "public_key", "secret", "user_handle"} {
		if bytes.Contains(raw, []byte(s)) {
			t.Errorf("%s is still there: %s", s, raw)
		}
	}
	if strings.Join(left, ",") != "password,authenticators,recovery_codes,passkeys" {
		t.Errorf("left out %v", left)
	}
}

// FuzzDecode checks that a line is refused, or yields an account that is decoded
// unchanged from its own line.
func FuzzDecode(f *testing.F) {
	raw, err := json.Marshal(whole())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"id":"1","active":true,"fields":{"A":1.0e3,"\u0061":"\ud83d\ude00"}}`))
	f.Add([]byte(`{"id":"1","active":true} {"id":"2"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		a, err := Decode(line)
		if err != nil || len(a.Check()) > 0 {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		b, err := Decode(again)
		if err != nil || !reflect.DeepEqual(withoutEmpty(a), withoutEmpty(b)) {
			t.Fatalf("%s\nis read back as\n%+v, not\n%+v: %v", again, b, a, err)
		}
	})
}

// withoutEmpty encodes and decodes an account, so that nil and empty are equal.
func withoutEmpty(a Account) string {
	raw, _ := json.Marshal(a)
	return string(raw)
}

// letters is an endless reader of the letter x.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestALineOfAGigabyteIsSkipped checks that the line is refused with its number,
// that it is never in memory, and that the lines after it are read.
func TestALineOfAGigabyteIsSkipped(t *testing.T) {
	const good = `{"id":"1","active":true,"addresses":[{"address":"a@example.org"}]}` + "\n"
	f := NewFile(io.MultiReader(strings.NewReader(good+`{"id":"`), io.LimitReader(letters{}, 1<<30),
		strings.NewReader("\",\"active\":true}\n"+good)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var got []Entry
	err := f.Read(t.Context(), func(e Entry) error { got = append(got, e); return nil })
	runtime.ReadMemStats(&after)
	if err != nil || len(got) != 3 || got[0].Refused != "" || got[1].Line != 2 ||
		!strings.Contains(got[1].Refused, "more than") || got[2].Line != 3 || got[2].Refused != "" {
		t.Fatalf("%+v %v", got, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes were taken for it", used)
	}
}
