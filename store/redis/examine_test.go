package redis_test

import (
	"strings"
	"testing"

	client "github.com/redis/go-redis/v9"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// TestExamineNamesDamage checks each kind of damage, and that an intact store has no findings.
func TestExamineNamesDamage(t *testing.T) {
	ctx, url := t.Context(), servers.Redis(t)
	db := open(t, url)
	put(t, db, "h")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.PutChallenge(ctx,
		storage.Challenge{Key: "k", MAC: []byte("right"), Tries: 2, ExpiresAt: now.AddDate(0, 0, 1)}))
	must(db.TryChallenge(ctx, "k", [][]byte{[]byte("right")}, now))
	examined := func() string {
		t.Helper()
		list, err := db.Examine(ctx, now)
		must(err)
		return strings.Join(list, "\n")
	}
	if got := examined(); got != "" {
		t.Errorf("a store in order: %s", got)
	}
	address, prefix, _ := strings.Cut(url, "prefix=")
	o, err := client.ParseURL(strings.TrimRight(address, "?&"))
	must(err)
	raw := client.NewClient(o)
	defer raw.Close()
	for _, damage := range []struct {
		do   func() error
		want string
	}{
		{func() error { return raw.HSet(ctx, prefix+"c:k", "tries", "0").Err() },
			"the code k was taken after its last try"},
		{func() error { return raw.HSet(ctx, prefix+"c:k", "tries", "-1").Err() },
			"the code k was tried more often than it bears"},
		{func() error { return raw.HSet(ctx, prefix+"c:k", "taken", "2").Err() }, "the code k cannot be read"},
		{func() error { return raw.ZRem(ctx, prefix+"end:c", "k").Err() }, "the code k is never swept"},
		{func() error { return raw.Del(ctx, prefix+"su:u").Err() }, "the session h is not among those of its account"},
	} {
		must(damage.do())
		if got := examined(); !strings.Contains(got, damage.want) {
			t.Errorf("got %q, want %q", got, damage.want)
		}
	}
}

// TestRecordsWithoutAnAccountAreReported uses the joined stores, because only the other one
// contains the accounts.
func TestRecordsWithoutAnAccountAreReported(t *testing.T) {
	s := join(t, openPostgres(t, servers.PostgresTables(t)), servers.Redis(t))
	end := now.AddDate(0, 0, 1)
	v := storage.Session{Hash: "h", ID: "i", UserID: "gone", CreatedAt: now, SeenAt: now, IdleAt: end, ExpiresAt: end}
	if err := s.PutSession(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	list, err := s.Examine(t.Context(), now)
	if err != nil || len(list) != 1 || !strings.Contains(list[0], "of the account gone, which does not exist") {
		t.Errorf("%q, %v", list, err)
	}
}
