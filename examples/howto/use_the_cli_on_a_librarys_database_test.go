package howto_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// commandLineSettings are the twofold.toml next to the program.
const commandLineSettings = `
TWOFOLD_ORIGIN = "https://example.org"
TWOFOLD_KEY_FILE = "app.key"
SQLALCHEMY_DATABASE_URI = "sqlite:///app.db"
TWOFOLD_MIGRATE = false
`

// commandLines are run in a shell, one after the other.
const commandLines = `
export TWOFOLD_CONFIG=twofold.toml
twofold user list
twofold user show ada@example.org
twofold user roles ada@example.org --add admin
twofold user sessions ada@example.org --end-all
twofold audit list --user ada@example.org
twofold audit verify
twofold doctor --store
twofold backup copy.db
`

func TestTheCommandLineOnAProgramsDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("builds cmd/twofold")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir, "../../cmd/twofold").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	auth, err := twofold.New(twofold.Config{
		Origin: "https://example.org", Key: twofold.KeyFile(filepath.Join(dir, "app.key")), Store: db,
	})
	if err != nil {
		t.Fatal(err)
	}
	user := twofold.NewUser{Email: "ada@example.org", Password: "walking a dog by the canal"}
	if _, err := auth.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "twofold.toml"), []byte(commandLineSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-e", "-c", commandLines)
	shell.Dir, shell.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := shell.CombinedOutput()
	for _, want := range []string{"has the roles admin", "The audit trail is intact", "OK: checked 1 account,"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if u, err := auth.FindUser(t.Context(), "ada@example.org"); err != nil || len(u.Roles) != 1 {
		t.Errorf("the program sees %v, %v", u, err)
	}
}
