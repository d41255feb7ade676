package testkit

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
)

// volatileKinds returns the tables whose rows Redis keeps, if there is one.
func volatileKinds() []string { return []string{"sessions", "pendings", "drafts", "challenges"} }

// connect opens Redis directly and returns the prefix of the keys.
func (d *Database) connect() (*client.Client, string) {
	d.T.Helper()
	u, err := url.Parse(d.Redis)
	d.must(err)
	c := client.NewClient(&client.Options{Addr: u.Host})
	return c, u.Query().Get("prefix")
}

// records reads the Redis hashes whose names match.
func (d *Database) records(match string) map[string]map[string]string {
	d.T.Helper()
	out := map[string]map[string]string{}
	if d.Redis == "" {
		return out
	}
	c, prefix := d.connect()
	defer c.Close()
	keys, err := c.Keys(d.T.Context(), prefix+match).Result()
	d.must(err)
	for _, key := range keys {
		if m, err := c.HGetAll(d.T.Context(), key).Result(); err == nil && len(m) > 0 {
			out[strings.TrimPrefix(key, prefix)] = m
		}
	}
	return out
}

// engines opens both stores as the library does.
func (d *Database) engines() (*postgres.DB, *redis.DB) {
	d.T.Helper()
	tables, err := postgres.Open(d.T.Context(), d.Postgres)
	d.must(err)
	keys, err := redis.Open(d.T.Context(), d.Redis)
	d.must(err)
	return tables, keys
}

// past is a time at which nothing has expired.
var past = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)

// fromRedis copies the data in Redis to the tables, which are empty before.
func (d *Database) fromRedis() {
	d.T.Helper()
	if d.Redis == "" {
		return
	}
	ctx := d.T.Context()
	tables, keys := d.engines()
	defer tables.Close()
	defer keys.Close()
	for _, kind := range volatileKinds() {
		_, err := d.SQL().Exec(`DELETE FROM twofold_` + kind)
		d.must(err)
	}
	for key, record := range d.records("*") {
		kind, name, _ := strings.Cut(key, ":")
		switch kind {
		case "s":
			if s, err := keys.Session(ctx, name, past); err == nil {
				d.must(tables.PutSession(ctx, s))
			}
		case "p":
			if v, err := keys.Pending(ctx, name, past); err == nil {
				d.must(tables.PutPending(ctx, v))
			}
		case "d":
			if v, err := keys.Draft(ctx, name); err == nil {
				d.must(tables.PutDraft(ctx, v))
			}
		case "c":
			n, err := strconv.Atoi(record["tries"])
			d.must(err)
			end, err := strconv.ParseInt(record["expires"], 10, 64)
			d.must(err)
			d.must(tables.PutChallenge(ctx,
				storage.Challenge{Key: name, MAC: []byte(record["mac"]), Tries: n, ExpiresAt: time.UnixMicro(end)}))
			_, err = d.SQL().Exec(`UPDATE twofold_challenges SET taken = $2 WHERE name = $1`, name,
				record["taken"] == "1")
			if err != nil {
				_, err = d.SQL().Exec(`UPDATE twofold_challenges SET taken = `+record["taken"]+` WHERE name = $1`, name)
			}
			d.must(err)
		}
	}
}

// intoRedis writes changes of a query back to Redis.
func (d *Database) intoRedis() {
	d.T.Helper()
	if d.Redis == "" {
		return
	}
	ctx := d.T.Context()
	tables, keys := d.engines()
	defer tables.Close()
	defer keys.Close()
	c, prefix := d.connect()
	defer c.Close()
	for key := range d.records("*") {
		kind, name, _ := strings.Cut(key, ":")
		switch kind {
		case "s":
			if _, err := keys.TakeSession(ctx, name); err != nil {
				continue // swept meanwhile
			}
			var ends int64
			if d.SQL().QueryRow(`SELECT ends_at FROM twofold_sessions WHERE hash = $1`, name).Scan(&ends) != nil {
				continue
			}
			_, err := d.SQL().Exec(`UPDATE twofold_sessions SET ends_at = 1 WHERE hash = $1 AND ends_at < 1`, name)
			d.must(err)
			s, err := tables.Session(ctx, name, past)
			d.must(err)
			if end := time.UnixMicro(max(ends, 1)); end.Before(s.IdleAt) {
				s.IdleAt = end
			}
			d.must(keys.PutSession(ctx, s))
		case "p":
			if _, err := keys.TakePending(ctx, name); err != nil {
				continue
			}
			if v, err := tables.Pending(ctx, name, past); err == nil {
				d.must(keys.PutPending(ctx, v))
			}
		case "d":
			if v, err := tables.Draft(ctx, name); err == nil {
				d.must(keys.PutDraft(ctx, v))
			}
		case "c":
			var tries int
			if err := d.SQL().QueryRow(`SELECT tries FROM twofold_challenges WHERE name = $1`,
				name).Scan(&tries); err == nil {
				d.must(c.HSet(ctx, prefix+key, "tries", tries).Err())
			} else {
				d.must(keys.DropChallenge(ctx, name))
			}
		}
	}
}
