package event

import (
	"context"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

type actorKey struct{}

type actor struct{ by, why string }

// WithActor returns a context in which what is done to accounts was done by someone,
// for a reason. Each is one line of at most 200 bytes.
func WithActor(ctx context.Context, by, why string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor{oneLine(by), oneLine(why)})
}

// Acting adds to a context of an event who acts, and why.
func Acting(ctx context.Context, c Context) Context {
	a, _ := ctx.Value(actorKey{}).(actor)
	c.By, c.Why = a.by, a.why
	return c
}

// agent is how the audit trail says who acted, in the place of the user agent: who
// acts by a program has none.
func (c Context) agent() string {
	switch {
	case c.By == "":
		return c.Agent
	case c.Why == "":
		return "by " + c.By
	}
	return "by " + c.By + ": " + c.Why
}

// ActorOf returns the user agent of a row of the audit trail, or who acted and why.
// They share a column that is sealed with the row. A row of a request has an address,
// so a user agent is never taken for an actor.
func ActorOf(e store.Event) (agent, by string) {
	if by, ok := strings.CutPrefix(e.Agent, "by "); ok && e.Address == "" && e.Request == "" {
		return "", by
	}
	return e.Agent, ""
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	return strings.ToValidUTF8(s[:min(len(s), 200)], "")
}
