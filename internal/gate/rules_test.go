package gate

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/gate"
)

func compile(t *testing.T, list ...gate.Rule) *Rules {
	t.Helper()
	r, err := Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask(t *testing.T, raw, method, client string) Request {
	t.Helper()
	a, err := ParseAddress(raw)
	if err != nil {
		t.Fatal(err)
	}
	from, _ := netip.ParseAddr(client)
	return Request{Address: a, Method: method, Client: from}
}

// TestTheFirstRuleThatMatchesDecides compares host, path, method and network. If no
// rule matches, the number is 0.
func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	app := []string{"app.example.org"}
	r := compile(t,
		gate.Rule{Hosts: app, Paths: []string{"/metrics"}, Networks: []string{"10.0.0.0/8", "192.0.2.7"},
			Require: gate.Public},
		gate.Rule{Hosts: app, Paths: []string{"/metrics"}, Require: gate.Deny},
		gate.Rule{Hosts: app, Paths: []string{"/admin", "/Root/Zone"}, Require: gate.Strong},
		gate.Rule{Hosts: app, Paths: []string{"/api"}, Methods: []string{"GET"}, Require: gate.OneFactor},
		gate.Rule{Hosts: app, Paths: []string{"/{$}", "/static", "/Logo.png{$}"}, Require: gate.Public},
		gate.Rule{Hosts: app, Paths: []string{"/alone{$}"}, Require: gate.OneFactor},
		gate.Rule{Hosts: []string{"*.example.org", "other.test:8443"}, Require: gate.TwoFactors},
	)
	for _, c := range []struct {
		method, address, client string
		want                    int
	}{
		{"GET", "https://app.example.org/metrics", "10.1.2.3", 1},
		{"GET", "https://app.example.org/metrics", "::ffff:10.1.2.3", 1},
		{"GET", "https://app.example.org/metrics", "192.0.2.7", 1},
		{"GET", "https://app.example.org/metrics", "192.0.2.8", 2},
		{"GET", "https://app.example.org/metrics", "", 2},
		{"GET", "https://app.example.org/METRICS", "10.1.2.3", 2}, // a public rule is case-sensitive
		{"GET", "https://app.example.org/admin", "", 3},
		{"GET", "https://app.example.org/admin/", "", 3},
		{"GET", "https://app.example.org/admin/x/y", "", 3},
		{"GET", "https://app.example.org/ADMIN/x", "", 3},
		{"GET", "https://app.example.org/%41dmin", "", 3},
		{"GET", "https://app.example.org/root/zone/x", "", 3},
		{"GET", "https://app.example.org/administrator", "", 7},
		{"GET", "https://app.example.org/api/x", "", 4},
		{"HEAD", "https://app.example.org/api/x", "", 4},
		{"POST", "https://app.example.org/api/x", "", 7},
		{"get", "https://app.example.org/api/x", "", 7},
		{"GET", "https://app.example.org/", "", 5},
		{"GET", "https://app.example.org/static/a.css", "", 5},
		{"GET", "https://app.example.org/staticx", "", 7},
		{"GET", "https://app.example.org/Static/a.css", "", 7},
		{"GET", "https://app.example.org/Logo.png", "", 5},
		{"GET", "https://app.example.org/Logo.png/x", "", 7},
		{"GET", "https://app.example.org/alone", "", 6},
		{"GET", "https://app.example.org/Alone/", "", 6},
		{"GET", "https://app.example.org/alone/x", "", 7},
		{"GET", "https://wiki.example.org/x", "", 7},
		{"GET", "https://a.wiki.example.org/x", "", 0},
		{"GET", "https://example.org/x", "", 0},
		{"GET", "https://evilexample.org/x", "", 0},
		{"GET", "https://app.example.org:8443/", "", 0},
		{"GET", "https://other.test:8443/x", "", 7},
		{"GET", "https://other.test/x", "", 0},
	} {
		if _, got := r.Find(ask(t, c.address, c.method, c.client)); got != c.want {
			t.Errorf("%s %s from %q: rule %d, want %d", c.method, c.address, c.client, got, c.want)
		}
	}
	if !r.Knows("wiki.example.org") || r.Knows("example.org") {
		t.Error("the hosts of the rules are not those")
	}
	if _, n := new(Rules).Find(ask(t, "https://app.example.org/", "GET", "")); n != 0 {
		t.Error("no rules, and one matches")
	}
}

// TestAllMistakesOfRulesAreToldAtOnce checks that each mistake is reported with its
// rule and field.
func TestAllMistakesOfRulesAreToldAtOnce(t *testing.T) {
	_, err := Compile([]gate.Rule{
		{},
		{Hosts: []string{"https://app.example.org", "app.example.org/x", "*", "*.org", "a b", "*x.example.org"},
			Require: "both"},
		{Hosts: []string{"a.test"}, Paths: []string{"admin", "/a*", "/a//b", "/a/../b", "/a%20b", "/a?b"},
			Require: gate.TwoFactors},
		{Hosts: []string{"a.test"}, Methods: []string{"get"}, Networks: []string{"10.0.0.1/8", "x"},
			Require: gate.TwoFactors, Fresh: time.Second},
		{Hosts: []string{"a.test"}, Require: gate.Public, Roles: []string{"admin"}},
		{Hosts: []string{"a.test"}, Require: gate.Deny, Scopes: []string{"read"}},
		{Hosts: []string{"a.test"}, Require: gate.OneFactor, Roles: []string{"a,b"}},
	})
	if err == nil {
		t.Fatal("no mistake")
	}
	got := err.Error()
	for _, want := range []string{
		"rule 1: require is missing", "rule 1: hosts is empty", `rule 2: require: "both"`,
		`rule 2: hosts: "https://app.example.org"`, `rule 2: hosts: "app.example.org/x"`,
		`rule 2: hosts: "*" `, `rule 2: hosts: "*.org"`, `rule 2: hosts: "a b"`, `rule 2: hosts: "*x.example.org"`,
		`rule 3: paths: "admin"`, `rule 3: paths: "/a*"`, `rule 3: paths: "/a//b"`, `rule 3: paths: "/a/../b"`,
		`rule 3: paths: "/a%20b"`, `rule 3: paths: "/a?b"`,
		`rule 4: methods: "get"`, `rule 4: networks: "10.0.0.1/8"`, `rule 4: networks: "x"`, "rule 4: fresh",
		`rule 5: require is "public"`, `rule 6: require is "deny"`, `rule 7: roles: "a,b"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
	if _, err := Compile(nil); err == nil {
		t.Error("no rule is no mistake")
	}
	r := compile(t, gate.Rule{Hosts: []string{"app.localhost:8081", "*.localhost", "[::1]:99", "app.test"},
		Require: gate.OneFactor})
	loopback := func(h string) bool { return strings.HasSuffix(h, "localhost") || strings.HasPrefix(h, "[::1]") }
	if err := r.CheckOrigin(&url.URL{Scheme: "http"}, loopback); err == nil || strings.Count(err.Error(), "rule") != 1 {
		t.Error("hosts of a site without TLS:", err)
	}
	if err := r.CheckOrigin(&url.URL{Scheme: "https"}, loopback); err != nil {
		t.Error(err)
	}
}

// TestAVerdictIsWhatTheRuleSays tries every requirement with every kind of caller.
func TestAVerdictIsWhatTheRuleSays(t *testing.T) {
	stranger, one := Caller{}, Caller{SignedIn: true}
	two := Caller{SignedIn: true, Two: true}
	strong := Caller{SignedIn: true, Two: true, Strong: true}
	fresh := strong
	fresh.Fresh = true
	enrolls := Caller{SignedIn: true, Enrolls: true, Two: true, Strong: true, Fresh: true}
	admin := fresh
	admin.Roles, admin.Permissions = []string{"admin", "staff"}, []string{"read"}
	program := Caller{SignedIn: true, Program: true, Scopes: []string{"read"}, Roles: []string{"admin"}}
	for _, c := range []struct {
		name   string
		rule   gate.Rule
		number int
		who    Caller
		want   Outcome
	}{
		{"no rule", gate.Rule{Require: gate.Public}, 0, admin, Refused},
		{"deny", gate.Rule{Require: gate.Deny}, 1, admin, Refused},
		{"no requirement", gate.Rule{}, 1, admin, Refused},
		{"public", gate.Rule{Require: gate.Public}, 1, stranger, Passes},
		{"one, a stranger", gate.Rule{Require: gate.OneFactor}, 1, stranger, NeedsSignIn},
		{"one", gate.Rule{Require: gate.OneFactor}, 1, one, Passes},
		{"one, must enroll", gate.Rule{Require: gate.OneFactor}, 1, enrolls, NeedsSecond},
		{"two, with one", gate.Rule{Require: gate.TwoFactors}, 1, one, NeedsSecond},
		{"two", gate.Rule{Require: gate.TwoFactors}, 1, two, Passes},
		{"strong, with two", gate.Rule{Require: gate.Strong}, 1, two, NeedsStrong},
		{"strong", gate.Rule{Require: gate.Strong}, 1, strong, Passes},
		{"fresh, with an old proof", gate.Rule{Require: gate.OneFactor, Fresh: time.Minute}, 1, strong, NeedsFresh},
		{"fresh", gate.Rule{Require: gate.Strong, Fresh: time.Minute}, 1, fresh, Passes},
		{"role, a stranger", gate.Rule{Require: gate.OneFactor, Roles: []string{"admin"}}, 1, stranger, NeedsSignIn},
		{"role, another", gate.Rule{Require: gate.OneFactor, Roles: []string{"admin"}}, 1, one, LacksRole},
		{"role", gate.Rule{Require: gate.OneFactor, Roles: []string{"admin", "staff"}}, 1, admin, Passes},
		{"role, one of two", gate.Rule{Require: gate.OneFactor, Roles: []string{"admin", "owner"}}, 1, admin,
			LacksRole},
		{"role, but not two", gate.Rule{Require: gate.TwoFactors, Roles: []string{"admin"}}, 1,
			Caller{SignedIn: true, Roles: []string{"admin"}}, NeedsSecond},
		{"permission", gate.Rule{Require: gate.OneFactor, Permissions: []string{"read"}}, 1, admin, Passes},
		{"permission, another", gate.Rule{Require: gate.OneFactor, Permissions: []string{"write"}}, 1, admin,
			LacksRole},
		{"token, no scopes named", gate.Rule{Require: gate.OneFactor}, 1, program, LacksScope},
		{"token", gate.Rule{Require: gate.Strong, Fresh: time.Minute, Scopes: []string{"read"}}, 1, program, Passes},
		{"token, another scope", gate.Rule{Require: gate.OneFactor, Scopes: []string{"read", "write"}}, 1,
			program, LacksScope},
		{"token, its owner's role", gate.Rule{Require: gate.OneFactor, Scopes: []string{"read"},
			Roles: []string{"owner"}}, 1, program, LacksRole},
		{"token on a public page", gate.Rule{Require: gate.Public}, 1, program, Passes},
	} {
		if got := Judge(c.rule, c.number, c.who); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
