package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/web"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// database contains the addresses of the stores: an SQLite file or a PostgreSQL database, and
// optionally Redis for expiring records.
type database struct {
	file     string
	postgres string // URL
	redis    string // URL
	migrate  bool   // migrate the schema on opening
}

// String returns the address without the password.
func (d database) String() string {
	if d.postgres == "" {
		return d.file
	}
	u, err := url.Parse(d.postgres)
	if err != nil {
		return "PostgreSQL"
	}
	return u.Host + u.Path
}

// folderThere returns an error if the folder of an SQLite database cannot be used.
func (d database) folderThere() error {
	if d.postgres != "" {
		return nil
	}
	folder := filepath.Dir(d.file)
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		return problems{{"SQLALCHEMY_DATABASE_URI", "names a file in " + folder + ", which cannot be used (" +
			fileCause(err) + "): create the folder, or check the slashes (four before an absolute path)"}}
	case !info.IsDir():
		return problems{{"SQLALCHEMY_DATABASE_URI", "names a file in " + folder +
			", which is not a folder: name another"}}
	}
	return nil
}

// missing reports whether an SQLite database does not exist yet. It returns false for PostgreSQL.
func (d database) missing() bool { return d.postgres == "" && missing(d.file) }

func databaseTable() []setting {
	return []setting{
		{Name: "SQLALCHEMY_DATABASE_URI", Type: secret, Default: "sqlite:///twofold.db", Field: "Store",
			Doc: "The database. SQLite, for one machine: `sqlite:///file.db` in the working directory, or " +
				"`sqlite:////var/lib/twofold/file.db` for an absolute path; the file is created if it does not " +
				"exist. PostgreSQL, for any number of nodes: " +
				"`postgresql://user:password@host:5432/name?sslmode=verify-full`, optionally with the parameters " +
				"`search_path` and `pool_max_conns` (default 16).",
			Apply: applyDatabase},
		{Name: "DATABASE_URL", Type: secret, Empty: "none",
			Doc: "Another name of `SQLALCHEMY_DATABASE_URI`.", Apply: func(*settings, any) error { return nil }},
		{Name: "TWOFOLD_REDIS_URL", Type: secret, Empty: "none; the database stores everything",
			Doc: "A Redis (6 or later) or Valkey that stores what expires: sessions, pending sign-ins and " +
				"codes. Accounts, factors and budgets stay in the database. Write " +
				"`redis://user:password@host:6379/0`, or `rediss://` for TLS; `?prefix=` sets a prefix for its " +
				"keys. A cluster needs at least one `addr`: `redis://a:6379?addr=b:6379&addr=c:6379`. With " +
				"`master_name` the hosts are Sentinels: " +
				"`redis://a:26379?addr=b:26379&addr=c:26379&master_name=main`. When Redis restarts, with or without " +
				"its data, or a replica takes over, all users must sign in again.",
			Apply: applyRedis},
		{Name: "TWOFOLD_MIGRATE", Type: flag, Default: "true",
			Doc: "Brings the schema of the database up to date when the server starts. With `false`, a server " +
				"whose schema is out of date reports it and does not start: run `twofold migrate up` first, e.g. as " +
				"the database user who owns the tables.",
			Apply: toBool(func(s *settings) *bool { return &s.Database.migrate })},
	}
}

// applyDatabase accepts SQLAlchemy's form: three slashes before a relative path, four before an
// absolute one.
func applyDatabase(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	scheme, rest, found := strings.Cut(v, "://")
	scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+") // postgresql+psycopg2
	switch {
	case !found:
		return errors.New("is not a database address: write e.g. sqlite:///twofold.db or " +
			"postgresql://user:password@host/name")
	case scheme == "postgres" || scheme == "postgresql":
		return s.applyPostgres("postgres://" + rest)
	case scheme != "sqlite":
		return errors.New("names an unsupported kind of database: write e.g. sqlite:///twofold.db or " +
			"postgresql://user:password@host/name")
	}
	path, slash := strings.CutPrefix(rest, "/")
	switch {
	case rest == "" || path == "" || strings.Contains(path, ":memory:"):
		return errors.New("is an in-memory database, which would lose every account: name a file, e.g. " +
			"sqlite:///twofold.db")
	case !slash:
		return errors.New("has too few slashes: write sqlite:///relative.db or sqlite:////absolute.db")
	case strings.ContainsAny(path, "?#"):
		return errors.New("has options after the file name: remove them; the server sets what it needs")
	}
	s.Database.file, s.Database.postgres = filepath.FromSlash(path), ""
	return nil
}

func (s *settings) applyPostgres(address string) error {
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") == "" || u.Fragment != "" {
		return errors.New("is not a PostgreSQL address: write " +
			"postgresql://user:password@host:5432/name?sslmode=verify-full, with special characters in the password " +
			"as %XX")
	}
	if address, err = s.knownParameters(u); err != nil {
		return err
	}
	host := u.Hostname()
	if h := u.Query().Get("host"); h != "" {
		host = h
	}
	mode := u.Query().Get("sslmode")
	if far(host) && mode != "verify-full" && mode != "verify-ca" {
		s.note("the database is on another machine and its address lacks sslmode=verify-full: anyone on the network " +
			"path can read and change everything")
	}
	s.Database.postgres = address
	return nil
}

// foreign reports whether a parameter of a PostgreSQL address is for other tools and has no effect
// here.
func foreign(name string) bool {
	switch strings.ToLower(name) {
	case "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "sslaccept", "charset", "encoding",
		"serverversion",
		"binary_parameters", "prepared_statement_cache_size", "statement_cache_size", "preparethreshold",
		"applicationname",
		"gssencmode", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "sslcompression",
		"tcp_user_timeout",
		"pool_size", "max_overflow", "pool_recycle", "pool_pre_ping", "uselibpqcompat", "async_fallback", "reconnect":
		return true
	}
	return false
}

// knownParameters removes parameters of other tools from an address, with a note, and returns an
// error for those with another meaning here.
func (s *settings) knownParameters(u *url.URL) (string, error) {
	q := u.Query()
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case name == "schema" || name == "currentSchema" || name == "options[schema]":
			return "", fmt.Errorf("has the parameter %q, which is for another tool and not supported: write "+
				"search_path=%s", name,
				q.Get(name))
		case name == "ssl":
			return "", errors.New(`has the parameter "ssl", which is for another tool and not supported: write sslmode=verify-full`)
		case foreign(name):
			q.Del(name)
			s.note("the parameter %s of the database's address is for another tool and has no effect", name)
		}
	}
	if u.RawQuery != "" {
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// far reports whether a host is another machine.
func far(host string) bool {
	return host != "" && !strings.HasPrefix(host, "/") && !web.Loopback(host) && !net.ParseIP(host).IsLoopback()
}

func applyRedis(s *settings, raw any) error {
	v, err := asText(raw)
	if err != nil {
		return err
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
		return errors.New("is not a Redis address: write redis://user:password@host:6379/0, or rediss:// for TLS")
	}
	if u.Scheme == "redis" && far(u.Hostname()) {
		s.note("Redis is on another machine and its address is not rediss://: anyone on the network path can read " +
			"and create sessions")
	}
	s.Database.redis = v
	return nil
}

// openStore opens the database, and Redis if it is configured.
func (s *settings) openStore(ctx context.Context) (storage.Store, error) {
	durable, err := s.Database.openDurable(ctx)
	if err != nil {
		return nil, problems{{"SQLALCHEMY_DATABASE_URI", "the database " + s.Database.String() + " cannot be opened: " +
			oneLine(err)}}
	}
	s.countFailures(durable)
	if s.Database.redis == "" {
		return durable, nil
	}
	volatile, err := redis.Open(ctx, s.Database.redis)
	if err != nil {
		return nil, errors.Join(problems{{"TWOFOLD_REDIS_URL", oneLine(err)}}, durable.Close())
	}
	return storage.Join(durable, volatile), nil
}

func (d database) openDurable(ctx context.Context) (storage.Store, error) {
	switch {
	case d.postgres != "" && d.migrate:
		return postgres.Open(ctx, d.postgres)
	case d.postgres != "":
		return postgres.OpenAsIs(ctx, d.postgres)
	case d.migrate || missing(d.file):
		return sqlite.Open(ctx, d.file)
	}
	return sqlite.OpenAsIs(ctx, d.file)
}

// openUnchecked opens an existing database with any schema.
func (d database) openUnchecked(ctx context.Context) (storage.Store, error) {
	if d.postgres != "" {
		return postgres.OpenUnchecked(ctx, d.postgres)
	}
	return sqlite.OpenUnchecked(ctx, d.file)
}

type migrateCommands struct {
	Up     migrateUp     `cmd:"" help:"Bring the database's schema up to date."`
	Status migrateStatus `cmd:"" help:"List the steps of the schema, applied and pending."`
}

type migrateUp struct{ where }

// Help implements kong.HelpProvider.
func (migrateUp) Help() string {
	return `The server does this when it starts, unless TWOFOLD_MIGRATE is false. Several nodes may do it at once: one does the
work and the others wait. All missing steps are applied in one transaction.

Most steps only add to the schema, so that nodes of the previous version keep working alongside new ones. Any other step
is named NNN_name.breaking.sql; after it, programs that do not know it refuse to start.

Examples:
  twofold migrate up
  twofold migrate up --config /etc/twofold.toml`
}

// Run applies the missing migrations.
func (c migrateUp) Run(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	before, err := s.Database.steps(ctx)
	if err != nil {
		return err
	}
	s.Database.migrate, s.Database.redis = true, ""
	db, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	n := 0
	for _, step := range before {
		if step.At.IsZero() {
			n++
			fmt.Fprintln(p.out, "applied", step.Name)
		}
	}
	if n == 0 {
		fmt.Fprintln(p.out, "Nothing to do.")
	}
	return nil
}

type migrateStatus struct{ where }

// Help implements kong.HelpProvider.
func (migrateStatus) Help() string {
	return `Changes nothing. It fails if steps are missing, so that scripts can test for that.

Examples:
  twofold migrate status && systemctl restart twofold`
}

// Run lists the migrations.
func (c migrateStatus) Run(ctx context.Context, p process) error {
	s, err := load(c.where, p.environ)
	if err != nil {
		return err
	}
	steps, err := s.Database.steps(ctx)
	if err != nil {
		return err
	}
	table, missing := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0), 0
	for _, step := range steps {
		applied := "pending"
		if step.At.IsZero() {
			missing++
		} else {
			applied = step.At.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\n", step.Name, applied)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%s: run `twofold migrate up`", amount(missing, "step is missing", "steps are missing"))
	}
	return nil
}

func (d database) steps(ctx context.Context) ([]storage.Migration, error) {
	var list []storage.Migration
	var err error
	if d.postgres != "" {
		list, err = postgres.Schema(ctx, d.postgres)
	} else {
		list, err = sqlite.Schema(ctx, d.file)
	}
	if err != nil {
		return nil, problems{{"SQLALCHEMY_DATABASE_URI", "the database " + d.String() + " cannot be read: " +
			oneLine(err)}}
	}
	return list, nil
}

// ready reports whether there is a database whose schema is complete.
func (d database) ready(ctx context.Context) bool {
	if d.missing() {
		return false
	}
	steps, err := d.steps(ctx)
	return err == nil && len(steps) > 0 && !steps[len(steps)-1].At.IsZero()
}

// clockAhead returns how far the database's clock is ahead of ours.
func (d database) clockAhead(ctx context.Context) (time.Duration, error) {
	if d.postgres == "" {
		return 0, errors.New("SQLite has no clock of its own")
	}
	return postgres.ClockAhead(ctx, d.postgres)
}

// makeFolder creates the folder of --dev.
func (d database) makeFolder() error {
	if err := os.MkdirAll(filepath.Dir(d.file), 0o700); err != nil {
		return errors.New(fileCause(err) + ": name a folder that can be written with --dir")
	}
	return nil
}
