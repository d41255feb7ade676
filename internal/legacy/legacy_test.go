package legacy

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/twofold-auth/twofold/internal/argon2id"
)

// A vector is a hash that another system made.
type vector struct {
	System, Scheme, Password, Text string
	Spec                           // used if the system has no line
	Salt, Pepper                   string
}

// UnmarshalJSON decodes the fields of both structs separately.
func (v *vector) UnmarshalJSON(raw []byte) error {
	var s struct{ System, Scheme, Password, Text, Salt, Pepper string }
	err := json.Unmarshal(raw, &s)
	if err == nil {
		err = json.Unmarshal(raw, &v.Spec)
	}
	v.System, v.Scheme, v.Password, v.Text, v.Salt, v.Pepper = s.System, s.Scheme, s.Password, s.Text, s.Salt,
		s.Pepper
	return err
}

func (v vector) keys(name string) (string, bool) {
	switch name {
	case "":
		return v.Salt, v.Salt != ""
	case "devise":
		return v.Pepper, v.Pepper != ""
	}
	return "", false
}

// line returns the line that an import makes of v.
func (v vector) line(t *testing.T) string {
	t.Helper()
	s := v.Spec
	s.Scheme = v.Scheme
	if v.Text != "" {
		s.Value = v.Text
		switch {
		case strings.HasPrefix(v.Scheme, "ldap_"):
			s.Scheme = "ldap"
		case v.System == "django" || strings.HasPrefix(v.Scheme, "django_"), v.Scheme == "argon2":
			s.Scheme = ""
		}
	}
	line, err := Text(s)
	if err != nil {
		t.Fatalf("%s %s %q: %v", v.System, v.Scheme, s.Value, err)
	}
	return line
}

func vectors(t *testing.T) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return append(all, kratos...)
}

// kratos are hashes from the tests of Ory Kratos (hash/hasher_test.go).
var kratos = func() (all []vector) {
	for _, v := range [][2]string{
		{"test",
			"$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTA" +
				"RTzwB1cVNYE="},
		{"8x4WjoDbSxJZdR",
			"$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2" +
				"SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$" +
				"YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizz" +
				"Ospwr/FITUVlnOAwPKyw=="},
		{"test123", "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a"},
		{"test123", "{SSHA256}czO44OTV17PcF1cRxWrLZLy9xHd7CWyVYplr1rOhuMlx/7IK"},
		{"test",
			"$sha1$pf=Pz9zdGF0aWNQcmVmaXg/P3tTQUxUfXtQQVNTV09SRH0=$NW9wbWtnejAzcg==$SAAxMUn7jxckQXkBmsVF0nHwqso="},
		{"BwS^514g^cv@Z", "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$NW9wbWtnejAzcg==$99h9net4BXl7qdTRaiGUobLROxM="},
		{"test", "$sha1$pf=JHtQQVNTV09SRH0ke1NBTFR9JA==$NW9wbWtnejAzcg==$iE5n1yjX3oAdxRHwZ4u57I4LpQo="},
		{"test", "$sha256$pf=e1NBTFR9JCR7UEFTU1dPUkR9$NW9wbWtnejAzcg==$HokCOi9OtiZaZRvnkgemV3B4UUHpI7kA8zq/EZWH2NY="},
		{"test", "$md5$CY9rzUYh03PK3k6DJie09g=="},
		{"ory", "$md5$pf=e1BBU1NXT1JEfXtTQUxUfSQ/$MTIzNDU2Nzg5$8PhwWanVRnpJAFK4NUjR0w=="},
		{"test", "$md5-crypt$TVEiiKNb$SN6/pUaRQS/E8Jh46As2C/"},
		{"test", "$md5-crypt$$whuMjZj.HMFoaTaZRRtkO0"},
		{"test", "$sha256-crypt$rounds=535000$05R.9KB6UC2kLI3w$Q/zslzx./JjkAVPTwp6th7nW5l7JU91Gte/UmIh.U78"},
		{"test",
			"$sha512-crypt$rounds=656000$3LVbIAVxR//cRajw$uuNasMW.RYxlGzIRFU1Was70BPSa933AjxhZIGJdJBOlqJAHlgqa0yuiu" +
				"q5JHF/" +
				"ryNGryJkj87G9i3G2HPSXg1"},
		{"test",
			"$hmac-sha224$YmUwYmYzM2EwNGRlNDE0YjQzNjBhNmIyOThmNmIyYzI4OWQyMzk3MDUwZDFjMzliYjVmMDMyOTQ=$MTIzNDU="},
		{"test",
			"$hmac-sha256$ZTAzMWJhMWMyOTM4YjFkMjgzZjkxOWExZGY5YWM2NmMxOTJhN2RkNzQ0MzJkNWZkNGFkYTI5OTk0MWJhMTA5Zg==$" +
				"MTIzNDU="},
	} {
		all = append(all, vector{System: "kratos", Password: v[0], Text: v[1]})
	}
	return all
}()

// TestVectors checks that a hash of another system matches its password and no
// other. When it is wrapped, it still does, and the line no longer contains its
// sum.
func TestVectors(t *testing.T) {
	pool := argon2id.NewPool(1024, false)
	seen := map[string]int{}
	for _, v := range vectors(t) {
		line := v.line(t)
		h, err := Parse(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		seen[h.Scheme]++
		if h.Scheme == "plain" {
			if p, _ := h.Plain(); norm.NFKC.String(p) != norm.NFKC.String(v.Password) {
				t.Errorf("%s: the password is %q", line, p)
			}
			continue
		}
		check := func(h Hash, password string, want bool) {
			t.Helper()
			if got, err := h.Matches(password, v.keys, pool); got != want || err != nil {
				t.Errorf("%s %s, password %q: %v, %v", v.System, line, password, got, err)
			}
		}
		check(h, v.Password, true)
		check(h, "x"+v.Password, false)
		if !h.Weak() {
			continue
		}
		wrapped, err := h.Wrap(argon2id.Cost{Memory: 64, Time: 1, Threads: 1}, pool)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		for _, sum := range []string{
			string(h.sum), encode(h.sum), base64.RawURLEncoding.EncodeToString(h.sum), strings.ReplaceAll(encode(h.sum),
				"+", "."),
			hex.EncodeToString(h.sum), encode([]byte(hex.EncodeToString(h.sum))), line[len(line)-len(h.sum):],
		} {
			if strings.Contains(wrapped, sum) {
				t.Errorf("%s: the sum is in %s", line, wrapped)
			}
		}
		w, err := Parse(wrapped)
		if err != nil {
			t.Errorf("%s: %v", wrapped, err)
			continue
		}
		check(w, v.Password, true)
		check(w, "x"+v.Password, false)
		if got := Scheme(wrapped); got != "wrapped-"+h.Scheme {
			t.Errorf("the scheme of %s is %s", wrapped, got)
		}
	}
	t.Log(seen)
}
