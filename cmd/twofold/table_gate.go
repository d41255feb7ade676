package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/gate"
)

// gateTable returns the settings of the gate.
func gateTable() []setting {
	return []setting{
		{Name: "TWOFOLD_GATE_RULES", Type: text, Empty: "none: the gate is off",
			Doc: "A TOML file with the rules of the gate, which puts sign-in in front of applications that have none " +
				"(docs/gate.md). Proxies of `TWOFOLD_TRUSTED_PROXIES` ask `/auth/verify` what to do with a request. " +
				"The file is read when the server starts.",
			Cost:  "Everyone can reach what a public rule allows.",
			Apply: applyGateRules},
	}
}

// ruleFile is the content of the rules file.
type ruleFile struct {
	Rules []ruleRow `toml:"rule"`
}

// ruleRow is a rule whose duration has the form of other settings.
type ruleRow struct {
	gate.Rule
	Fresh any `toml:"fresh"`
}

func applyGateRules(s *settings, raw any) error {
	path, err := asText(raw)
	if err != nil || path == "" {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return errors.New("cannot be read (" + fileCause(err) + "): name a file with rules")
	}
	s.gateRules, err = parseRules(string(text))
	return err
}

// parseRules parses a rules file. The rules themselves are checked with the sign-in.
func parseRules(text string) ([]gate.Rule, error) {
	var file ruleFile
	meta, err := toml.Decode(text, &file)
	var bad toml.ParseError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("line %d is not TOML or has a value of the wrong type: write lists as [\"a\", "+
			"\"b\"]", bad.Position.Line)
	case err != nil:
		return nil, fmt.Errorf("has a value of the wrong type (%v): write lists as [\"a\", \"b\"]", err)
	}
	var unknown []string
	for _, key := range meta.Undecoded() {
		unknown = append(unknown, key.String())
	}
	slices.Sort(unknown)
	if unknown = slices.Compact(unknown); len(unknown) > 0 {
		return nil, fmt.Errorf("has the unknown key %s: a rule can have hosts, paths, methods, networks, require, "+
			"fresh, roles, permissions and scopes", strings.Join(unknown, ", "))
	}
	rules := make([]gate.Rule, len(file.Rules))
	for i, row := range file.Rules {
		rules[i] = row.Rule
		if row.Fresh == nil {
			continue
		}
		if rules[i].Fresh, err = asDuration(row.Fresh); err != nil {
			return nil, fmt.Errorf("rule %d: fresh %w", i+1, err)
		}
	}
	return rules, nil
}

// openGate applies the rules.
func openGate(s *settings, auth *twofold.Auth) error {
	if !s.given["TWOFOLD_GATE_RULES"] {
		return nil
	}
	if _, err := auth.Gate(s.gateRules); err != nil {
		var bad problems
		for line := range strings.SplitSeq(err.Error(), "\n") {
			bad = append(bad, problem{"TWOFOLD_GATE_RULES", line})
		}
		return bad
	}
	return nil
}
