package password

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	goodArgon  = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$EOyZNRHG2UlECYeAj0j4xU4ETmyw333e1U1t9WXV5mc"
	goodBcrypt = "$2b$04$abcdefghijklmnopqrstuulLZwC/0FQ4eBEnZjYXWjmY0J2wn.TQm"
)

// decode decodes with a hasher without secrets.
func decode(encoded string) (decoded, error) {
	return (&Hasher{keys: Config{}.keys()}).decode(encoded)
}

func TestDecodeAccepts(t *testing.T) {
	for _, s := range []string{
		goodArgon, goodBcrypt, bcryptMark + goodBcrypt,
		strings.Replace(goodArgon, "argon2id", "argon2i", 1),
		strings.Replace(goodArgon, "p=4", "p=4,keyid="+argonMark, 1),
		strings.Replace(goodArgon, "m=65536,t=3,p=4", "m=1048576,t=20,p=16,keyid="+argonMark, 1),
		strings.Replace(goodArgon, "m=65536,t=3,p=4", "m=262144,t=5,p=16", 1),
		strings.Replace(goodBcrypt, "$04$", "$14$", 1), bcryptMark + strings.Replace(goodBcrypt, "$04$", "$15$", 1),
	} {
		d, err := decode(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if d.marked() != strings.Contains(s, "keyid") && !strings.HasPrefix(s, bcryptMark) {
			t.Errorf("%s: marked %v", s, d.marked())
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	in := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("no %q in %s", old, s)
		}
		return strings.Replace(s, old, new, 1)
	}
	for _, s := range []string{
		in(goodArgon, "m=65536", "m=1048577"), in(goodArgon, "m=65536", "m=31"), in(goodArgon, "m=65536", "m=0"),
		in(goodArgon, "m=65536", "m=4294967297"), in(goodArgon, "m=65536", "m=065536"), in(goodArgon, "m=65536",
			"m=+65536"),
		in(goodArgon, "m=65536", "m=-1"), in(goodArgon, "m=65536", "65536"), in(goodArgon, "m=65536,", ""),
		in(goodArgon, "t=3", "t=0"), in(goodArgon, "t=3", "t=31"), in(goodArgon, "p=4", "p=0"), in(goodArgon, "p=4",
			"p=17"),
		in(goodArgon, "p=4", "p=260"), in(goodArgon, "p=4", "p=4,"), in(goodArgon, "p=4", "p=4,keyid="),
		in(goodArgon, "p=4", "p=4,keyid=AAAA"), in(goodArgon, "p=4", "p=4,data=AAAA"), in(goodArgon, "p=4",
			"p=4,keyid="+argonMark+",data=AA"),
		in(goodArgon, "v=19$", ""), in(goodArgon, "v=19", "v=18"), in(goodArgon, "argon2id", "argon2d"),
		in(goodArgon, "argon2id", "argon2"),
		in(goodArgon, "MDEyMzQ1Njc4OWFiY2RlZg", ""), in(goodArgon, "MDEyMzQ1Njc4OWFiY2RlZg", "MDEy"), in(goodArgon,
			"RlZg", "RlZh"),
		in(goodArgon, "RlZg", "RlZg=="), in(goodArgon, "RlZg", "Rl\nZg"), in(goodArgon,
			"EOyZNRHG2UlECYeAj0j4xU4ETmyw333e1U1t9WXV5mc", ""),
		in(goodArgon, "EOyZNRHG2UlECYeAj0j4xU4ETmyw333e1U1t9WXV5mc", "EOyZNRHG2Ul"), goodArgon + "$",
		goodArgon + "\n", " " + goodArgon,
		in(goodArgon, "MDEy", strings.Repeat("MDEy", 22)), strings.Repeat("$", 600),
		in(goodBcrypt, "$04$", "$03$"), in(goodBcrypt, "$04$", "$15$"), bcryptMark + in(goodBcrypt, "$04$", "$16$"),
		in(goodArgon, "m=65536,t=3", "m=262144,t=6"),
		in(goodArgon, "m=65536,t=3", "m=262145,t=1"), in(goodBcrypt, "$04$", "$31$"), in(goodBcrypt, "$04$", "$-4$"),
		in(goodBcrypt, "$04$", "$0:$"), in(goodBcrypt, "$2b$", "$2x$"), in(goodBcrypt, "$2b$", "$3b$"),
		in(goodBcrypt, "abc", "a$c"),
		in(goodBcrypt, "abc", "a\xffc"), goodBcrypt + "x", goodBcrypt[:59], bcryptMark, bcryptMark + goodArgon,
		bcryptMark + bcryptMark + goodBcrypt,
	} {
		if d, err := decode(s); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknownScheme) {
			t.Errorf("%q: %v, %v", s, d, err)
		}
	}
}

// Every hash that decode accepts is within bounds and has one spelling.
func FuzzDecode(f *testing.F) {
	f.Add(goodArgon)
	f.Add(goodBcrypt)
	f.Add(bcryptMark + goodBcrypt)
	f.Add(strings.Replace(goodArgon, "p=4", "p=4,keyid="+argonMark, 1))
	f.Fuzz(func(t *testing.T, s string) {
		d, err := decode(s)
		switch d := d.(type) {
		case nil:
			if err == nil {
				t.Fatal("neither hash nor error")
			}
		case argon:
			if d.memory < 8 || d.memory > maxMemory || d.time < 1 || d.time > maxTime || d.threads < 1 ||
				d.threads > maxThreads ||
				len(d.salt) < 8 || len(d.tag) < 16 || d.String() != s {
				t.Fatalf("%q: %+v", s, d)
			}
		case bcryptHash:
			if d.cost < 4 || d.cost > maxBcryptCost || len(d.text) != bcryptLen || bcryptMark+d.text != s {
				t.Fatalf("%q: %+v", s, d)
			}
			if d.cost > 4 {
				return
			}
			if ok, err := d.matches("no such password", nil); ok || err != nil {
				t.Fatalf("%q matches (%v)", s, err)
			}
		}
	})
}

func TestDummiesDecode(t *testing.T) {
	cost, err := argonCost(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode(cost.dummy().String()); err != nil {
		t.Error(err)
	}
	for range 100 {
		if _, err := decode(bcryptMark + defaultBcrypt.dummy().text); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 10*time.Second)
		first, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := s.take(t.Context()); err != ErrBusy || time.Since(start) != 10*time.Second {
			t.Fatalf("full: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("canceled in the queue: %v", err)
		}
		if _, err := s.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("canceled before: %v", err)
		}
		var order []int
		for i := range 5 {
			go func() {
				l, err := s.take(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				l.leave()
			}()
			synctest.Wait()
		}
		first.leave() // those who gave up are gone: the next in line gets it
		synctest.Wait()
		for i, got := range order {
			if len(order) != 5 || got != i {
				t.Fatalf("served in order %v", order)
			}
		}
		if taken, _ := s.load(); taken != 0 {
			t.Error("a slot leaked")
		}
	})
}

// A caller that gives up while its hash runs does not free the slot early. The slot is free when
// the hash is done.
func TestSlotFreedAfterWork(t *testing.T) {
	h, err := New(Config{Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Burn(ctx, "x") }()
	for busy := 0; busy == 0; _, busy, _ = h.Load() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, busy, _ := h.Load(); busy != 0 {
		t.Error("slot kept")
	}
}

// TestQueueThatIsTooLong checks that with a hash of 1.9 seconds and two slots, ten callers can wait
// ten seconds. The next caller is refused at once, and another may wait after one has left.
func TestQueueThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2, 10*time.Second)
		hash := func() error {
			l, err := s.take(t.Context())
			if err == nil {
				time.Sleep(1900 * time.Millisecond)
				l.leave()
			}
			return err
		}
		for range 100 { // tells how long one takes
			if err := hash(); err != nil {
				t.Fatal(err)
			}
		}
		var served, refused atomic.Int64
		for range 2 + 10 + 50 {
			go func() {
				switch err := hash(); err {
				case nil:
					served.Add(1)
				case ErrBusy:
					refused.Add(1)
				default:
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		if _, waiting := s.load(); waiting != 10 || refused.Load() != 50 {
			t.Fatalf("%d wait and %d were refused at once, want 10 and 50", waiting, refused.Load())
		}
		time.Sleep(2 * time.Second)
		if err := hash(); err != nil {
			t.Errorf("behind eight others: %v", err)
		}
		time.Sleep(time.Minute)
		if taken, waiting := s.load(); served.Load() != 12 || taken != 0 || waiting != 0 {
			t.Errorf("%d were served, want 12; %d slots are taken and %d wait", served.Load(), taken, waiting)
		}
	})
}

// TestAcquire checks that a caller in a slot hashes in that slot and no other, releases it once,
// and queues again after that.
func TestAcquire(t *testing.T) {
	h, err := New(Config{Slots: 1, Wait: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave, err := h.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Burn(t.Context(), "x"); err != ErrBusy {
		t.Errorf("another caller: %v, want ErrBusy", err)
	}
	for range 2 {
		if err := h.Burn(ctx, "x"); err != nil {
			t.Errorf("with the slot: %v", err)
		}
	}
	if _, busy, _ := h.Load(); busy != 1 {
		t.Errorf("%d slots are taken, want 1", busy)
	}
	leave()
	_, other, err := h.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave() // the other's slot stays taken
	if err := h.Burn(ctx, "x"); err != ErrBusy {
		t.Errorf("after the slot was given back: %v, want ErrBusy", err)
	}
	other()
	if err := h.Burn(ctx, "x"); err != nil {
		t.Errorf("with all slots free: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	ctx, leave, err = h.Acquire(gone)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := h.Burn(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller has gone: %v", err)
	}
	leave()
}
