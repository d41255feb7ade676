package redis

import (
	"context"
	"time"

	client "github.com/redis/go-redis/v9"
)

// examine: prefix, kind, name. It checks a record atomically, so that it never sees a partial
// change.
var examine = client.NewScript(ofRun + `
	local key = ARGV[1] .. ARGV[2] .. ':' .. ARGV[3]
	if redis.call('EXISTS', key) == 0 then return '' end
	if not redis.call('ZSCORE', ARGV[1] .. 'end:' .. ARGV[2], ARGV[3]) then return 'is never swept' end
	if ARGV[2] == 'c' then
		local c = redis.call('HMGET', key, 'mac', 'tries', 'expires', 'taken')
		if not c[1] or not tonumber(c[2]) or not tonumber(c[3]) or c[4] ~= '0' and c[4] ~= '1' then return 'cannot be read' end
		if tonumber(c[2]) < 0 then return 'was tried more often than it bears' end
		if c[4] == '1' and tonumber(c[2]) == 0 then return 'was taken after its last try' end
	end
	if ARGV[2] == 's' then
		local user = redis.call('HGET', key, 'user')
		if not user or redis.call('SISMEMBER', ARGV[1] .. 'su:' .. user, ARGV[3]) == 0 then return 'is not among those of its account' end
	end
	return ''`)

// Examine implements storage.VolatileKeeper.
func (db *DB) Examine(ctx context.Context, _ time.Time) ([]string, error) {
	out := []string{}
	for kind, word := range map[string]string{"s": "session", "p": "pending sign-in", "d": "draft", "c": "code"} {
		list, err := db.names(ctx, "examine", db.prefix+kind+":")
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			var wrong string
			err := db.read(ctx, "examine", func(ctx context.Context) (err error) {
				wrong, err = db.script(ctx, examine, kind, name).Text()
				return err
			})
			if err != nil {
				return nil, err
			}
			if wrong != "" {
				out = append(out, "the "+word+" "+name+" "+wrong)
			}
		}
	}
	return out, nil
}
