// Mutate changes one thing at a time in the code that guards, and says which
// changes no test notices.
//
//	go run ./mutate -tree .. login factor factor/totp factor/onetime limit session device seal
//
// A mutant is an inverted condition, another comparison or connective, or a
// call left out. All of them are built into the test programs at once and
// switched on one by one, so nothing is compiled twice; a first run of every
// test notes which mutants it reaches, so each is tried by those tests only,
// the quickest first. A mutant is killed if one of them fails or hangs.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	log.SetFlags(log.Ltime)
	tree := flag.String("tree", "..", "the tree; it is not changed")
	sample := flag.Int("sample", 0, "how many mutants to draw; 0 for all")
	seed := flag.Uint64("seed", 1, "what is drawn")
	budget := flag.Duration("budget", 0, "stop after this time; 0 for never")
	packages := flag.String("tests", "./limit ./session ./device ./seal ./factor/... ./event ./twofoldtest ./walk . ./security", "packages whose tests judge")
	flag.Parse()
	if err := run(*tree, flag.Args(), strings.Fields(*packages), *sample, *seed, *budget); err != nil {
		log.Fatal(err)
	}
}

func run(tree string, folders, packages []string, sample int, seed uint64, budget time.Duration) error {
	root, err := filepath.Abs(tree)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all, overlay, err := plant(root, dir, folders)
	if err != nil {
		return err
	}
	log.Printf("%d mutants", len(all))
	programs, err := build(root, dir, overlay, packages)
	if err != nil {
		return err
	}
	tests, err := probe(programs, dir)
	if err != nil {
		return err
	}
	if sample > 0 && sample < len(all) {
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:sample]
	}
	report(all, tests, budget)
	return nil
}

func report(all []mutant, tests []test, budget time.Duration) {
	started := time.Now()
	var survivors, unreached []mutant
	killed := 0
	for n, m := range all {
		if budget > 0 && time.Since(started) > budget {
			all = all[:n]
			break
		}
		verdict := judge(m, tests)
		switch verdict {
		case "survived":
			survivors = append(survivors, m)
		case "not reached":
			unreached = append(unreached, m)
		default:
			killed++
		}
		log.Printf("%s %s: %s", m.where, m.what, verdict)
	}
	fmt.Printf("%d tried, %d killed, %d survived, %d not reached by any test\n", len(all), killed, len(survivors), len(unreached))
	for _, m := range survivors {
		fmt.Printf("survivor: %s %s\n", m.where, m.what)
	}
	for _, m := range unreached {
		fmt.Printf("not reached: %s %s\n", m.where, m.what)
	}
}

// plant writes the sources with all mutants in them and the overlay that puts
// them in place of the tree's.
func plant(root, dir string, folders []string) (all []mutant, overlay string, err error) {
	replace := map[string]string{}
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

// program is the tests of one package, compiled.
type program struct{ pkg, dir, file string }

func build(root, dir, overlay string, packages []string) ([]program, error) {
	list := exec.Command("go", append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}"}, packages...)...)
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
