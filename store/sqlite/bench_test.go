package sqlite_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

func session(hash string) storage.Session {
	return storage.Session{
		Hash: hash, ID: storage.NewID(), UserID: storage.NewID(), CredentialVersion: storage.NewID(),
		Level:   storage.TwoFactors,
		Proofs:  []storage.Proof{{Method: "password", At: now}, {Method: storage.Authenticator, At: now}},
		FreshAt: now, Address: "192.0.2.1",
		Agent:     "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		CreatedAt: now, SeenAt: now, IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour),
	}
}

func BenchmarkSession(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	for range 1000 {
		if err := db.PutSession(b.Context(), session(storage.NewID())); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.PutSession(b.Context(), session("hash")); err != nil {
		b.Fatal(err)
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := db.Session(b.Context(), "hash", now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := db.Session(b.Context(), "hash", now); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkPutSession(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	b.ReportAllocs()
	for b.Loop() {
		if err := db.PutSession(b.Context(), session(storage.NewID())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTouchSession(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	if err := db.PutSession(b.Context(), session("hash")); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		at := now.Add(time.Duration(i) * time.Microsecond)
		if err := db.TouchSession(b.Context(), "hash", at, at.Add(2*time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReserveRelease(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	claims := []storage.Claim{
		{Key: "account", Limit: 5, Window: time.Hour, Hold: time.Minute},
		{Key: "address", Limit: 50, Window: time.Hour, Hold: time.Minute},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.Reserve(b.Context(), now, claims...); err != nil {
			b.Fatal(err)
		}
		if err := db.Release(b.Context(), []string{"account", "address"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdvanceStep(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	f := storage.Factor{ID: factorID, UserID: "user"}
	if err := db.CreateUser(b.Context(), storage.User{ID: "user", CredentialVersion: "a"}); err != nil {
		b.Fatal(err)
	}
	if err := db.ChangeFactors(b.Context(),
		storage.FactorChange{UserID: "user", From: "a", To: "b", Add: &f}); err != nil {
		b.Fatal(err)
	}
	step := int64(0)
	for b.Loop() {
		step++
		if err := db.AdvanceStep(b.Context(), factorID, step, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteBesideASweep measures how long a writer waits while expired sessions are deleted:
// the median and the 99th percentile, in milliseconds.
func BenchmarkWriteBesideASweep(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "a.db"))
	for range 20_000 {
		if err := db.PutSession(b.Context(), session(storage.NewID())); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for n := 1; n > 0 && ctx.Err() == nil; {
			n, _ = db.Sweep(ctx, now.Add(48*time.Hour), 500)
		}
	}()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		v := session(storage.NewID())
		v.ExpiresAt, v.IdleAt = now.Add(96*time.Hour), now.Add(96*time.Hour)
		if err := db.PutSession(b.Context(), v); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	select {
	case <-swept:
		b.Log("the sweep ended before the writer")
	default:
	}
	stop()
	<-swept
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
}
