package redis

import (
	"context"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
)

// putDraft: prefix, owner, user, id, v, expires.
var putDraft = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'd:' .. ARGV[2]
	if redis.call('EXISTS', ARGV[1] .. 'gone:' .. ARGV[3]) == 1 then return -1 end
	redis.call('SREM', ARGV[1] .. 'du:' .. (redis.call('HGET', key, 'user') or ''), ARGV[2])
	redis.call('HSET', key, 'user', ARGV[3], 'id', ARGV[4], 'v', ARGV[5])
	if ARGV[3] ~= '' then redis.call('SADD', ARGV[1] .. 'du:' .. ARGV[3], ARGV[2]) end
	redis.call('ZADD', ARGV[1] .. 'end:d', ARGV[6], ARGV[2])
	return 1`)

// PutDraft implements storage.Drafts.
func (db *DB) PutDraft(ctx context.Context, d storage.Draft) error {
	return db.write(ctx, "put draft", func(ctx context.Context) error {
		v, err := encode(d)
		if err != nil {
			return err
		}
		return stored(db.script(ctx, putDraft, d.Owner, d.UserID, d.ID, v, micros(d.ExpiresAt)).Int())
	})
}

// Draft implements storage.Drafts.
func (db *DB) Draft(ctx context.Context, owner string) (d storage.Draft, err error) {
	err = db.read(ctx, "draft", func(ctx context.Context) error {
		m, err := db.c.HGetAll(ctx, db.prefix+"d:"+owner).Result()
		if err == nil && len(m) == 0 {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		d = storage.Draft{}
		return decode(m["v"], &d)
	})
	return d, err
}

// takeDraft: prefix, owner, id.
var takeDraft = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'd:' .. ARGV[2]
	if redis.call('HGET', key, 'id') ~= ARGV[3] then return 0 end
	redis.call('SREM', ARGV[1] .. 'du:' .. (redis.call('HGET', key, 'user') or ''), ARGV[2])
	redis.call('DEL', key)
	redis.call('ZREM', ARGV[1] .. 'end:d', ARGV[2])
	return 1`)

// TakeDraft implements storage.Drafts.
func (db *DB) TakeDraft(ctx context.Context, owner, id string) error {
	return db.write(ctx, "take draft", func(ctx context.Context) error {
		return used(db.script(ctx, takeDraft, owner, id).Int())
	})
}

// putChallenge: prefix, key, mac, tries, expires. Only these values of a code are stored; its user
// and purpose are part of the keyed hash.
var putChallenge = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'c:' .. ARGV[2]
	redis.call('HSET', key, 'mac', ARGV[3], 'tries', ARGV[4], 'expires', ARGV[5], 'taken', '0')
	redis.call('ZADD', ARGV[1] .. 'end:c', ARGV[5], ARGV[2])
	return 1`)

// PutChallenge implements storage.Challenges.
func (db *DB) PutChallenge(ctx context.Context, c storage.Challenge) error {
	return db.write(ctx, "put challenge", func(ctx context.Context) error {
		return db.script(ctx, putChallenge, c.Key, string(c.MAC), c.Tries, micros(c.ExpiresAt)).Err()
	})
}

// tryChallenge: prefix, key, now, macs. The comparison need not take constant time, because it
// compares keyed hashes. An expired code is deleted, so that it stays expired if the clock steps
// back. An empty hash never matches.
var tryChallenge = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'c:' .. ARGV[2]
	local was = redis.call('HMGET', key, 'mac', 'tries', 'expires', 'taken')
	if not was[1] then return 0 end
	if tonumber(was[3]) <= tonumber(ARGV[3]) then
		redis.call('DEL', key)
		redis.call('ZREM', ARGV[1] .. 'end:c', ARGV[2])
		return 0
	end
	if was[4] ~= '0' or tonumber(was[2]) <= 0 then return 0 end
	for i = 4, #ARGV - 1 do
		if #was[1] > 0 and was[1] == ARGV[i] then
			redis.call('HSET', key, 'taken', '1')
			return 1
		end
	end
	redis.call('HINCRBY', key, 'tries', -1)
	return 2`)

// TryChallenge implements storage.Challenges.
func (db *DB) TryChallenge(ctx context.Context, key string, macs [][]byte, now time.Time) error {
	return db.write(ctx, "try challenge", func(ctx context.Context) error {
		args := []any{key, micros(now)}
		for _, mac := range macs {
			args = append(args, string(mac))
		}
		n, err := db.script(ctx, tryChallenge, args...).Int()
		switch {
		case err != nil:
			return err
		case n == 0:
			return storage.ErrNotFound
		case n == 2:
			return storage.ErrWrong
		}
		return nil
	})
}

// dropChallenge: prefix, key.
var dropChallenge = client.NewScript(ofRun + `
	redis.call('DEL', ARGV[1] .. 'c:' .. ARGV[2])
	redis.call('ZREM', ARGV[1] .. 'end:c', ARGV[2])
	return 1`)

// DropChallenge implements storage.Challenges.
func (db *DB) DropChallenge(ctx context.Context, key string) error {
	return db.write(ctx, "drop challenge", func(ctx context.Context) error {
		return db.script(ctx, dropChallenge, key).Err()
	})
}

// sweep: prefix, kind, now, limit. The limit bounds the run time of one script.
var sweep = client.NewScript(ofRun + `
	local ends, n = ARGV[1] .. 'end:' .. ARGV[2], 0
	for _, name in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', ARGV[3], 'LIMIT', 0, ARGV[4])) do
		local key = ARGV[1] .. ARGV[2] .. ':' .. name
		if ARGV[2] == 's' then redis.call('SREM', ARGV[1] .. 'su:' .. (redis.call('HGET', key, 'user') or ''), name) end
		if ARGV[2] == 'd' then redis.call('SREM', ARGV[1] .. 'du:' .. (redis.call('HGET', key, 'user') or ''), name) end
		if ARGV[2] == 'p' then redis.call('ZREM', ARGV[1] .. 'pu:' .. (redis.call('HGET', key, 'user') or ''), name) end
		redis.call('DEL', key)
		redis.call('ZREM', ends, name)
		n = n + 1
	end
	return n`)

const sweepBatch = 200

// Sweep implements store.Store.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (total int, err error) {
	for _, kind := range []string{"s", "p", "d", "c"} {
		for left := limit; left > 0; {
			batch, n := min(left, sweepBatch), 0
			err := db.write(ctx, "sweep", func(ctx context.Context) (err error) {
				n, err = db.script(ctx, sweep, kind, micros(now), batch).Int()
				return err
			})
			if err != nil {
				return total, err
			}
			total += n
			if n < batch {
				break
			}
			left -= batch
		}
	}
	return total, nil
}
