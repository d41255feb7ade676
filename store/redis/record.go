package redis

import (
	"encoding/json"
	"strconv"
	"time"
)

// A record is a hash. Its field v contains the stored value as JSON. Values that methods change or
// compare have their own fields.
//
// In addition, each kind has a sorted set of its records by expiry time (end:KIND), for Sweep.
// Sessions and pendings also have a set for each user.

// micros returns the stored form of a time. The zero time is 0.
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

// encode fails only for a time after the year 9999.
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

// pairs converts the result of HGETALL in a script to a map.
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
