package passkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/factor"
)

// Bounds of a response. A credential ID has at most 1,023 bytes (section 4). A
// response without an attestation is many times shorter than maxAnswer.
const (
	maxAnswer = 16 << 10
	maxID     = 1023
	maxDepth  = 8
)

// answer is the JSON that a browser returned (PublicKeyCredential.toJSON), read
// strictly.
type answer struct {
	id, client, handle []byte
	twoIDs             bool   // its id and rawId differ
	attestation        []byte // of a creation
	data, signature    []byte // of a get
	transports         []string
	attachment         string
	discoverable       *bool
}

// members are the members of the browser's JSON that are read. It may have others.
type members struct {
	ID         string `json:"id"`
	RawID      string `json:"rawId"`
	Type       string `json:"type"`
	Attachment string `json:"authenticatorAttachment"`
	Response   struct {
		Client      string   `json:"clientDataJSON"`
		Attestation string   `json:"attestationObject"`
		Data        string   `json:"authenticatorData"`
		Signature   string   `json:"signature"`
		Handle      string   `json:"userHandle"`
		Transports  []string `json:"transports"`
	} `json:"response"`
	Results    results `json:"clientExtensionResults"`
	Extensions string  `json:"extensions"` // the same as a string, as older clients send it
}

type results struct {
	Props struct {
		Discoverable *bool `json:"rk"`
	} `json:"credProps"`
}

// readAnswer reads the text that a browser sent. The error is ErrAnswer.
func readAnswer(text string) (answer, error) {
	var in members
	if len(text) > maxAnswer || !plain([]byte(text)) || json.Unmarshal([]byte(text), &in) != nil {
		return answer{}, factor.ErrMalformedAssertion
	}
	if in.Extensions != "" &&
		(!plain([]byte(in.Extensions)) || json.Unmarshal([]byte(in.Extensions), &in.Results) != nil) {
		return answer{}, factor.ErrMalformedAssertion
	}
	a := answer{attachment: in.Attachment, discoverable: in.Results.Props.Discoverable}
	if a.attachment != "platform" && a.attachment != "cross-platform" {
		a.attachment = ""
	}
	for _, part := range []struct {
		to   *[]byte
		from string
	}{
		{&a.id, in.RawID}, {&a.client, in.Response.Client}, {&a.handle, in.Response.Handle},
		{&a.attestation, in.Response.Attestation}, {&a.data, in.Response.Data}, {&a.signature, in.Response.Signature},
	} {
		raw, err := decode(part.from)
		if err != nil {
			return answer{}, err
		}
		*part.to = raw
	}
	id, err := decode(in.ID)
	a.twoIDs = err != nil || !bytes.Equal(id, a.id)
	if in.Type != "public-key" || len(a.id) == 0 || len(a.id) > maxID || len(a.client) == 0 {
		return answer{}, factor.ErrMalformedAssertion
	}
	for _, t := range in.Response.Transports {
		if slices.Contains([]string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}, t) &&
			!slices.Contains(a.transports, t) {
			a.transports = append(a.transports, t)
		}
	}
	return a, nil
}

// decode decodes base64url, either without padding, as browsers write it, or with
// full padding, as older scripts do. Both stand for the same bytes, and only bytes
// are compared and verified. Partial padding, unused bits and line breaks, which
// the decoder would skip, are refused. The error is factor.ErrAnswer.
func decode(text string) ([]byte, error) {
	from := b64
	if strings.HasSuffix(text, "=") {
		from = padded
	}
	raw, err := from.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, factor.ErrMalformedAssertion
	}
	return raw, nil
}

// client is the browser's description of the ceremony and the page that asked for
// it (section 5.8.1).
type client struct {
	Type         string  `json:"type"`
	Challenge    string  `json:"challenge"`
	Origin       string  `json:"origin"`
	CrossOrigin  bool    `json:"crossOrigin"`
	TopOrigin    *string `json:"topOrigin"`
	TokenBinding *struct {
		Status string `json:"status"`
	} `json:"tokenBinding"`
}

// checkClient compares the client data with the ceremony: its type, the challenge
// and the full origin. It refuses frames of other sites. The comparison comes
// before the check of the signature over these data; access needs both.
func (a answer) checkClient(s state, origins []string) error {
	if a.twoIDs {
		return refuse("id and raw_id were not equivalent")
	}
	var c client
	if !plain(a.client) || json.Unmarshal(a.client, &c) != nil {
		return factor.ErrMalformedAssertion
	}
	switch {
	case c.Type != s.Kind:
		return refuse("another ceremony")
	case c.Challenge != s.Challenge:
		return refuse("another challenge")
	case !slices.Contains(origins, c.Origin):
		return refuse("another origin")
	case c.CrossOrigin || c.TopOrigin != nil:
		return refuse("asked for inside a page of another origin")
	case c.TokenBinding != nil && c.TokenBinding.Status != "supported" && c.TokenBinding.Status != "not-supported":
		return refuse("token binding")
	}
	return nil
}

// plain reports whether raw is one JSON object without duplicate keys, keys that
// differ only in case, or deep nesting. encoding/json accepts all of these, and
// another parser might read the same text differently.
func plain(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') || !object(dec, 1) {
		return false
	}
	_, err := dec.Token()
	return errors.Is(err, io.EOF)
}

func object(dec *json.Decoder, depth int) bool {
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if name = strings.ToLower(name); err != nil || !ok || seen[name] {
			return false
		}
		seen[name] = true
		if !value(dec, depth) {
			return false
		}
	}
	_, err := dec.Token()
	return err == nil
}

func value(dec *json.Decoder, depth int) bool {
	t, err := dec.Token()
	if err != nil || depth > maxDepth {
		return false
	}
	switch t {
	case json.Delim('{'):
		return object(dec, depth+1)
	case json.Delim('['):
		for dec.More() {
			if !value(dec, depth+1) {
				return false
			}
		}
		_, err := dec.Token()
		return err == nil
	}
	return true
}
