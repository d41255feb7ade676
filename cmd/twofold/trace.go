package main

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/tracing"
)

// trace starts the tracer that the OTEL_ variables ask for; nil if none.
func (s *settings) trace(environ []string) error {
	wanted, err := tracing.FromEnviron(environ)
	if err != nil {
		name, text, _ := strings.Cut(err.Error(), ": ")
		return problems{{name, text}}
	}
	s.tracer = tracing.New(wanted, s.Config.Log)
	if s.tracer == nil {
		return nil
	}
	s.Config.Log.Info("traces are sent", "endpoint", wanted.Endpoint)
	counted := s.Config.Advanced.OnSend
	s.Config.Advanced.OnSend = func(ctx context.Context, a send.Attempt) {
		if counted != nil {
			counted(ctx, a)
		}
		s.tracer.Done(ctx, "send "+a.Channel, a.Took, a.Outcome == send.Failed, "twofold.channel", a.Channel, "twofold.sender", a.Sender, "twofold.outcome", a.Outcome)
	}
	return nil
}

// fromProxy says whether a request came through a trusted proxy.
func (s *settings) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, p := range s.Config.Advanced.TrustedProxies {
		if p.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}
