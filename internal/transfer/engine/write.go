package engine

import (
	"context"
	"errors"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
)

// built is an account that is ready to be stored.
type built struct {
	raw []byte
	item
	d     *draft
	whole storage.Whole
	err   error
}

// write is the second pass. It builds accounts on all processors while it stores
// earlier ones. It adds a row to the audit trail before the first change and one at
// the end.
func (r *importing) write(ctx context.Context) error {
	n := News{Kind: Importing, Source: r.source, New: r.report.New, Updated: r.report.Updated,
		Refused: r.report.Refused}
	if err := r.e.c.Tell(ctx, n); err != nil {
		return err
	}
	r.report.New, r.report.Updated, r.report.OtherID = 0, 0, 0
	err := r.writeRoles(ctx)
	if err == nil {
		err = r.writeAccounts(ctx)
	}
	n = News{Kind: Imported, Source: r.source, New: r.report.New, Updated: r.report.Updated, Failed: err != nil}
	return errors.Join(err, r.e.c.Tell(context.WithoutCancel(ctx), n))
}

func (r *importing) writeAccounts(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []*built), make(chan error, writers+1)
	go func() {
		failed <- r.build(ctx, batches)
		close(batches)
	}()
	for range writers {
		go func() {
			var err error
			for batch := range batches {
				if err == nil {
					if err = r.store(ctx, batch); err != nil {
						stop() // stops the builder and drops what it has built
					}
				}
			}
			failed <- err
		}()
	}
	var first error // later errors only report that work was stopped
	for range writers + 1 {
		if err := <-failed; first == nil || errors.Is(first, context.Canceled) && err != nil {
			first = err
		}
	}
	if first == nil && r.late > 0 {
		first = ErrIncomplete
	}
	return first
}

func (r *importing) writeRoles(ctx context.Context) error {
	for _, role := range r.roles {
		err := r.e.c.Store.PutRole(ctx, storage.Role{Name: role.Name, Description: role.Description,
			Permissions: transfer.Sorted(role.Permissions), CreatedAt: r.e.c.Now()})
		if err != nil && !errors.Is(err, storage.ErrExists) {
			return err
		}
	}
	return nil
}

func (r *importing) build(ctx context.Context, out chan<- []*built) error {
	var batch []*built
	size := 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := r.judgeAgain(&batch); err != nil {
			return err
		}
		if err := r.buildBatch(ctx, batch); err != nil {
			return err
		}
		select {
		case out <- batch:
			batch, size = nil, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := r.eachText(func(line []byte) error {
		size += len(line)
		if batch = append(batch, &built{raw: line}); len(batch) < storeSize && size < storeBytes {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// judgeAgain makes drafts of items of the scratch file. It drops those that were
// refused because they share a name.
func (r *importing) judgeAgain(batch *[]*built) error {
	list := *batch
	inParallel(len(list), func(i int) {
		b := list[i]
		if b.item, b.err = readItem(b.raw); b.err == nil {
			b.d, b.err = r.e.judgeItem(b.item)
		}
		b.raw = nil
	})
	good := list[:0]
	for _, b := range list {
		if b.err != nil {
			return b.err // cannot happen: it was checked before
		}
		if !r.refused[b.Line] {
			good = append(good, b)
		}
	}
	*batch = good
	return nil
}

// buildBatch builds accounts in parallel. An account that was imported earlier
// keeps its ID and, if it did not change there, its password.
func (r *importing) buildBatch(ctx context.Context, batch []*built) error {
	var again []string // the store refuses names that were taken in the meantime
	for _, b := range batch {
		if b.Update {
			again = append(again, b.d.ID)
		}
	}
	list, err := r.e.c.Store.OriginsOf(ctx, r.source, again)
	if err != nil {
		return err
	}
	origins := map[string]storage.Origin{}
	for _, o := range list {
		origins[o.OldID] = o
	}
	inParallel(len(batch), func(i int) {
		b := batch[i]
		id, keep := b.d.ID, false
		o, came := origins[b.d.ID]
		switch {
		case came:
			id, keep = o.UserID, r.e.samePassword(b.d, o)
		case b.OtherID:
			id = storage.NewID()
		}
		b.whole, b.err = r.e.build(ctx, b.d, r.source, id, keep)
	})
	return ctx.Err()
}

func (e *Engine) samePassword(d *draft, o storage.Origin) bool {
	_, password, err := e.digests(d.Account)
	return err == nil && among(password, o.Password)
}

// store stores a batch. New accounts are stored together. If one of them is
// refused, they are stored one by one, as are accounts that were imported earlier.
func (r *importing) store(ctx context.Context, batch []*built) error {
	fresh := make([]*built, 0, len(batch))
	for _, b := range batch {
		switch {
		case b.err != nil:
			r.fails(b, "it could not be prepared: "+b.err.Error())
		case b.Update:
			if err := r.update(ctx, b); err != nil {
				return err
			}
		default:
			fresh = append(fresh, b)
		}
	}
	list := make([]storage.Whole, len(fresh))
	for i, b := range fresh {
		list[i] = b.whole
	}
	err := r.e.c.Store.PutAccounts(ctx, list)
	if err == nil {
		for _, b := range fresh {
			r.came(b)
		}
		return nil
	}
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	for _, b := range fresh {
		switch err := r.e.c.Store.PutAccounts(ctx, []storage.Whole{b.whole}); {
		case errors.Is(err, storage.ErrExists):
			r.fails(b, "a name of it was taken here meanwhile")
		case err != nil:
			return err
		default:
			r.came(b)
		}
	}
	return nil
}

func (r *importing) came(b *built) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.New++
	if b.whole.User.ID != b.d.ID {
		r.report.OtherID++
	}
}

// fails counts an account that passed the check but could not be stored.
func (r *importing) fails(b *built, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late++
	r.report.Refused++
	r.report.problem(b.Line, b.d.ID, text)
}

// update replaces an account that was imported earlier.
func (r *importing) update(ctx context.Context, b *built) error {
	origins, err := r.e.c.Store.OriginsOf(ctx, r.source, []string{b.d.ID})
	if err != nil {
		return err
	}
	if len(origins) == 0 || origins[0].UserID != b.whole.User.ID {
		r.fails(b, "it was removed here meanwhile")
		return nil
	}
	if err := r.e.neverBack(ctx, b); err != nil {
		return err
	}
	err = r.e.c.Store.ReplaceAccount(ctx, b.whole, origins[0], r.e.samePassword(b.d, origins[0]))
	switch {
	case errors.Is(err, storage.ErrUsed):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Changed++
		r.report.problem(b.Line, b.d.ID, "it was changed both there and here: it stays as it is here")
	case errors.Is(err, storage.ErrExists), errors.Is(err, storage.ErrNotFound):
		r.fails(b, "a name of it was taken here meanwhile, or it was removed")
	case err != nil:
		return err
	default:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Updated++
	}
	return nil
}

// neverBack ensures that nothing that was used here becomes valid again. It marks
// the codes of an app that could have been used by now as spent, so each app must
// show a new code. A passkey's counter is at least what it was.
func (e *Engine) neverBack(ctx context.Context, b *built) error {
	counters := map[string]uint32{}
	err := e.c.Store.EachAccount(ctx, b.whole.User.ID, func(w storage.Whole) error {
		for _, f := range w.Factors {
			if f.Method != storage.Passkey {
				continue
			}
			if c, err := e.c.Passkeys.Export(f); err == nil {
				counters[f.Key] = c.Counter
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	apps, keys := 0, 0
	for i := range b.whole.Factors {
		f := &b.whole.Factors[i]
		switch f.Method {
		case storage.Authenticator:
			f.LastStep = max(f.LastStep, e.c.Apps.Newest(parametersOf(b.d.Authenticators[apps])))
			apps++
		case storage.Passkey:
			c := b.d.passkeys[keys]
			keys++
			if had, ok := counters[f.Key]; ok && had > c.Counter {
				c.Counter = had
				if err := e.c.Passkeys.Import(f, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
