//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocumentedCommandsWorkOnABareMachine runs the commands of docs/server.md unchanged, in a
// root directory with only the program and without environment variables. A stub replaces
// systemctl, and an editor writes the page's TOML.
func TestTheDocumentedCommandsWorkOnABareMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: a separate root directory needs root")
	}
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/server.md")
	if err != nil {
		t.Fatal(err)
	}
	toml := regexp.MustCompile("(?s)```toml\n(.*?)```").FindStringSubmatch(string(doc))
	if toml == nil {
		t.Fatal("docs/server.md has no settings file")
	}
	m := bareMachine(t, binary, toml[1])
	commands := append(commandsOf(string(doc), "## One machine"), commandsOf(string(doc), "## Backup and restore")...)
	run := 0
	for _, command := range commands {
		if strings.HasPrefix(command, "pg_") {
			continue
		}
		run++
		out, err := m.run(command)
		switch {
		case strings.HasPrefix(command, "twofold doctor"), strings.HasPrefix(command, "twofold send-test"):
			// mail.example.org does not exist; all other checks must pass.
			for line := range strings.SplitSeq(out, "\n") {
				if strings.HasPrefix(line, "FAILED") && !strings.Contains(line, "mail.example.org") {
					t.Errorf("%s: %s", command, line)
				}
			}
			if !strings.Contains(out, "mail.example.org") {
				t.Errorf("%s did not try the mail server: %s", command, out)
			}
		case err != nil:
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	if run < 12 {
		t.Errorf("found only %d commands: %q", run, commands)
	}
	if out, err := m.run("twofold user list"); err != nil || !strings.Contains(out, "ann@example.org") {
		t.Errorf("afterwards: %v %s", err, out)
	}
}

// commandsOf returns the lines of the indented blocks of a section.
func commandsOf(doc, heading string) (out []string) {
	_, section, _ := strings.Cut(doc, heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.SplitSeq(section, "\n") {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			out = append(out, command)
		}
	}
	return out
}

// machine is a root directory with its program.
type machine struct {
	root, tools string
}

func bareMachine(t *testing.T, binary, toml string) machine {
	t.Helper()
	m := machine{root: t.TempDir(), tools: t.TempDir()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"tmp", "backup", "etc/systemd/system", "usr/local/bin"} {
		must(os.MkdirAll(filepath.Join(m.root, dir), 0o755))
	}
	// Inside the root, the root's own path leads to the root, so that a path has the same meaning for
	// the shell outside and the program inside.
	must(os.MkdirAll(filepath.Join(m.root, filepath.Dir(m.root)), 0o755))
	must(os.Symlink("/", m.root+m.root))
	program, err := os.ReadFile(binary)
	must(err)
	must(os.WriteFile(filepath.Join(m.tools, "program"), program, 0o755))
	// The program's files are in the root. The port must be a free one.
	toml = strings.ReplaceAll(toml, "/var/lib", m.root+"/var/lib") +
		fmt.Sprintf("TWOFOLD_LISTEN = %q\n", freeAddress(t))
	must(os.WriteFile(filepath.Join(m.tools, "settings.toml"), []byte(toml), 0o600))
	must(os.WriteFile(filepath.Join(m.tools, "password"), []byte("walking a dog by the canal\n"), 0o600))
	chroot, err := exec.LookPath("chroot")
	must(err)
	alone := "env -i " + chroot + " " + m.root + " /usr/local/bin/twofold"
	for name, script := range map[string]string{
		"editor":  "cat " + m.tools + "/settings.toml > \"$1\"\n",
		"twofold": "exec " + alone + " \"$@\"\n",
		"systemctl": "case $1 in\nstop) kill $(cat " + m.tools + "/pid); while kill -0 $(cat " + m.tools +
			"/pid) 2>/dev/null; do sleep 0.1; done ;;\n" +
			"*) " + alone + " serve >" + m.tools + "/log 2>&1 </dev/null & echo $! >" + m.tools + "/pid\n" +
			"for i in $(seq 100); do " + alone + " healthcheck >/dev/null 2>&1 && exit 0; sleep 0.2; done\n" +
			"cat " + m.tools + "/log; exit 1 ;;\nesac\n",
	} {
		must(os.WriteFile(filepath.Join(m.tools, name), []byte("#!/bin/sh\n"+script), 0o755))
	}
	t.Cleanup(func() { _ = exec.Command("sh", "-c", "kill $(cat "+m.tools+"/pid)").Run() })
	return m
}

// paths returns the paths in the commands.
var paths = regexp.MustCompile(`(^|[ >])/(usr/local|etc|var/lib|backup)/`)

func (m machine) run(command string) (string, error) {
	command = paths.ReplaceAllString(command, "${1}"+m.root+"/$2/")
	command = strings.Replace(command, "install -m 0755 twofold ", "install -m 0755 "+m.tools+"/program ", 1)
	if strings.Contains(command, "user create") && !strings.Contains(command, "stdin") {
		command += " --password-stdin < " + m.tools + "/password" // a person types it
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = []string{"PATH=" + m.tools + ":" + os.Getenv("PATH"), "EDITOR=editor"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
