// Command doorcheck tries attacks on the sign-in of a site and says which work.
//
//	doorcheck -target twofold,leaky              starts these sites on loopback and checks them
//	doorcheck -target twofold -attack totp-race  one attack
//	doorcheck run -driver twofold -url https://login.example.org -mail :2525
//	                                             checks a site of your own
//	doorcheck table -markdown RESULTS.md         one table of what -json wrote to results
//	doorcheck list                               the attacks
//
// A site of your own must let people register, and deliver its mail to the address of
// -mail. Never check a site that is not yours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
	"github.com/twofold-auth/twofold/doorcheck/internal/door"
	"github.com/twofold-auth/twofold/doorcheck/internal/target"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // the sites end with it
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "doorcheck:", err)
		os.Exit(1)
	}
}

// options holds the command-line options.
type options struct {
	targets, attacks, driver, url, mail string
	markdown, json, expect, known       string
	parallel                            int
	mine, trace                         bool
}

func command(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	f := flag.NewFlagSet("doorcheck", flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&o.attacks, "attack", "", "names of attacks, with commas; all if empty")
	f.StringVar(&o.markdown, "markdown", "", "write the table to this file")
	f.StringVar(&o.json, "json", "", "write the results to this file; it keeps those of other attacks")
	f.StringVar(&o.expect, "expect", "", `fail unless every outcome is this: "refused" or "works"`)
	f.StringVar(&o.known, "known", "", "names of attacks that -expect leaves out, with commas")
	f.IntVar(&o.parallel, "parallel", 6, "attacks at a time")
	f.DurationVar(&attack.Freshness, "freshness", attack.Freshness,
		"how old a proof may be for a change, as the site is set")
	f.BoolVar(&o.trace, "trace", false, "print every request and its answer")
	mode := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		mode, args = args[0], args[1:]
	}
	switch mode {
	case "":
		f.StringVar(&o.targets, "target", "twofold", "sites to start, with commas")
	case "run":
		f.StringVar(&o.driver, "driver", "twofold", "what kind of site it is")
		f.StringVar(&o.url, "url", "", "its address")
		f.StringVar(&o.mail, "mail", "127.0.0.1:2525", "where its mail is taken, by SMTP")
		f.BoolVar(&o.mine, "mine", false, "the site is mine, and on another machine")
	case "list", "table":
	default:
		return fmt.Errorf("unknown command %q: run, table or list", mode)
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.trace {
		door.Trace = func(line string) { fmt.Fprintln(progress, line) }
	}
	list, err := choose(o.attacks)
	if err != nil {
		return err
	}
	if mode == "list" {
		for _, a := range list {
			fmt.Fprintf(out, "%-30s %s\n", a.Name, a.Title)
		}
		return nil
	}
	r := report{Attacks: list}
	switch mode {
	case "run":
		err = o.own(&r, progress)
	case "table":
		files := f.Args()
		if len(files) == 0 {
			files = kept()
		}
		err = r.read(files)
	default:
		err = o.start(ctx, &r, progress)
	}
	if err != nil {
		return err
	}
	return o.finish(&r, out)
}

// choose returns the attacks with these names.
func choose(names string) ([]attack.Attack, error) {
	list := attack.All()
	if names == "" {
		return list, nil
	}
	var chosen []attack.Attack
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(list, func(a attack.Attack) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown attack %q: doorcheck list names them", name)
		}
		chosen = append(chosen, list[i])
	}
	return chosen, nil
}

// start starts sites and checks them one after the other.
func (o options) start(ctx context.Context, r *report, progress io.Writer) error {
	for name := range strings.SplitSeq(o.targets, ",") {
		t, err := target.Find(name)
		if err != nil {
			return err
		}
		site, end, err := t.Start(ctx)
		if err != nil {
			return err
		}
		r.check(name, site, o.parallel, progress)
		end()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// own checks a running site.
func (o options) own(r *report, progress io.Writer) error {
	u, err := url.Parse(o.url)
	if err != nil || u.Host == "" {
		return fmt.Errorf("-url: the address of the site is needed, such as https://login.example.org")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) && !o.mine {
		return fmt.Errorf("%s is not on this machine: add -mine if the site is yours", u.Host)
	}
	t, err := target.Find(o.driver)
	if err != nil {
		return err
	}
	mail, err := door.OpenMailbox(o.mail)
	if err != nil {
		return err
	}
	defer mail.Close()
	site := t.Site(strings.TrimRight(o.url, "/"), mail)
	site.Version = "at " + u.Host
	r.check(o.driver, site, o.parallel, progress)
	return nil
}

// finish writes the table and compares it with what was expected.
func (o options) finish(r *report, out io.Writer) error {
	table := r.markdown()
	fmt.Fprint(out, table)
	if o.markdown != "" {
		if err := os.WriteFile(o.markdown, []byte(table), 0o644); err != nil {
			return err
		}
	}
	if o.json != "" {
		if err := r.merge(o.json); err != nil {
			return err
		}
		raw, err := r.json()
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, raw, 0o644); err != nil {
			return err
		}
	}
	if o.expect == "" {
		return nil
	}
	if other := r.others(attack.Outcome(o.expect), strings.Split(o.known, ",")); len(other) > 0 {
		return fmt.Errorf("not %s:\n%s", o.expect, strings.Join(other, "\n"))
	}
	return nil
}
