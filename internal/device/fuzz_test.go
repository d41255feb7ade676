package device

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

// FuzzRecognize checks that only the cookie that was issued is accepted. A
// malformed cookie is not an error. A signed cookie with another purpose or form is
// refused too (R85).
func FuzzRecognize(f *testing.F) {
	for _, s := range []string{"", ".", "a.b", "{}", "null", `{"u":"","d":"","s":""}`, `{"u":1}`, `[]`,
		`{"u":"u","d":"d","s":"\u0000"}`, strings.Repeat("x", 5000)} {
		f.Add(s)
	}
	ctx, h := context.Background(), open(f)
	given, err := h.Trust(ctx, h.alice, storage.Device{Name: "Firefox on Linux", Address: "192.0.2.1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(given)
	f.Add(given + "=")
	raw, err := h.keys.Verify("device", given)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	var mine payload
	if err := json.Unmarshal(raw, &mine); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p payload
		ours := json.Unmarshal([]byte(s), &p) == nil && p.ID == mine.ID
		for name, cookie := range map[string]string{
			"plain": s, "signed": h.keys.Sign("device", []byte(s)),
			"signed for something else": h.keys.Sign("not-me", []byte(s)),
		} {
			if cookie == given || name == "signed" && ours {
				continue
			}
			known, ok, err := h.Recognize(ctx, h.alice, cookie, "192.0.2.1", nil)
			if ok || err != nil || known.ID != "" {
				t.Fatalf("%s %q: %v %v %+v", name, s, ok, err, known)
			}
		}
		if all, err := h.db.DevicesOf(ctx, h.alice.ID, h.now); err != nil || len(all) != 1 {
			t.Fatalf("%q: %d devices are left: %v", s, len(all), err)
		}
	})
}
