package target

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// program is a server that this program started.
type program struct {
	cmd *exec.Cmd
	log *tail
	end chan struct{}
}

// start runs a program in a folder and ends it with the context.
func start(ctx context.Context, dir string, env []string, name string, args ...string) (*program, error) {
	p := &program{cmd: exec.CommandContext(ctx, name, args...), log: &tail{}, end: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append(env, "PATH="+os.Getenv("PATH"), "HOME="+dir)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.end)
	}()
	return p, nil
}

// script starts a site that is a script, and returns its answer at /version.
func (at place) script(
	ctx context.Context, name string, source []byte, env []string, interpreter string, args ...string,
) (*door.Answer, error) {
	file := filepath.Join(at.dir, name)
	if err := os.WriteFile(file, source, 0o600); err != nil {
		return nil, err
	}
	p, err := start(ctx, at.dir, env, interpreter, append([]string{file}, args...)...)
	if err != nil {
		return nil, err
	}
	if err := at.ready(p, "/version"); err != nil {
		return nil, err
	}
	return door.NewBrowser(at.origin, "").Do("GET", "/version", nil)
}

func (at place) database() string { return filepath.Join(at.dir, "door.db") }

func (at place) mailbox() string { return "http://" + at.mail.HTTP.Addr().String() }

// ready waits until a path answers.
func (p *program) ready(b *door.Browser, path string) error {
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		select {
		case <-p.end:
			return fmt.Errorf("the server has ended: %s", p.log)
		default:
		}
		if a, err := b.Do("GET", path, nil); err == nil && a.Status < 500 {
			return nil
		}
	}
	return fmt.Errorf("the server does not answer: %s", p.log)
}

// tail keeps the last part of its input.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len() > 1<<16 {
		t.b.Reset()
	}
	return t.b.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
