package servers

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// pooler configures a PgBouncer that assigns a connection of the server for one
// transaction, and has fewer connections than its clients need.
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
server_idle_timeout = 2
ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`

var ownPooler = sync.OnceValues(startPooler)

// PgBouncer returns two URLs of an empty database of this program's server: through
// a pooler in transaction mode, and without it.
func PgBouncer(t testing.TB) (pooled, direct string) {
	t.Helper()
	s, err := ownPooler()
	need(t, err)
	server, err := ownPostgres()
	need(t, err)
	name := "pooled" + strconv.FormatInt(ownSchemas.Add(1), 10)
	need(t, execute(t.Context(), server.URL, "CREATE DATABASE "+name))
	return named(s.URL, name), named(server.URL, name)
}

// named returns the address of another database of the same server.
func named(address, name string) string {
	return strings.Replace(address, "/postgres?", "/"+name+"?", 1)
}

func startPooler() (*Server, error) {
	program, err := find("pgbouncer", "/usr/sbin")
	if err != nil {
		return nil, err
	}
	server, err := ownPostgres()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := folder(as)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, fmt.Appendf(nil, pooler, u.Port(), port), 0o644); err != nil {
		return nil, err
	}
	s := &Server{as: as, dir: dir, signal: "INT", command: []string{program, file}}
	s.URL = strings.Replace(server.URL, ":"+u.Port(), ":"+strconv.Itoa(port), 1)
	s.ready = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, s.URL+"&default_query_exec_mode=exec")
		if err != nil {
			return err
		}
		return c.Close(ctx)
	}
	return s, s.start()
}
