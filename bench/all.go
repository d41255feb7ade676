package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func allCommand(ctx context.Context, args []string, out io.Writer) error {
	r := recipe{out: out}
	f := flag.NewFlagSet("bench all", flag.ContinueOnError)
	f.StringVar(&r.dir, "dir", "", "`directory` that keeps the databases for the next time; a temporary one if empty")
	f.IntVar(&r.users, "users", 100_000, "users and sessions")
	r.flags(f)
	f.BoolVar(&r.size, "size", true, "build the server to see how big it is")
	if err := f.Parse(args); err != nil {
		return err
	}
	return r.run(ctx, r.seed, r.start, r.guard, r.signIn, r.crowd, r.binary, r.print)
}

func (r *recipe) flags(f *flag.FlagSet) {
	f.IntVar(&r.rounds, "rounds", 5, "how often each load runs; they take turns")
	f.DurationVar(&r.duration, "duration", 2*time.Second, "how long each load runs")
	f.IntVar(&r.clients, "clients", 64, "clients of the loads that want many")
}

// recipe holds the parameters of the whole measurement.
type recipe struct {
	out             io.Writer
	dir             string
	users           int
	rounds, clients int
	duration        time.Duration
	size            bool

	self     string
	pin      bool
	database int           // process id of PostgreSQL's first process, if that is measured
	from     map[place]int // first user that has not signed in recently
	table    []row
}

type row struct{ what, got, target, noise string }

func (r *recipe) run(ctx context.Context, steps ...func(context.Context) error) (err error) {
	if r.self, err = os.Executable(); err != nil {
		return err
	}
	_, noTaskset := exec.LookPath("taskset")
	r.pin = noTaskset == nil && runtime.NumCPU() >= 2
	r.from = map[place]int{}
	if r.dir == "" && r.database == 0 {
		if r.dir, err = os.MkdirTemp("", "twofold-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(r.dir)
	}
	if r.dir != "" {
		if err := os.MkdirAll(r.dir, 0o755); err != nil {
			return err
		}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *recipe) place() place { return place(filepath.Join(r.dir, fmt.Sprintf("%d.db", r.users))) }

func (r *recipe) seed(ctx context.Context) error {
	return seedCommand(ctx, []string{"-db", string(r.place()), "-users", strconv.Itoa(r.users)}, r.out)
}

// command runs this program again, on one core if possible.
func (r *recipe) command(ctx context.Context, core int, args ...string) *exec.Cmd {
	name := r.self
	if r.pin && core >= 0 {
		name, args = "taskset", append([]string{"-c", strconv.Itoa(core), r.self}, args...)
	}
	c := exec.CommandContext(ctx, name, args...)
	c.Stderr = os.Stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	return c
}

// running is a running server.
type running struct {
	url  string
	pid  int
	cmd  *exec.Cmd
	db   place
	size int
}

// serve starts a server on a database, on one core, or on all cores if core is -1.
func (r *recipe) serve(ctx context.Context, db place, users, core int, more ...string) (*running, error) {
	s := &running{db: db, size: users,
		cmd: r.command(ctx, core, append([]string{"serve", "-db", string(db)}, more...)...)}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscanf(line, "-url http://%s -pid %d", &s.url, &s.pid)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), s.stop())
	}
	return s, nil
}

// stop ends a server and waits for it.
func (s *running) stop() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.cmd.Process.Signal(syscall.SIGTERM), s.cmd.Wait())
}

// load runs one load against a server, in a separate process.
func (r *recipe) load(ctx context.Context, s *running, core int, kind string, clients int,
	more ...string) (result, error) {
	d := r.duration
	if kind == "signin" || kind == "hash" { // some dozens a second, not thousands
		d *= 2
	}
	args := append([]string{
		"load", "-json", "-url", "http://" + s.url, "-pid", strconv.Itoa(s.pid), "-also", strconv.Itoa(r.database),
		"-kind", kind, "-users", strconv.Itoa(s.size),
		"-from", strconv.Itoa(r.from[s.db]), "-clients", strconv.Itoa(min(clients, s.size)), "-duration", d.String(),
		"-warm", (r.duration / 5).String(),
	}, more...)
	c := r.command(ctx, core, args...)
	raw, err := c.Output()
	if err != nil {
		return result{}, fmt.Errorf("load %s: %w", kind, err)
	}
	var got result
	if err := json.Unmarshal(raw, &got); err != nil {
		return result{}, err
	}
	if kind == "signin" {
		r.from[s.db] = got.NextUser
	}
	fmt.Fprintf(r.out, "%8d users  %s", s.size, got)
	if len(got.Errors) > 0 {
		return got, fmt.Errorf("load %s: errors spoil the numbers: %v", kind, got.Errors)
	}
	return got, nil
}

func (r *recipe) add(what, format string, s series, target string) {
	r.table = append(r.table, row{what, fmt.Sprintf(format, s.median()), target, s.noise()})
}

// start measures the time from the program's start to its first answer, and
// memory before any load.
func (r *recipe) start(ctx context.Context) error {
	var took, idle series
	for range r.rounds {
		begin := time.Now()
		s, err := r.serve(ctx, r.place(), r.users, 0)
		if err != nil {
			return err
		}
		c := client{addr: s.url}
		answer, err := c.do("GET", "/guarded", "twofold="+person(0).token(), nil)
		took = append(took, float64(time.Since(begin))/1e6)
		c.close()
		if err == nil && answer.status != 200 {
			err = fmt.Errorf("first answer: status %d", answer.status)
		}
		time.Sleep(r.duration / 4)
		now, _, merr := memory(s.pid)
		if err := errors.Join(err, merr, s.stop()); err != nil {
			return err
		}
		idle = append(idle, now)
	}
	r.add("start to first answered request", "%.0f ms", took, "under 60 ms")
	r.add("memory, idle", "%.0f MiB", idle, "under 30 MB")
	return nil
}

// guard measures requests.
func (r *recipe) guard(ctx context.Context) error {
	s, err := r.serve(ctx, r.place(), r.users, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	rate, cpu := map[string]series{}, map[string]series{}
	for range r.rounds {
		for _, kind := range []string{"bare", "guarded", "verdict", "spread"} {
			got, err := r.load(ctx, s, 1, kind, r.clients)
			if err != nil {
				return err
			}
			rate[kind], cpu[kind] = append(rate[kind], got.PerSec), append(cpu[kind], got.CPU)
		}
	}
	touch, err := r.load(ctx, s, 1, "touch", r.clients)
	if err != nil {
		return err
	}
	r.add("bare handler", "%.0f/s", rate["bare"], "")
	r.add("bare handler, CPU", "%.4f ms", cpu["bare"], "")
	r.add("guarded, session in memory", "%.0f/s", rate["guarded"], "")
	r.add("guarded / bare", "%.2f", over(rate["guarded"], rate["bare"]), "0.75 or more")
	r.add("the same ratio by CPU (bare / guarded)", "%.2f", over(cpu["bare"], cpu["guarded"]), "0.75 or more")
	r.add("guarded - bare, CPU", "%.4f ms", minus(cpu["guarded"], cpu["bare"]), "")
	r.add("verdict of the gate, session in memory", "%.0f/s", rate["verdict"], "")
	r.add("verdict / bare, CPU", "%.2f", over(cpu["verdict"], cpu["bare"]), "2.50 or less")
	r.add("guarded, session read from the database", "%.0f/s", rate["spread"], "")
	r.add("the same / bare", "%.2f", over(rate["spread"], rate["bare"]), "")
	r.add("the same - bare, CPU", "%.4f ms", minus(cpu["spread"], cpu["bare"]), "")
	r.add("guarded, first request in a minute", "%.0f/s", series{touch.PerSec}, "")
	r.add("the same, CPU", "%.3f ms", series{touch.CPU}, "")
	return nil
}

// signIn measures the cost of a sign-in without the hash. It uses one client, so that nothing else
// runs while its password is hashed.
func (r *recipe) signIn(ctx context.Context) error {
	s, err := r.serve(ctx, r.place(), r.users, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	var cost, alone, hash series
	for range r.rounds {
		got, err := r.load(ctx, s, 1, "signin", 1)
		if err != nil {
			return err
		}
		cost, hash = append(cost, got.CPU-got.Hash), append(hash, got.Hash)
		// The CPU time after a bare hash is spent on garbage collection of its 19 MiB, and counts
		// as part of the hash.
		if got, err = r.load(ctx, s, 1, "hash", 1, "-n", "4"); err != nil {
			return err
		}
		alone = append(alone, got.CPU-got.Hash)
	}
	r.add("password hash, CPU", "%.1f ms", hash, "")
	r.add("sign-in without the hash, CPU", "%.2f ms", minus(cost, alone), "at most 1.2 ms")
	r.add("the same with the hash's garbage collection", "%.2f ms", cost, "")
	return nil
}

// crowd measures many concurrent sign-ins on all cores.
func (r *recipe) crowd(ctx context.Context) error {
	s, err := r.serve(ctx, r.place(), r.users, -1)
	if err != nil {
		return err
	}
	defer s.stop()
	var hash, few, many series
	for range r.rounds {
		for _, l := range []struct {
			to      *series
			kind    string
			clients int
		}{{&hash, "hash", r.clients}, {&many, "signin", r.clients}, {&few, "signin", 2 * runtime.NumCPU()}} {
			got, err := r.load(ctx, s, -1, l.kind, l.clients)
			if err != nil {
				return err
			}
			*l.to = append(*l.to, got.PerSec)
		}
	}
	_, peak, err := memory(s.pid)
	if err != nil {
		return err
	}
	r.add(fmt.Sprintf("bare hash, %d clients, all cores", r.clients), "%.1f/s", hash, "")
	r.add(fmt.Sprintf("sign-in, %d clients, all cores", r.clients), "%.1f/s", many, "")
	r.add("sign-ins / bare hashes", "%.2f", over(many, hash), "0.95 or more")
	r.add(fmt.Sprintf("sign-in, %d clients / %d clients", r.clients, 2*runtime.NumCPU()), "%.2f", over(many, few),
		"about 1")
	r.add("peak memory under load", "%.0f MiB", series{peak}, fmt.Sprintf("idle + %d MiB", 19*runtime.NumCPU()))
	return nil
}

// binary builds the server without symbols.
func (r *recipe) binary(ctx context.Context) error {
	if !r.size {
		return nil
	}
	for _, pkg := range []string{"cmd/twofold", "examples/hello"} {
		file := filepath.Join(r.dir, "binary")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file,
			"github.com/twofold-auth/twofold/"+pkg)
		text, err := build.CombinedOutput()
		line := row{what: pkg + ", stripped", target: "under 25 MB"}
		info, serr := os.Stat(file)
		if err = cmp.Or(err, serr); err != nil {
			first, _, _ := bytes.Cut(text, []byte("\n"))
			line.got = "does not build: " + string(first)
		} else {
			line.got = fmt.Sprintf("%.1f MB", float64(info.Size())/1e6)
		}
		_ = os.Remove(file)
		r.table = append(r.table, line)
	}
	return nil
}

func (r *recipe) print(context.Context) error {
	var b strings.Builder
	r.machine(&b)
	b.WriteString("\n\n| what | measured | target | spread of the rounds |\n|---|---|---|---|\n")
	for _, w := range r.table {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", w.what, w.got, w.target, w.noise)
	}
	_, err := io.WriteString(r.out, b.String())
	return err
}

// machine describes the machine and the method of the measurement.
func (r *recipe) machine(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s %s/%s, %d cores, %d rounds of %v", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), r.rounds, r.duration)
	if !r.pin {
		b.WriteString(", nothing pinned")
	}
}
