package door

import (
	"net/smtp"
	"strings"
	"testing"
)

// TestAnAppShowsTheCodesOfTheStandard uses the secret of RFC 6238, appendix B.
func TestAnAppShowsTheCodesOfTheStandard(t *testing.T) {
	a, err := NewApp("GEZD GNBV-GY3TQOJQ GEZDGNBVGY3TQOJQ")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924",
		20000000000: "353130"} {
		if got := a.at(at / 30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestAnAppNeverShowsACodeTwice(t *testing.T) {
	a, err := NewApp(NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	one, two := a.Next(), a.Next()
	if one == two {
		t.Errorf("%s twice", one)
	}
	if wrong := a.Wrong(3); wrong == one || wrong == two || len(wrong) != 6 {
		t.Errorf("%s is not a wrong code", wrong)
	}
}

func TestTheMailboxReadsMails(t *testing.T) {
	m, err := OpenMailbox("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	raw := strings.ReplaceAll(`Subject: =?utf-8?q?Sign=2Din?=
Content-Type: multipart/alternative; boundary=X

--X
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

https://site.example/reset/a=
b?c=3Dd
--X
Content-Type: text/html
Content-Transfer-Encoding: base64

PGI+aGVsbG88L2I+
--X--
`, "\n", "\r\n")
	if err := smtp.SendMail(m.SMTP.Addr().String(), nil, "a@example.org", []string{"P@example.org"},
		[]byte(raw)); err != nil {
		t.Fatal(err)
	}
	got := m.To("p@example.org")
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	for _, want := range []string{"Sign-in", "https://site.example/reset/ab?c=d", "<b>hello</b>"} {
		if !strings.Contains(got[0].Text, want) {
			t.Errorf("%q lacks %q", got[0].Text, want)
		}
	}
}
