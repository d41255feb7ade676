package settings_test

import (
	"math"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/settings"
)

func TestEveryDurationHasWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		math.MinInt64: "-2562047h47m16.854775808s", -time.Hour: "-1 hour", 90 * time.Second: "90 seconds",
		math.MaxInt64: "2562047h47m16.854775807s",
	} {
		if got := settings.Words(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
