package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// flatCommand compares databases of several sizes. The cost of a request and of a sign-in must not
// grow with the size.
func flatCommand(ctx context.Context, args []string, out io.Writer) error {
	var sizes, server string
	r := recipe{out: out}
	f := flag.NewFlagSet("bench flat", flag.ContinueOnError)
	f.StringVar(&r.dir, "dir", "",
		"`directory` that keeps the files of SQLite for the next time; a temporary one if empty")
	f.StringVar(&server, "postgres", "", "`URL` of a PostgreSQL on this machine to measure in place of SQLite; the "+
		"schemas bench<users> in it are filled and kept")
	f.StringVar(&sizes, "users", "1000,100000,1000000", "sizes to compare, the smallest first")
	r.flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	c := comparison{recipe: &r, server: server, cost: map[string][]series{}}
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || len(c.sizes) > 0 && n <= c.sizes[len(c.sizes)-1] {
			return errors.New("-users: give numbers, the smallest first")
		}
		c.sizes = append(c.sizes, n)
	}
	if server != "" {
		var err error
		if r.database, err = postmaster(ctx, server); err != nil {
			return err
		}
	}
	return r.run(ctx, c.seed, c.measure, c.print)
}

type comparison struct {
	*recipe
	server string
	sizes  []int
	places []place
	kinds  []string            // in the order of the table
	cost   map[string][]series // by kind, then by size
}

func (c *comparison) seed(ctx context.Context) error {
	for _, n := range c.sizes {
		at := place(filepath.Join(c.dir, fmt.Sprintf("%d.db", n)))
		if c.server != "" {
			var err error
			if at, err = schema(ctx, c.server, n); err != nil {
				return err
			}
		}
		c.places = append(c.places, at)
		if err := seedCommand(ctx, []string{"-db", string(at), "-users", strconv.Itoa(n)}, io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// measure alternates between the sizes within each round. Every database has two servers: one with
// default settings and one without a session cache, because a small database's sessions would all
// fit into the cache.
func (c *comparison) measure(ctx context.Context) error {
	var usual, reading []*running
	defer func() {
		for _, s := range slices.Concat(usual, reading) {
			_ = s.stop()
		}
	}()
	for i, n := range c.sizes {
		for _, to := range []struct {
			list *[]*running
			more []string
		}{{&usual, nil}, {&reading, []string{"-cache=false"}}} {
			s, err := c.serve(ctx, c.places[i], n, 0, to.more...)
			if err != nil {
				return err
			}
			*to.list = append(*to.list, s)
		}
	}
	for range c.rounds {
		for _, l := range []struct {
			what, kind string
			servers    []*running
			clients    int
		}{
			{"request, session in memory", "guarded", usual, c.clients},
			{"request, session read each time", "spread", reading, c.clients},
			{"sign-in besides the hash", "signin", usual, 1},
		} {
			if !slices.Contains(c.kinds, l.what) {
				c.kinds = append(c.kinds, l.what)
				c.cost[l.what] = make([]series, len(c.sizes))
			}
			for i, s := range l.servers {
				got, err := c.load(ctx, s, 1, l.kind, l.clients)
				if err != nil {
					return err
				}
				c.cost[l.what][i] = append(c.cost[l.what][i], got.CPU-got.Hash)
			}
		}
	}
	return nil
}

func (c *comparison) print(context.Context) error {
	var b strings.Builder
	c.machine(&b)
	b.WriteString("\n\n| CPU of |")
	for _, n := range c.sizes {
		fmt.Fprintf(&b, " %d users |", n)
	}
	b.WriteString(" most / least | spread of the rounds |\n|---|" + strings.Repeat("---|", len(c.sizes)+2) + "\n")
	for _, kind := range c.kinds {
		fmt.Fprintf(&b, "| %s |", kind)
		for _, s := range c.cost[kind] {
			fmt.Fprintf(&b, " %.3f ms |", s.median())
		}
		ratio := over(c.cost[kind][len(c.sizes)-1], c.cost[kind][0])
		fmt.Fprintf(&b, " %.2f | %s |\n", ratio.median(), ratio.noise())
	}
	_, err := io.WriteString(c.out, b.String())
	return err
}
