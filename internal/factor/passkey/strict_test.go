package passkey

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

func TestAnOriginIsSchemeAndHostAndAChallengeIsLongEnough(t *testing.T) {
	for _, bad := range []string{"", "good.example", "https://", "http://[::1", "https://good.example/",
		"https://good.example?x", "https://a@good.example"} {
		if _, err := New(Config{Origin: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for size, want := range map[int]int{-1: 16, 0: 16, 15: 16, 16: 16, 17: 17, 64: 64} {
		if m, err := New(Config{Origin: "https://good.example", Challenge: size}); err != nil || m.c.Challenge != want {
			t.Errorf("a challenge of %d bytes: %v", size, err)
		}
	}
}

// TestAmbiguousJSONIsRefused checks that ambiguous and deeply
// nested JSON is refused.
func TestAmbiguousJSONIsRefused(t *testing.T) {
	nested := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for text, ok := range map[string]bool{
		`{}`: true, `{"a":1,"b":{"a":1}}`: true, `{"a":1,"a":2}`: false, `{"a":1,"A":2}`: false,
		`{"b":{"a":1,"A":1}}`: false, `{"b":[{"a":1,"a":1}]}`: false,
		`[]`: false, `{}{}`: false, `{} `: true, `{"a"`: false, `{"a":}`: false, ``: false, `7`: false,
		nested(maxDepth): true, nested(maxDepth + 1): false,
	} {
		if plain([]byte(text)) != ok {
			t.Errorf("%s: %v", text, !ok)
		}
	}
	answer := func(extensions string) string {
		raw, err := json.Marshal(map[string]any{
			"id": "AAAA", "rawId": "AAAA", "type": "public-key",
			"response": map[string]string{"clientDataJSON": "AAAA"}, "extensions": extensions,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for extensions, ok := range map[string]bool{
		"": true, `{}`: true, `{"credProps":{"rk":true}}`: true, `{"credProps":{"rk":true,"rk":false}}`: false,
		`{"credProps":7}`: false, `[]`: false, `x`: false,
	} {
		a, err := readAnswer(answer(extensions))
		if (err == nil) != ok || err != nil && !errors.Is(err, factor.ErrMalformedAssertion) {
			t.Errorf("%s: %v", extensions, err)
		}
		if ok && (a.discoverable != nil) != strings.Contains(extensions, "rk") {
			t.Errorf("%s: discoverable %v", extensions, a.discoverable)
		}
	}
	room := answer("")
	for extra, ok := range map[int]bool{maxAnswer - len(room): true, maxAnswer - len(room) + 1: false} {
		if _, err := readAnswer(room + strings.Repeat(" ", extra)); (err == nil) != ok {
			t.Errorf("%d bytes: %v", len(room)+extra, err)
		}
	}
}

// TestAnotherVersionIsNotRead checks that ceremonies and records of another
// version are refused.
func TestAnotherVersionIsNotRead(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"v":1,"kind":"webauthn.get","challenge":"AAAA"}`:    true,
		`{"v":2,"kind":"webauthn.get","challenge":"AAAA"}`:    false,
		`{"v":1,"kind":"webauthn.create","challenge":"AAAA"}`: false, `{"v":1,"kind":"webauthn.get"}`: false,
		`{`: false, ``: false,
	} {
		if _, err := readState([]byte(text), getting); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	ring, err := seal.NewRing(map[string]string{"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"})
	if err != nil {
		t.Fatal(err)
	}
	m := &Method{c: Config{Ring: ring}}
	f := storage.Factor{ID: "f", UserID: "u", Key: "k"}
	for text, ok := range map[string]bool{`{"v":1}`: true, `{"v":2}`: false, `{}`: false, `{`: false} {
		if f.Secret, err = ring.Seal(purpose, owner(f), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := m.Opens(f); (err == nil) != ok || err != nil && !errors.Is(err, factor.ErrSecret) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPaddingIsWholeOrMissing checks that base64 is accepted with full padding or
// with none, and in no other form.
func TestPaddingIsWholeOrMissing(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "AAAA": true, "AAA=": true, "AAA": true, "AA==": true, "AA": true, "AA=": false, "AAAA=": false,
		"AAAA====": false, "A===": false, "=": false,
		"AB==": false, "AB": false, "AA==\n": false, "AA\n==": false, "AA==AA==": false, "A+==": false,
	} {
		if _, err := decode(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
