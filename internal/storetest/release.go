package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// FirstRelease fills a database with the schema of the first release (steps 1 and
// 2) as that release did. exec runs one statement.
func FirstRelease(exec func(query string, args ...any) error) error {
	at := now.UnixMicro()
	for _, row := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO twofold_users (id, email, email_key, username, username_key, password_hash, active, uniquifier, roles, reset_at, created_at, updated_at)
			VALUES ('u', 'Ann@example.org', 'ann@example.org', 'ann', 'ann', 'hash', 1, 'q', '["admin"]', 0, $1, $1)`, []any{at}},
		{`INSERT INTO twofold_identities (identity, user_id) VALUES ('ann@example.org', 'u')`, nil},
		{`INSERT INTO twofold_identities (identity, user_id) VALUES ('ann', 'u')`, nil},
		{`INSERT INTO twofold_factors (id, user_id, method, name, destination, secret, last_step, is_primary, created_at, last_used_at)
			VALUES ('f', 'u', 'authenticator', 'phone', '', $1, 7, 1, $2, 0)`, []any{[]byte{0, 1, 255}, at}},
		{`INSERT INTO twofold_devices (id, user_id, uniquifier, secret, name, address, created_at, last_seen_at, expires_at, last_secret, rotated_at)
			VALUES ('d', 'u', 'q', 's', 'Firefox', '192.0.2.1', $1, $1, $2, '', 0)`, []any{at, in(1000).UnixMicro()}},
		{`INSERT INTO twofold_sessions (hash, id, user_id, uniquifier, is_token, level, trusted, proofs, fresh_at, address, agent, created_at, seen_at, idle_at, expires_at, ends_at)
			VALUES ('h', 'i', 'u', 'q', 0, 2, 0, '[{"method":"password","at":"2031-05-06T07:08:09Z"}]', $1, '192.0.2.1', 'Firefox', $1, $1, $2, $2, $2)`,
			[]any{at, in(1000).UnixMicro()}},
		{`INSERT INTO twofold_pendings (hash, user_id, uniquifier, state, factor, rescue, first_method, first_at, remember, session_id, address, created_at, expires_at, version)
			VALUES ('p', 'u', 'q', 'ready', 'f', 0, 'password', $1, 1, '', '192.0.2.1', $1, $2, 3)`, []any{at, in(1000).UnixMicro()}},
		{`INSERT INTO twofold_challenges (name, user_id, channel, destination, mac, tries, taken, created_at, expires_at)
			VALUES ('c', 'u', 'sms', '+4912345', $1, 2, 0, $2, $3)`, []any{right[0], at, in(1000).UnixMicro()}},
		{`INSERT INTO twofold_counters (name, n, ceiling, opens_at, ends_at) VALUES ('b', 5, 5, $1, $1)`,
			[]any{in(500).UnixMicro()}},
		{`INSERT INTO twofold_messages (id, channel, body, attempts, created_at, due_at, expires_at) VALUES ('m', 'email', $1, 1, $2, $2, $3)`,
			[]any{[]byte{1, 2}, at, in(1000).UnixMicro()}},
		{`INSERT INTO twofold_events (id, user_id, at, name, method, result, reason, session_id, address, agent, request, mac)
			VALUES ('e', 'u', $1, 'user-authenticated', 'sms', 'ok', '', 'i', '192.0.2.1', 'Firefox', 'r', $2)`, []any{at, []byte{9}}},
	} {
		if err := exec(row.query, row.args...); err != nil {
			return err
		}
	}
	return nil
}

// CheckFirstRelease checks that no data were lost, and that spent codes are still
// spent.
func CheckFirstRelease(t *testing.T, s storage.Store) {
	t.Helper()
	ctx, k := context.Background(), kit{check: check{t}, s: s}
	u, err := s.UserByIdentity(ctx, "ann")
	k.ok(err)
	if u.ID != "u" || u.Email != "Ann@example.org" || !u.Active || u.CredentialVersion != "q" || len(u.Roles) != 1 ||
		!u.CreatedAt.Equal(now) {
		t.Errorf("the account is %+v", u)
	}
	f := k.factors("u")
	if len(f) != 1 || f[0].LastStep != 7 || !f[0].Primary || string(f[0].Secret) != "\x00\x01\xff" {
		t.Errorf("the factors are %+v", f)
	}
	k.is(s.AdvanceStep(ctx, "f", 7, now), storage.ErrUsed)
	k.ok(s.AdvanceStep(ctx, "f", 8, now))
	v, err := s.Session(ctx, "h", now)
	k.ok(err)
	if v.Level != storage.TwoFactors || len(v.Proofs) != 1 || !v.ExpiresAt.Equal(in(1000)) {
		t.Errorf("the session is %+v", v)
	}
	if both, ok := s.(storage.SessionUser); ok {
		got, of, err := both.SessionUser(ctx, "h", now)
		k.ok(err)
		k.same(got, v)
		k.same(of, u)
	}
	p, err := s.TakePending(ctx, "p")
	k.ok(err)
	if p.State != storage.Ready || p.Version != 3 || !p.Remember {
		t.Errorf("the pending is %+v", p)
	}
	k.is(s.TryChallenge(ctx, "c", wrong, now), storage.ErrWrong)
	k.ok(s.TryChallenge(ctx, "c", right, now))
	k.closed(now, in(500), claim("b", 5))
	k.devices(u, 1)
	k.seen(u, 0)
	wantSet(k, u, storage.CodeSet{})
	list, err := s.ClaimMessages(ctx, now, time.Minute, 10)
	k.ok(err)
	if len(list) != 1 || list[0].Attempts != 2 {
		t.Errorf("the messages are %+v", list)
	}
	events := wantEvents(k, storage.EventFilter{}, "e")
	addEvent(k, "later", "u", 1)
	if after := wantEvents(k, storage.EventFilter{After: events[0].Row}, "later"); after[0].Row <= events[0].Row {
		t.Errorf("rows do not grow: %v", after)
	}
	g := newFactor(u)
	k.ok(s.ChangeFactors(ctx, storage.FactorChange{UserID: "u", From: "q", To: "r", Add: &g, Now: now}))
	k.devices(u, 0)
}

// BeforeMarks fills a database with a schema of less than 28 steps, in which only the audit trail
// says what owners have seen and how many recovery codes were made. exec runs one statement.
func BeforeMarks(exec func(query string, args ...any) error) error {
	for _, id := range []string{"seen", "hasty", "never", "late"} {
		if err := exec(`INSERT INTO twofold_users (id, email, email_key, username, username_key, password_hash, active,
			uniquifier, roles, reset_at, created_at, updated_at) VALUES ($1, '', $1, '', '', '', 1, $1, '[]', 0, 1, 1)`,
			id); err != nil {
			return err
		}
	}
	for i, row := range []struct{ user, name, reason string }{
		{"seen", "user-authenticated", "7"},
		{"seen", "news-seen", "1"},
		{"seen", "news-seen", "not a number"},
		{"seen", "news-seen", ""},
		{"seen", "news-seen", "5 of them"},
		{"seen", "news-seen", "3"}, // the latest that was seen
		{"seen", "news-seen", "2"},
		{"hasty", "news-seen", "9223372036854775807"},
		{"hasty", "news-seen", "9999999999999999999"}, // row 9
		{"never", "news-seen", "-4"},
		{"never", "news-seen", "99999999999999999999"},
		{"deleted-x", "news-seen", "5"},
		{"", "news-seen", "5"},
		{"seen", "recovery-codes-made", "5"},
		{"seen", "recovery-codes-made", "10"}, // of which two are left
		{"hasty", "recovery-codes-made", "10"},
		{"hasty", "recovery-codes-made", "ten"},
		{"never", "recovery-codes-made", "10"}, // of which none is left
		{"late", "recovery-codes-made", "10"},  // and again, of which the trail says nothing
		{"deleted-x", "recovery-codes-made", ""},
		{"seen", "account-changed", "created"},
		{"late", "account-changed", "created"},
		{"late", "password-changed", ""},
		{"late", "account-changed", "password_changed"},
		{"late", "account-changed", "roles_changed"},
		{"never", "password-reset", ""},
		{"hasty", "account-changed", "activated"},
	} {
		if err := exec(`INSERT INTO twofold_events (id, user_id, at, name, method, result, reason, session_id, address,
			agent, request, mac) VALUES ($1, $2, $3, $4, '', 'ok', $5, '', '', '', '', $6)`,
			name("e", i), row.user, in(i).UnixMicro(), row.name, row.reason, []byte{9}); err != nil {
			return err
		}
	}
	for i, code := range []struct {
		user string
		at   int
	}{{"seen", 14}, {"seen", 14}, {"hasty", 16}, {"late", 100}} {
		if err := exec(`INSERT INTO twofold_recovery_codes (user_id, mac, created_at) VALUES ($1, $2, $3)`, code.user,
			[]byte{byte(i)}, in(code.at).UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// CheckMarks checks what became of the rows of BeforeMarks.
func CheckMarks(t *testing.T, s storage.Store) {
	t.Helper()
	k := kit{check: check{t}, s: s}
	for id, want := range map[string]struct {
		seen int64
		set  storage.CodeSet
		at   time.Time // of the last password
	}{
		"seen":  {seen: 21, set: storage.CodeSet{Made: 10, At: in(14)}}, // the row of the creation
		"hasty": {seen: 9},
		"never": {at: in(25)},
		"late":  {seen: 22, at: in(23)},
	} {
		u := storage.User{ID: id}
		k.same(k.stored(id).PasswordAt, want.at)
		k.seen(u, want.seen)
		wantSet(k, u, want.set)
	}
	k.mark(storage.User{ID: "seen"}, 2)
	k.seen(storage.User{ID: "seen"}, 21)
	k.mark(storage.User{ID: "never"}, 4)
	k.seen(storage.User{ID: "never"}, 4)
}
