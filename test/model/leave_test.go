package model_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store"
)

// Deletion: an owner requests it, and the account is deleted after a wait, unless someone signs in
// or follows the mailed link. An operator deletes an account at once.

const leaveWait = 7 * 24 * time.Hour

func init() {
	for what, fill := range map[string]func(*turn) *want{"leave": (*turn).leave, "stay": (*turn).stay} {
		asks[what] = fill
	}
}

// leaving is an owner's request.
type leaving struct {
	link *link
	due  time.Time
}

// leave requests the deletion of an account. One account always remains, so that the walk can
// continue.
func (t *turn) leave() *want {
	if t.who != nil && t.who.of == t.w.accounts[0] {
		return nil
	}
	t.post("/tf-delete", nil)
	if t.who == nil || !t.w.fresh(t.who, freshForUs) {
		return refused(401)
	}
	of := t.who.of
	t.w.change(of)
	w, l := &want{status: 200}, &link{kind: "delete", to: of.email, of: of, life: leaveWait}
	t.w.mail(w, l)
	of.leaving = &leaving{link: l, due: t.w.now.Add(leaveWait)}
	return w
}

// stay follows the link in any browser.
func (t *turn) stay() *want {
	l, token := t.someLink("delete")
	t.post("/tf-delete/"+token, nil)
	if !t.w.leaves(l) {
		return refused(400)
	}
	l.of.leaving = nil
	return &want{status: 200}
}

// leaves reports whether a link stops a deletion.
func (m *model) leaves(l *link) bool {
	return l != nil && l.of.leaving != nil && l.of.leaving.link == l && slices.Contains(m.accounts, l.of)
}

// due carries out the deletions that are due. In the product a worker checks once a minute; it is
// restarted here so that it checks now.
func (w *world) due() error {
	var gone []*account
	for _, a := range w.accounts {
		if a.leaving != nil && !w.now.Before(a.leaving.due) {
			gone = append(gone, a)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	for _, a := range gone {
		if _, err := w.explains(a); err != nil { // its trail has other names afterwards
			return err
		}
	}
	w.stop()
	w.stop = background.Start(w.auth)
	for _, a := range gone {
		deadline := time.Now().Add(10 * time.Second)
		for ; w.exists(a); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return wrong("%s is not deleted on the day", a.name)
			}
		}
		if err := w.forget(a); err != nil {
			return err
		}
		w.done["deleted on the day"]++
	}
	return nil
}

func (w *world) exists(a *account) bool {
	_, err := w.auth.FindUser(w.context(), a.id)
	return !errors.Is(err, store.ErrNotFound)
}

// delete is an operator's deletion.
func (w *world) delete(a *account) error {
	if a == w.accounts[0] {
		return nil
	}
	if _, err := w.explains(a); err != nil { // its trail has other names afterwards
		return err
	}
	if err := w.auth.DeleteUser(context.Background(), a.id); err != nil {
		return err
	}
	w.done["delete"]++
	if err := w.forget(a); err != nil {
		return err
	}
	return w.delivered(&want{})
}

// forget removes an account with all its data. A new account with its address gets none of the
// data.
func (w *world) forget(a *account) error {
	w.change(a)
	a.active, a.leaving, a.recovery, a.factors, a.firsts, a.sites = false, nil, nil, nil, nil, nil
	w.accounts = slices.DeleteFunc(w.accounts, func(o *account) bool { return o == a })
	for _, n := range w.notices {
		n.used = n.used || n.of == a
	}
	for _, f := range w.lasting {
		f.gone = f.gone || f.of == a
	}
	maps.DeleteFunc(w.budgets, func(key string, _ *budget) bool {
		return strings.Contains(key, a.name) || strings.Contains(key, a.email) || strings.Contains(key, a.phone)
	})
	problems, err := w.db.Examine(w.context(), w.now)
	if err == nil && len(problems) > 0 {
		err = wrong("after %s was deleted: %v", a.name, problems)
	}
	return err
}

// learnLeaving compares the pending deletions with the model.
func (w *world) learnLeaving() error {
	for _, a := range w.accounts {
		r, err := w.db.DeletionOf(w.context(), a.id)
		switch waits := err == nil; {
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return err
		case waits != (a.leaving != nil) || waits && !r.DueAt.Equal(a.leaving.due):
			return wrong("a deletion of %s waits: %v, the model says %+v", a.name, r, a.leaving)
		}
	}
	return nil
}
