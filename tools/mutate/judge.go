package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// test is one test function, how long it takes and which mutants it reaches.
type test struct {
	program
	name    string
	takes   time.Duration
	reaches map[int]bool
}

// probe runs every test once, with no mutant on.
func probe(programs []program, dir string) ([]test, error) {
	var tests []test
	for _, p := range programs {
		list := exec.Command(p.file, "-test.list", "^Test")
		list.Dir = p.dir
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.pkg, err)
		}
		for name := range strings.FieldsSeq(string(out)) {
			t := test{program: p, name: name, reaches: map[int]bool{}}
			hits := filepath.Join(dir, "hits")
			os.Remove(hits)
			started := time.Now()
			if failed, output := t.run([]string{name}, 5*time.Minute, "MUTANT_HITS="+hits); failed {
				log.Printf("left out, it fails without any mutant: %s %s\n%s", p.pkg, name, output)
				continue
			}
			t.takes = time.Since(started)
			raw, err := os.ReadFile(hits)
			if err != nil && !os.IsNotExist(err) {
				return nil, err
			}
			for line := range strings.FieldsSeq(string(raw)) {
				if n, err := strconv.Atoi(line); err == nil {
					t.reaches[n] = true
				}
			}
			if len(t.reaches) > 0 {
				tests = append(tests, t)
			}
		}
		log.Printf("%s: probed", p.pkg)
	}
	slices.SortFunc(tests, func(a, b test) int { return int(a.takes - b.takes) })
	return tests, nil
}

func (p program) run(names []string, limit time.Duration, env ...string) (failed bool, output string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.file, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), env...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return err != nil, out.String()
}

// judge tries one mutant by the tests that reach it: a few of the quickest,
// then more, then all.
func judge(m mutant, tests []test) string {
	var reaching []test
	for _, t := range tests {
		if t.reaches[m.number] {
			reaching = append(reaching, t)
		}
	}
	if len(reaching) == 0 {
		return "not reached"
	}
	for _, size := range []int{5, 20, len(reaching)} {
		batch := reaching[:min(size, len(reaching))]
		reaching = reaching[len(batch):]
		byProgram := map[program][]string{}
		limit := map[program]time.Duration{}
		for _, t := range batch {
			byProgram[t.program] = append(byProgram[t.program], t.name)
			limit[t.program] += t.takes
		}
		for p, names := range byProgram {
			if failed, output := p.run(names, 30*time.Second+5*limit[p], fmt.Sprint("MUTANT=", m.number)); failed {
				return "killed by " + culprit(output)
			}
		}
	}
	return "survived"
}

// culprit is the first test that failed.
func culprit(output string) string {
	for line := range strings.SplitSeq(output, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return strings.Fields(rest)[0]
		}
	}
	if strings.Contains(output, "panic:") {
		return "a panic"
	}
	return "hanging"
}
