package softkey

import "encoding/base64"

// Say changes one member of the client data; nil removes it.
func Say(name string, value any) Lie {
	return func(d *Draft) {
		if d.Client[name] = value; value == nil {
			delete(d.Client, name)
		}
	}
}

// SayExactly replaces the text of the client data.
func SayExactly(text string) Lie { return func(d *Draft) { d.RawClient = []byte(text) } }

// Set sets flags; Clear clears them.
func Set(flags byte) Lie   { return func(d *Draft) { d.Flags |= flags } }
func Clear(flags byte) Lie { return func(d *Draft) { d.Flags &^= flags } }

// Count changes the counter.
func Count(n uint32) Lie { return func(d *Draft) { d.Counter = n } }

// ForRP changes the hash of the relying party's ID.
func ForRP(hash []byte) Lie { return func(d *Draft) { d.RPIDHash = hash } }

// Trail appends bytes to the authenticator data.
func Trail(b []byte) Lie { return func(d *Draft) { d.AlsoData = append(d.AlsoData, b...) } }

// SignedBy signs with another key.
func SignedBy(other *Key) Lie { return func(d *Draft) { d.Signer = other.signer } }

// Attest puts another credential ID and key into the attested data.
func Attest(id, cose []byte) Lie { return func(d *Draft) { d.AttestedID, d.PublicKey = id, cose } }

// Packed adds a packed attestation, signed by the passkey itself if by is nil.
func Packed(by *Key) Lie {
	return func(d *Draft) {
		if d.Format = "packed"; by != nil {
			d.Signer = by.signer
		}
	}
}

// Certified adds an attestation with an invalid certificate chain.
func Certified(format string) Lie {
	return func(d *Draft) {
		d.Format = format
		d.Statement = []pair{{"alg", ES256}, {"sig", []byte("signature")}, {"x5c", []any{[]byte("certificate")}}}
	}
}

// Format sets an attestation format with an empty statement.
func Format(name string) Lie {
	return func(d *Draft) { d.Format, d.Statement = name, []pair{} }
}

// Statement puts a member into the statement of the format "none".
func Statement() Lie { return func(d *Draft) { d.Statement = []pair{{"sig", []byte{1}}} } }

// KeyOf returns a COSE key with the given parameters.
func KeyOf(kty, alg, crv int, x, y []byte) []byte {
	return cbor([]pair{{1, kty}, {3, alg}, {-1, crv}, {-2, x}, {-3, y}})
}

// Nested returns deeply nested CBOR.
func Nested(depth int) []byte {
	out := []byte{}
	for range depth {
		out = append(out, 0x81)
	}
	return append(out, 0)
}

// Send changes the response after it is signed.
func Send(f func(out, response map[string]any)) Lie {
	return func(d *Draft) { d.Wire = append(d.Wire, f) }
}

// Padded encodes every text of the response as base64url with padding, as the
// script of Flask-Security does.
func Padded() Lie {
	return Send(func(_, r map[string]any) {
		for name, v := range r {
			if text, ok := v.(string); ok && text != "" {
				r[name] = base64.URLEncoding.EncodeToString(Bytes(text))
			}
		}
	})
}

// SendAs replaces one member of the response after it is signed.
func SendAs(name string, value any) Lie {
	return Send(func(_, response map[string]any) { response[name] = value })
}

// Without removes one member of the response.
func Without(name string) Lie {
	return Send(func(_, response map[string]any) { delete(response, name) })
}
