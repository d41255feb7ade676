package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// pool is a *sql.DB with its prepared statements, each prepared once. The
// texts are constants of this package (TryChallenge has one per number of
// hashes), except those that store whole accounts, which depend on the accounts.
// So transactions stop adding statements at a bound.
type pool struct {
	db    *sql.DB
	plain bool // the driver prepares by itself: texts are run as they are
	most  int  // statements up to which transactions add
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt

	closed atomic.Bool // a borrowed db stays open
}

func newPool(db *sql.DB, d Dialect) *pool {
	return &pool{db: db, plain: d.Prepares, most: 256, stmts: make(map[string]*sql.Stmt)}
}

func (p *pool) begin(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	if p.closed.Load() {
		return nil, sql.ErrConnDone
	}
	return p.db.BeginTx(ctx, o)
}

func (p *pool) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	if p.plain {
		return p.db.ExecContext(ctx, query, args...)
	}
	st, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

func (p *pool) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if p.plain {
		return p.db.QueryContext(ctx, query, args...)
	}
	st, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// known returns a statement that was prepared before, or nil.
func (p *pool) known(query string) *sql.Stmt {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.stmts[query]
}

// learn prepares a statement for later use, unless the pool has enough of them.
func (p *pool) learn(ctx context.Context, query string) {
	p.mu.RLock()
	full := len(p.stmts) >= p.most
	p.mu.RUnlock()
	if !full {
		_, _ = p.stmt(ctx, query) // only a matter of speed
	}
}

// stmt returns a statement, preparing it if need be. It must not be called
// inside a transaction: the pool may have one connection only.
func (p *pool) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := p.known(query); st != nil {
		return st, nil
	}
	if p.closed.Load() {
		return nil, sql.ErrConnDone
	}
	st, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, ok := p.stmts[query]; ok {
		st.Close()
		return was, nil
	}
	if p.closed.Load() {
		st.Close()
		return nil, sql.ErrConnDone
	}
	p.stmts[query] = st
	return st, nil
}

// close closes the statements, and the pool unless it is borrowed.
func (p *pool) close(borrowed bool) error {
	p.closed.Store(true)
	p.mu.Lock()
	for _, st := range p.stmts {
		st.Close()
	}
	clear(p.stmts)
	p.mu.Unlock()
	if borrowed {
		return nil
	}
	return p.db.Close()
}
