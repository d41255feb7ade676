package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The kinds of load, with the meaning of one operation.
const kinds = `bare     GET /bare
guarded  GET /guarded, each client with its own session
verdict  GET /auth/verify as nginx asks it, each client with its own session
spread   GET /guarded, each time with another session, which is not in memory
touch    GET /guarded, each time with a session not seen for a minute
signin   POST /login and POST /tf-validate, each time another user
hash     GET /hash: the password hash alone`

type loadOptions struct {
	url               string
	pid, also         int
	clients           int
	warm, duration    time.Duration
	kind              string
	users, from, many int
	peer              string
}

func (o loadOptions) at() peer {
	if o.peer == "" {
		return peers["twofold"]
	}
	return peers[o.peer]
}

func loadCommand(ctx context.Context, args []string, out io.Writer) error {
	var o loadOptions
	f := flag.NewFlagSet("bench load", flag.ContinueOnError)
	f.StringVar(&o.url, "url", "", "`address` of the server, as it printed it")
	f.IntVar(&o.pid, "pid", 0, "the server's process, to read its CPU")
	f.IntVar(&o.also, "also", 0, "another process whose children's CPU counts too: PostgreSQL's first")
	f.IntVar(&o.clients, "clients", 64, "keep-alive clients, each its own user")
	f.DurationVar(&o.warm, "warm", 500*time.Millisecond, "how long to warm up")
	f.DurationVar(&o.duration, "duration", 5*time.Second, "how long to measure")
	f.StringVar(&o.kind, "kind", "guarded", "what to send:\n"+kinds+"\n")
	f.IntVar(&o.users, "users", 1000, "users in the database")
	f.IntVar(&o.from, "from", 0, "number of the first user to take; a code works once, so let each run of sign-ins "+
		"begin where the last one ended")
	f.IntVar(&o.many, "n", 1, "hashes per request of kind hash")
	f.StringVar(&o.peer, "peer", "twofold", "the system that is measured: "+peerNames())
	asJSON := f.Bool("json", false, "print the result as JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	r, err := load(ctx, o)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	fmt.Fprint(out, r)
	return nil
}

// result is the result of one load. Times per operation are in milliseconds.
type result struct {
	Kind     string         `json:"kind"`
	Clients  int            `json:"clients"`
	N        int            `json:"n"` // operations that were answered as they should be
	PerSec   float64        `json:"per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Max      float64        `json:"max_ms"`
	CPU      float64        `json:"cpu_ms"`      // of the server, from /proc, and of its database
	Database float64        `json:"database_ms"` // of it: the database's, if that has processes of its own
	Hash     float64        `json:"hash_cpu_ms"` // of it: while it hashed; known for one client only
	Errors   map[string]int `json:"errors,omitempty"`
	NextUser int            `json:"next_user"` // where the next run may begin
}

func (r result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %3d clients: %8.0f/s  p50 %.3f  p99 %.3f  max %.1f ms  server CPU %.4f ms each",
		r.Kind, r.Clients, r.PerSec, r.P50, r.P99, r.Max, r.CPU)
	if r.Hash > 0 {
		fmt.Fprintf(&b, " (%.3f besides the hash)", r.CPU-r.Hash)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(&b, "  %s: %d", k, r.Errors[k])
	}
	return b.String() + "\n"
}

// worker is one client with its range of users.
type worker struct {
	loadOptions
	client
	people []person // for kinds that take another one each time
	next   int
	own    string // cookie of the client's own session

	took   []time.Duration
	errors map[string]int
}

// errOut is returned if a worker has no unused user left.
var errOut = errors.New("out of users")

func load(ctx context.Context, o loadOptions) (result, error) {
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" {
		return result{}, errors.New("-url: give the address that the server printed")
	}
	if o.at().login == "" {
		return result{}, fmt.Errorf("-peer: %q is not one of %s", o.peer, peerNames())
	}
	if (&worker{loadOptions: o}).op() == nil {
		return result{}, fmt.Errorf("-kind: %q is not one of\n%s", o.kind, kinds)
	}
	if o.clients < 1 {
		return result{}, errors.New("-clients: at least one is needed")
	}
	if n := o.needed(o.clients); o.users < n {
		return result{}, fmt.Errorf("-users: %d clients of kind %s need at least %d users in the database", o.clients,
			o.kind, n)
	}
	team := o.team(u.Host)
	defer func() {
		for _, w := range team {
			w.close()
		}
	}()
	// Both phases begin and end without pending requests, so that the count and the cost belong to
	// the same operations.
	start := time.Now()
	if err := phase(ctx, team, o.warm); err != nil {
		return result{}, err
	}
	warmed, taken := time.Since(start), 0
	for _, w := range team {
		w.took, w.errors = w.took[:0], map[string]int{}
		taken += w.next
	}
	before, err := o.meter(u.Host)
	if err != nil {
		return result{}, err
	}
	start = time.Now()
	if err := phase(ctx, team, o.duration); err != nil {
		return result{}, err
	}
	elapsed := time.Since(start)
	after, err := o.meter(u.Host)
	if err != nil {
		return result{}, err
	}
	r := o.sum(team, elapsed, before, after)
	switch {
	case r.N > 0:
	case len(r.Errors) > 0:
		return r, fmt.Errorf("no request was answered as it should be: %v", r.Errors)
	case taken > 0:
		return r, o.usedUp(float64(taken) / warmed.Seconds())
	default:
		return r, errors.New("-duration: no request was answered in that time")
	}
	return r, nil
}

// needed returns the number of users required to have so many suitable for the kind. See
// person.away.
func (o loadOptions) needed(suited int) int {
	switch o.kind {
	case "touch":
		return 10 * suited
	case "spread":
		return suited + (suited-1)/9
	}
	return suited
}

// usedUp returns how many users the kind uses at a rate per second.
func (o loadOptions) usedUp(rate float64) error {
	n := int(rate*(o.warm+o.duration).Seconds()) + 1
	return fmt.Errorf("-users: the warm-up used up all users that suit kind %s; "+
		"to warm up for %v and measure for %v takes about %d users", o.kind, o.warm, o.duration, o.needed(n))
}

// team divides the users among the clients.
func (o loadOptions) team(addr string) []*worker {
	team := make([]*worker, o.clients)
	for i := range team {
		p := person((o.from + i) % o.users)
		team[i] = &worker{loadOptions: o, client: client{addr: addr}, own: "twofold=" + p.token()}
	}
	for _, w := range team {
		if o.at().foreign {
			w.own = ""
		}
	}
	dealt := 0
	for i := range o.users {
		p := person((o.from + i) % o.users)
		if o.kind == "signin" || p.away() == (o.kind == "touch") {
			w := team[dealt%len(team)]
			w.people = append(w.people, p)
			dealt++
		}
	}
	return team
}

func phase(ctx context.Context, team []*worker, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	for _, w := range team {
		all.Go(func() { w.run(ctx) })
	}
	all.Wait()
	if err := ctx.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (w *worker) run(ctx context.Context) {
	if w.errors == nil {
		w.errors = map[string]int{}
	}
	op := w.op()
	for ctx.Err() == nil {
		start := time.Now()
		status, err := op()
		switch {
		case errors.Is(err, errOut):
			return
		case err != nil:
			w.errors[err.Error()]++
			if errors.Is(err, context.Canceled) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		case status != 200:
			w.errors[fmt.Sprintf("status %d", status)]++
		default:
			w.took = append(w.took, time.Since(start))
		}
	}
}

// op returns one operation of the kind, or nil for an unknown kind.
func (w *worker) op() func() (int, error) {
	switch w.kind {
	case "bare":
		return func() (int, error) { return w.get("/bare", w.own) }
	case "guarded":
		return w.guarded
	case "verdict":
		return func() (int, error) { return w.get("/auth/verify", w.own) }
	case "spread":
		return func() (int, error) { return w.get("/guarded", "twofold="+w.person().token()) }
	case "touch":
		return func() (int, error) {
			if w.next >= len(w.people) {
				return 0, errOut
			}
			return w.get("/guarded", "twofold="+w.person().token())
		}
	case "signin":
		return w.signIn
	case "hash":
		path := fmt.Sprintf("/hash?n=%d", w.many)
		return func() (int, error) { return w.get(path, "") }
	}
	return nil
}

// person returns the next person of the client's range, starting over at its end.
func (w *worker) person() person {
	p := w.people[w.next%len(w.people)]
	w.next++
	return p
}

func (w *worker) get(path, cookie string) (int, error) {
	r, err := w.do("GET", path, cookie, nil)
	return r.status, err
}

// signIn is a complete sign-in of a user who has not signed in during this run.
func (w *worker) signIn() (int, error) {
	if w.next >= len(w.people) {
		return 0, errOut
	}
	status, _, err := w.client.signIn(w.at(), w.person())
	return status, err
}

// guarded is a request of the client's own user. If the server is a peer, the user signs in first.
func (w *worker) guarded() (int, error) {
	if w.at().foreign && w.own == "" {
		status, session, err := w.client.signIn(w.at(), w.person())
		if err != nil || status != 200 {
			return status, err
		}
		w.own = session
	}
	return w.get("/guarded", w.own)
}

// reading is a reading of the server's counters.
type reading struct {
	cpu      time.Duration
	database time.Duration // CPU of the database's processes
	stats
}

func (o loadOptions) meter(addr string) (r reading, err error) {
	if o.pid != 0 {
		if r.cpu, err = processCPU(o.pid); err != nil {
			return r, err
		}
	}
	if o.also != 0 {
		if r.database, err = childrenCPU(o.also); err != nil {
			return r, err
		}
	}
	if o.at().foreign && o.pid != 0 {
		children, err := familyCPU(o.pid)
		r.cpu += children
		return r, err
	}
	if o.kind != "signin" && o.kind != "hash" {
		return r, nil
	}
	c := client{addr: addr}
	defer c.close()
	answer, err := c.do("GET", "/stats", "", nil)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(answer.body, &r.stats); err != nil {
		return r, err
	}
	if r.CPU > 0 { // finer than /proc: a sign-in is no more than a few of its ticks
		r.cpu = r.CPU
	}
	return r, nil
}

func (o loadOptions) sum(team []*worker, elapsed time.Duration, before, after reading) result {
	r := result{Kind: o.kind, Clients: o.clients, Errors: map[string]int{}}
	var took []time.Duration
	used := 0
	for _, w := range team {
		took = append(took, w.took...)
		used = max(used, w.next)
		for k, n := range w.errors {
			r.Errors[k] += n
		}
	}
	r.NextUser = (o.from + used*o.clients) % o.users
	r.N = len(took)
	if r.N == 0 {
		return r
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	r.P50, r.P99, r.Max = ms(took[r.N/2]), ms(took[r.N*99/100]), ms(took[r.N-1])
	// A request of kind hash counts as one operation per hash.
	n := float64(r.N)
	if o.kind == "hash" {
		n *= float64(max(o.many, 1))
	}
	r.PerSec = n / elapsed.Seconds()
	r.Database = ms(after.database-before.database) / n
	r.CPU = ms(after.cpu-before.cpu)/n + r.Database
	if o.clients == 1 { // else other requests' work would be in it
		r.Hash = ms(after.Hash-before.Hash) / n
	}
	return r
}
