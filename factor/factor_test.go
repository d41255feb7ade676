package factor_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/factor"
)

// TestWhatIsACode: exactly so many digits, with some room for how people write.
func TestWhatIsACode(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", "123 456": "123456", "12-34-56": "123456", " 1 2 3 4 5 6 ": "123456",
		"123456" + strings.Repeat(" ", 18): "123456", "123456" + strings.Repeat(" ", 19): "",
		"": "", "12345": "", "1234567": "", "12345a": "", "\uff11\uff12\uff13\uff14\uff15\uff16": "", "123456\n": "",
	} {
		if got, err := factor.Digits(typed, 6); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
}
