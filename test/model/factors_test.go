package model_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Changes to single second factors: each can be renamed, made the default and removed.

// ordered returns second factors in the order of all lists: the default first, then the others by
// age.
func ordered(all []*factor) []*factor {
	slices.SortFunc(all, func(a, b *factor) int {
		switch {
		case a.primary != b.primary && a.primary:
			return -1
		case a.primary != b.primary:
			return 1
		}
		return a.id - b.id
	})
	return all
}

// own is the first half of every change. It returns nil or the refusal.
func (m *model) own(who *session, f *factor) *want {
	switch {
	case who == nil, !m.fresh(who, freshForUs):
		return refused(401)
	case f == nil || !slices.Contains(who.of.factors, f):
		return refused(404)
	}
	return nil
}

func (m *model) rename(who *session, f *factor, name string) *want {
	if w := m.own(who, f); w != nil {
		return w
	}
	if f.soft != nil { // told apart by name
		if same := who.of.named(name); name == "" || same != nil && same != f {
			return refused(400)
		}
	}
	f.name = name
	return &want{status: 200}
}

func (m *model) prefer(who *session, f *factor) *want {
	if w := m.own(who, f); w != nil {
		return w
	}
	for _, other := range who.of.factors {
		other.primary = other == f
	}
	who.of.factors = ordered(who.of.factors)
	return &want{status: 200}
}

// remove ends everything else that was issued. The last factor can be removed only if none is
// required.
func (m *model) remove(who *session, f *factor) *want {
	if w := m.own(who, f); w != nil {
		return w
	}
	of := who.of
	if len(of.factors) == 1 {
		if of.required {
			return refused(400)
		}
		w := m.disableAll(who)
		w.of = nil
		return w
	}
	if !of.opens(f) { // what is left may follow nothing that begins a sign-in
		return refused(400)
	}
	of.factors = slices.DeleteFunc(of.factors, func(o *factor) bool { return o == f })
	if f.primary {
		of.factors[0].primary = true
	}
	w := &want{status: 200}
	if who.rescued {
		m.endCodes(w, of)
	}
	m.change(of)
	m.announce(w, of, "factor_removed")
	m.carry(w, who)
	w.of = nil
	return w
}

// someFactor returns a factor of the caller, of another user, or a removed one.
func (t *turn) someFactor() *factor {
	all := t.a.factors
	if t.who != nil && t.n%8 > 0 {
		all = t.who.of.factors
	}
	if t.n%8 == 1 || len(all) == 0 {
		all = t.w.gone
	}
	if len(all) == 0 {
		return nil
	}
	return all[t.v%len(all)]
}

func ref(f *factor) string {
	if f == nil {
		return "AAAA"
	}
	return f.ref
}

func (t *turn) rename() *want {
	f, name := t.someFactor(), names[t.n%len(names)]
	t.post("/tf-factors/"+ref(f), map[string]any{"name": name})
	return t.w.rename(t.who, f, shown(name))
}

func (t *turn) prefer() *want {
	f := t.someFactor()
	t.post("/tf-factors/"+ref(f), map[string]any{"default": true})
	return t.w.prefer(t.who, f)
}

func (t *turn) remove() *want {
	f := t.someFactor()
	t.post("/tf-factors/"+ref(f), map[string]any{"action": "remove"})
	if t.flag {
		t.q.method, t.q.fields, t.q.form = "DELETE", nil, false
	}
	return t.w.remove(t.who, f)
}

// choose selects a second factor by method or by id.
func (t *turn) choose() *want {
	which := methods[t.v%len(methods)]
	if p := t.w.pendings[t.cookie]; p != nil && t.n%2 == 0 && len(p.of.factors) > 0 {
		which = p.of.factors[t.v%len(p.of.factors)].ref
	} else if t.n%8 == 1 {
		which = ref(t.someFactor())
	}
	t.post("/tf-select", map[string]any{"which": which})
	return t.w.choose(t.who, t.cookie, which)
}

// learnFactors compares the factors of all accounts with the model, and learns their public ids.
func (w *world) learnFactors() error {
	ctx := context.Background()
	for _, a := range w.accounts {
		list, err := w.db.FactorsOf(ctx, a.id)
		if err == nil {
			err = w.same(a, "second factor", list, a.factors)
		}
		if err != nil {
			return err
		}
		if list, err = w.db.PasskeysOf(ctx, a.id); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(f storage.Factor) bool { return f.Usage != storage.UseFirst })
		others, err := w.db.FirstFactorsOf(ctx, a.id)
		if err != nil {
			return err
		}
		list = append(list, others...)
		slices.SortFunc(list, func(a, b storage.Factor) int { return a.CreatedAt.Compare(b.CreatedAt) })
		if err = w.same(a, "first factor", list, a.firsts); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) same(a *account, what string, list []storage.Factor, must []*factor) error {
	if len(list) != len(must) {
		return wrong("%s has %d of the kind %s, the model says %d", a.name, len(list), what, len(must))
	}
	for i, f := range must {
		got := list[i]
		if f.ref == "" {
			f.ref = got.ID
			w.gone = append(w.gone, f)
		}
		if is, must := fmt.Sprint(got.ID, got.Method, got.Destination, got.Name, got.Primary),
			fmt.Sprint(f.ref, f.method, f.dest, f.name, f.primary); is != must {
			return wrong("%s %d of %s is %s, the model says %s", what, i, a.name, is, must)
		}
	}
	return nil
}
