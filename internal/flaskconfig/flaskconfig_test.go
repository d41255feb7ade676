package flaskconfig

import (
	"reflect"
	"strings"
	"testing"
)

func TestLiteralsOfPythonAreRead(t *testing.T) {
	for text, want := range map[string]any{
		`'a'`: "a", `"it's"`: "it's", `'''two
lines'''`: "two\nlines", `'\n\u00e4'`: "\nä", `r'\d'`: `\d`,
		`1`: int64(1), `-3`: int64(-3), `2.5`: 2.5, `True`: true, `False`: false, `None`: nil, `b"bytes"`: "bytes",
		`['email', "sms"]`: []any{"email", "sms"},
		`('a',)`:           []any{"a"}, `()`: []any{}, `[('a', 1)]`: []any{[]any{"a", int64(1)}},
		`{'1': 'key', 2: "other"}`: map[string]any{"1": "key", "2": "other"}, `{}`: map[string]any{},
		`(5 * 60) + 1`: int64(301), `'a' + 'b'`: "ab",
	} {
		got, err := Literal(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %#v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		``, `name`, `f('x')`, `os.environ.get('A', 'b')`, `'open`, `[1`, `{1}`, `[x for x in y]`,
		`a.b`, `1 if x else 2`, `lambda: 1`,
		`99999999999999999999`, `1 << 62`, `9999999999 * 9999999999`, `'a' * 1000000000`, `{**a}`, "x = 1",
		strings.Repeat("[", 100000), strings.Repeat("a", maxLiteral+1),
	} {
		if got, err := Literal(text); err == nil {
			t.Errorf("%.40s is read as %#v", text, got)
		}
	}
}

const app = `import os
from datetime import timedelta
app = Flask(__name__)  # SECURITY_NOT = 'this'
"""
SECURITY_NOR = 'this'
"""
app.config['SECRET_KEY'] = os.environ.get("SECRET_KEY", 'of the # file')
app.config["LISTED"] = ['email',
    'authenticator',  # a comment, with a ] in it
]
SECURITY_FRESHNESS: timedelta = timedelta(hours=1, minutes=30)
PORT = int(os.getenv('MAIL_PORT', '587')); TLS = True
app.config.update(
    MAIL_SERVER='smtp.example.org',
    SECURITY_TOTP_SECRETS={"1": "abc"},
    OTHER=compute(),
)
app.config.from_mapping({"FROM_DICT": ("a", "b"), 'low': 1})
class Config:
    IN_CLASS = \
        None
    def method(self):
        lower = 1
if app.config['SECRET_KEY'] == 'x': pass
app.config['USER'] = os.environ['USER_NAME']
NO_DEFAULT = os.environ.get('NO_DEFAULT')
FORMAT = f'{x}'
COPY = SECURITY_FRESHNESS
app.config.from_object('settings.Production')
`

func TestAnApplicationIsRead(t *testing.T) {
	taken, left := Read(app)
	want := []Assignment{
		{"SECRET_KEY", "of the # file", 7, []string{"SECRET_KEY"}},
		{"LISTED", []any{"email", "authenticator"}, 8, nil},
		{"SECURITY_FRESHNESS", "5400 seconds", 11, nil},
		{"PORT", int64(587), 12, []string{"MAIL_PORT"}},
		{"TLS", true, 12, nil},
		{"MAIL_SERVER", "smtp.example.org", 14, nil},
		{"SECURITY_TOTP_SECRETS", map[string]any{"1": "abc"}, 15, nil},
		{"FROM_DICT", []any{"a", "b"}, 18, nil},
		{"IN_CLASS", nil, 20, nil},
	}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("took\n%v, want\n%v", taken, want)
	}
	lines := map[string]int{}
	for _, l := range left {
		lines[l.Name] = l.Line
		if l.Why == "" {
			t.Errorf("%s is left without a reason", l.Name)
		}
	}
	missed := map[string]int{"OTHER": 16, "USER": 25, "NO_DEFAULT": 26, "FORMAT": 27, "COPY": 28, "config": 29}
	if !reflect.DeepEqual(lines, missed) {
		t.Errorf("left %v, want %v", lines, missed)
	}
}

func TestAFileOfVariablesIsRead(t *testing.T) {
	taken, left := ReadEnv("# comment\nexport A='x # y'\r\nB=\"q\\\"\" # end\nC = ['a']\nD=plain text # note\n" +
		"lower=1\nE='open\nF=${A}x\nG={'1': 'k'}\nH=[\n")
	want := []Assignment{
		{"A", "x # y", 2, nil}, {"B", `q"`, 3, nil}, {"C", []any{"a"}, 4, nil}, {"D", "plain text", 5, nil},
		{"G", map[string]any{"1": "k"}, 9, nil}, {"H", "[", 10, nil},
	}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("took\n%v, want\n%v", taken, want)
	}
	if len(left) != 2 || left[0].Name != "E" || left[1].Name != "F" {
		t.Errorf("left %v", left)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(app)
	f.Add("A = '''\nB = (\nC = 1 # \\\n")
	f.Add("A='x")
	f.Fuzz(func(t *testing.T, source string) {
		taken, left := Read(source)
		lines := strings.Count(source, "\n") + 1
		for _, a := range taken {
			if a.Line < 1 || a.Line > lines || !upper.MatchString(a.Name) {
				t.Fatalf("%+v, of %d lines", a, lines)
			}
		}
		for _, l := range left {
			if l.Line < 1 || l.Line > lines {
				t.Fatalf("%+v, of %d lines", l, lines)
			}
		}
		ReadEnv(source)
	})
}
