package servers

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// pooler is a PgBouncer that gives a connection of the server for one
// transaction, and has fewer of them than its clients want.
const pooler = `[databases]
* = host=127.0.0.1 port=%s user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`

// PgBouncer returns the URLs of an empty database: through a pooler in
// transaction mode, and past it.
func PgBouncer(t testing.TB) (pooled, direct string) {
	t.Helper()
	program := Find(t, "pgbouncer")
	server, err := ownPostgres()
	need(t, err)
	u, err := url.Parse(server.URL)
	need(t, err)
	as, err := unprivileged()
	need(t, err)
	dir, err := folder(as)
	need(t, err)
	file := filepath.Join(dir, "pgbouncer.ini")
	port := FreePort(t)
	need(t, os.WriteFile(file, fmt.Appendf(nil, pooler, u.Port(), port), 0o644))
	s := &Server{as: as, dir: dir, signal: "INT", command: []string{program, file}}
	db := "pooled" + strconv.FormatInt(ownSchemas.Add(1), 10)
	c, err := pgx.Connect(t.Context(), server.URL)
	need(t, err)
	defer c.Close(context.WithoutCancel(t.Context()))
	_, err = c.Exec(t.Context(), "CREATE DATABASE "+db)
	need(t, err)
	u.Path = "/" + db
	direct = u.String()
	u.Host = "127.0.0.1:" + strconv.Itoa(port)
	pooled = u.String()
	s.ready = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, pooled+"&default_query_exec_mode=exec")
		if err != nil {
			return err
		}
		return c.Close(ctx)
	}
	own(t, s, s.start())
	return pooled, direct
}
