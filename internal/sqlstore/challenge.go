package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// PutChallenge implements storage.Challenges.
func (s pendings) PutChallenge(ctx context.Context, c storage.Challenge) error {
	return found(s.exec(ctx, "put challenge", `INSERT INTO twofold_challenges
		(name, user_id, channel, destination, mac, tries, taken, created_at, expires_at)
		SELECT $1, $2, $3, $4, $5, $6, 0, $7, $8`+s.d.unlessDeleted(9)+`
		ON CONFLICT (name) DO UPDATE SET user_id = excluded.user_id, channel = excluded.channel,
			destination = excluded.destination, mac = excluded.mac, tries = excluded.tries, taken = 0,
			created_at = excluded.created_at, expires_at = excluded.expires_at`,
		c.Key, c.UserID, c.Channel, c.Destination, bytesOf(c.MAC), int64(c.Tries), micros(c.CreatedAt),
		micros(c.ExpiresAt), c.UserID, userKey(c.UserID)))
}

// TryChallenge implements storage.Challenges with one conditional UPDATE: the row contains the
// remaining attempts and the mark that the code was used, and concurrent callers update it one
// after the other.
//
// The comparison in SQL is safe although it does not take constant time, because it compares keyed
// hashes. A caller without the key cannot choose the hash of a code, so the duration reveals
// nothing about the code, and there are only a few attempts.
func (s pendings) TryChallenge(ctx context.Context, key string, macs [][]byte, now time.Time) error {
	const verb = "try challenge"
	if len(macs) == 0 {
		macs = [][]byte{nil} // equals nothing, see tryText; the try is counted
	}
	args := []any{key, micros(now)}
	for _, mac := range macs {
		args = append(args, bytesOf(mac))
	}
	taken, err := take(ctx, s.Store, verb, tryText(len(macs)), scanInt, args...)
	switch {
	case err == errNone:
		// An expired code is removed at once, so that it stays expired if the clock steps back.
		if _, err := s.exec(ctx, verb, `DELETE FROM twofold_challenges WHERE name = $1 AND expires_at <= $2`, key,
			micros(now)); err != nil {
			return err
		}
		return storage.ErrNotFound
	case err != nil:
		return err
	case taken != 1:
		return storage.ErrWrong
	}
	return nil
}

// tryText returns the statement for n hashes. An empty hash never matches.
func tryText(n int) string {
	var in strings.Builder
	for i := range n {
		if i > 0 {
			in.WriteString(", ")
		}
		in.WriteString("$" + strconv.Itoa(i+3))
	}
	right := `LENGTH(mac) > 0 AND mac IN (` + in.String() + `)`
	return `UPDATE twofold_challenges SET
		taken = CASE WHEN ` + right + ` THEN 1 ELSE 0 END,
		tries = CASE WHEN ` + right + ` THEN tries ELSE tries - 1 END
		WHERE name = $1 AND taken = 0 AND tries > 0 AND expires_at > $2 RETURNING taken`
}

// DropChallenge implements storage.Challenges.
func (s pendings) DropChallenge(ctx context.Context, key string) error {
	_, err := s.exec(ctx, "drop challenge", `DELETE FROM twofold_challenges WHERE name = $1`, key)
	return err
}
