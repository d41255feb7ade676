package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Help implements kong.HelpProvider.
func (manCommand) Help() string {
	return `Example:
  twofold man > /usr/local/share/man/man1/twofold.1`
}

// Run prints the manual page, for man(1).
func (manCommand) Run(p process, k *kong.Context) error {
	all := commandsUnder(k.Model.Node, nil)
	var b strings.Builder
	b.WriteString(".TH TWOFOLD 1\n.SH NAME\ntwofold \\- sign-in with a second factor\n" +
		".SH SYNOPSIS\n.B twofold\n.I command\n[\\fIflags\\fR]\n.SH DESCRIPTION\n")
	verbatim(&b, description)
	b.WriteString(".SH COMMANDS\n")
	for _, c := range all[1:] {
		if len(c.node.Children) == 0 {
			commandPage(&b, c)
		}
	}
	b.WriteString(".SH FILES\n.TP\n.I /etc/twofold/twofold.toml\nThe settings.\n" +
		".TP\n.I /etc/twofold/twofold.key\nThe key.\n" +
		".SH EXIT STATUS\n")
	fmt.Fprintf(&b, "0 on success, %d on failure, %d if the command line is invalid.\n", exitFailed, exitUsage)
	_, err := io.WriteString(p.out, b.String())
	return err
}

// commandPage writes the section about a command.
func commandPage(b *strings.Builder, c command) {
	b.WriteString(".SS twofold " + roff(c.at()))
	for _, a := range c.node.Positional {
		b.WriteString(" " + roff(a.Summary()))
	}
	b.WriteString("\n" + roff(c.help) + "\n")
	for _, f := range slices.Concat(c.node.AllFlags(true)...) {
		if f.Name == "help" {
			continue
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(f.String()), roff(f.Help))
	}
	if c.node.Detail != "" {
		b.WriteString(".PP\n")
		verbatim(b, c.node.Detail)
	}
}

// verbatim writes a text without reformatting its lines.
func verbatim(b *strings.Builder, text string) {
	b.WriteString(".nf\n" + roff(strings.TrimSpace(text)) + "\n.fi\n")
}

// roff escapes a text for roff.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
