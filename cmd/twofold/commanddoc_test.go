package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommandsDocIsUpToDate checks that docs/commands.md lists every command with its flags.
func TestCommandsDocIsUpToDate(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Name("twofold"))
	if err != nil {
		t.Fatal(err)
	}
	isUpToDate(t, "../../docs/commands.md", commandsPage(parser.Model.Node))
}

// commandsPage describes every command. It lists common flags once.
func commandsPage(program *kong.Node) string {
	var all []command
	for _, c := range commandsUnder(program, nil)[1:] {
		if len(c.node.Children) == 0 {
			all = append(all, c)
		}
	}
	var b strings.Builder
	b.WriteString("# Commands\n\n" +
		"For operators. This file is generated from `cmd/twofold` and checked by a test; do not edit it.\n\n" +
		"`twofold help`, or `--help` after a command, prints the same text, and `twofold man` prints a manual page.\n" +
		"A command exits with 0 ")
	fmt.Fprintf(&b, "on success, with %d on failure, and with %d if the command line is "+
		"invalid.\n", exitFailed, exitUsage)
	b.WriteString("\n| command | what it does |\n|---|---|\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.at(), strings.ReplaceAll("twofold "+c.at(), " ", "-"), cell(c.help))
	}
	common := map[string]bool{}
	b.WriteString("\nEvery command that needs settings has these flags, which say where the settings are:\n\n" +
		"| flag | |\n|---|---|\n")
	for _, f := range flagsOf(all[0]) {
		if slices.Contains([]string{"config", "dev", "dir"}, f.Name) {
			common[f.String()] = true
			flagRow(&b, f)
		}
	}
	for _, c := range all {
		describe(&b, c, common)
	}
	return b.String()
}

// describe returns the section of one command.
func describe(b *strings.Builder, c command, common map[string]bool) {
	fmt.Fprintf(b, "\n## twofold %s\n\n%s\n", c.at(), c.help)
	usage := "twofold " + c.at()
	for _, a := range c.node.Positional {
		usage += " " + a.Summary()
	}
	fmt.Fprintf(b, "\n    %s\n", usage)
	if slices.ContainsFunc(c.node.Positional, func(a *kong.Positional) bool { return a.Help != "" }) {
		b.WriteString("\n| argument | |\n|---|---|\n")
		for _, a := range c.node.Positional {
			fmt.Fprintf(b, "| `%s` | %s |\n", a.Summary(), cell(a.Help))
		}
	}
	own := slices.DeleteFunc(flagsOf(c), func(f *kong.Flag) bool { return common[f.String()] })
	if len(own) > 0 {
		b.WriteString("\n| flag | |\n|---|---|\n")
	}
	for _, f := range own {
		flagRow(b, f)
	}
	if detail := strings.TrimSpace(c.node.Detail); detail != "" {
		b.WriteString("\n```text\n" + detail + "\n```\n")
	}
}

func flagsOf(c command) []*kong.Flag {
	return slices.DeleteFunc(slices.Concat(c.node.AllFlags(true)...),
		func(f *kong.Flag) bool { return f.Name == "help" })
}

func flagRow(b *strings.Builder, f *kong.Flag) {
	fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(f.String(), "|", `\|`), cell(f.Help))
}

// cell escapes a text for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
