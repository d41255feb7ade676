package redis

import (
	"context"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
)

// step contains the fields that AdvancePending changes.
type step struct {
	State  storage.PendingState
	Factor string
	Rescue bool
}

// putPending: prefix, hash, user, v, version, created, expires, known. The new one is kept
// regardless of its time, with the four newest others of its kind.
var putPending = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'p:' .. ARGV[2]
	local of = ARGV[1] .. 'pu:' .. ARGV[3]
	if redis.call('EXISTS', key) == 1 then return 0 end
	if redis.call('EXISTS', ARGV[1] .. 'gone:' .. ARGV[3]) == 1 then return -1 end
	local kept = 0
	for _, hash in ipairs(redis.call('ZREVRANGE', of, 0, -1)) do
		if (redis.call('HGET', ARGV[1] .. 'p:' .. hash, 'known') or '0') == ARGV[8] then
			kept = kept + 1
			if kept > 4 then
				redis.call('DEL', ARGV[1] .. 'p:' .. hash)
				redis.call('ZREM', ARGV[1] .. 'end:p', hash)
				redis.call('ZREM', of, hash)
			end
		end
	end
	redis.call('HSET', key, 'user', ARGV[3], 'v', ARGV[4], 'version', ARGV[5], 'known', ARGV[8])
	redis.call('ZADD', of, ARGV[6], ARGV[2])
	redis.call('ZADD', ARGV[1] .. 'end:p', ARGV[7], ARGV[2])
	return 1`)

// PutPending implements storage.Pendings.
func (db *DB) PutPending(ctx context.Context, p storage.Pending) error {
	return db.write(ctx, "put pending", func(ctx context.Context) error {
		v, err := encode(p)
		if err != nil {
			return err
		}
		return stored(db.script(ctx, putPending, p.Hash, p.UserID, v, p.Version,
			micros(p.CreatedAt), micros(p.ExpiresAt), p.Known).Int())
	})
}

func pending(m map[string]string) (p storage.Pending, err error) {
	if len(m) == 0 {
		return p, storage.ErrNotFound
	}
	if err := decode(m["v"], &p); err != nil {
		return storage.Pending{}, err
	}
	if raw, ok := m["step"]; ok {
		var a step
		if err := decode(raw, &a); err != nil {
			return storage.Pending{}, err
		}
		p.State, p.Factor, p.Rescue = a.State, a.Factor, a.Rescue
	}
	if p.Version, err = number(m["version"]); err != nil {
		return storage.Pending{}, err
	}
	return p, nil
}

// Pending implements storage.Pendings.
func (db *DB) Pending(ctx context.Context, hash string, now time.Time) (p storage.Pending, err error) {
	err = db.read(ctx, "pending", func(ctx context.Context) error {
		m, err := db.c.HGetAll(ctx, db.prefix+"p:"+hash).Result()
		if err == nil {
			p, err = pending(m)
		}
		if err == nil && micros(p.ExpiresAt) <= micros(now) {
			err = storage.ErrNotFound
		}
		return err
	})
	if err != nil {
		return storage.Pending{}, err
	}
	return p, nil
}

// advancePending: prefix, hash, version, step.
var advancePending = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'p:' .. ARGV[2]
	if redis.call('HGET', key, 'version') ~= ARGV[3] then return 0 end
	redis.call('HSET', key, 'step', ARGV[4])
	redis.call('HINCRBY', key, 'version', 1)
	return 1`)

// AdvancePending implements storage.Pendings.
func (db *DB) AdvancePending(ctx context.Context, p storage.Pending) error {
	return db.write(ctx, "advance pending", func(ctx context.Context) error {
		v, err := encode(step{p.State, p.Factor, p.Rescue})
		if err != nil {
			return err
		}
		return used(db.script(ctx, advancePending, p.Hash, p.Version, v).Int())
	})
}

func used(n int, err error) error {
	if err == nil && n == 0 {
		return storage.ErrUsed
	}
	return err
}

// takePending: prefix, hash.
var takePending = client.NewScript(ofRun + `
	local key = ARGV[1] .. 'p:' .. ARGV[2]
	local all = redis.call('HGETALL', key)
	if #all == 0 then return all end
	redis.call('ZREM', ARGV[1] .. 'pu:' .. redis.call('HGET', key, 'user'), ARGV[2])
	redis.call('ZREM', ARGV[1] .. 'end:p', ARGV[2])
	redis.call('DEL', key)
	return all`)

// TakePending implements storage.Pendings.
func (db *DB) TakePending(ctx context.Context, hash string) (p storage.Pending, err error) {
	err = db.write(ctx, "take pending", func(ctx context.Context) error {
		reply, err := db.script(ctx, takePending, hash).Result()
		if err != nil {
			return err
		}
		m, err := pairs(reply)
		if err != nil {
			return err
		}
		if len(m) == 0 {
			return storage.ErrUsed
		}
		p, err = pending(m)
		return err
	})
	return p, err
}

// endPendings: prefix, user.
var endPendings = client.NewScript(ofRun + `
	local of = ARGV[1] .. 'pu:' .. ARGV[2]
	for _, hash in ipairs(redis.call('ZRANGE', of, 0, -1)) do
		redis.call('DEL', ARGV[1] .. 'p:' .. hash)
		redis.call('ZREM', ARGV[1] .. 'end:p', hash)
	end
	redis.call('DEL', of)
	return 1`)

// EndPendings implements storage.Pendings.
func (db *DB) EndPendings(ctx context.Context, userID string) error {
	return db.write(ctx, "end pendings", func(ctx context.Context) error {
		return db.script(ctx, endPendings, userID).Err()
	})
}
