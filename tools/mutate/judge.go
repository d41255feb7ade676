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

// test is one test function, with its cost and the mutants that it reaches.
type test struct {
	Package, Name string
	Takes         time.Duration // of a processor
	Reaches       []int
	Fails         bool // without any mutant
	program       program
	said          string
}

// probe runs every test once without a mutant.
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
			if !known[p.pkg+" "+name] && o.judges(name) {
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
		return t.Fails || len(t.Reaches) == 0 || !o.judges(t.Name)
	})
	// Quick tests that reach few mutants run first, since they test these mutants most directly.
	slices.SortFunc(tests, func(a, b test) int {
		return cmp.Or(cmp.Compare(int(a.Takes)*len(a.Reaches), int(b.Takes)*len(b.Reaches)),
			cmp.Compare(a.Name, b.Name))
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
	v := o.try(t.program, []string{t.Name}, true, 5*time.Minute, "MUTANT_HITS="+hits.Name())
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

// hanging is added to the output of a program that was stopped.
const hanging = "it hangs"

func (o options) try(p program, names []string, first bool, limit time.Duration, env string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.file, fmt.Sprint("-test.failfast=", first), "-test.run",
		"^("+strings.Join(names, "|")+")$")
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "MUTANT_HASHES="+filepath.Join(o.dir, "hashes"), env)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		out.WriteString(hanging)
	}
	v := outcome{failed: err != nil, output: out.String()}
	if cmd.ProcessState != nil {
		v.took = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return v
}

// verdict is the result for one mutant: Killer is the test that detected it, Said its output, and
// Tried the number of tests among those in Reach that did not detect it.
type verdict struct {
	Mutant       int
	Killer, Said string
	Tried, Reach int
}

// open reports whether some tests have not tried it yet.
func (v verdict) open() bool { return v.Killer == "" && v.Tried < v.Reach }

func (v verdict) String() string {
	switch {
	case v.Killer != "":
		return "killed by " + v.Killer
	case v.Reach == 0:
		return "not reached"
	case v.open():
		return fmt.Sprintf("survives %d of %d", v.Tried, v.Reach)
	}
	return fmt.Sprintf("survived %d", v.Tried)
}

// judge tries all mutants and reports the results.
func (o options) judge(all []mutant, tests []test) error {
	file, earlier, err := open[verdict](filepath.Join(o.dir, "verdicts"))
	if err != nil {
		return err
	}
	j := &jury{options: o, tests: tests, file: file, verdicts: make([]verdict, len(all)+1)}
	for _, v := range earlier {
		j.verdicts[v.Mutant] = v
	}
	chosen := slices.DeleteFunc(slices.Clone(all),
		func(m mutant) bool { return !o.only.MatchString(m.Where + " " + m.Function) })
	err = each(o.parallel, chosen, j.alone)
	if err == nil {
		chosen = slices.DeleteFunc(chosen, func(m mutant) bool { return !j.verdicts[m.Number].open() })
		slices.SortFunc(chosen, func(a, b mutant) int { // alike are those that many tests reach
			return cmp.Or(cmp.Compare(j.verdicts[a.Number].Reach, j.verdicts[b.Number].Reach),
				cmp.Compare(a.Number, b.Number))
		})
		err = each(o.parallel, apart(chosen, o.together), j.group)
	}
	report(all, j.verdicts)
	return err
}

// apart forms groups of limited size without two mutants of one function, since one might hide the
// other.
func apart(all []mutant, size int) (groups [][]mutant) {
	for _, m := range all {
		i := slices.IndexFunc(groups, func(g []mutant) bool {
			return len(g) < size && !slices.ContainsFunc(g,
				func(other mutant) bool { return other.Function == m.Function })
		})
		if i < 0 {
			groups, i = append(groups, nil), len(groups)
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// jury holds the tests with their results.
type jury struct {
	options
	tests    []test
	file     *notes[verdict]
	verdicts []verdict // by number; each is written by one worker
}

func (j *jury) note(m mutant, v verdict) error {
	if before := j.verdicts[m.Number]; v == before {
		return nil
	}
	j.verdicts[m.Number] = v
	log.Printf("%s: %s", m, v)
	return j.file.add(v)
}

func (j *jury) reaching(group ...mutant) (out []test) {
	for _, t := range j.tests {
		if slices.ContainsFunc(group, func(m mutant) bool { return slices.Contains(t.Reaches, m.Number) }) {
			out = append(out, t)
		}
	}
	return out
}

// alone tries one mutant with the quickest tests that reach it.
func (j *jury) alone(m mutant) error {
	v := j.verdicts[m.Number]
	if v.Killer != "" {
		return nil
	}
	reaching := j.reaching(m)
	if v.Mutant != 0 && v.Reach == len(reaching) {
		return nil
	}
	v = verdict{Mutant: m.Number, Reach: len(reaching)} // again, if there are other tests now
	reaching = reaching[:min(j.tries, len(reaching))]
	for _, size := range []int{4, len(reaching)} {
		batch := reaching[:min(size, len(reaching))]
		reaching = reaching[len(batch):]
		if failing := j.failing(batch, true, m); len(failing) > 0 {
			v.Killer, v.Said = failing[0].Name, failing[0].said
			return j.note(m, v)
		}
		v.Tried += len(batch)
	}
	return j.note(m, v)
}

// group tries several mutants at once, which few tests reached without detecting them, with all
// tests that reach any of them. If a test fails, group finds the mutant that caused it and
// continues without it.
func (j *jury) group(group []mutant) error {
	for batch := range slices.Chunk(j.reaching(group...), 40) {
		failing := j.failing(batch, false, group...)
		for len(failing) > 0 {
			t := failing[0]
			guilty, said := j.guilty(t, group)
			if said == "" {
				failing = failing[1:]
				continue
			}
			v := j.verdicts[guilty.Number]
			v.Killer, v.Said = t.Name, said
			if err := j.note(guilty, v); err != nil {
				return err
			}
			group = slices.DeleteFunc(group, func(m mutant) bool { return m == guilty })
			failing = j.failing(failing, false, group...)
		}
	}
	for _, m := range group {
		v := j.verdicts[m.Number]
		v.Tried = v.Reach
		if err := j.note(m, v); err != nil {
			return err
		}
	}
	return nil
}

// guilty returns the mutant of a group that makes a test fail, and the test's output.
func (j *jury) guilty(t test, group []mutant) (mutant, string) {
	if len(j.failing([]test{t}, true, group...)) == 0 {
		return mutant{}, "" // not again: it failed of something else
	}
	for len(group) > 1 {
		half := group[:len(group)/2]
		if len(j.failing([]test{t}, true, half...)) == 0 {
			half = group[len(group)/2:]
		}
		group = half
	}
	if failing := j.failing([]test{t}, true, group...); len(failing) > 0 {
		return group[0], failing[0].said
	}
	return mutant{}, "" // only of several together
}

// failing returns the tests that fail with the mutants: the first one, or all.
func (j *jury) failing(tests []test, first bool, on ...mutant) (out []test) {
	env := "MUTANT="
	for _, m := range on {
		env += fmt.Sprint(m.Number, ",")
	}
	byProgram := map[program][]test{}
	for _, t := range tests {
		byProgram[t.program] = append(byProgram[t.program], t)
	}
	for p, tests := range byProgram {
		limit := 2 * time.Minute
		var names []string
		for _, t := range tests {
			names, limit = append(names, t.Name), limit+10*t.Takes
		}
		r := j.try(p, names, first, limit, env)
		if !r.failed {
			continue
		}
		said := failures(r.output)
		if said["the program"] != "" && !first && len(tests) > 1 { // the others were not heard
			for _, t := range tests {
				out = append(out, j.failing([]test{t}, true, on...)...)
			}
			continue
		}
		for _, t := range tests {
			if t.said = cmp.Or(said[t.Name], said["the program"]); t.said != "" {
				out = append(out, t)
			}
		}
		if first && len(out) > 0 {
			return out
		}
	}
	return out
}

// failures returns the tests that failed with their output, or "the program" if it ended early.
func failures(output string) map[string]string {
	said := map[string]string{}
	rest := output
	for found := true; found; {
		if _, rest, found = strings.Cut(rest, "--- FAIL: "); found {
			name, what, _ := strings.Cut(rest, "\n")
			what, _, _ = strings.Cut(what, "--- FAIL: ")
			name, _, _ = strings.Cut(name, " ")
			said[name] = cmp.Or(short(what), "failed")
		}
	}
	if len(said) == 0 || strings.Contains(output, "panic: ") || strings.Contains(output, hanging) {
		said["the program"] = cmp.Or(short(output), "ended")
	}
	return said
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
