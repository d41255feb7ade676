package twofold

import (
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/web"
)

// Limits are the budgets of guesses and of messages. A zero field keeps its
// default.
type Limits = limit.Limits

// Paths renames paths. An empty field keeps the name of the wire contract.
type Paths = web.Paths

// Views are the pages that a browser is sent to after a step. An empty field
// keeps the default.
type Views = web.Views
