package passkey_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

const origin = "https://good.example:8443"

// shelf stores one record, as the store would.
type shelf struct {
	storage.FactorUses
	f storage.Factor
}

func (s *shelf) UsePasskey(_ context.Context, id string, old, new []byte, _ time.Time) error {
	if id != s.f.ID || !bytes.Equal(old, s.f.Secret) {
		return storage.ErrUsed
	}
	s.f.Secret = new
	return nil
}

type bench struct {
	*testing.T
	m     *passkey.Method
	shelf *shelf
}

func newBench(t *testing.T) bench {
	t.Helper()
	ring, err := seal.NewRingOf("a key of thirty-two bytes, at least")
	if err != nil {
		t.Fatal(err)
	}
	b := bench{T: t, shelf: &shelf{}}
	b.m, err = passkey.New(passkey.Config{
		Factors: b.shelf, Ring: ring, Origin: origin, Name: "good", Now: time.Now,
		Challenge: 32, CreateHint: time.Minute, GetHint: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b bench) key(alg int) *softkey.Key {
	b.Helper()
	k, err := softkey.New(origin, alg)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// create registers k and keeps the factor.
func (b bench) create(k *softkey.Key, lies ...softkey.Lie) error {
	b.Helper()
	c, err := b.m.BeginCreate(factor.NewPasskey{User: storage.User{ID: "u", Email: "ann@good.example"},
		Usage: storage.UseFirst})
	if err != nil {
		b.Fatal(err)
	}
	answer, err := k.Create(c.Options, lies...)
	if err != nil {
		b.Fatal(err)
	}
	f, err := b.m.FinishCreate(c.State, "u", "f", answer)
	if err == nil {
		b.shelf.f = f
	}
	return err
}

// get asks for the stored passkey, by name or for any.
func (b bench) get(k *softkey.Key, q factor.AssertionRequest, lies ...softkey.Lie) (factor.Assertion, error) {
	b.Helper()
	c, err := b.m.BeginGet(q)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := k.Get(c.Options, lies...)
	if err != nil {
		b.Fatal(err)
	}
	return b.m.Verify(context.Background(), c.State, b.shelf.f, answer)
}

func (b bench) named() factor.AssertionRequest {
	return factor.AssertionRequest{Allowed: []storage.Factor{b.shelf.f}, Verification: factor.Preferred}
}

func TestAPasskeyOfEachAlgorithmIsMadeAndProven(t *testing.T) {
	for name, alg := range map[string]int{"ES256": softkey.ES256, "EdDSA": softkey.EdDSA, "RS256": softkey.RS256} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			k := b.key(alg)
			if err := b.create(k); err != nil {
				t.Fatal(err)
			}
			for _, q := range []factor.AssertionRequest{b.named(), {Verification: factor.Required}} {
				if proven, err := b.get(k, q); err != nil || !proven.UserVerified {
					t.Fatal(proven, err)
				}
			}
			if proven, err := b.get(k, b.named(), softkey.Clear(softkey.UV)); err != nil || proven.UserVerified {
				t.Fatal(proven, err)
			}
		})
	}
}

// TestNoLieAboutAnAnswerIsBelieved changes one part of a valid response at a time.
// Where it matters, the signature covers the change.
func TestNoLieAboutAnAnswerIsBelieved(t *testing.T) {
	b := newBench(t)
	k, other := b.key(softkey.ES256), b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("example"))
	for name, lie := range map[string]softkey.Lie{
		"type of a creation":          softkey.Say("type", "webauthn.create"),
		"no type":                     softkey.Say("type", nil),
		"own challenge":               softkey.Say("challenge", softkey.Text(make([]byte, 32))),
		"no challenge":                softkey.Say("challenge", nil),
		"challenge in other alphabet": softkey.Say("challenge", "++++"),
		"in a frame":                  softkey.Say("crossOrigin", true),
		"top origin":                  softkey.Say("topOrigin", origin),
		"empty top origin":            softkey.Say("topOrigin", ""),
		"token binding":               softkey.Say("tokenBinding", map[string]any{"status": "present", "id": "AA"}),
		"token binding of no status":  softkey.Say("tokenBinding", map[string]any{"status": ""}),
		"client data is no object":    softkey.SayExactly(`"text"`),
		"client data is no JSON":      softkey.SayExactly("\x00\xff"),
		"double member":               softkey.SayExactly(`{"type":"webauthn.create","type":"webauthn.get"}`),
		"parent's hash":               softkey.ForRP(hash[:]),
		"short hash":                  softkey.ForRP(hash[:16]),
		"user not present":            softkey.Clear(softkey.UP),
		"eligibility taken away":      softkey.Clear(softkey.BE | softkey.BS),
		"backed up but not eligible":  softkey.Clear(softkey.BE),
		"attested data promised":      softkey.Set(softkey.AT),
		"extensions promised":         softkey.Set(softkey.ED),
		"extensions of no map": func(d *softkey.Draft) {
			softkey.Set(softkey.ED)(d)
			softkey.Trail([]byte{
				0xff})(d)
		},
		"nested extensions": func(d *softkey.Draft) {
			softkey.Set(softkey.ED)(d)
			softkey.Trail(
				softkey.Nested(5000))(d)
		},
		"bytes behind":            softkey.Trail([]byte{1, 2, 3}),
		"another key's signature": softkey.SignedBy(other),
		"empty signature":         softkey.SendAs("signature", ""),
		"no signature":            softkey.Without("signature"),
		"no authenticator data":   softkey.Without("authenticatorData"),
		"no client data":          softkey.Without("clientDataJSON"),
		"another user's handle":   softkey.SendAs("userHandle", softkey.Text(make([]byte, 64))),
		"signature padded too much": softkey.Send(
			func(_, r map[string]any) { r["signature"] = r["signature"].(string) + "===" }),
		"data padded too little": softkey.Send(
			func(_, r map[string]any) { r["authenticatorData"] = r["authenticatorData"].(string) + "=" }),
		"signature with a line break": softkey.Send(
			func(_, r map[string]any) { r["signature"] = r["signature"].(string) + "\n" }),
		"id is not rawId": softkey.Send(func(out, _ map[string]any) { out["id"] = softkey.Text(other.ID) }),
		"another passkey's id": softkey.Send(func(out, _ map[string]any) {
			out["id"],
				out["rawId"] = softkey.Text(other.ID), softkey.Text(other.ID)
		}),
		"no id": softkey.Send(func(out, _ map[string]any) { out["id"], out["rawId"] = "", "" }),
		"id of 1,024 bytes": softkey.Send(
			func(out, _ map[string]any) { id := softkey.Text(make([]byte, 1024)); out["id"], out["rawId"] = id, id }),
		"type is no public key": softkey.Send(func(out, _ map[string]any) { out["type"] = "password" }),
		"response is a text":    softkey.Send(func(out, _ map[string]any) { out["response"] = "" }),
		"too long": softkey.Send(func(out, _ map[string]any) {
			out["more"] = strings.Repeat("a", 16<<10)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			before := b.shelf.f.Secret
			proven, err := b.get(k, b.named(), lie)
			if !errors.Is(err, factor.ErrWrong) && !errors.Is(err, factor.ErrMalformedAssertion) ||
				proven.UserVerified {
				t.Fatalf("%+v %v", proven, err)
			}
			if !bytes.Equal(before, b.shelf.f.Secret) {
				t.Fatal("the record was written")
			}
		})
	}
	if _, err := b.get(k, b.named()); err != nil {
		t.Fatal("the truth: ", err)
	}
}

// TestBothWritingsOfBase64AreOneAnswer checks that base64 with padding is read as
// the same bytes.
func TestBothWritingsOfBase64AreOneAnswer(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k, softkey.Padded()); err != nil {
		t.Fatal(err)
	}
	for range 8 { // signatures differ in length
		if _, err := b.get(k, b.named(), softkey.Padded()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheOriginIsComparedAsAWhole(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	for _, o := range []any{
		"http://good.example:8443", "https://good.example", "https://good.example:443", "https://evil.example:8443",
		"https://good.example.evil.example:8443",
		"https://sub.good.example:8443", "https://good.example.:8443", "https://GOOD.example:8443",
		"HTTPS://good.example:8443", "null", "", nil,
		"android:apk-key-hash:AAAA", origin + "/", origin + "/login", " " + origin, "https://user@good.example:8443", 7,
	} {
		if _, err := b.get(k, b.named(), softkey.Say("origin", o)); err == nil {
			t.Errorf("%v was taken for %s", o, origin)
		}
		if err := b.create(b.key(softkey.ES256), softkey.Say("origin", o)); err == nil {
			t.Errorf("a creation at %v was taken for %s", o, origin)
		}
	}
}

// TestEveryBitIsCovered flips each byte of the signed data and of the signature.
func TestEveryBitIsCovered(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"signature", "authenticatorData", "clientDataJSON"} {
		for at := 0; ; at++ {
			past := false
			_, err := b.get(k, b.named(), softkey.Send(func(_, r map[string]any) {
				raw := softkey.Bytes(r[member].(string))
				if at >= len(raw) {
					past = true
					return
				}
				raw[at] ^= 1
				r[member] = softkey.Text(raw)
			}))
			if past {
				break
			}
			if err == nil {
				t.Fatalf("byte %d of %s may be anything", at, member)
			}
		}
	}
}

func TestNoLieAboutANewPasskeyIsBelieved(t *testing.T) {
	b := newBench(t)
	other := b.key(softkey.ES256)
	hash := sha256.Sum256([]byte("example"))
	zero := make([]byte, 32)
	for name, lie := range map[string]softkey.Lie{
		"type of a question":         softkey.Say("type", "webauthn.get"),
		"own challenge":              softkey.Say("challenge", "AAAA"),
		"in a frame":                 softkey.Say("crossOrigin", true),
		"top origin":                 softkey.Say("topOrigin", origin),
		"token binding":              softkey.Say("tokenBinding", map[string]any{"status": "present"}),
		"another hash":               softkey.ForRP(hash[:]),
		"user not present":           softkey.Clear(softkey.UP),
		"backed up but not eligible": softkey.Clear(softkey.BE),
		"nothing attested":           softkey.Clear(softkey.AT),
		"extensions promised":        softkey.Set(softkey.ED),
		"bytes behind":               softkey.Trail([]byte{0}),
		"another id attested":        softkey.Attest(other.ID, other.COSE()),
		"empty id attested":          softkey.Attest(nil, other.COSE()),
		"long id attested":           softkey.Attest(make([]byte, 1024), other.COSE()),
		"no key":                     func(d *softkey.Draft) { d.PublicKey = nil },
		"key is no CBOR":             func(d *softkey.Draft) { d.PublicKey = []byte{0xff, 0xff} },
		"key is deep":                func(d *softkey.Draft) { d.PublicKey = softkey.Nested(5000) },
		"point off the curve": func(d *softkey.Draft) {
			d.PublicKey = softkey.KeyOf(2, softkey.ES256, 1, zero, zero)
		},
		"algorithm not offered": func(d *softkey.Draft) { d.PublicKey = softkey.KeyOf(2, -47, 8, zero, zero) },
		"algorithm of another key": func(d *softkey.Draft) {
			d.PublicKey = softkey.KeyOf(2, softkey.EdDSA, 6, zero, zero)
		},
		"key type 0": func(d *softkey.Draft) {
			d.PublicKey = softkey.KeyOf(0, softkey.ES256, 1, zero, zero)
		},
		"packed by another key": softkey.Packed(other),
		"packed with a chain":   softkey.Certified("packed"),
		"fido-u2f with a chain": softkey.Certified("fido-u2f"),
		"tpm with a chain":      softkey.Certified("tpm"),
		"apple with a chain":    softkey.Certified("apple"),
		"none with a statement": softkey.Statement(),
		"unknown format":        softkey.Format("house-brand"),
		"no format":             softkey.Format(""),
		"compound of nothing":   func(d *softkey.Draft) { d.Format, d.RawStatement = "compound", []any{} },
		"statement is a number": func(d *softkey.Draft) { d.Format, d.RawStatement = "packed", 7 },
		"statement is deep": func(d *softkey.Draft) {
			d.Format, d.RawStatement = "packed",
				[]any{softkey.Nested(3000)}
		},
		"no attestation":         softkey.Without("attestationObject"),
		"attestation is no CBOR": softkey.SendAs("attestationObject", "AAAA"),
		"attestation is empty":   softkey.SendAs("attestationObject", ""),
		"id is not rawId":        softkey.Send(func(out, _ map[string]any) { out["id"] = softkey.Text(other.ID) }),
		"another id sent": softkey.Send(func(out, _ map[string]any) {
			out["id"],
				out["rawId"] = softkey.Text(other.ID), softkey.Text(other.ID)
		}),
		"extensions are no JSON": softkey.Send(func(out, _ map[string]any) { out["extensions"] = "{" }),
		"double member":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			k := b.key(softkey.ES256)
			if lie != nil {
				if err := b.create(k, lie); !errors.Is(err, factor.ErrWrong) &&
					!errors.Is(err, factor.ErrMalformedAssertion) {
					t.Fatal(err)
				}
				return
			}
			c, err := b.m.BeginCreate(factor.NewPasskey{})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := k.Create(c.Options)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{`{"id":"AA",` + answer[1:], `{"ID":"AA",` + answer[1:], answer + "{}",
				"[" + answer + "]", ""} {
				if _, err := b.m.FinishCreate(c.State, "u", "f", text); !errors.Is(err, factor.ErrMalformedAssertion) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	if b.shelf.f.ID != "" {
		t.Fatal("something was made")
	}
	for _, lie := range []softkey.Lie{softkey.Packed(nil), softkey.Clear(softkey.UV),
		softkey.Clear(softkey.BE | softkey.BS)} {
		if err := b.create(b.key(softkey.ES256), lie); err != nil {
			t.Error("the truth: ", err)
		}
	}
}

// TestTheCounterOnlyGrows checks section 6.1.1, and that each use stores the
// counter.
func TestTheCounterOnlyGrows(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	k.Counter = 5
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		n  uint32
		ok bool
	}{{6, true}, {6, false}, {4, false}, {0, false}, {7, true}, {1 << 31, true}, {8, false}} {
		_, err := b.get(k, b.named(), softkey.Count(c.n))
		var refused *factor.Refused
		if c.ok != (err == nil) || !c.ok && (!errors.As(err, &refused) || !refused.Copied) {
			t.Fatalf("counter %d: %v", c.n, err)
		}
	}
	still := newBench(t)
	k = still.key(softkey.ES256)
	if err := still.create(k); err != nil {
		t.Fatal(err)
	}
	for i, n := range []uint32{0, 0, 1} { // the counter stays at zero, then starts
		if _, err := still.get(k, still.named(), softkey.Count(n)); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := still.get(k, still.named(), softkey.Count(0)); err == nil {
		t.Fatal("it forgot how to count")
	}
}

// TestARecordIsOfOneUserRowAndKey moves records in the database and checks that
// they do not open.
func TestARecordIsOfOneUserRowAndKey(t *testing.T) {
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		t.Fatal(err)
	}
	good := b.shelf.f
	for name, change := range map[string]func(f *storage.Factor){
		"user": func(f *storage.Factor) { f.UserID = "v" }, "row": func(f *storage.Factor) { f.ID = "g" },
		"key":     func(f *storage.Factor) { f.Key = "k" },
		"nothing": func(f *storage.Factor) { f.Secret = nil },
		"byte":    func(f *storage.Factor) { f.Secret = bytes.Clone(f.Secret); f.Secret[20] ^= 1 },
	} {
		f := good
		change(&f)
		if _, err := b.m.Detail(f); !errors.Is(err, factor.ErrSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsSayWhatTheContractSays(t *testing.T) {
	b := newBench(t)
	if err := b.create(b.key(softkey.ES256)); err != nil {
		t.Fatal(err)
	}
	c, err := b.m.BeginCreate(factor.NewPasskey{User: storage.User{Email: "ann@good.example"},
		Present: []storage.Factor{b.shelf.f}, Usage: storage.UseSecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"rp":{"id":"good.example","name":"good"}`, `"attestation":"none"`, `"extensions":{"credProps":true}`,
		`"timeout":60000`,
		`"residentKey":"preferred"`, `"userVerification":"discouraged"`, `"alg":-7`, `"alg":-8`, `"alg":-257`,
		`"transports":["internal","hybrid"]`,
	} {
		if !strings.Contains(string(c.Options), want) {
			t.Errorf("no %s in %s", want, c.Options)
		}
	}
	first, _ := b.m.BeginGet(factor.AssertionRequest{Verification: factor.Required})
	second, _ := b.m.BeginGet(factor.AssertionRequest{Verification: factor.Required})
	a, errA := softkey.Read(first.Options)
	z, errZ := softkey.Read(second.Options)
	if errA != nil || errZ != nil || a.Challenge == z.Challenge || len(softkey.Bytes(a.Challenge)) != 32 {
		t.Error("challenges ", a.Challenge, z.Challenge, fmt.Sprint(errA, errZ))
	}
}

// FuzzAnswer checks that any input from a browser is refused without a panic, in
// both ceremonies.
func FuzzAnswer(f *testing.F) {
	t := &testing.T{}
	b := newBench(t)
	k := b.key(softkey.ES256)
	if err := b.create(k); err != nil {
		f.Fatal(err)
	}
	create, err := b.m.BeginCreate(factor.NewPasskey{})
	if err != nil {
		f.Fatal(err)
	}
	get, err := b.m.BeginGet(b.named())
	if err != nil {
		f.Fatal(err)
	}
	for _, options := range [][]byte{create.Options} {
		made, err := b.key(softkey.ES256).Create(options, softkey.Packed(nil), softkey.Say("challenge", "AAAA"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(made)
	}
	got, err := k.Get(get.Options, softkey.Say("challenge", "AAAA"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(got)
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30"},"extensions":"{}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := b.m.FinishCreate(create.State, "u", "f", text); err == nil {
			t.Error("a passkey was made")
		}
		if _, err := b.m.Verify(t.Context(), get.State, b.shelf.f, text); err == nil {
			t.Error("a passkey was proven")
		}
	})
}
