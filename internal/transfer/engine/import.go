package engine

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twofold-auth/twofold/internal/account"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/transfer"
)

// Options are the options of an import.
type Options struct {
	Source  string // replaces that of the header; "file" if both are empty
	RPID    string // replaces that of the header
	DryRun  bool   // check accounts and change nothing
	SkipBad bool   // leave out accounts that cannot be imported, instead of refusing all
	// Plan is called with the report before the first change. If it returns an
	// error, the import ends.
	Plan func(*Report) error
}

var (
	// ErrRefused is returned if nothing was changed because accounts cannot be imported.
	ErrRefused = errors.New("nothing was changed")
	// ErrIncomplete is returned if the store refused accounts after others were
	// stored, because their names were taken in the meantime.
	ErrIncomplete = errors.New("some accounts could not be stored")
)

const (
	batchSize  = 500     // accounts that are checked together
	storeSize  = 500     // accounts that are stored in one transaction,
	storeBytes = 4 << 20 // and the maximum length of their items
	writers    = 2       // concurrent transactions
	maxRefused = 100_000 // maximum number of refused lines
)

// item is an account between the two passes.
type item struct {
	Line     int64
	Update   bool
	OtherID  bool   // its ID cannot be kept
	Password string // line and scheme of a draft
	Scheme   string
	Account  transfer.Account
}

// importing is one import.
type importing struct {
	e       *Engine
	o       Options
	source  string
	rp      string
	roles   []transfer.Role
	report  *Report
	scratch transfer.Scratch
	to      *bufio.Writer // of scratch
	text    []byte        // of the item that is being written
	doubles *doubles
	refused map[int64]bool // by line
	// mu guards late and the report, which concurrent writers share.
	mu   sync.Mutex
	late int // accounts that the store refused after they were checked
}

// judged is an account of a batch that is being checked.
type judged struct {
	entry transfer.Entry
	line  int64
	d     *draft
	err   error
}

// Import imports the accounts of a source. The report is never nil.
func (e *Engine) Import(ctx context.Context, src transfer.Source, o Options) (_ *Report, err error) {
	r := &importing{e: e, o: o, doubles: newDoubles(e.c.Scratch), refused: map[int64]bool{},
		report: newReport(o.Source, o.DryRun)}
	if err := r.begin(ctx, src); err != nil {
		return r.report, err
	}
	defer func() { err = errors.Join(err, r.scratch.Close(), r.doubles.close()) }()
	if err := r.read(ctx, src); err != nil {
		return r.report, err
	}
	if err := r.to.Flush(); err != nil {
		return r.report, err
	}
	if err := r.findDoubles(); err != nil {
		return r.report, err
	}
	e.notices(r.report, r.rp)
	if r.report.Refused > 0 && !o.SkipBad {
		n := r.report
		return n, fmt.Errorf("%d of %d accounts cannot be imported: %w", n.Refused, n.Accounts, ErrRefused)
	}
	if o.Plan != nil {
		if err := o.Plan(r.report); err != nil {
			return r.report, err
		}
	}
	if o.DryRun {
		return r.report, nil
	}
	if r.report.New+r.report.Updated+len(r.report.Roles) > 0 {
		err = r.write(ctx)
	}
	r.report.Done = err == nil || errors.Is(err, ErrIncomplete)
	return r.report, err
}

func (r *importing) begin(ctx context.Context, src transfer.Source) error {
	h, err := src.Header(ctx)
	if err != nil {
		return err
	}
	r.source, r.rp = r.o.Source, r.o.RPID
	for to, from := range map[*string]string{&r.source: h.Source, &r.rp: h.RPID} {
		if *to == "" {
			*to = from
		}
	}
	if r.source == "" {
		r.source = "file"
	}
	r.report.Source = r.source
	switch {
	case !transfer.ValidSource(r.source):
		return errors.New("the name of the source must have 1 to 64 letters, digits, dots and dashes")
	case len(h.LeftOut) > 0:
		return fmt.Errorf("the file was written without %s, so no one could sign in: export it with its secrets",
			strings.Join(h.LeftOut, ", "))
	}
	if err := r.judgeRoles(ctx, h.Roles); err != nil {
		return err
	}
	if r.scratch, err = r.e.c.Scratch(); err != nil {
		return err
	}
	r.to = bufio.NewWriterSize(r.scratch, 64<<10)
	return nil
}

// judgeRoles finds the roles to create. A role that exists here keeps its
// permissions.
func (r *importing) judgeRoles(ctx context.Context, roles []transfer.Role) error {
	known, err := r.e.c.Store.Roles(ctx)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if account.CheckNames(append([]string{role.Name}, role.Permissions...)...) != nil {
			r.report.Notices = append(r.report.Notices,
				fmt.Sprintf("The role %.100q does not come: its name or that of "+
					"a permission has blanks, commas or characters that are not printed.", role.Name))
			continue
		}
		i := slices.IndexFunc(known, func(k storage.Role) bool { return k.Name == role.Name })
		if i < 0 {
			r.roles, r.report.Roles = append(r.roles, role), append(r.report.Roles, role.Name)
			continue
		}
		for _, p := range role.Permissions {
			if !slices.Contains(known[i].Permissions, p) {
				r.report.Notices = append(r.report.Notices, fmt.Sprintf(
					"The role %q is here already and does not permit all that it did there.", role.Name))
				break
			}
		}
	}
	return nil
}

// read is the first pass. It checks the accounts of a batch while it reads the next
// ones.
func (r *importing) read(ctx context.Context, src transfer.Source) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []*judged), make(chan error, 1)
	go func() {
		var err error
		for batch := range batches {
			if err == nil {
				if err = r.judgeBatch(ctx, batch); err != nil {
					stop() // stops the reader and drops what it has read
				}
			}
		}
		failed <- err
	}()
	var batch []*judged
	send := func() error {
		select {
		case batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := src.Read(ctx, func(n transfer.Entry) error {
		if batch = append(batch, &judged{entry: n, line: n.Line}); len(batch) < batchSize {
			return nil
		}
		return send()
	})
	if err == nil && len(batch) > 0 {
		err = send()
	}
	close(batches)
	if e := <-failed; e != nil { // the reader was stopped because of this error
		return e
	}
	return err
}

// judgeAll checks the accounts of a batch on all processors, and returns those that
// can be imported.
func (r *importing) judgeAll(batch []*judged) ([]*judged, error) {
	inParallel(len(batch), func(i int) {
		j := batch[i]
		if j.entry.Refused != "" {
			j.err = errors.New(j.entry.Refused)
			return
		}
		if problems := j.entry.Account.Check(); len(problems) > 0 { // a reader may not have checked it
			j.err = errors.New(strings.Join(problems, "; "))
			return
		}
		if j.d, j.err = r.e.judge(j.entry.Account); j.err == nil {
			j.d.left = append(j.d.left, j.entry.Left...)
		}
	})
	good := batch[:0]
	for _, j := range batch {
		if j.err != nil {
			if err := r.refuse(j.line, j.entry.Account.ID, j.err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		for _, name := range j.d.names() {
			if err := r.doubles.add(j.line, name); err != nil {
				return nil, err
			}
		}
		good = append(good, j)
	}
	return good, nil
}

// inParallel calls f with 0 to n-1 on all processors.
func inParallel(n int, f func(i int)) {
	var next atomic.Int64
	var todo sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		todo.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	todo.Wait()
}

func (r *importing) refuse(line int64, id, text string) error {
	if r.refused[line] {
		return nil
	}
	r.refused[line] = true
	r.report.Refused++
	r.report.problem(line, id, text)
	if len(r.refused) > maxRefused {
		return fmt.Errorf("more than %d accounts cannot be imported: %w", maxRefused, ErrRefused)
	}
	return nil
}

// judgeBatch compares the accounts of a batch with those that exist here.
func (r *importing) judgeBatch(ctx context.Context, batch []*judged) error {
	r.report.Accounts += len(batch)
	batch, err := r.judgeAll(batch)
	if err != nil {
		return err
	}
	here, err := r.e.lookAround(ctx, r.source, batch)
	if err != nil {
		return err
	}
	for _, j := range batch {
		o, came := here.origins[j.d.ID]
		if here.holders["id"][j.d.ID] == "-" { // the account was deleted here
			r.report.Changed++
			r.report.problem(j.line, j.d.ID, "it was deleted here: it is not imported again")
			continue
		}
		if text := here.taken(j.d, o.UserID); text != "" {
			if err := r.refuse(j.line, j.d.ID, text); err != nil {
				return err
			}
			continue
		}
		n := item{Line: j.line, Update: came, Password: j.d.line, Scheme: j.d.scheme, Account: j.d.Account}
		if came {
			same, changed, err := r.e.compare(ctx, j.d, o)
			if err != nil {
				return err
			}
			if same {
				r.report.Unchanged++
				continue
			}
			if changed {
				r.report.Changed++
				r.report.problem(j.line, j.d.ID, "it was changed both there and here: it stays as it is here")
				continue
			}
			r.report.Updated++
		} else {
			r.report.New++
			if n.OtherID = !keepable(j.d.ID) || here.holders["id"][j.d.ID] != ""; n.OtherID {
				r.report.OtherID++
			}
		}
		r.report.count(j.d)
		if r.text, err = appendItem(r.text[:0], n); err != nil {
			return err
		}
		if _, err := r.to.Write(r.text); err != nil {
			return err
		}
	}
	return nil
}

// findDoubles refuses all accounts that share a name with another account of the
// source, because it cannot tell which of them is right.
func (r *importing) findDoubles() error {
	refused := len(r.refused)
	err := r.doubles.each(func(line, other int64, kind string) error {
		return r.refuse(line, "", fmt.Sprintf("%s is that of line %d, too", kind, other))
	})
	if err != nil || len(r.refused) == refused {
		return err
	}
	// Count again without the refused accounts.
	former := r.report
	fresh := newReport(former.Source, former.DryRun)
	fresh.Accounts, fresh.Refused, fresh.Unchanged, fresh.Changed = former.Accounts, former.Refused, former.Unchanged,
		former.Changed
	fresh.Problems, fresh.Notices, fresh.Roles = former.Problems, former.Notices, former.Roles
	fresh.OtherID = former.OtherID
	*r.report = *fresh
	return r.eachItem(func(n item) error {
		d, err := r.e.judgeItem(n)
		if err != nil {
			return err
		}
		if r.report.count(d); n.Update {
			r.report.Updated++
		} else {
			r.report.New++
		}
		return nil
	})
}

// eachItem calls f for every account that is to be stored.
func (r *importing) eachItem(f func(item) error) error {
	return r.eachText(func(line []byte) error {
		n, err := readItem(line)
		if err != nil || r.refused[n.Line] {
			return err
		}
		return f(n)
	})
}

// eachText calls f for every item of the scratch file. f may keep the text.
func (r *importing) eachText(f func([]byte) error) error {
	from, err := r.scratch.Rewind()
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		size, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return err
		}
		if err := f(text); err != nil {
			return err
		}
	}
}
