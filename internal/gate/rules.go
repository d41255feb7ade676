package gate

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/gate"
)

// Rules are checked rules. The zero value refuses everything.
type Rules struct {
	rules []rule
}

// rule is one rule in the form in which it is compared.
type rule struct {
	gate.Rule
	paths    []path
	networks []netip.Prefix
}

// path is either a prefix of whole segments or one exact path.
type path struct {
	text  string // in lower case unless the rule is public
	exact bool
}

var (
	methodName = regexp.MustCompile(`^[A-Z][A-Z-]{1,19}$`)
	wordName   = regexp.MustCompile(`^[^\s,;"'\x00-\x1f\x7f]{1,128}$`)
)

// maxRules bounds the number of rules, because each request is compared with all of
// them.
const maxRules = 1000

// Compile checks rules and returns them. Its error lists every mistake, one per
// line.
func Compile(list []gate.Rule) (*Rules, error) {
	var errs []error
	if len(list) == 0 {
		errs = append(errs, errors.New("there is no rule, so everything is refused: write at least one [[rule]]"))
	}
	if len(list) > maxRules {
		errs = append(errs, fmt.Errorf("there are %d rules: at most %d", len(list), maxRules))
	}
	out := &Rules{}
	for i, r := range list {
		c := checker{number: i + 1}
		out.rules = append(out.rules, c.rule(r))
		errs = append(errs, c.errs...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// checker collects the mistakes of one rule.
type checker struct {
	number int
	errs   []error
}

func (c *checker) bad(format string, a ...any) {
	c.errs = append(c.errs, fmt.Errorf("rule %d: "+format, append([]any{c.number}, a...)...))
}

func (c *checker) rule(r gate.Rule) rule {
	out := rule{Rule: r}
	c.requirement(r)
	if len(r.Hosts) == 0 {
		c.bad("hosts is empty: name the hosts that the rule is for")
	}
	out.Hosts = nil
	for _, h := range r.Hosts {
		out.Hosts = append(out.Hosts, c.host(h))
	}
	for _, p := range r.Paths {
		out.paths = append(out.paths, c.path(p, r.Require == gate.Public))
	}
	for _, m := range r.Methods {
		if !methodName.MatchString(m) {
			c.bad("methods: %q is not a method: write it in capital letters, e.g. GET", m)
		}
	}
	for _, n := range r.Networks {
		out.networks = append(out.networks, c.network(n))
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"roles", r.Roles}, {"permissions", r.Permissions}, {"scopes", r.Scopes}} {
		for _, w := range list.words {
			if !wordName.MatchString(w) {
				c.bad("%s: %q is not a name", list.name, w)
			}
		}
	}
	return out
}

func (c *checker) requirement(r gate.Rule) {
	all := []gate.Requirement{gate.Public, gate.OneFactor, gate.TwoFactors, gate.Strong, gate.Deny}
	switch {
	case r.Require == "":
		c.bad("require is missing: write public, one, two, strong or deny")
	case !slices.Contains(all, r.Require):
		c.bad("require: %q is not public, one, two, strong or deny", r.Require)
	case r.Require == gate.Public || r.Require == gate.Deny:
		if r.Fresh != 0 || len(r.Roles)+len(r.Permissions)+len(r.Scopes) > 0 {
			c.bad("require is %q, so fresh, roles, permissions and scopes have no effect: remove them, or require "+
				"one, two or strong", r.Require)
		}
	}
	if r.Fresh != 0 && (r.Fresh < 10*time.Second || r.Fresh > 24*time.Hour) {
		c.bad("fresh: %v is out of bounds: write a duration from 10s to 24h", r.Fresh)
	}
}

func (c *checker) host(h string) string {
	name, wild := strings.CutPrefix(h, "*.")
	spelled, err := parseHost(name, "https")
	if err != nil || strings.ContainsAny(name, "/?#@%*") || wild && !strings.Contains(spelled, ".") &&
		spelled != "localhost" {
		c.bad(`hosts: %q is not a host: write e.g. "app.example.org" or "*.example.org"`, h)
	}
	if wild {
		return "*." + spelled
	}
	return spelled
}

func (c *checker) path(p string, public bool) path {
	text, exact := strings.CutSuffix(p, "{$}")
	if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "*?#%{};\\") || strings.Contains(text, "//") {
		c.bad("paths: %q is not a path: write it decoded and with a slash first, e.g. /admin, "+
			"or /admin{$} for that path alone", p)
	}
	if _, err := parsePath(text); err != nil {
		c.bad("paths: %q: %v", p, err)
	}
	if !exact {
		text = strings.TrimSuffix(text, "/")
	}
	if !public {
		text = strings.ToLower(text)
	}
	return path{text: text, exact: exact}
}

func (c *checker) network(n string) netip.Prefix {
	p, err := netip.ParsePrefix(n)
	if err != nil {
		a, err := netip.ParseAddr(n)
		if err != nil || a.Zone() != "" {
			c.bad("networks: %q is not an address or a network: write e.g. 10.0.0.0/8", n)
			return netip.Prefix{}
		}
		p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
	}
	if p.Masked() != p {
		c.bad("networks: %q has bits beyond its length: write %v", n, p.Masked())
	}
	return p
}

// ErrMethod is returned for a method that a rule cannot name.
var ErrMethod = errors.New("the method is not in capital letters")

// CheckMethod returns ErrMethod if a method is not in capital letters. In HTTP,
// "post" and "POST" are different methods (RFC 9110 section 9.1). Many frameworks
// treat them as the same, but no rule for POST would match "post".
func CheckMethod(method string) error {
	if !methodName.MatchString(method) {
		return ErrMethod
	}
	return nil
}

// Request contains the parts of a request that rules compare.
type Request struct {
	Address Address
	Method  string
	Client  netip.Addr
}

// Find returns the first rule that matches a request, and its number. Numbers start
// at 1; number 0 means that no rule matches.
func (r *Rules) Find(q Request) (gate.Rule, int) {
	lower := strings.ToLower(q.Address.Path)
	for i := range r.rules {
		if r.rules[i].matches(q, lower) {
			return r.rules[i].Rule, i + 1
		}
	}
	return gate.Rule{}, 0
}

// Knows reports whether a rule applies to a host.
func (r *Rules) Knows(host string) bool {
	return slices.ContainsFunc(r.rules, func(one rule) bool { return one.matchesHost(host) })
}

// Scopes returns the scopes that rules name.
func (r *Rules) Scopes() (scopes []string) {
	for _, one := range r.rules {
		scopes = append(scopes, one.Scopes...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

func (r *rule) matches(q Request, lower string) bool {
	return r.matchesHost(q.Address.Host) && r.matchesMethod(q.Method) && r.matchesPath(q.Address.Path, lower) &&
		r.matchesClient(q.Client)
}

func (r *rule) matchesHost(host string) bool {
	for _, h := range r.Hosts {
		if h == host {
			return true
		}
		if base, wild := strings.CutPrefix(h, "*"); wild {
			label, ok := strings.CutSuffix(host, base)
			if ok && label != "" && !strings.Contains(label, ".") {
				return true
			}
		}
	}
	return false
}

func (r *rule) matchesMethod(method string) bool {
	return len(r.Methods) == 0 || slices.Contains(r.Methods, method) || method == "HEAD" &&
		slices.Contains(r.Methods, "GET")
}

func (r *rule) matchesPath(exactly, lower string) bool {
	if len(r.paths) == 0 {
		return true
	}
	asked := lower
	if r.Require == gate.Public {
		asked = exactly
	}
	for _, p := range r.paths {
		if asked == p.text || !p.exact && strings.HasPrefix(asked, p.text) && asked[len(p.text)] == '/' {
			return true
		}
		// Many servers ignore a slash at the end. So it is ignored here too, but
		// not for public rules.
		if p.exact && r.Require != gate.Public && asked == p.text+"/" {
			return true
		}
	}
	return false
}

func (r *rule) matchesClient(client netip.Addr) bool {
	if len(r.networks) == 0 {
		return true
	}
	// An unknown address is in no network. It must not evade a rule that denies,
	// though.
	if !client.IsValid() {
		return r.Require == gate.Deny
	}
	client = client.Unmap()
	return slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return p.Contains(client) })
}

// CheckOrigin returns an error if the site does not use https and a rule has a host
// that is not a name of this machine. Without https, a cookie cannot be bound to
// one host.
func (r *Rules) CheckOrigin(origin *url.URL, loopback func(string) bool) error {
	if origin.Scheme == "https" {
		return nil
	}
	var errs []error
	for i, one := range r.rules {
		for _, h := range one.Hosts {
			name := h
			if bare, _, ok := strings.Cut(h, ":"); ok && !strings.HasPrefix(h, "[") {
				name = bare
			}
			if !loopback(strings.TrimPrefix(name, "*.")) {
				errs = append(errs, fmt.Errorf("rule %d: hosts: %q is not a name of this machine, and the sign-in "+
					"is at %s://: give the sign-in an https origin", i+1, h, origin.Scheme))
			}
		}
	}
	return errors.Join(errs...)
}
