package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/web"
)

type shadowCommand struct {
	where
	File     string `arg:"" optional:"" help:"JSON Lines with sign-ins; standard input if omitted." placeholder:"FILE"`
	ListenAt string `name:"listen" help:"Accept sign-ins by POST at this loopback address." placeholder:"ADDR"`
}

// Help implements kong.HelpProvider.
func (shadowCommand) Help() string {
	return `Reports where this server would decide differently from the system that it is to replace. It changes nothing:
no budget is charged, no message is sent and no hash is rewritten.

Each line is one sign-in with a password:
  {"identity": "ann@example.org", "password": "...", "outcome": "second factor"}
outcome is what the old system did: "session", "second factor", "set-up" or "refused". password may be left out:
then it counts as correct, and a sign-in with the outcome "refused" is not compared. Do not write passwords to a
file: let the old system send them through a pipe, or to --listen on this machine.

Exits with 1 if there were differences.

Examples:
  twofold shadow signins.jsonl
  old-system --log-signins | twofold shadow
  twofold shadow --listen 127.0.0.1:9009`
}

// maxSignIn is the maximum size of a line, in bytes.
const maxSignIn = 16 << 10

// signIn is a sign-in to the old system and its outcome.
type signIn struct {
	Identity string `json:"identity"`
	Password string `json:"password"`
	Outcome  string `json:"outcome"`
}

// oldOutcomes lists the outcomes that a line may contain.
var oldOutcomes = []string{"session", "second factor", "set-up", "refused"}

// shadow compares the outcomes of two systems.
type shadow struct {
	preview func(ctx context.Context, identity, password string) (string, []string, error)
	out     io.Writer

	mu                                  sync.Mutex
	same, different, unread, uncompared int
	kinds                               map[string]int
}

// Run compares until the input ends, or the process is told to stop.
func (c shadowCommand) Run(ctx context.Context, p process) error {
	return c.withAuth(ctx, p, false, func(auth *twofold.Auth, _ *settings) error {
		s := &shadow{preview: auth.Preview, out: p.out, kinds: map[string]int{}}
		err := c.read(ctx, p, s)
		return cmp.Or(err, s.summary(p))
	})
}

func (c shadowCommand) read(ctx context.Context, p process, s *shadow) error {
	switch {
	case c.ListenAt != "" && c.File != "":
		return usageError("name a file or --listen, not both")
	case c.ListenAt != "":
		return s.serve(ctx, c.ListenAt, p)
	case c.File == "" || c.File == "-":
		return s.lines(ctx, p.in)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return errors.New(fileCause(err))
	}
	defer f.Close()
	return s.lines(ctx, f)
}

// lines compares every line of an input. An invalid line is reported and skipped.
func (s *shadow) lines(ctx context.Context, in io.Reader) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxSignIn)
	for n := 1; scan.Scan(); n++ {
		if err := s.one(ctx, fmt.Sprintf("line %d", n), scan.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return errors.New("a line is longer than 16 KiB: it is not a sign-in")
	}
	return scan.Err()
}

// one compares one sign-in. It returns an error only if the database fails.
func (s *shadow) one(ctx context.Context, where string, raw []byte) error {
	var old signIn
	if strings.TrimSpace(string(raw)) == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if json.Unmarshal(raw, &old) != nil || old.Identity == "" || !slices.Contains(oldOutcomes, old.Outcome) {
		s.unread++
		fmt.Fprintf(s.out, "%s: is not a sign-in with identity and outcome\n", where)
		return nil
	}
	if old.Outcome == "refused" && old.Password == "" {
		s.uncompared++
		return nil
	}
	ours, methods, err := s.preview(ctx, old.Identity, old.Password)
	if err != nil {
		return err
	}
	if compared(ours) == old.Outcome {
		s.same++
		return nil
	}
	s.different++
	s.kinds[old.Outcome+" there, "+ours+" here"]++
	if len(methods) > 0 {
		ours += " (" + strings.Join(methods, ", ") + ")"
	}
	fmt.Fprintf(s.out, "%s: %q: %s there, %s here\n", where, old.Identity, old.Outcome, ours)
	return nil
}

// compared converts one of our outcomes to the names of the old system.
func compared(ours string) string {
	switch ours {
	case "session", "second factor", "set-up":
		return ours
	case "mailed code":
		return "set-up"
	}
	return "refused"
}

// serve accepts sign-ins by POST, only from this machine, because they contain passwords.
func (s *shadow) serve(ctx context.Context, address string, p process) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !web.Loopback(host) {
		return usageError("--listen needs a loopback address such as 127.0.0.1:9009, because sign-ins contain " +
			"passwords")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	trouble := make(chan error, 1)
	take := func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignIn))
		switch {
		case r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			if err := s.one(r.Context(), time.Now().UTC().Format(time.RFC3339), raw); err != nil {
				fmt.Fprintln(p.err, err)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}
	}
	server := &http.Server{ReadTimeout: 10 * time.Second, Handler: http.HandlerFunc(take)}
	go func() { trouble <- server.Serve(l) }()
	if err := line(p, "Accepting sign-ins by POST at http://%s/. Stop with Ctrl-C.", l.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-trouble:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// summary prints the number of differences by kind.
func (s *shadow) summary(p process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		if err := line(p, "%6d  %s", s.kinds[kind], kind); err != nil {
			return err
		}
	}
	err := line(p, "%d the same, %d different, %d refused without a password and not compared, %d not read.",
		s.same, s.different, s.uncompared, s.unread)
	if err == nil && s.different+s.unread > 0 {
		err = fmt.Errorf("%d of %d differ", s.different+s.unread, s.same+s.different+s.unread)
	}
	return err
}
