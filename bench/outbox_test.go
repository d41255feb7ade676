package main

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/send/smtp"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// plainSealer replaces the key ring, whose microseconds do not matter here.
type plainSealer struct{}

func (plainSealer) Seal(_ string, plain []byte) ([]byte, error)  { return plain, nil }
func (plainSealer) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// BenchmarkRequestToSMTP measures the time from the request that causes a mail until the mail
// server accepts it, with a real SQLite file and a real SMTP connection. It reports the medians of
// Deliver (a code) and of Queue (a notice).
func BenchmarkRequestToSMTP(b *testing.B) {
	for name, queued := range map[string]bool{"code": false, "notice": true} {
		b.Run(name, func(b *testing.B) {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "app.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			server := sendtest.SMTP(b)
			sender, err := smtp.New(smtp.Config{Host: server.Host, Port: server.Port, Security: smtp.None,
				From: "no-reply@example.org"})
			if err != nil {
				b.Fatal(err)
			}
			taken := make(chan struct{}, 1)
			o, err := send.NewOutbox(send.OutboxConfig{
				Messages: db, Sealer: plainSealer{}, Senders: map[string][]send.Sender{send.Email: {sender}},
				Tried: func(context.Context, send.Attempt) { taken <- struct{}{} },
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			var worker sync.WaitGroup
			worker.Go(func() { _ = o.Run(ctx) })
			defer worker.Wait()
			defer cancel()
			deliver := o.Deliver
			if queued {
				deliver = o.Queue
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := deliver(ctx, send.Message{Channel: send.Email, To: "joan@example.org", Subject: "s",
					Text: "t"}, began.Add(time.Hour)); err != nil {
					b.Fatal(err)
				}
				<-taken
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
