package commands

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the environment variable with the path of the built command.
const program = "PROGRAM"

// built runs the tests with the command and removes it.
type built struct{ m *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "twofold-commands-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "twofold")
	out, err := exec.Command("go", "build", "-C", "../..", "-o", file, "./cmd/twofold").CombinedOutput()
	if err != nil {
		log.Printf("%v: %s", err, out)
		return 1
	}
	if err := os.Setenv(program, file); err != nil {
		log.Print(err)
		return 1
	}
	return b.m.Run()
}

func TestMain(m *testing.M) {
	testscript.Main(built{m}, map[string]func(){"twofold": twofold})
}

// twofold is the program that a script calls. It executes the built command.
func twofold() {
	file := os.Getenv(program)
	if err := os.Unsetenv(program); err != nil {
		log.Fatal(err)
	}
	err := syscall.Exec(file, append([]string{"twofold"}, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, file, err)
	os.Exit(2)
}

// run runs the scripts of a folder.
func run(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{Dir: dir, Setup: func(env *testscript.Env) error {
		env.Setenv(program, os.Getenv(program))
		return nil
	}})
}

// TestCommands runs every command.
func TestCommands(t *testing.T) { run(t, "../../cmd/twofold/testdata") }

// TestHowTo runs the commands of the pages in docs/how-to. The tests of examples/howto compare the
// pages with the scripts.
func TestHowTo(t *testing.T) { run(t, "../../cmd/twofold/testdata/howto") }
