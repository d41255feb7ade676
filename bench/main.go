package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: bench seed|serve|load|all|flat [flags]
  seed   fill a database with users
  serve  serve a handler bare and behind a guard
  load   send requests and measure
  all    the whole recipe, as a table
  flat   what a thousand and a million users cost, as a table
bench COMMAND -h lists the flags of a command.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	stop()
	os.Exit(1)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("which command?")
	}
	switch args[0] {
	case "seed":
		return seedCommand(ctx, args[1:], out)
	case "serve":
		return serveCommand(ctx, args[1:], out)
	case "load":
		return loadCommand(ctx, args[1:], out)
	case "all":
		return allCommand(ctx, args[1:], out)
	case "flat":
		return flatCommand(ctx, args[1:], out)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("%q is not a command", args[0])
}
