package storetest

import (
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// claim returns a claim on a budget with a limit, a hold of a minute to an hour,
// and a window of two hours.
func claim(key string, limit int) storage.Claim {
	return storage.Claim{Key: key, Limit: limit, Window: 2 * time.Hour, Hold: time.Minute, MaxHold: time.Hour}
}

func (k kit) reserve(at time.Time, claims ...storage.Claim) {
	k.Helper()
	_, err := k.s.Reserve(k.Context(), at, claims...)
	k.ok(err)
}

// closed checks that the claims are refused at a time, and that the budget opens at
// until.
func (k kit) closed(at, until time.Time, claims ...storage.Claim) {
	k.Helper()
	opens, err := k.s.Reserve(k.Context(), at, claims...)
	k.is(err, storage.ErrUsed)
	k.same(opens, until)
}

const tick = time.Microsecond

var counterRules = []rule{
	{"a look takes no place, and is refused while the budget is closed", func(k kit) {
		look := storage.Claim{Key: "a", Look: true}
		for range 5 {
			_, err := k.s.Reserve(k.Context(), now, look)
			k.ok(err)
		}
		_, err := k.s.Reserve(k.Context(), now, claim("a", 2))
		k.ok(err)
		_, err = k.s.Reserve(k.Context(), now, look, claim("b", 9))
		k.ok(err)
		_, err = k.s.Reserve(k.Context(), now, claim("a", 2)) // the last place
		k.ok(err)
		opens, err := k.s.Reserve(k.Context(), now, look, claim("b", 2))
		k.is(err, storage.ErrUsed)
		if !opens.After(now) {
			k.Fatalf("it opens at %v", opens)
		}
		_, err = k.s.Reserve(k.Context(), now, claim("b", 3)) // b has counted one claim, not two
		k.ok(err)
		_, err = k.s.Reserve(k.Context(), opens, look)
		k.ok(err)
	}},
	{"the claim that reaches the limit is granted and closes the budget", func(k kit) {
		c := claim("b", 3)
		for i := range 3 {
			k.reserve(in(i), c)
		}
		k.closed(in(2), in(62), c)
		k.closed(in(62).Add(-tick), in(62), c)
		k.reserve(in(62), c)
	}},
	{"budgets do not know each other", func(k kit) {
		k.reserve(now, claim("a", 1))
		k.closed(now, in(60), claim("a", 1))
		k.reserve(now, claim("b", 1))
	}},
	{"a full budget counts nothing in the others", func(k kit) {
		full, other, last := claim("m", 1), claim("a", 2), claim("z", 2)
		k.reserve(now, full)
		for range 5 {
			k.closed(in(1), in(60), other, full, last)
		}
		k.reserve(in(1), other, last) // the first place
		k.reserve(in(1), other, last) // the second, which closes
		k.closed(in(2), in(61), other)
	}},
	{"of several closed budgets the last one to open is named", func(k kit) {
		k.reserve(now, claim("a", 1))
		k.reserve(in(20), claim("b", 1))
		k.reserve(in(10), claim("c", 1))
		k.closed(in(21), in(80), claim("a", 1), claim("b", 1), claim("c", 1), claim("d", 1))
		k.closed(in(79), in(80), claim("a", 1), claim("b", 1), claim("c", 1))
	}},
	{"no claims are granted", func(k kit) {
		k.reserve(now)
		k.ok(k.s.Release(k.Context(), nil, nil))
	}},
	{"a refused claim is not counted and moves neither hold nor window", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 2, Window: 100 * time.Second, Hold: 90 * time.Second}
		k.reserve(now, c)
		k.reserve(now, c)
		k.closed(in(80), in(90), c)
		k.reserve(in(100), c) // the count ended at 100, not at 180, so this is the first
		k.reserve(in(100), c)
		k.closed(in(101), in(190), c)
	}},
	{"a window after the first claim everything is forgotten", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 3, Window: 10 * time.Second, Hold: time.Second}
		k.reserve(now, c)
		k.reserve(in(9), c) // does not move the window's end
		k.reserve(in(10), c)
		k.reserve(in(19), c)
		k.reserve(in(19), c)
		k.closed(in(19), in(20), c)
		k.reserve(in(20), c)
		k.reserve(in(21), c)
		k.reserve(in(22), c)
		k.closed(in(22), in(23), c)
	}},
	{"five hundred an hour at six an hour never close, for days", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 500, Window: time.Hour}
		for i := range 5 * 24 * 6 { // more than 500 in all
			k.reserve(in(600*i), c)
		}
	}},
	{"ten a day at nine a day never close, for weeks", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 10, Window: 24 * time.Hour}
		for day := range 30 {
			for i := range 9 {
				k.reserve(in(day*86400+i*3600), c)
			}
		}
	}},
	{"a full budget opens when its window ends, whatever is asked at it meanwhile", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 10, Window: time.Hour}
		for hour := range 48 { // a caller at each opening gets that hour's places, and no more
			for i := range 10 {
				k.reserve(in(hour*3600+i), c)
			}
			for i := range 20 {
				k.closed(in(hour*3600+10+i*179), in((hour+1)*3600), c)
			}
		}
	}},
	{"a hold outlives a shorter window", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 1, Window: time.Second, Hold: time.Hour}
		k.reserve(now, c)
		k.closed(in(3599), in(3600), c)
		k.reserve(in(3600), c)
		k.closed(in(3600), in(7200), c) // the first of a new count, so the hold is not doubled
	}},
	{"a clock that steps back opens nothing and forgets nothing", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 3, Window: 100 * time.Second, Hold: 50 * time.Second}
		k.reserve(now, c)
		k.reserve(in(-1000), c) // must not move the end of the window to the past
		k.reserve(in(90), c)
		k.closed(in(-1000), in(140), c)
		k.closed(in(139), in(140), c)
	}},
	{"a claim that would count nothing is refused", func(k kit) {
		for _, c := range []storage.Claim{{Key: "b", Window: time.Second}, {Key: "b", Limit: 1}} {
			if _, err := k.s.Reserve(k.Context(), now, c); err == nil {
				k.Fatalf("granted: %+v", c)
			}
		}
	}},
	{"Release gives back the caller's place", func(k kit) {
		c := claim("b", 3)
		k.reserve(now, c)
		k.reserve(now, c)
		k.ok(k.s.Release(k.Context(), []string{"b"}, nil))
		k.reserve(now, c)
		k.reserve(now, c)
		k.closed(in(1), in(60), c)
	}},
	{"Release lifts the hold when fewer than the limit are left", func(k kit) {
		c := claim("b", 3)
		for range 3 {
			k.reserve(now, c)
		}
		k.closed(now, in(60), c)
		k.ok(k.s.Release(k.Context(), []string{"b"}, nil))
		k.reserve(in(1), c)
		k.closed(in(1), in(61), c)
	}},
	{"Release does not lift a hold when the limit is still reached", func(k kit) {
		c := claim("b", 1)
		k.reserve(now, c)
		k.reserve(in(60), c)
		k.ok(k.s.Release(k.Context(), []string{"b"}, nil))
		k.closed(in(61), in(180), c)
		k.ok(k.s.Release(k.Context(), []string{"b"}, nil))
		k.reserve(in(61), c)
	}},
	{"Release never counts below zero", func(k kit) {
		c := claim("b", 2)
		k.reserve(now, c)
		for range 5 {
			k.ok(k.s.Release(k.Context(), []string{"b", "unknown"}, nil))
		}
		k.reserve(now, c)
		k.reserve(now, c)
		k.closed(now, in(60), c)
	}},
	{"Release of all forgets everything counted, in these budgets only", func(k kit) {
		for range 3 {
			k.reserve(now, claim("a", 3), claim("b", 3), claim("c", 3))
		}
		k.ok(k.s.Release(k.Context(), nil, []string{"b", "a", "unknown"}))
		for range 3 {
			k.reserve(in(1), claim("a", 3), claim("b", 3))
		}
		k.closed(in(1), in(61), claim("a", 3))
		k.closed(in(1), in(60), claim("c", 3))
	}},
	{"Forget ends the budgets that a prefix begins, and no others", func(k kit) {
		for _, key := range []string{"a:x:1", "a:x:2", "a:y:1", "a:x", "b:x:1", "a:x;1"} {
			k.reserve(now, claim(key, 1))
		}
		k.ok(k.s.Forget(k.Context(), "a:x:", "c:z:"))
		k.reserve(in(1), claim("a:x:1", 1))
		k.reserve(in(1), claim("a:x:2", 1))
		for _, key := range []string{"a:y:1", "a:x", "b:x:1", "a:x;1"} {
			k.closed(in(1), in(60), claim(key, 1))
		}
		if k.s.Forget(k.Context(), "") == nil || k.s.Forget(k.Context(), "a") == nil {
			k.Fatalf("a prefix that is not a whole part was taken")
		}
	}},
	{"many other budgets do not push one out", func(k kit) {
		k.reserve(now, claim("victim", 1))
		for i := range 300 {
			k.reserve(now, claim(name("junk", i), 5), claim(name("more junk", i), 5))
		}
		k.closed(now, in(60), claim("victim", 1))
	}},
}

var holdRules = []rule{
	{"each claim beyond the limit closes for twice as long, up to MaxHold", func(k kit) {
		c := claim("b", 2)
		c.Window = 24 * time.Hour
		k.reserve(now, c)
		at := now
		for _, minutes := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			k.reserve(at, c)
			opens := at.Add(time.Duration(minutes) * time.Minute)
			k.closed(at, opens, c)
			k.closed(opens.Add(-tick), opens, c)
			at = opens
		}
	}},
	{"without MaxHold every hold is Hold", func(k kit) {
		c := claim("b", 1)
		c.MaxHold = 0
		for i := range 4 {
			k.reserve(in(60*i), c)
			k.closed(in(60*i), in(60*(i+1)), c)
		}
	}},
	{"a hold doubled without end does not overflow", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 1, Window: 50 * 365 * 24 * time.Hour, Hold: time.Hour, MaxHold: 1<<63 - 1}
		at := now
		for range 30 {
			_, err := k.s.Reserve(k.Context(), at, c)
			k.ok(err)
			opens, err := k.s.Reserve(k.Context(), at, c)
			k.is(err, storage.ErrUsed)
			if opens.Before(at.Add(time.Hour)) {
				k.Fatalf("opens %v at %v", opens, at)
			}
			if at = opens; at.Year() > 2200 {
				return
			}
		}
	}},
	{"without Hold a full budget stays closed until its window ends", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 2, Window: time.Hour}
		k.reserve(now, c)
		k.reserve(in(1800), c)
		k.closed(in(1800), in(3600), c)
		k.closed(in(3600).Add(-tick), in(3600), c)
		k.reserve(in(3600), c)
		k.reserve(in(3600), c)
		k.closed(in(3601), in(7200), c)
	}},
	{"holds that double end with the window of the first claim", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 2, Window: 24 * time.Hour, Hold: time.Minute, MaxHold: time.Hour}
		at, granted := now, 0
		for at.Before(in(24 * 3600)) { // one guess at each opening
			k.reserve(at, c)
			if granted++; granted >= 2 {
				opens, err := k.s.Reserve(k.Context(), at, c)
				k.is(err, storage.ErrUsed)
				at = opens
			}
		}
		if granted > 2+6+24 {
			k.Fatalf("%d granted in a day", granted)
		}
		k.reserve(at, c) // a new count, whose first claim closes nothing
		k.reserve(at, c)
		k.closed(at, at.Add(time.Minute), c)
	}},
	{"what was forgotten does not double", func(k kit) {
		c := storage.Claim{Key: "b", Limit: 1, Window: 100 * time.Second, Hold: 10 * time.Second, MaxHold: time.Hour}
		k.reserve(now, c)
		k.reserve(in(10), c)
		k.closed(in(10), in(30), c)
		k.reserve(in(110), c)
		k.closed(in(110), in(120), c)
	}},
	{"after a lock ended the next failures lock again", func(k kit) {
		c := claim("b", 5)
		for range 5 {
			k.reserve(now, c)
		}
		k.reserve(in(60), c)
		k.closed(in(61), in(180), c)
	}},
}
