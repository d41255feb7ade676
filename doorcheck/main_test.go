package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
)

// known are the attacks that work on Twofold, each by a setting that its
// documentation gives a price for. README.md says why.
const known = "mail-twice-reset"

// TestTwofoldRefusesEveryAttack builds the server of this repository and attacks it.
func TestTwofoldRefusesEveryAttack(t *testing.T) {
	var progress bytes.Buffer
	table := filepath.Join(t.TempDir(), "table.json")
	err := command(t.Context(), []string{"-target", "twofold", "-expect", "refused", "-known", known, "-json",
		table}, &progress, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	var got struct{ Targets []column }
	raw, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &got); err != nil || len(got.Targets) != 1 {
		t.Fatalf("%v: %s", err, raw)
	}
	for _, r := range got.Targets[0].Results {
		if strings.Contains(known, r.Attack) && r.Outcome != "works" {
			t.Errorf("%s is %s now: take it from the list", r.Attack, r.Outcome)
		}
	}
}

func TestACommandSaysWhatIsWrong(t *testing.T) {
	for _, row := range []struct{ args, want string }{
		{"-target nothing", `unknown target "nothing"`},
		{"-target leaky -attack nothing", `unknown attack "nothing"`},
		{"walk", `unknown command "walk"`},
		{"run -driver leaky", "the address of the site is needed"},
		{"run -driver leaky -url https://login.example.org", "add -mine if the site is yours"},
	} {
		var out bytes.Buffer
		err := command(t.Context(), strings.Fields(row.args), &out, &out)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.args, err, row.want)
		}
	}
}

// TestALeakySiteDoesNotPass checks that a leaky site does not pass for a closed one.
func TestALeakySiteDoesNotPass(t *testing.T) {
	var out bytes.Buffer
	err := command(t.Context(), []string{"-target", "leaky", "-attack", "totp-replay,frame", "-expect", "refused"},
		&out, &out)
	if err == nil || !strings.Contains(err.Error(), "leaky totp-replay: works") {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"| `totp-replay` | uses a code", "| **works** |",
		"go run -C doorcheck . -target TARGET -attack NAME"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

// TestTheTableIsWhatTheProgramWrites checks that RESULTS.md has every attack and contains only
// generated text.
func TestTheTableIsWhatTheProgramWrites(t *testing.T) {
	var out bytes.Buffer
	if err := command(t.Context(), []string{"table"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, out.Bytes()) {
		t.Error("RESULTS.md differs from what was measured: doorcheck table -markdown RESULTS.md writes it again; " +
			"remarks stand with the driver of the site, in internal/target")
	}
	for _, a := range attack.All() {
		if !bytes.Contains(raw, []byte("| `"+a.Name+"` | "+a.Title+" |")) {
			t.Errorf("RESULTS.md lacks %s", a.Name)
		}
	}
}

// TestTablesOfSeveralRunsAreOne reads back what -json wrote.
func TestTablesOfSeveralRunsAreOne(t *testing.T) {
	var results []attack.Result
	for _, a := range attack.All() {
		results = append(results, attack.Result{Attack: a.Name, Outcome: attack.Refused})
	}
	files := []string{"table"}
	for _, name := range []string{"one", "two"} {
		r := report{Columns: []column{{Target: name, Name: "Site " + name, Results: results}}}
		raw, err := r.json()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	var out bytes.Buffer
	if err := command(t.Context(), files, &out, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "an attacker ... | Site one | Site two |") {
		t.Error(out.String())
	}
}

// TestTheOtherDriversDrive checks that honest users can sign in to the other installed products, so
// that the outcome of an attack is meaningful.
func TestTheOtherDriversDrive(t *testing.T) {
	const some = "totp-replay,recovery-replay,mailcode-replay,magic-replay,after-reset," +
		"token-before-code,planted-session,redirect-absolute"
	installed := map[string]bool{
		"flask-security": exec.Command("/usr/bin/python3", "-c",
			"import flask_security, flask_sqlalchemy, cryptography, qrcode").Run() == nil,
		"better-auth": os.Getenv("DOORCHECK_BETTER_AUTH") != "",
	}
	for name, is := range installed {
		t.Run(name, func(t *testing.T) {
			if !is {
				t.Skip("not installed here")
			}
			var out bytes.Buffer
			attacks, table := some, filepath.Join(t.TempDir(), "table.json")
			if name == "better-auth" {
				attacks += ",passkey-replay,passkey-new-type"
			}
			err := command(t.Context(), []string{"-target", name, "-attack", attacks, "-json", table}, &out, &out)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(table)
			if err != nil || bytes.Contains(raw, []byte(`"not checked"`)) {
				t.Errorf("%v: %s", err, raw)
			}
		})
	}
}

// TestAnAttackIsAddedToEarlierResults checks that only a new attack is tried.
func TestAnAttackIsAddedToEarlierResults(t *testing.T) {
	all := attack.All()
	last := all[len(all)-1]
	old := report{Columns: []column{{Target: "one", Version: "1", Date: "2026-01-01"}}}
	for _, a := range all[:len(all)-1] {
		old.Columns[0].Results = append(old.Columns[0].Results, attack.Result{Attack: a.Name, Outcome: attack.Refused})
	}
	raw, err := old.json()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	more := func(version string) *report {
		return &report{Attacks: []attack.Attack{last}, Columns: []column{{
			Target: "one", Version: version, Date: "2026-02-02",
			Results: []attack.Result{{Attack: last.Name, Outcome: attack.Works}},
		}}}
	}
	r := more("1")
	if err := r.merge(file); err != nil {
		t.Fatal(err)
	}
	c := r.Columns[0]
	if len(c.Results) != len(all) || c.Results[len(all)-1].Outcome != attack.Works || c.Date != "2026-01-01" {
		t.Errorf("%d results of %s", len(c.Results), c.Date)
	}
	if err := more("2").merge(file); err == nil {
		t.Error("results of two versions are in one column")
	}
}
