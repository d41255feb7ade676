package security_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// plug is a connection to a server that a test can cut or block.
type plug struct {
	t        *testing.T
	to, addr string

	mu     sync.Mutex
	listen net.Listener
	hangs  bool
	conns  []net.Conn
}

// newPlug listens in front of a server.
func newPlug(t *testing.T, to string) *plug {
	t.Helper()
	p := &plug{t: t, to: to, addr: "127.0.0.1:0"}
	p.in()
	t.Cleanup(p.pull)
	return p
}

// in lets connections reach the server.
func (p *plug) in() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = false
	if p.listen != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.listen, p.addr = l, l.Addr().String()
	go p.serve(l)
}

// pull breaks connections and refuses new ones.
func (p *plug) pull() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listen != nil {
		_ = p.listen.Close()
		p.listen = nil
	}
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// hang accepts new connections and never answers them.
func (p *plug) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = true
}

func (p *plug) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		hangs := p.hangs
		p.mu.Unlock()
		if !hangs {
			go p.join(c)
		}
	}
}

func (p *plug) join(c net.Conn) {
	defer c.Close()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, s)
	p.mu.Unlock()
	go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
	_, _ = io.Copy(c, s)
}
