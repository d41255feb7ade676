package security_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/columns"
)

const recipes = "testdata/recipes/"

// recipe is one of docs/recipes with the expected result for its sample of two people: ann, who
// signs in, and bob.
type recipe struct {
	name    string
	command []string // in the folder of its sample
	input   string   // what the command reads
	result  string
	app     bool   // ann has an authenticator app
	code    string // ann's recovery code
	refused int
}

func everyRecipe(t *testing.T) []recipe {
	t.Helper()
	here, err := filepath.Abs("../../docs/recipes")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(here, name) }
	firebase := []string{"jq", "-c", "-f", at("firebase.jq")}
	var arguments []string
	raw, err := os.ReadFile(recipes + "firebase/arguments.json")
	if err == nil {
		err = json.Unmarshal(raw, &arguments)
	}
	if err != nil {
		t.Fatal(err)
	}
	sqlite := []string{"sqlite3", "-csv", "-header"}
	return []recipe{
		{name: "devise", command: []string{"ruby", "-r", "./stub.rb", at("devise.rb")},
			result: "people.jsonl", app: true,
			code: "k7k7k7k7k7"},
		{name: "fortify", command: []string{"php", "-d", "auto_prepend_file=stub.php", at("fortify.php")},
			result: "people.jsonl", app: true, code: "abcde12345-k7k7k7k7k7"},
		{name: "aspnet", command: sqlite, input: at("aspnet.sql"), result: "people.csv", app: true,
			code:    "K7K7K-K7K7K",
			refused: 1},
		{name: "supabase", command: sqlite, input: at("supabase.sql"), result: "people.csv", app: true},
		{name: "kratos", command: []string{"jq", "-c", "-f", at("kratos.jq"), "input.json"},
			result: "people.jsonl", app: true,
			code: "k7k7k7k7"},
		{name: "auth0", command: []string{"jq", "-nc", "-f", at("auth0.jq"), "input.json"}, result: "people.jsonl"},
		{name: "clerk", command: append(sqlite[:3:3], ":memory:", ".import --csv input.csv clerk",
			".read "+at("clerk.sql")),
			result: "people.csv", app: true},
		{name: "firebase", command: append(append(firebase, arguments...), "input.json"),
			result: "people.jsonl", refused: 1},
	}
}

// TestRecipesOfTheDocumentation runs each recipe on its sample if its tool is installed.
func TestRecipesOfTheDocumentation(t *testing.T) {
	for _, r := range everyRecipe(t) {
		t.Run(r.name, func(t *testing.T) {
			if _, err := exec.LookPath(r.command[0]); err != nil {
				t.Skipf("%s is not installed", r.command[0])
			}
			c := exec.CommandContext(t.Context(), r.command[0], r.command[1:]...)
			c.Dir, c.Env = recipes+r.name, append(os.Environ(), "INPUT=input.json", "TZ=UTC")
			if r.input != "" {
				var script []byte
				for _, name := range []string{recipes + r.name + "/input.sql", r.input} {
					part, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					script = append(script, part...)
				}
				c.Stdin = bytes.NewReader(script)
			}
			c.Stderr = os.Stderr
			got, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			file := recipes + r.name + "/" + r.result
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(bytes.ReplaceAll(got, []byte("\r"), nil), bytes.ReplaceAll(want,
				[]byte("\r"), nil)) {
				t.Errorf("%v: the result is\n%s", err, got)
			}
		})
	}
}

func TestR373_PeopleOfEachRecipeSignInWithWhatTheyHad(t *testing.T) {
	for _, r := range everyRecipe(t) {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t)
			file := recipes + r.name + "/" + r.result
			source := func() transfer.Source {
				if strings.HasSuffix(file, ".csv") {
					return columns.NewCSV(columns.CSV{Path: file, Source: r.name})
				}
				raw, err := os.ReadFile(file)
				w.Must(err)
				return transfer.NewFile(bytes.NewReader(raw))
			}
			w.moveInFrom(source, r.refused)
			const ann = "ann@good.test"
			signIn := func() *browser {
				b := w.browser()
				b.Post("/login", m{"email": ann, "password": "Correct horse 2"}).Refused("a wrong password")
				b.Post("/login", m{"email": ann, "password": "Correct horse 1"}).Want(200)
				return b
			}
			b := signIn()
			switch {
			case r.app:
				if r.name == "kratos" { // she has a passkey too, which is asked for first
					b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
				}
				b.validate(totp20(w.Now().Unix() / 30)).Want(200)
				b.isIn(ann, 2)
			case r.name == "firebase": // a code comes to her phone
				b.out("before the second factor")
			default:
				b.isIn(ann, 1)
			}
			if r.code != "" {
				b = signIn()
				b.recover(r.code).Want(200)
				b.isIn(ann, 2)
			}
		})
	}
}
