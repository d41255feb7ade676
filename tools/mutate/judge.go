package main

import (
	"bytes"
	"cmp"
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

// test is one test function, what it costs and which mutants it reaches.
type test struct {
	Package, Name string
	Takes         time.Duration // of a processor
	Reaches       []int
	Fails         bool // without any mutant
	program       program
}

// probe runs every test once, with no mutant on.
func (o options) probe(programs []program) ([]test, error) {
	file, tests, err := open[test](filepath.Join(o.dir, "tests"))
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, t := range tests {
		known[t.Package+" "+t.Name] = true
	}
	var missing []test
	for _, p := range programs {
		list := exec.Command(p.file, "-test.list", "^Test")
		list.Dir = p.dir
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.pkg, err)
		}
		for i := range tests {
			if tests[i].Package == p.pkg {
				tests[i].program = p
			}
		}
		for name := range strings.FieldsSeq(string(out)) {
			if !known[p.pkg+" "+name] && !o.skip.MatchString(name) {
				missing = append(missing, test{Package: p.pkg, Name: name, program: p})
			}
		}
	}
	log.Printf("%d tests to probe", len(missing))
	found := make(chan test, len(missing))
	err = each(o.parallel, missing, func(t test) error {
		if err := o.reach(&t); err != nil {
			return err
		}
		found <- t
		return file.add(t)
	})
	close(found)
	for t := range found {
		tests = append(tests, t)
	}
	tests = slices.DeleteFunc(tests, func(t test) bool {
		if t.Fails {
			log.Printf("left out, it fails without any mutant: %s %s", t.Package, t.Name)
		}
		return t.Fails || len(t.Reaches) == 0 || o.skip.MatchString(t.Name)
	})
	// Quick tests that reach little go first: what they reach is what they are about.
	slices.SortFunc(tests, func(a, b test) int {
		return cmp.Or(cmp.Compare(int(a.Takes)*len(a.Reaches), int(b.Takes)*len(b.Reaches)), cmp.Compare(a.Name, b.Name))
	})
	return tests, err
}

func (o options) reach(t *test) error {
	hits, err := os.CreateTemp(o.dir, "hits")
	if err != nil {
		return err
	}
	defer os.Remove(hits.Name())
	defer hits.Close()
	v := o.try(t.program, []string{t.Name}, 5*time.Minute, "MUTANT_HITS="+hits.Name())
	t.Takes, t.Fails = v.took, v.failed
	raw, err := os.ReadFile(hits.Name())
	for line := range strings.FieldsSeq(string(raw)) {
		if n, err := strconv.Atoi(line); err == nil && !slices.Contains(t.Reaches, n) {
			t.Reaches = append(t.Reaches, n)
		}
	}
	return err
}

type outcome struct {
	failed bool
	output string
	took   time.Duration
}

func (o options) try(p program, names []string, limit time.Duration, env ...string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.file, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir, cmd.Env = p.dir, append(append(os.Environ(), "MUTANT_HASHES="+filepath.Join(o.dir, "hashes")), env...)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		out.WriteString("\n--- FAIL: hanging\n")
	}
	v := outcome{failed: err != nil, output: out.String()}
	if cmd.ProcessState != nil {
		v.took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return v
}

// verdict is what came of one mutant: Killer is the test that noticed it, Said
// what it said, Tried how many of those that Reach it did not.
type verdict struct {
	Mutant       int
	Killer, Said string
	Tried, Reach int
}

func (v verdict) String() string {
	switch {
	case v.Killer != "":
		return "killed by " + v.Killer
	case v.Reach == 0:
		return "not reached"
	case v.Tried < v.Reach:
		return fmt.Sprintf("survives %d of %d", v.Tried, v.Reach)
	}
	return fmt.Sprintf("survived %d", v.Tried)
}

// judge tries all mutants and reports.
func (o options) judge(all []mutant, tests []test) error {
	file, earlier, err := open[verdict](filepath.Join(o.dir, "verdicts"))
	if err != nil {
		return err
	}
	verdicts := make([]verdict, len(all)+1)
	for _, v := range earlier {
		verdicts[v.Mutant] = v
	}
	err = each(o.parallel, all, func(m mutant) error {
		if !o.only.MatchString(m.Where + " " + m.Function) {
			return nil
		}
		before := verdicts[m.Number]
		v := o.decide(m, before, tests)
		verdicts[m.Number] = v
		log.Printf("%s: %s", m, v)
		if v == before {
			return nil
		}
		return file.add(v)
	})
	report(all, verdicts)
	return err
}

// decide tries one mutant by the tests that reach it and have not yet: a few,
// then more, then all.
func (o options) decide(m mutant, v verdict, tests []test) verdict {
	if v.Killer != "" {
		return v
	}
	var reaching []test
	for _, t := range tests {
		if slices.Contains(t.Reaches, m.Number) {
			reaching = append(reaching, t)
		}
	}
	v.Mutant, v.Reach = m.Number, len(reaching)
	if o.tries > 0 && o.tries < len(reaching) {
		reaching = reaching[:o.tries]
	}
	reaching = reaching[min(v.Tried, len(reaching)):]
	for _, size := range []int{4, 16, len(reaching)} {
		batch := reaching[:min(size, len(reaching))]
		reaching = reaching[len(batch):]
		byProgram := map[program][]string{}
		limit := map[program]time.Duration{}
		for _, t := range batch {
			byProgram[t.program] = append(byProgram[t.program], t.Name)
			limit[t.program] += t.Takes
		}
		for p, names := range byProgram {
			if r := o.try(p, names, 2*time.Minute+10*limit[p], fmt.Sprint("MUTANT=", m.Number)); r.failed {
				v.Killer, v.Said = culprit(r.output)
				return v
			}
		}
		v.Tried += len(batch)
	}
	return v
}

// culprit is the first test that failed, and what it said.
func culprit(output string) (name, said string) {
	_, after, ok := strings.Cut(output, "--- FAIL: ")
	if !ok {
		return "a panic", short(output)
	}
	name, said, _ = strings.Cut(after, "\n")
	return strings.Fields(name)[0], short(said)
}

func report(all []mutant, verdicts []verdict) {
	type count struct{ all, killed, survived, unreached int }
	counts := map[string]*count{}
	var folders []string
	for _, m := range all {
		folder, v := filepath.Dir(m.Where), verdicts[m.Number]
		c := counts[folder]
		if c == nil {
			c = &count{}
			counts[folder], folders = c, append(folders, folder)
		}
		switch c.all++; {
		case v.Mutant == 0:
			continue
		case v.Killer != "":
			c.killed++
			continue
		case v.Reach == 0:
			c.unreached++
		default:
			c.survived++
		}
		fmt.Printf("%s: %s\n", m, v)
	}
	for _, f := range folders {
		c := counts[f]
		fmt.Printf("%s: %d, %d killed, %d survived, %d not reached, %d not tried\n",
			f, c.all, c.killed, c.survived, c.unreached, c.all-c.killed-c.survived-c.unreached)
	}
}
