package strength

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/password"
)

func TestPasswordsBelowTheScoreAreRefused(t *testing.T) {
	c, err := New(0)
	if err != nil {
		t.Fatal(err)
	}
	for plain, want := range map[string]error{
		"password1": password.ErrSimple, "qwertyuiop": password.ErrSimple, "alice2026": password.ErrSimple,
		"aaaaaaaaaaaa": password.ErrSimple, "": password.ErrSimple,
		"correct horse battery staple": nil, "vT9#mQ2!xLr8": nil, "пароль моей бабушки 71": nil,
	} {
		if err := c.Check(t.Context(), plain, "alice@good.test", "alice", ""); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", plain, err, want)
		}
	}
	for _, score := range []int{-1, 5} {
		if _, err := New(score); err == nil {
			t.Errorf("score %d is taken", score)
		}
	}
}

// Long inputs cost no more than short ones, and concurrent calls do not interfere.
func TestLongPasswordsCostLittle(t *testing.T) {
	c, err := New(4)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	begin := time.Now()
	for range 4 {
		done.Go(func() {
			for _, plain := range []string{strings.Repeat("a", 1024), strings.Repeat("pa55word", 128),
				strings.Repeat("é1!", 300)} {
				_ = c.Check(t.Context(), plain, strings.Repeat("x", 254))
			}
		})
	}
	done.Wait()
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("twelve passwords took %v", took)
	}
}

func FuzzCheck(f *testing.F) {
	c, err := New(3)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "\xff", "password", strings.Repeat("1a", 40), "2026-01-01", "日本語のパスワード"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, plain, word string) {
		if err := c.Check(t.Context(), plain, word); err != nil && !errors.Is(err, password.ErrSimple) {
			t.Fatal(err)
		}
	})
}
