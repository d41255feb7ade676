package postgres_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// slowCommits makes each transaction that writes a budget or an event wait 2 ms before it commits, with
// the locks that it holds.
const slowCommits = `
CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('bench.waited', true) IS DISTINCT FROM txid_current()::text THEN
		PERFORM set_config('bench.waited', txid_current()::text, true), pg_sleep(0.002);
	END IF;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT OR UPDATE OR DELETE ON twofold_counters
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON twofold_events
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit()`

// BenchmarkConnections compares the sign-ins of 16 connections with those of one where a commit takes
// 2 ms. A sign-in is what it writes: the reservation of a guess, a pending sign-in, and the use of a
// code with its session.
func BenchmarkConnections(b *testing.B) {
	const most = 16
	url := servers.Postgres(b)
	db := open(b, url)
	mustExec(b, raw(b, url), slowCommits)
	var people [most]storage.User
	for i := range people {
		people[i] = storage.User{ID: fmt.Sprint("u", i), Email: fmt.Sprint(i, "@x.t"), EmailKey: fmt.Sprint(i, "@x.t"),
			Active: true, CredentialVersion: "q", CreatedAt: now, UpdatedAt: now}
		f := storage.Factor{ID: people[i].ID, UserID: people[i].ID, Method: storage.Authenticator, Secret: []byte{1},
			CreatedAt: now, Primary: true}
		if err := db.CreateUser(b.Context(), people[i], f); err != nil {
			b.Fatal(err)
		}
	}
	var steps [most]int64
	rate := func(connections int) float64 {
		const each = 40
		begun := time.Now()
		var all sync.WaitGroup
		for i := range connections {
			all.Go(func() {
				for range each {
					steps[i]++
					if err := signIn(b, db, people[i], steps[i]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return float64(connections*each) / time.Since(begun).Seconds()
	}
	var one, ratios []float64
	for b.Loop() {
		alone := rate(1)
		one, ratios = append(one, alone), append(ratios, rate(most)/alone)
	}
	slices.Sort(one)
	slices.Sort(ratios)
	b.ReportMetric(one[len(one)/2], "sign-ins/s-of-one")
	b.ReportMetric(ratios[len(ratios)/2], "times-as-many-of-16")
}

// signIn makes the writes of one sign-in.
func signIn(b *testing.B, db storage.Store, u storage.User, step int64) error {
	claim := func(budget string) storage.Claim {
		return storage.Claim{Key: budget + ":" + u.ID, Limit: 1000, Window: time.Hour}
	}
	row := func(name string) storage.Event {
		return storage.Event{ID: storage.NewID(), UserID: u.ID, Name: name, Result: "ok", At: now}
	}
	if _, err := db.Reserve(b.Context(), now, claim("first")); err != nil {
		return err
	}
	id := storage.NewID()
	if err := db.TakeStep(b.Context(), storage.Step{
		Now: now, Returns: []string{"first:" + u.ID}, Events: []storage.Event{row("first-factor-proven")},
		Pending: &storage.Pending{
			Hash: id, UserID: u.ID, CredentialVersion: "q", State: storage.Ready, Factor: u.ID, CreatedAt: now,
			ExpiresAt: now.Add(time.Hour),
		},
	}); err != nil {
		return err
	}
	return db.TakeStep(b.Context(), storage.Step{
		Now: now, Budgets: [][]storage.Claim{{claim("second")}}, Returns: []string{"second:" + u.ID}, Factor: u.ID,
		TOTPStep: step, Takes: id, Events: []storage.Event{row("user-authenticated")},
		Session: &storage.Session{
			Hash: id, ID: id, UserID: u.ID, CredentialVersion: "q", Level: storage.TwoFactors, CreatedAt: now,
			SeenAt: now, ExpiresAt: now.Add(time.Hour), IdleAt: now.Add(time.Hour),
		},
	})
}
