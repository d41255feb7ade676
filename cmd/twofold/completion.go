package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help implements kong.HelpProvider.
func (completionCommand) Help() string {
	return `Examples:
  twofold completion bash > /etc/bash_completion.d/twofold
  twofold completion zsh > /usr/local/share/zsh/site-functions/_twofold
  twofold completion fish > /etc/fish/completions/twofold.fish`
}

// Run prints a completion script for a shell.
func (c completionCommand) Run(p process, k *kong.Context) error {
	commands := commandsUnder(k.Model.Node, nil)
	switch c.Shell {
	case "zsh":
		return completeZsh(p.out, commands)
	case "fish":
		return completeFish(p.out, commands)
	}
	return completeBash(p.out, commands)
}

// command is a command of the program with the words that may follow it.
type command struct {
	path  []string // "user", "create"; empty for the program itself
	help  string
	words []offer // its commands and its flags
	node  *kong.Node
}

// offer is a completion, with its help text.
type offer struct {
	word, help string
	takes      bool // a flag with a value
}

// at returns the path of a command in the scripts.
func (c command) at() string { return strings.Join(c.path, " ") }

// place is like at, with a space before each word.
func (c command) place() string { return strings.TrimRight(" "+c.at(), " ") }

// commandsUnder lists a command and all its subcommands.
func commandsUnder(n *kong.Node, path []string) []command {
	c := command{path: path, help: n.Help, node: n}
	var under []command
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		c.words = append(c.words, offer{word: child.Name, help: child.Help})
		under = append(under, commandsUnder(child, append(slices.Clone(path), child.Name))...)
	}
	for _, f := range slices.Concat(n.AllFlags(true)...) {
		c.words = append(c.words, offer{word: "--" + f.Name, help: f.Help, takes: !f.IsBool()})
	}
	for _, a := range n.Positional {
		for _, word := range a.EnumSlice() {
			if a.Enum != "" {
				c.words = append(c.words, offer{word: word, help: a.Help})
			}
		}
	}
	return append([]command{c}, under...)
}

// known returns a shell case pattern that matches all commands except the program itself.
func known(all []command) string {
	var out []string
	for _, c := range all[1:] {
		out = append(out, quoted(" "+c.at()))
	}
	return strings.Join(out, " | ")
}

// quoted returns a text as one word for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func completeBash(w io.Writer, all []command) error {
	var b strings.Builder
	b.WriteString("# bash completion of twofold\n_twofold() {\n  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i\n" +
		"  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"$at ${COMP_WORDS[i]}\" in\n    " + known(all) +
		") at=\"$at ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n  case \"$at\" in\n")
	for _, c := range all {
		var words []string
		for _, o := range c.words {
			words = append(words, o.word)
		}
		fmt.Fprintf(&b, "  %s) words=%s ;;\n", quoted(c.place()), quoted(strings.Join(words, " ")))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n" +
		"  if [[ ${#COMPREPLY[@]} -eq 0 && $cur != -* ]]; then COMPREPLY=($(compgen -f -- \"$cur\")); fi\n}\n" +
		"complete -o filenames -F _twofold twofold\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func completeZsh(w io.Writer, all []command) error {
	var b strings.Builder
	b.WriteString("#compdef twofold\n_twofold() {\n  local at= word\n  local -a offered\n" +
		"  for word in ${words[2,CURRENT-1]}; do\n    case \"$at $word\" in\n    " + known(all) +
		") at=\"$at $word\" ;;\n    esac\n  done\n  case \"$at\" in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "  %s) offered=(", quoted(c.place()))
		for _, o := range c.words {
			b.WriteString("\n    " + quoted(strings.ReplaceAll(o.word, ":", `\:`)+":"+o.help))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString("  esac\n  _describe command offered || _files\n}\n" +
		"if [[ $funcstack[1] = _twofold ]]; then _twofold \"$@\"; else compdef _twofold twofold; fi\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func completeFish(w io.Writer, all []command) error {
	var b strings.Builder
	b.WriteString("# fish completion of twofold\nfunction __twofold_at\n  set -l at\n" +
		"  for word in (commandline -opc)[2..-1]\n    switch \"$at $word\"\n    case " +
		strings.ReplaceAll(known(all), " | ", " ") + "\n      set at \"$at $word\"\n    end\n  end\n" +
		"  test \"$at\" = \"$argv[1]\"\nend\n")
	for _, c := range all {
		for _, o := range c.words {
			what := "-f -a " + quoted(o.word)
			if flag, is := strings.CutPrefix(o.word, "--"); is {
				what = "-l " + quoted(flag)
				if o.takes {
					what += " -r"
				}
			}
			fmt.Fprintf(&b, "complete -c twofold -n %s %s -d %s\n",
				quoted(`__twofold_at "`+c.place()+`"`), what, quoted(o.help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
