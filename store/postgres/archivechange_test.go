package postgres_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/seal"
)

func TestAChangedArchiveIsNoticed(t *testing.T) {
	v := months(t)
	v.archive()
	file := v.read(v.files()[0])
	lines := bytes.SplitAfter(file, []byte("\n"))
	lines = lines[:len(lines)-1]
	replace := func(old, new string) []byte { return bytes.Replace(file, []byte(old), []byte(new), 1) }
	cut := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	sealAt := regexp.MustCompile(`("line":"seal","at":")[^"]+`)
	nanoseconds := regexp.MustCompile(`("row":7,"at":"[^"]+)Z`)
	inSeal := regexp.MustCompile(`("line":"seal","at":"[^"]+",)`)
	aRange := regexp.MustCompile(`("row":7,.+)("mac")`)
	for what, changed := range map[string][]byte{
		"nothing":              nil,
		"a value":              replace("192.0.2.1", "192.0.2.2"),
		"a value of the JSON":  replace(`"user":"u"`, `"user":"x","User":"u"`),
		"a value more":         replace(`"user":"u"`, `"user":"u","note":"x"`),
		"a row's number":       replace(`{"row":7,`, `{"row":8,`),
		"a row removed":        cut(slices.Delete(slices.Clone(lines), 3, 4)...),
		"rows swapped":         cut(append([][]byte{lines[0], lines[2], lines[1]}, lines[3:]...)...),
		"a seal removed":       cut(slices.Delete(slices.Clone(lines), 101, 102)...),
		"a range removed":      cut(slices.Delete(slices.Clone(lines), 1, 102)...),
		"the begin moved":      cut(append([][]byte{[]byte(`{"line":"begin","after":100}` + "\n")}, lines[102:]...)...),
		"the end cut off":      cut(lines[:len(lines)-1]...),
		"the last range":       cut(append(slices.Clone(lines[:102]), lines[len(lines)-1])...),
		"something added":      cut(append(slices.Clone(lines), lines[1])...),
		"the begin again":      cut(append(slices.Clone(lines[:1]), lines...)...),
		"half a line":          file[:len(file)-9],
		"a long line":          []byte(strings.Repeat("x", 2<<20)),
		"a seal's time":        sealAt.ReplaceAll(file, []byte("${1}2026-01-02T00:00:00Z")),
		"nanoseconds":          nanoseconds.ReplaceAll(file, []byte("${1}001Z")),
		"CRLF":                 bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")),
		"one CRLF":             replace("\n", "\r\n"),
		"no line end":          file[:len(file)-1],
		"a line more":          append(slices.Clone(file), '\n'),
		"a row in the begin":   replace(`"begin"`, `"begin","row":1,"user":"x","event":"n","result":"ok"`),
		"a count in the begin": replace(`"begin"`, `"begin","count":9`),
		"a row in a seal":      replace(`"line":"seal",`, `"line":"seal","row":1,`),
		"an address in a seal": inSeal.ReplaceAll(file, []byte(`${1}"address":"192.0.2.9",`)),
		"a row with a range":   aRange.ReplaceAll(file, []byte(`${1}"after":1,"through":9,"count":8,$2`)),
		"an end with a time":   replace(`"line":"end",`, `"line":"end","at":"2026-01-02T00:00:00Z",`),
	} {
		if r := v.verify(changed); len(r.Problems) == 0 || bytes.Equal(changed, file) {
			t.Errorf("%s is not noticed", what)
		}
	}
	if r := v.verify(file); len(r.Problems) > 0 {
		t.Error(r.Problems)
	}
	keys, err := seal.NewKeys(strings.Repeat("o", 32))
	v.must(err)
	r, err := event.NewTrail(nil, keys, time.Now).VerifyArchive(bytes.NewReader(file))
	if err != nil || len(r.Problems) == 0 {
		t.Errorf("under another key: %+v, %v", r, err)
	}
}
