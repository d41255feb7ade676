package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// printed returns the output of a command that describes the program.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	parser, err := kong.New(&cli{}, kong.Name("twofold"), kong.Bind(process{out: &out, err: &out}))
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(args)
	if err == nil {
		err = command.Run()
	}
	if err != nil {
		t.Fatal(args, err)
	}
	return out.String()
}

// offers holds the completions that each shell offers after a command line.
var offers = map[string]string{
	"bash": `. "$0"; read -ra COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=(""); ` +
		`COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _twofold; printf "%s\n" "${COMPREPLY[@]}"`,
	"zsh": `compdef() { :; }; _files() { :; }; _describe() { print -rl -- "${offered[@]%%:*}"; }; . "$0"; ` +
		`words=(${=1} ""); [[ $1 == *" " ]] || words[-1]=(); CURRENT=${#words}; _twofold`,
	"fish": `source $argv[1]; complete -C $argv[2] | string split -f1 \t`,
}

// TestShellsCompleteCommandsAndFlags runs each script in its shell. It skips shells that are not
// installed.
func TestShellsCompleteCommandsAndFlags(t *testing.T) {
	for shell, script := range offers {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip("skipped: there is no", shell)
			}
			file := filepath.Join(t.TempDir(), "completion")
			if err := os.WriteFile(file, []byte(printed(t, "completion", shell)), 0o600); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string]string{
				"twofold ":               "send-test",
				"twofold user ":          "set-password",
				"twofold user create --": "--password-stdin",
				"twofold --config user --dev user create ": "--username",
				"twofold completion ":                      "zsh",
			} {
				if shell == "fish" && strings.HasSuffix(line, "create ") {
					line += "--" // fish offers flags after a dash only
				}
				cmd := exec.Command(shell, "-c", script, file, line)
				if shell == "fish" {
					cmd = exec.Command(shell, "--no-config", "-c", script, "--", file, line)
				}
				out, err := cmd.CombinedOutput()
				if err != nil || !slices.Contains(strings.Fields(string(out)), want) {
					t.Errorf("%q: %v, offers %s", line, err, out)
				}
				if slices.Contains(strings.Fields(string(out)), "help") {
					t.Errorf("%q offers %s", line, out)
				}
			}
		})
	}
}

// TestTheManualNamesEveryCommandAndFlag checks that man can read the manual.
func TestTheManualNamesEveryCommandAndFlag(t *testing.T) {
	page := printed(t, "man")
	parser, err := kong.New(&cli{}, kong.Name("twofold"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commandsUnder(parser.Model.Node, nil)[1:] {
		_, section, found := strings.Cut(page, "\n.SS twofold "+roff(c.at()))
		if section, _, _ = strings.Cut(section, "\n.SS "); len(c.node.Children) > 0 {
			continue
		}
		if !found {
			t.Errorf("%s is not there", c.at())
		}
		for _, o := range c.words {
			if strings.HasPrefix(o.word, "--") && o.word != "--help" && !strings.Contains(section, roff(o.word)) {
				t.Errorf("%s: %s is not there", c.at(), o.word)
			}
		}
	}
	if _, err := exec.LookPath("groff"); err != nil {
		return
	}
	cmd := exec.Command("groff", "-man", "-ww", "-Tascii")
	cmd.Stdin = strings.NewReader(page)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	if _, err := cmd.Output(); err != nil || wrong.Len() > 0 {
		t.Errorf("groff: %v %s", err, wrong.String())
	}
}
