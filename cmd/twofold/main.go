package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitFailed = 1 // the command failed
	exitUsage  = 2 // the command line is invalid
)

func main() { os.Exit(run()) }

// run is main and returns the exit code.
func run() int {
	var c cli
	p := process{environ: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr}
	parser, err := kong.New(&c, kong.Name("twofold"), kong.Description(description), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}), kong.Bind(p))
	if err != nil {
		fmt.Fprintln(p.err, "twofold:", err)
		return exitFailed
	}
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "help" { // as in many other programs
		args = append(args[1:], "--help")
	}
	command, err := parser.Parse(args)
	if err == nil {
		err = checkEmpty(command)
	}
	if err != nil {
		fmt.Fprintf(p.err, "twofold: %v: see `twofold --help`\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		return report(p.err, err)
	}
	return 0
}

// report prints an error, one line for each problem.
func report(w io.Writer, err error) int {
	var bad problems
	if errors.As(err, &bad) {
		for _, p := range bad {
			fmt.Fprintln(w, p)
		}
		return exitFailed
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(w, "twofold:", usage)
		return exitUsage
	}
	// The library's errors also start with the name.
	fmt.Fprintln(w, "twofold:", strings.TrimPrefix(err.Error(), "twofold: "))
	return exitFailed
}

// usageError is the error of an invalid command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// process contains the environment of a command.
type process struct {
	environ  []string
	in       *os.File
	out, err io.Writer
}
