package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestNoChangeNamesADeletedUser removes an account in several ways, with and without foreign keys.
func TestNoChangeNamesADeletedUser(t *testing.T) {
	const copied = `CREATE TABLE kept AS SELECT * FROM twofold_users; UPDATE kept SET id = 'other'`
	for name, statements := range map[string][]string{
		"deleted":              {`PRAGMA foreign_keys = 1`, `DELETE FROM twofold_users`},
		"without foreign keys": {`DELETE FROM twofold_users`, `DELETE FROM twofold_devices`},
		"under another ID":     {`UPDATE twofold_users SET id = 'other'`},
		"replaced":             {copied, `REPLACE INTO twofold_users SELECT * FROM kept`},
		"replaced by one that was there": {copied, `UPDATE kept SET place = place + 1, email_key = 'other'`,
			`INSERT INTO twofold_users SELECT * FROM kept`,
			`UPDATE OR REPLACE twofold_users SET place = (SELECT MIN(place) FROM twofold_users) WHERE id = 'other'`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			db, operator := open(t, path), raw(t, path)
			operator.SetMaxOpenConns(1)
			if err := db.CreateUser(t.Context(), storage.User{ID: "victim", EmailKey: "v", Active: true}); err != nil {
				t.Fatal(err)
			}
			if err := db.PutDevice(t.Context(), storage.Device{ID: "d", UserID: "victim"}); err != nil {
				t.Fatal(err)
			}
			mustExec(t, operator, `PRAGMA foreign_keys = 0`)
			mustExec(t, operator, `UPDATE twofold_users SET active = 0`)
			for _, statement := range statements {
				mustExec(t, operator, statement)
			}
			const look = `SELECT SUM(word LIKE '%victim%'), SUM(word = 'all') FROM twofold_changes`
			var named, all int
			if err := operator.QueryRow(look).Scan(&named, &all); err != nil || named != 0 || all < 2 {
				t.Errorf("%d changes name the user, and %d concern all: %v", named, all, err)
			}
		})
	}
}
