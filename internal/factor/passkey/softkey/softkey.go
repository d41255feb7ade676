package softkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
)

// Flags of authenticator data.
const (
	UP = 0x01 // user present
	UV = 0x04 // user verified
	BE = 0x08 // backup eligible
	BS = 0x10 // backed up
	AT = 0x40 // attested credential data follows
	ED = 0x80 // extensions follow
)

// Algorithms of keys.
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
)

// Key is one passkey on one authenticator in a browser at Origin.
type Key struct {
	Origin   string
	RPID     string
	ID       []byte
	Handle   []byte
	Alg      int
	Flags    byte // of each response: UP, and UV, BE and BS, as the authenticator supports them
	Counter  uint32
	Counting bool // the counter grows with each use
	signer   crypto.Signer
}

// Draft is a response before it is signed and encoded. A Lie changes it.
type Draft struct {
	Client       map[string]any // clientDataJSON
	RawClient    []byte         // replaces Client, if set
	RPIDHash     []byte
	Flags        byte
	Counter      uint32
	AAGUID       []byte
	AttestedID   []byte
	PublicKey    []byte // COSE
	AlsoData     []byte // follows the authenticator data
	Format       string
	Statement    []pair
	RawStatement any // replaces Statement, if set
	Signer       crypto.Signer
	Alg          int
	// Wire contains functions that change the JSON of the response after it is
	// signed.
	Wire []func(out, response map[string]any)
}

// Lie changes a draft.
type Lie func(*Draft)

// Text encodes bytes as base64url without padding.
func Text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Options are the options of a ceremony that an authenticator reads.
type Options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Allow   []struct{ ID string } `json:"allowCredentials"`
	Exclude []struct{ ID string } `json:"excludeCredentials"`
}

// Read reads options.
func Read(raw []byte) (Options, error) {
	var o Options
	err := json.Unmarshal(raw, &o)
	if err == nil && o.Challenge == "" {
		err = errors.New("softkey: options without a challenge")
	}
	return o, err
}

// New returns a key on an authenticator that verifies its user and syncs.
func New(origin string, alg int) (*Key, error) {
	k := &Key{Origin: origin, Alg: alg, Flags: UP | UV | BE | BS, ID: make([]byte, 32)}
	rand.Read(k.ID)
	var err error
	switch alg {
	case ES256:
		k.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, k.signer, err = generateEd25519()
	case RS256:
		k.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = errors.New("softkey: no such algorithm")
	}
	return k, err
}

func generateEd25519() (ed25519.PublicKey, crypto.Signer, error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	return pub, priv, err
}

// Create returns the browser's JSON for the options of a creation.
func (k *Key) Create(options []byte, lies ...Lie) (string, error) {
	o, err := Read(options)
	if err != nil {
		return "", err
	}
	k.RPID = o.RP.ID
	if k.Handle, err = base64.RawURLEncoding.DecodeString(o.User.ID); err != nil {
		return "", err
	}
	d := k.draft("webauthn.create", o)
	d.Flags |= AT
	d.Format = "none"
	for _, lie := range lies {
		lie(d)
	}
	data, client := d.data(), d.client()
	statement := any(d.Statement)
	if d.Format == "packed" && d.Statement == nil && d.RawStatement == nil {
		hash := sha256.Sum256(client)
		sig, err := sign(d.Signer, append(data[:len(data):len(data)], hash[:]...))
		if err != nil {
			return "", err
		}
		statement = []pair{{"alg", d.Alg}, {"sig", sig}}
	}
	if d.RawStatement != nil {
		statement = d.RawStatement
	}
	object := cbor([]pair{{"fmt", d.Format}, {"attStmt", statement}, {"authData", data}})
	return d.write(k.ID, map[string]any{
		"clientDataJSON": Text(client), "attestationObject": Text(object), "transports": []string{"internal", "hybrid"},
	}, map[string]any{"credProps": map[string]any{"rk": true}})
}

// Get returns the browser's JSON for the options of a sign-in.
func (k *Key) Get(options []byte, lies ...Lie) (string, error) {
	o, err := Read(options)
	if err != nil {
		return "", err
	}
	if k.Counting {
		k.Counter++
	}
	d := k.draft("webauthn.get", o)
	for _, lie := range lies {
		lie(d)
	}
	data, client := d.data(), d.client()
	hash := sha256.Sum256(client)
	sig, err := sign(d.Signer, append(data[:len(data):len(data)], hash[:]...))
	if err != nil {
		return "", err
	}
	return d.write(k.ID, map[string]any{
		"clientDataJSON": Text(client), "authenticatorData": Text(data), "signature": Text(sig),
		"userHandle": Text(k.Handle),
	}, map[string]any{})
}

func (k *Key) draft(kind string, o Options) *Draft {
	hash := sha256.Sum256([]byte(k.RPID))
	return &Draft{
		Client:   map[string]any{"type": kind, "challenge": o.Challenge, "origin": k.Origin, "crossOrigin": false},
		RPIDHash: hash[:], Flags: k.Flags, Counter: k.Counter, AAGUID: make([]byte, 16), AttestedID: k.ID,
		PublicKey: k.COSE(),
		Signer:    k.signer, Alg: k.Alg, Statement: nil,
	}
}

// data returns the authenticator data (section 6.1).
func (d *Draft) data() []byte {
	out := append([]byte{}, d.RPIDHash...)
	out = append(out, d.Flags)
	out = binary.BigEndian.AppendUint32(out, d.Counter)
	if d.Flags&AT != 0 {
		out = append(out, d.AAGUID...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(d.AttestedID)))
		out = append(append(out, d.AttestedID...), d.PublicKey...)
	}
	return append(out, d.AlsoData...)
}

func (d *Draft) client() []byte {
	if d.RawClient != nil {
		return d.RawClient
	}
	raw, _ := json.Marshal(d.Client) // cannot fail: only strings and booleans
	return raw
}

func (d *Draft) write(id []byte, response, results map[string]any) (string, error) {
	out := map[string]any{
		"id": Text(id), "rawId": Text(id), "type": "public-key", "authenticatorAttachment": "platform",
		"response":               response,
		"clientExtensionResults": results,
	}
	for _, f := range d.Wire {
		f(out, response)
	}
	raw, err := json.Marshal(out)
	return string(raw), err
}

// COSE returns the encoded public key (RFC 9053).
func (k *Key) COSE() []byte {
	switch pub := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4, x, y
		if err != nil {
			return nil
		}
		return cbor([]pair{{1, 2}, {3, ES256}, {-1, 1}, {-2, point[1:33]}, {-3, point[33:]}})
	case ed25519.PublicKey:
		return cbor([]pair{{1, 1}, {3, EdDSA}, {-1, 6}, {-2, []byte(pub)}})
	case *rsa.PublicKey:
		return cbor([]pair{{1, 3}, {3, RS256}, {-1, pub.N.Bytes()}, {-2, []byte{1, 0, 1}}})
	}
	return nil
}

func sign(s crypto.Signer, text []byte) ([]byte, error) {
	switch s.(type) {
	case ed25519.PrivateKey:
		return s.Sign(rand.Reader, text, crypto.Hash(0))
	default:
		hash := sha256.Sum256(text)
		return s.Sign(rand.Reader, hash[:], crypto.SHA256)
	}
}

// Bytes decodes a result of Text. It returns nil for any other text.
func Bytes(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}
