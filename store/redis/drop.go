package redis

import (
	"context"
	"slices"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
)

// dropUser: prefix, user, milliseconds. The key "gone" prevents every script from storing a record
// of the user.
var dropUser = client.NewScript(ofRun + `
	local gone = ARGV[1] .. 'gone:' .. ARGV[2]
	if ARGV[3] == '0' then return redis.call('DEL', gone) end
	redis.call('SET', gone, '1', 'PX', ARGV[3])
	for kind, of in pairs({s = 'su:', p = 'pu:', d = 'du:'}) do
		local set = ARGV[1] .. of .. ARGV[2]
		local names
		if kind == 'p' then names = redis.call('ZRANGE', set, 0, -1) else names = redis.call('SMEMBERS', set) end
		for _, name in ipairs(names) do
			redis.call('DEL', ARGV[1] .. kind .. ':' .. name)
			redis.call('ZREM', ARGV[1] .. 'end:' .. kind, name)
		end
		redis.call('DEL', set)
	end
	return 1`)

// DropUser implements storage.UserDropper. Codes stay until they expire, because their records do not
// name a user.
func (db *DB) DropUser(ctx context.Context, userID string, until time.Time) error {
	hold := int64(0)
	if !until.IsZero() {
		hold = max(time.Until(until).Milliseconds(), 1)
	}
	return db.write(ctx, "drop user", func(ctx context.Context) error {
		return db.script(ctx, dropUser, userID, hold).Err()
	})
}

// Owners implements storage.UserDropper.
func (db *DB) Owners(ctx context.Context) ([]string, error) {
	var out []string
	for _, of := range []string{"su:", "pu:", "du:"} {
		list, err := db.names(ctx, "owners", db.prefix+of)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// names lists the keys with the prefix under, without that prefix.
func (db *DB) names(ctx context.Context, verb, under string) (list []string, err error) {
	err = db.read(ctx, verb, func(ctx context.Context) error {
		s, err := db.primary(ctx)
		if err != nil {
			return err
		}
		list = nil
		it := s.Scan(ctx, 0, under+"*", 500).Iterator()
		for it.Next(ctx) {
			list = append(list, strings.TrimPrefix(it.Val(), under))
		}
		return it.Err()
	})
	return list, err
}

// stored converts the answer of a script that stores a record to an error.
func stored(n int, err error) error {
	switch {
	case err == nil && n == 0:
		return storage.ErrExists
	case err == nil && n < 0:
		return storage.ErrNotFound
	}
	return err
}
