package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthcheckCommand struct {
	where
	ListenAt string        `name:"listen" help:"Address and port of the server; overrides TWOFOLD_LISTEN." placeholder:"ADDR"`
	Timeout  time.Duration `help:"Maximum time to wait for an answer." default:"5s"`
}

// Help implements kong.HelpProvider.
func (healthcheckCommand) Help() string {
	return `Requests /readyz from the server on this machine, for containers without a shell. It exits with 0 if the server is ready
and with 1 if not. It needs no key and no database.

Example, in a compose file:
  healthcheck: { test: ["CMD", "/twofold", "healthcheck"] }`
}

// Run requests /readyz of the server.
func (c healthcheckCommand) Run(ctx context.Context, p process) error {
	w := c.where
	w.Listen, w.only = c.ListenAt, []string{"TWOFOLD_LISTEN", "--listen"}
	s, err := load(w, p.environ)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}} // never use a proxy for this machine
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("no answer on %s: %s", net.JoinHostPort(host, port), listenCause(err))
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 100))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: status %d, %q", res.StatusCode, strings.TrimSpace(string(body)))
	}
	return line(p, "ready")
}
