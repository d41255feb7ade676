package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// TestASerializationFailureIsTriedAgainAFewTimes covers a single statement and a transaction, and
// checks for the "unavailable" error after too many failures. A trigger causes the failures and
// counts them in a sequence, which a rollback does not reset.
func TestASerializationFailureIsTriedAgainAFewTimes(t *testing.T) {
	eachWay(t, aSerializationFailureIsTriedAgainAFewTimes)
}

func aSerializationFailureIsTriedAgainAFewTimes(t *testing.T, open opener) {
	ctx, url := t.Context(), servers.Postgres(t)
	db, direct := open(t, url), raw(t, url)
	u := storage.User{ID: "u", Email: "a@x.t", EmailKey: "a@x.t", Active: true, CredentialVersion: "q", CreatedAt: now,
		UpdatedAt: now}
	if err := db.CreateUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	mustExec(t, direct, `CREATE SEQUENCE tried`)
	for verb, write := range map[string]func() error{
		"a statement": func() error { return db.UpgradePassword(ctx, "u", "", "h") },
		"a transaction": func() error {
			return db.SetPassword(ctx, storage.NewPassword{
				UserID: "u", CredentialVersion: "q", Now: now,
			})
		},
	} {
		for failures, want := range map[int]error{0: nil, 2: nil, 4: nil, 5: storage.ErrUnavailable,
			1000: storage.ErrUnavailable} {
			mustExec(t, direct, `ALTER SEQUENCE tried RESTART`)
			mustExec(t, direct, fmt.Sprintf(
				`CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('tried') <= %d THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$`, failures))
			mustExec(t, direct, `UPDATE twofold_users SET password_hash = ''`)
			mustExec(t, direct, `CREATE TRIGGER fails BEFORE UPDATE ON twofold_users FOR EACH ROW EXECUTE FUNCTION fails()`)
			begun := time.Now()
			err := write()
			mustExec(t, direct, `DROP TRIGGER fails ON twofold_users`)
			var tried int
			if err := direct.QueryRow(`SELECT last_value FROM tried`).Scan(&tried); err != nil {
				t.Fatal(err)
			}
			if !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s, %d conflicts: %v, want %v", verb, failures, err, want)
			}
			if most := min(failures+1, 5); tried != most {
				t.Errorf("%s, %d conflicts: tried %d times, want %d", verb, failures, tried, most)
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("%s, %d conflicts: took %v", verb, failures, took)
			}
		}
	}
}
