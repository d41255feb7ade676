package event

import (
	"context"
	"strings"

	"github.com/twofold-auth/twofold/store"
)

type actorKey struct{}

type actor struct{ by, why string }

// WithActor returns a context that records the actor and the reason of calls that change accounts.
// The reason may be empty. Both appear in events, in the audit trail and in mails to the owners of
// the accounts, so choose a name for the actor that owners may read. Each is shortened to one line of
// at most 200 bytes.
func WithActor(ctx context.Context, by, why string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor{oneLine(by), oneLine(why)})
}

// Acting adds the actor and the reason in ctx to the context of an event.
func Acting(ctx context.Context, c Context) Context {
	a, _ := ctx.Value(actorKey{}).(actor)
	c.By, c.Why = a.by, a.why
	return c
}

// agent returns the value of the user agent column of the audit trail: the user agent, or the actor
// and the reason if there is an actor. A change with an actor has no user agent.
func (c Context) agent() string {
	switch {
	case c.By == "":
		return c.Agent
	case c.Why == "":
		return "by " + c.By
	}
	return "by " + c.By + ": " + c.Why
}

// ActorOf returns the user agent of a row of the audit trail, or the actor and the reason. They
// share a column that is sealed with the row. Only the row of a request has an address, so a user
// agent is never mistaken for an actor.
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
