package twofold

import (
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/web"
)

// Limits are the budgets of guesses and of messages. A zero field keeps its
// default.
type Limits = limit.Numbers

// Paths renames paths. An empty field keeps the name of the wire contract.
type Paths = web.Paths

// OAuthPaths renames the paths that lead through other sites.
type OAuthPaths = web.OAuthPaths

// UnifiedPaths renames the paths of unified sign-in.
type UnifiedPaths = web.UnifiedPaths

// LifePaths renames the paths of what people do with their accounts, such as
// resetting a password.
type LifePaths = web.LifePaths

// TokenPaths renames the paths of tokens.
type TokenPaths = web.TokenPaths

// Views are the pages that a browser is sent to after a step. An empty field
// keeps the default.
type Views = web.Views

// OAuthViews are the pages that a browser is sent to after a step that leads
// through another site.
type OAuthViews = web.OAuthViews

// LifeViews are the pages that a browser is sent to after a change of an
// account.
type LifeViews = web.LifeViews
