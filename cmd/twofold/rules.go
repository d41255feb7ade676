package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/storage"
)

type rulesCommands struct {
	Check rulesCheck `cmd:"" help:"Show which rule of the gate applies to a URL, and what it requires of a user."`
}

type rulesCheck struct {
	where
	Address string `arg:"" help:"URL to check, e.g. https://app.example.org/admin."`
	User    string `help:"E-mail address, username or id of an account that requests the URL." placeholder:"USER"`
	Method  string `help:"Method of the request." default:"GET"`
	From    string `help:"Address of the client, for rules that list networks." placeholder:"ADDR"`
}

// Help implements kong.HelpProvider.
func (rulesCheck) Help() string {
	return `Reads the file named by TWOFOLD_GATE_RULES and shows which rule applies to a URL, and what it requires. The first
rule that matches a request decides; a request that matches no rule is refused.

Examples:
  twofold rules check https://app.example.org/admin
  twofold rules check https://app.example.org/admin --user ann@example.org
  twofold rules check https://app.example.org/api/orders --method POST --from 10.0.0.7`
}

// Run prints the result.
func (c rulesCheck) Run(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	if !s.given["TWOFOLD_GATE_RULES"] {
		return problems{{"TWOFOLD_GATE_RULES", "is not set: name the file with the rules"}}
	}
	if err := s.try(ctx); err != nil { // reports all errors in the rules
		return err
	}
	rules, err := inner.Compile(s.gateRules)
	if err != nil {
		return err
	}
	q := inner.Request{Method: strings.ToUpper(c.Method)}
	if q.Address, err = inner.ParseAddress(c.Address); err != nil {
		return fmt.Errorf("%s is refused: %w", c.Address, err)
	}
	if c.From != "" {
		if q.Client, err = netip.ParseAddr(c.From); err != nil {
			return usageError(fmt.Sprintf("invalid --from %q: write an address", c.From))
		}
	}
	rule, number := rules.Find(q)
	fmt.Fprintf(p.out, "%s %s: %s\n", q.Method, q.Address, sayRule(rules, q, rule, number))
	if c.User == "" {
		return nil
	}
	return c.about(ctx, p, rule, number)
}

// sayRule describes the rule that applies and its requirements.
func sayRule(rules *inner.Rules, q inner.Request, r gate.Rule, number int) string {
	if number == 0 {
		if !rules.Knows(q.Address.Host) {
			return "refused, because no rule applies to the host " + q.Address.Host
		}
		return "refused, because no rule matches"
	}
	switch r.Require {
	case gate.Public:
		return fmt.Sprintf("rule %d lets everyone through", number)
	case gate.Deny:
		return fmt.Sprintf("rule %d refuses everyone", number)
	}
	return fmt.Sprintf("rule %d requires %s", number, asks(r))
}

// asks describes the requirements of a rule.
func asks(r gate.Rule) string {
	level := map[gate.Requirement]string{gate.OneFactor: "one factor", gate.TwoFactors: "two factors",
		gate.Strong: "a strong factor"}
	out := []string{level[r.Require]}
	if r.Fresh > 0 {
		out = append(out, "proven within "+sayDuration(r.Fresh))
	}
	for _, list := range []struct {
		name  string
		words []string
	}{{"role", r.Roles}, {"permission", r.Permissions}} {
		if len(list.words) > 0 {
			out = append(out, "the "+list.name+" "+strings.Join(list.words, " and "))
		}
	}
	text := strings.Join(out, ", ")
	if len(r.Scopes) > 0 {
		text += "; or a personal access token with the scope " + strings.Join(r.Scopes, " and ")
	}
	return text
}

// about prints what a rule does with requests of an account.
func (c rulesCheck) about(ctx context.Context, p process, r gate.Rule, number int) error {
	one := oneUser{where: c.where, Identity: c.User}
	return one.withUser(ctx, p, func(auth *twofold.Auth, s *settings, u twofold.User) error {
		methods, err := methodsOf(ctx, s, u.ID)
		if err != nil {
			return err
		}
		permissions, err := auth.Roles().PermissionsOf(ctx, u)
		if err != nil {
			return err
		}
		best := inner.Caller{SignedIn: true, Two: true, Strong: true, Fresh: true, Roles: u.Roles,
			Permissions: permissions}
		fmt.Fprintf(p.out, "%s: %s\n", cmp.Or(u.Email, u.Username, u.ID), sayVerdict(r, inner.Judge(r, number,
			best), methods, best, u.Active))
		return nil
	})
}

// sayVerdict describes what prevents access for an account that has proven all its factors.
func sayVerdict(r gate.Rule, o inner.Outcome, methods []string, c inner.Caller, active bool) string {
	switch {
	case o == inner.Refused:
		return "refused"
	case r.Require == gate.Public:
		return "passes"
	case !active:
		return "refused: the account is not active"
	case o == inner.LacksRole:
		var lacks []string
		for _, role := range r.Roles {
			if !slices.Contains(c.Roles, role) {
				lacks = append(lacks, "the role "+role)
			}
		}
		for _, permission := range r.Permissions {
			if !slices.Contains(c.Permissions, permission) {
				lacks = append(lacks, "the permission "+permission)
			}
		}
		return "refused: the account lacks " + strings.Join(lacks, " and ")
	}
	strong := slices.ContainsFunc(methods, func(m string) bool {
		return m == storage.Authenticator ||
			m == storage.Passkey
	})
	switch {
	case r.Require == gate.Strong && !strong:
		return "passes after setting up an authenticator app or a passkey; the account has neither"
	case r.Require == gate.TwoFactors && len(methods) == 0:
		return "passes after setting up a second factor; the account has none"
	}
	return "passes after signing in as the rule requires"
}
