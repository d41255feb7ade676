package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/twofold-auth/twofold/internal/deletion"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Leaving configures deletion and export by owners.
type Leaving struct {
	Deletions *deletion.Deletions
	// Delete and Export enable deletion and export.
	Delete, Export bool
	Wait           time.Duration // time until the deletion
	// Copy returns the data about an account, for JSON.
	Copy func(ctx context.Context, u storage.User) (any, error)
}

// LeavingPaths contains the paths of deletion and export, which are empty if off.
type LeavingPaths struct{ Delete, Export string }

// leaving implements the steps of deletion and export.
type leaving struct{ s *Site }

func (v leaving) name() {
	p, c := &v.s.paths.Leaving, v.s.c
	if c.Leaving.Delete {
		p.Delete = c.Prefix + c.Paths.Link(deletion.MailKind)
	}
	if c.Leaving.Export {
		p.Export = c.Prefix + "/tf-export"
	}
}

func (v leaving) rows() (rows []route) {
	p := v.s.paths.Leaving
	if p.Delete != "" {
		rows = append(rows,
			route{method: http.MethodGet, path: p.Delete, access: forFreshUser, step: v.getDelete},
			route{method: http.MethodPost, path: p.Delete, access: forUser, step: v.postDelete, again: v.getDelete},
			route{method: http.MethodGet, path: p.Delete + tokenEnd, access: forAnyone, step: v.getStop, link: true},
			route{method: http.MethodPost, path: p.Delete + tokenEnd, access: forAnyone, step: v.postStop, link: true},
		)
	}
	if p.Export != "" {
		rows = append(rows, route{method: http.MethodGet, path: p.Export, access: forFreshUser, step: v.getExport})
	}
	return rows
}

func (v leaving) getDelete(c *call) (*answer, error) {
	a := v.s.link.linkPage(c, deletion.MailKind)
	a.json = func() response { return &deleteBody{Waits: int(v.s.c.Leaving.Wait / time.Second)} }
	return a, nil
}

// deleteBody is the JSON of the page that requests the deletion of an account.
type deleteBody struct {
	common
	Waits int `json:"waits_seconds"` // time until the deletion
}

func (v leaving) postDelete(c *call) (*answer, error) {
	due, err := v.s.c.Leaving.Deletions.Request(c.r.Context(), *c.who, c.browser)
	switch {
	case errors.Is(err, deletion.ErrWaits):
		return nil, fail(http.StatusBadRequest, "", "DELETION_WAITS")
	case err != nil:
		return nil, v.s.secondFactor.turn(c, v.s.session.stale(c, err))
	}
	c.who = nil // the session has ended
	return &answer{
		json: func() response { return &deletedBody{At: due.UTC().Format(time.RFC3339)} }, to: v.s.paths.Login,
		note: "DELETION_REQUESTED", args: []any{"within", v.s.c.Leaving.Wait},
	}, nil
}

// deletedBody is the answer to a request for deletion.
type deletedBody struct {
	common
	At string `json:"delete_at"`
}

// refused returns the failure of an invalid link.
func (v leaving) refused(err error) error {
	if errors.Is(err, deletion.ErrLink) {
		return fail(http.StatusBadRequest, "", "DELETION_LINK").flat().goTo(v.s.paths.Login)
	}
	return err
}

// getStop changes nothing, because mail scanners also open links (R51).
func (v leaving) getStop(c *call) (*answer, error) {
	if err := v.s.c.Leaving.Deletions.Check(c.r.Context(), c.token); err != nil {
		return nil, v.refused(err)
	}
	return v.s.link.linkPage(c, "delete-stop"), nil
}

func (v leaving) postStop(c *call) (*answer, error) {
	if err := v.s.c.Leaving.Deletions.Stop(c.r.Context(), c.token, c.browser); err != nil {
		return nil, v.refused(err)
	}
	return &answer{to: v.s.paths.Login, note: "DELETION_STOPPED"}, nil
}

func (v leaving) getExport(c *call) (*answer, error) {
	data, err := v.s.c.Leaving.Copy(c.r.Context(), c.who.User)
	if err != nil {
		return nil, err
	}
	if c.json {
		return &answer{json: func() response { return &exportBody{Data: data} }}, nil
	}
	text, err := json.MarshalIndent(data, "", "  ")
	return &answer{file: &file{name: "account.json", text: string(text) + "\n"}}, err
}

// exportBody is the data about an account, in the form that the application chooses.
type exportBody struct {
	common
	Data any `json:"data"`
}

// tellKept adds to the answer of a sign-in that it canceled a deletion.
func tellKept(a *answer) {
	if a.outcome == nil || a.outcome.Session == nil || !a.outcome.Session.DeletionCanceled {
		return
	}
	a.keeps()
}

// keeps adds to an answer that a deletion was canceled.
func (a *answer) keeps() {
	a.stopped, a.note = true, "DELETION_STOPPED"
}
