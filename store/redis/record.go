package redis

import (
	"encoding/json"
	"strconv"
	"time"
)

// A record is a hash: v is the noun as it was stored, as JSON; what verbs
// change or compare has fields of its own.
//
// Besides, each kind has a sorted set of its records by the time of their
// death (end:KIND), for Sweep; sessions and pendings have a set for each user.

// micros is how a time is stored. The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// encode never fails for our nouns but for a time beyond the year 9999.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", errForm
	}
	return string(b), nil
}

func decode(raw string, v any) error {
	if err := json.Unmarshal([]byte(raw), v); err != nil {
		return errForm
	}
	return nil
}

func number(raw string) (int64, error) {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, errForm
	}
	return n, nil
}

// pairs turns what a script returns of HGETALL into a map.
func pairs(reply any) (map[string]string, error) {
	list, ok := reply.([]any)
	if !ok || len(list)%2 != 0 {
		return nil, errForm
	}
	m := make(map[string]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		k, _ := list[i].(string)
		v, ok := list[i+1].(string)
		if !ok {
			return nil, errForm
		}
		m[k] = v
	}
	return m, nil
}
