// Mutate changes one thing at a time in the code that guards, and says which
// changes no test notices.
//
//	go run ./mutate -tree .. -state /tmp/mutants internal/auth internal/factor internal/factor/totp internal/limit internal/session internal/device internal/seal
//
// A mutant is an inverted condition, another comparison or connective, or a
// call left out. All of them are built into the test programs at once and
// switched on one by one, so nothing is compiled twice; a first run of every
// test notes which mutants it reaches, so each is tried by those tests only: by
// the quickest alone, and if they do not notice, by all of them together with
// other such mutants. A mutant is killed if a test fails or hangs with it alone.
//
// With -state, a run that was stopped goes on where it was, as long as the tree
// is the same.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

type options struct {
	root, dir         string
	folders, packages []string
	names, skip, only *regexp.Regexp

	parallel, tries, together int
}

func main() {
	log.SetFlags(log.Ltime)
	tree := flag.String("tree", "..", "the tree; it is not changed")
	state := flag.String("state", "", "folder that keeps what was found; a new one if empty")
	packages := flag.String("tests", "./internal/auth ./internal/limit ./internal/session ./internal/device "+
		"./internal/seal ./internal/factor/... ./event ./twofoldtest . ./test/security", "packages whose tests judge")
	names := flag.String("run", "", "tests that judge, a regular expression")
	skip := flag.String("skip", "^$", "tests that do not")
	only := flag.String("only", "", "mutants to try, by file:line:column and function, a regular expression")
	parallel := flag.Int("parallel", 2, "how many at once")
	tries := flag.Int("tries", 20, "how many tests try each mutant alone")
	together := flag.Int("together", 20, "how many of those that survive are tried at once by all tests")
	flag.Parse()
	o := options{
		dir: *state, folders: flag.Args(), packages: strings.Fields(*packages), parallel: *parallel, tries: *tries,
		together: *together,
	}
	var err error
	if o.root, err = filepath.Abs(*tree); err != nil {
		log.Fatal(err)
	}
	for text, to := range map[*string]**regexp.Regexp{names: &o.names, skip: &o.skip, only: &o.only} {
		if *to, err = regexp.Compile(*text); err != nil {
			log.Fatal(err)
		}
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

// judges reports whether a test is used to try mutants.
func (o options) judges(name string) bool {
	return o.names.MatchString(name) && !o.skip.MatchString(name)
}

func (o options) run() (err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "mutate"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(o.dir, "hashes"), 0o700); err != nil {
		return err
	}
	all, overlay, err := plant(o.root, o.dir, o.folders)
	if err != nil {
		return err
	}
	log.Printf("%d mutants", len(all))
	programs, err := build(o.root, o.dir, overlay, o.packages)
	if err != nil {
		return err
	}
	tests, err := o.probe(programs)
	if err != nil {
		return err
	}
	return o.judge(all, tests)
}

// each processes all items concurrently. A worker that fails stops.
func each[T any](parallel int, all []T, do func(T) error) error {
	queue := make(chan T, len(all))
	for _, one := range all {
		queue <- one
	}
	close(queue)
	failed := make(chan error, parallel)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for one := range queue {
				if err := do(one); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(failed)
	return <-failed
}

// plant writes the sources with all mutants, and the overlay that replaces the originals.
func plant(root, dir string, folders []string) (all []mutant, overlay string, err error) {
	replace, err := cheap(root, dir)
	if err != nil {
		return nil, "", err
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return nil, "", err
		}
		name := ""
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			src, err := os.ReadFile(f)
			if err != nil {
				return nil, "", err
			}
			rel, err := filepath.Rel(root, f)
			if err != nil {
				return nil, "", err
			}
			out, pkg, found, err := sites(src, rel, len(all))
			if err != nil {
				return nil, "", err
			}
			name, all = pkg, append(all, found...)
			replace[f] = filepath.Join(dir, strings.ReplaceAll(rel, "/", "_"))
			if err := os.WriteFile(replace[f], out, 0o600); err != nil {
				return nil, "", err
			}
		}
		if name == "" {
			return nil, "", fmt.Errorf("no sources in %s", folder)
		}
		extra := filepath.Join(root, folder, "mutants.go")
		replace[extra] = filepath.Join(dir, strings.ReplaceAll(folder, "/", "_")+"_mutants.go")
		if err := os.WriteFile(replace[extra], []byte("package "+name+"\n"+helper), 0o600); err != nil {
			return nil, "", err
		}
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return all, overlay, os.WriteFile(overlay, raw, 0o600)
}

// program is the compiled test program of one package.
type program struct{ pkg, dir, file string }

func build(root, dir, overlay string, packages []string) ([]program, error) {
	list := exec.Command("go",
		append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}"},
			packages...)...)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	var programs []program
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		pkg, where, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		p := program{pkg: pkg, dir: where, file: filepath.Join(dir, fmt.Sprintf("tests%d", len(programs)))}
		cmd := exec.Command("go", "test", "-vet=off", "-overlay", overlay, "-c", "-o", p.file, p.pkg)
		cmd.Dir, cmd.Stderr, cmd.Stdout = root, os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.pkg, err)
		}
		programs = append(programs, p)
	}
	return programs, nil
}
