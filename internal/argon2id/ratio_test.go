//go:build unix

package argon2id

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// BenchmarkRatio reports the CPU time of a hash of the default cost with the kernel and with
// golang.org/x/crypto, and their ratio. The two alternate, and the minimum of each counts, so other
// load on the machine matters little. Garbage collection is included: it runs during the next hash.
func BenchmarkRatio(b *testing.B) {
	password, salt := []byte("correct horse battery staple"), make([]byte, 16)
	pool := NewPool(19456, false)
	if !pool.Fast() {
		b.Skip("this machine or build has no kernel")
	}
	var fast, slow time.Duration
	least := func(so *time.Duration, hash func()) {
		from := cpuTime(b)
		for range 4 {
			hash()
		}
		if took := (cpuTime(b) - from) / 4; *so == 0 || took < *so {
			*so = took
		}
	}
	for b.Loop() {
		least(&fast, func() {
			if _, err := pool.Sum(ID, password, salt, Cost{19456, 2, 1}, 32); err != nil {
				b.Fatal(err)
			}
		})
		least(&slow, func() { argon2.IDKey(password, salt, 2, 19456, 1, 32) })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(fast.Microseconds())/1000, "kernel-ms")
	b.ReportMetric(float64(slow.Microseconds())/1000, "x/crypto-ms")
	b.ReportMetric(float64(fast)/float64(slow), "ratio")
}

// cpuTime returns the CPU time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
