package softkey

import "encoding/binary"

// pair is an entry of a CBOR map, in the order in which it is written.
type pair struct{ key, value any }

// cbor encodes the values that authenticators use (RFC 8949): integers, byte
// strings, texts, booleans, lists and maps.
func cbor(v any) []byte {
	switch v := v.(type) {
	case int:
		if v < 0 {
			return head(1, uint64(-1-v))
		}
		return head(0, uint64(v))
	case []byte:
		return append(head(2, uint64(len(v))), v...)
	case string:
		return append(head(3, uint64(len(v))), v...)
	case bool:
		if v {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	case []any:
		out := head(4, uint64(len(v)))
		for _, e := range v {
			out = append(out, cbor(e)...)
		}
		return out
	case []pair:
		out := head(5, uint64(len(v)))
		for _, p := range v {
			out = append(append(out, cbor(p.key)...), cbor(p.value)...)
		}
		return out
	}
	return []byte{0xf6}
}

func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	}
	return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
}
