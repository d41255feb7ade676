package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
)

// rebound contains the fields that RebindSession changes.
type rebound struct {
	CredentialVersion string
	Level             storage.Level
	Trusted           bool
	TrustedBy         string
	Proofs            []storage.Proof
	FreshAt           time.Time
}

// putSession: prefix, hash, user, v, seen, idle, expires, end.
var putSession = client.NewScript(ofRun + `
	local key = ARGV[1] .. 's:' .. ARGV[2]
	if redis.call('EXISTS', key) == 1 then return 0 end
	if redis.call('EXISTS', ARGV[1] .. 'gone:' .. ARGV[3]) == 1 then return -1 end
	redis.call('HSET', key, 'user', ARGV[3], 'v', ARGV[4], 'seen', ARGV[5], 'idle', ARGV[6], 'expires', ARGV[7])
	redis.call('SADD', ARGV[1] .. 'su:' .. ARGV[3], ARGV[2])
	redis.call('ZADD', ARGV[1] .. 'end:s', ARGV[8], ARGV[2])
	return 1`)

// PutSession implements storage.Sessions.
func (db *DB) PutSession(ctx context.Context, s storage.Session) error {
	return db.write(ctx, "put session", func(ctx context.Context) error {
		v, err := encode(s)
		if err != nil {
			return err
		}
		idle, expires := micros(s.IdleAt), micros(s.ExpiresAt)
		return stored(db.script(ctx, putSession, s.Hash, s.UserID, v, micros(s.SeenAt), idle, expires,
			min(idle, expires)).Int())
	})
}

// session decodes a record. It returns ErrNotFound if there is none.
func session(m map[string]string) (s storage.Session, err error) {
	if len(m) == 0 {
		return s, storage.ErrNotFound
	}
	if err := decode(m["v"], &s); err != nil {
		return storage.Session{}, err
	}
	if raw, ok := m["rebound"]; ok {
		var r rebound
		if err := decode(raw, &r); err != nil {
			return storage.Session{}, err
		}
		s.CredentialVersion, s.Level, s.Trusted, s.TrustedBy, s.Proofs, s.FreshAt = r.CredentialVersion, r.Level,
			r.Trusted, r.TrustedBy, r.Proofs, r.FreshAt
	}
	seen, err1 := number(m["seen"])
	idle, err2 := number(m["idle"])
	if err1 != nil || err2 != nil {
		return storage.Session{}, errForm
	}
	s.SeenAt, s.IdleAt = moment(seen), moment(idle)
	return s, nil
}

func dead(s storage.Session, now time.Time) bool {
	return min(micros(s.IdleAt), micros(s.ExpiresAt)) <= micros(now)
}

// Session implements storage.Sessions. It is called for every request, so it uses only one command.
func (db *DB) Session(ctx context.Context, hash string, now time.Time) (s storage.Session, err error) {
	err = db.read(ctx, "session", func(ctx context.Context) error {
		m, err := db.c.HGetAll(ctx, db.prefix+"s:"+hash).Result()
		if err == nil {
			s, err = session(m)
		}
		if err == nil && dead(s, now) {
			err = storage.ErrNotFound
		}
		return err
	})
	if err != nil {
		return storage.Session{}, err
	}
	return s, nil
}

// touchSession: prefix, hash, seen, idle. An earlier touch that arrives late never shortens the
// time. Microseconds fit into Lua's numbers until 2255.
var touchSession = client.NewScript(ofRun + `
	local key = ARGV[1] .. 's:' .. ARGV[2]
	local was = redis.call('HMGET', key, 'seen', 'idle', 'expires')
	if not was[1] then return 0 end
	if math.min(tonumber(was[2]), tonumber(was[3])) <= tonumber(ARGV[3]) then return 0 end
	if tonumber(ARGV[3]) > tonumber(was[1]) then redis.call('HSET', key, 'seen', ARGV[3]) end
	if tonumber(ARGV[4]) > tonumber(was[2]) then
		redis.call('HSET', key, 'idle', ARGV[4])
		local ends = ARGV[4]
		if tonumber(was[3]) < tonumber(ARGV[4]) then ends = was[3] end
		redis.call('ZADD', ARGV[1] .. 'end:s', ends, ARGV[2])
	end
	return 1`)

// TouchSession implements storage.Sessions.
func (db *DB) TouchSession(ctx context.Context, hash string, seen, idle time.Time) error {
	return db.write(ctx, "touch session", func(ctx context.Context) error {
		return found(db.script(ctx, touchSession, hash, micros(seen), micros(idle)).Int())
	})
}

// TouchSessions implements storage.Sessions.
func (db *DB) TouchSessions(ctx context.Context, list []storage.Touch) error {
	for _, t := range list {
		if err := db.TouchSession(ctx, t.Hash, t.Seen, t.Idle); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}

func found(n int, err error) error {
	if err == nil && n == 0 {
		return storage.ErrNotFound
	}
	return err
}

// takeSession: prefix, hash.
var takeSession = client.NewScript(ofRun + `
	local key = ARGV[1] .. 's:' .. ARGV[2]
	local all = redis.call('HGETALL', key)
	if #all == 0 then return all end
	redis.call('SREM', ARGV[1] .. 'su:' .. redis.call('HGET', key, 'user'), ARGV[2])
	redis.call('ZREM', ARGV[1] .. 'end:s', ARGV[2])
	redis.call('DEL', key)
	return all`)

// TakeSession implements storage.Sessions.
func (db *DB) TakeSession(ctx context.Context, hash string) (s storage.Session, err error) {
	err = db.write(ctx, "take session", func(ctx context.Context) error {
		reply, err := db.script(ctx, takeSession, hash).Result()
		if err != nil {
			return err
		}
		m, err := pairs(reply)
		if err == nil {
			s, err = session(m)
		}
		return err
	})
	return s, err
}

// rebindSession: prefix, hash, rebound. The expiry times stay, so an expired session stays expired.
var rebindSession = client.NewScript(ofRun + `
	local key = ARGV[1] .. 's:' .. ARGV[2]
	if redis.call('EXISTS', key) == 0 then return 0 end
	redis.call('HSET', key, 'rebound', ARGV[3])
	return 1`)

// RebindSession implements storage.Sessions.
func (db *DB) RebindSession(ctx context.Context, s storage.Session) error {
	return db.write(ctx, "rebind session", func(ctx context.Context) error {
		v, err := encode(rebound{s.CredentialVersion, s.Level, s.Trusted, s.TrustedBy, s.Proofs, s.FreshAt})
		if err != nil {
			return err
		}
		return found(db.script(ctx, rebindSession, s.Hash, v).Int())
	})
}

// sessionsOf: prefix, user.
var sessionsOf = client.NewScript(ofRun + `
	local out = {}
	for _, hash in ipairs(redis.call('SMEMBERS', ARGV[1] .. 'su:' .. ARGV[2])) do
		out[#out + 1] = redis.call('HGETALL', ARGV[1] .. 's:' .. hash)
	end
	return out`)

// SessionsOf implements storage.Sessions.
func (db *DB) SessionsOf(ctx context.Context, userID string, now time.Time) ([]storage.Session, error) {
	all, err := db.sessions(ctx, userID)
	if err != nil {
		return nil, err
	}
	list := []storage.Session{}
	for _, s := range all {
		if !dead(s, now) {
			list = append(list, s)
		}
	}
	newestFirst(list)
	return list[:min(len(list), storage.MaxListed)], nil
}

// sessions returns all session records of a user in arbitrary order.
func (db *DB) sessions(ctx context.Context, userID string) ([]storage.Session, error) {
	list := []storage.Session{}
	err := db.read(ctx, "sessions", func(ctx context.Context) error {
		list = list[:0]
		replies, err := db.script(ctx, sessionsOf, userID).Slice()
		if err != nil {
			return err
		}
		for _, reply := range replies {
			m, err := pairs(reply)
			if err != nil {
				return err
			}
			s, err := session(m)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func newestFirst(list []storage.Session) {
	slices.SortFunc(list, func(a, b storage.Session) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.Hash, b.Hash)
	})
}

// TrimSessions implements storage.Sessions. Each of several concurrent callers ends only the sessions
// in excess at that time.
func (db *DB) TrimSessions(ctx context.Context, userID string, keep int) ([]storage.Session, error) {
	n := int64(0)
	err := db.read(ctx, "trim sessions", func(ctx context.Context) (err error) {
		n, err = db.c.SCard(ctx, db.prefix+"su:"+userID).Result()
		return err
	})
	if err != nil || n <= int64(keep) {
		return nil, err
	}
	all, err := db.sessions(ctx, userID)
	if err != nil {
		return nil, err
	}
	newestFirst(all)
	var ended []storage.Session
	for _, s := range all[min(keep, len(all)):] {
		switch s, err := db.TakeSession(ctx, s.Hash); {
		case err == nil:
			ended = append(ended, s)
		case !errors.Is(err, storage.ErrNotFound):
			return ended, err
		}
	}
	return ended, nil
}

// endSession: prefix, user, id.
var endSession = client.NewScript(ofRun + `
	local of, out = ARGV[1] .. 'su:' .. ARGV[2], {}
	for _, hash in ipairs(redis.call('SMEMBERS', of)) do
		local v = redis.call('HGET', ARGV[1] .. 's:' .. hash, 'v')
		if v and cjson.decode(v).ID == ARGV[3] then
			redis.call('DEL', ARGV[1] .. 's:' .. hash)
			redis.call('ZREM', ARGV[1] .. 'end:s', hash)
			redis.call('SREM', of, hash)
			out[#out + 1] = hash
		end
	end
	return out`)

// EndSession implements storage.Sessions.
func (db *DB) EndSession(ctx context.Context, userID, id string) (hashes []string, err error) {
	err = db.write(ctx, "end session", func(ctx context.Context) error {
		hashes, err = db.script(ctx, endSession, userID, id).StringSlice()
		if err == nil && len(hashes) == 0 {
			err = storage.ErrNotFound
		}
		return err
	})
	return hashes, err
}

// endSessions: prefix, user.
var endSessions = client.NewScript(ofRun + `
	local of = ARGV[1] .. 'su:' .. ARGV[2]
	for _, hash in ipairs(redis.call('SMEMBERS', of)) do
		redis.call('DEL', ARGV[1] .. 's:' .. hash)
		redis.call('ZREM', ARGV[1] .. 'end:s', hash)
	end
	redis.call('DEL', of)
	return 1`)

// EndSessions implements storage.Sessions.
func (db *DB) EndSessions(ctx context.Context, userID string) error {
	return db.write(ctx, "end sessions", func(ctx context.Context) error {
		return db.script(ctx, endSessions, userID).Err()
	})
}
