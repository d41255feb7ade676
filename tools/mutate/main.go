// Mutate changes one thing at a time in the code that guards, and says which
// changes no test notices. It works on a copy of the tree.
//
//	go run ./mutate -sample 120 -seed 1 login factor/totp factor/onetime limit session device seal
//
// A mutant is an inverted condition, another comparison or connective, or a
// call left out. It is killed if any of the test commands fails, they run from
// the fastest to the slowest; it survives if all pass.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

type mutant struct {
	file  string // relative to the tree
	index int    // of the mutation in the file
	where string
	what  string
}

func main() {
	log.SetFlags(log.Ltime)
	tree := flag.String("tree", "..", "the tree to work on (a copy is changed)")
	sample := flag.Int("sample", 0, "how many mutants to draw; 0 for all")
	seed := flag.Uint64("seed", 1, "what is drawn")
	budget := flag.Duration("budget", 0, "stop after this time; 0 for never")
	each := flag.Duration("each", 4*time.Minute, "time for the tests of one mutant; longer counts as killed")
	commands := flag.String("tests", "./login ./limit ./session ./device ./seal ./factor/...;. ./twofoldtest ./event;./security", "packages to test, fastest first, groups parted by ;")
	flag.Parse()
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("cp", "-a", *tree+"/.", dir).CombinedOutput(); err != nil {
		log.Fatalf("%v %s", err, out)
	}
	var all []mutant
	for _, folder := range flag.Args() {
		all = append(all, find(dir, folder)...)
	}
	log.Printf("%d mutants", len(all))
	if *sample > 0 && *sample < len(all) {
		r := rand.New(rand.NewPCG(*seed, 0))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:*sample]
	}
	run(dir, all, strings.Split(*commands, ";"), *each, *budget)
}

func run(dir string, all []mutant, groups []string, each, budget time.Duration) {
	started := time.Now()
	killed, unbuilt, tried := 0, 0, 0
	var survivors []mutant
	for _, m := range all {
		if budget > 0 && time.Since(started) > budget {
			break
		}
		path := filepath.Join(dir, m.file)
		original, err := os.ReadFile(path)
		if err != nil {
			log.Fatal(err)
		}
		changed, _ := mutate(original, m.file, m.index)
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			log.Fatal(err)
		}
		verdict := test(dir, groups, each)
		if err := os.WriteFile(path, original, 0o644); err != nil {
			log.Fatal(err)
		}
		tried++
		switch verdict {
		case "survived":
			survivors = append(survivors, m)
		case "does not build":
			unbuilt++
		default:
			killed++
		}
		log.Printf("%s %s: %s", m.where, m.what, verdict)
	}
	fmt.Printf("%d tried, %d killed, %d do not build, %d survived\n", tried, killed, unbuilt, len(survivors))
	for _, m := range survivors {
		fmt.Printf("survivor: %s %s\n", m.where, m.what)
	}
}

func test(dir string, groups []string, each time.Duration) string {
	ctx, cancel := context.WithTimeout(context.Background(), each)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "vet", "./login", "./web", ".")
	build.Dir = dir
	if build.Run() != nil {
		return "does not build"
	}
	for _, g := range groups {
		cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-failfast"}, strings.Fields(g)...)...)
		cmd.Dir = dir
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, io.Discard
		if err := cmd.Run(); err != nil {
			for line := range strings.SplitSeq(out.String(), "\n") {
				if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
					return "killed by " + strings.Fields(rest)[0]
				}
			}
			return "killed"
		}
	}
	return "survived"
}

func find(dir, folder string) []mutant {
	files, err := filepath.Glob(filepath.Join(dir, folder, "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	var out []mutant
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			log.Fatal(err)
		}
		rel, err := filepath.Rel(dir, f)
		if err != nil {
			log.Fatal(err)
		}
		_, list := mutate(src, rel, -1)
		out = append(out, list...)
	}
	return out
}

// mutate returns the source with the mutation of that index, and all there are.
func mutate(src []byte, name string, index int) ([]byte, []mutant) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		log.Fatal(err)
	}
	var list []mutant
	at := func(pos token.Pos, what string, apply func()) {
		if len(list) == index {
			apply()
		}
		list = append(list, mutant{file: name, index: len(list), where: fset.Position(pos).String(), what: what})
	}
	swaps := map[token.Token]token.Token{
		token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS,
		token.GTR: token.GEQ, token.GEQ: token.GTR, token.LAND: token.LOR, token.LOR: token.LAND,
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			at(n.Cond.Pos(), "if inverted", func() { n.Cond = &ast.UnaryExpr{Op: token.NOT, X: &ast.ParenExpr{X: n.Cond}} })
		case *ast.BinaryExpr:
			if to, ok := swaps[n.Op]; ok {
				from := n.Op
				at(n.OpPos, fmt.Sprintf("%s for %s", to, from), func() { n.Op = to })
			}
		case *ast.BlockStmt:
			for i, s := range n.List {
				if _, ok := s.(*ast.ExprStmt); ok {
					at(s.Pos(), "call left out", func() { n.List[i] = &ast.EmptyStmt{Implicit: true} })
				}
			}
		}
		return true
	})
	var b bytes.Buffer
	if err := format.Node(&b, fset, file); err != nil {
		log.Fatal(err)
	}
	return b.Bytes(), list
}
