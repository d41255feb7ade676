package passkey

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

// octets is a string of hexadecimal digits, as in the specification.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// vector is a test vector of Web Authentication level 3, section 16 ("Test
// Vectors", https://www.w3.org/TR/webauthn-3/#sctn-test-vectors). The origin is
// https://example.org, and the relying party is example.org.
type vector struct {
	Section, Title string
	CredentialID   octets
	Create         *struct {
		Challenge, ClientDataJSON, AttestationObject octets
		Format                                       string
	}
	Get *struct{ Challenge, ClientDataJSON, AuthenticatorData, Signature, PublicKey octets }
}

// TestTheVectorsOfTheSpecification checks that registrations in the site's own
// pages without an attestation certificate are accepted. Frames of other origins
// and attestations with certificates are refused for that reason only. Every
// assertion's signature is valid, whatever its algorithm.
func TestTheVectorsOfTheSpecification(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	const origin, rpID = "https://example.org", "example.org"
	framed := map[string]bool{"16.4": true, "16.5": true}
	for _, v := range all {
		t.Run(v.Section+" "+v.Title, func(t *testing.T) {
			if v.Create != nil {
				a := read(t, v.CredentialID, map[string]any{
					"clientDataJSON":    softkey.Text(v.Create.ClientDataJSON),
					"attestationObject": softkey.Text(v.Create.AttestationObject),
				})
				s := state{Kind: creating, Challenge: b64.EncodeToString(v.Create.Challenge)}
				if err := a.checkClient(s, []string{origin}); (err != nil) != framed[v.Section] {
					t.Errorf("client data: %v", err)
				}
				r, err := a.created(s, rpID, []string{origin})
				certified := v.Create.Format != "none" && v.Section != "16.3"
				switch {
				case framed[v.Section], certified:
					if !errors.Is(err, factor.ErrWrong) {
						t.Errorf("creation: %v", err)
					}
				case err != nil:
					t.Errorf("creation: %v", err)
				case !bytes.Equal(r.ID, v.CredentialID) || v.Get != nil && !bytes.Equal(r.PublicKey, v.Get.PublicKey):
					t.Errorf("the record has another id or key")
				}
			}
			if v.Get == nil {
				return
			}
			a := read(t, v.CredentialID, map[string]any{
				"clientDataJSON":    softkey.Text(v.Get.ClientDataJSON),
				"authenticatorData": softkey.Text(v.Get.AuthenticatorData),
				"signature":         softkey.Text(v.Get.Signature),
			})
			s := state{Kind: getting, Challenge: b64.EncodeToString(v.Get.Challenge)}
			if err := a.checkClient(s, []string{origin}); (err != nil) != framed[v.Section] {
				t.Errorf("client data: %v", err)
			}
			r := record{ID: v.CredentialID, PublicKey: v.Get.PublicKey,
				BackupEligible: v.Get.AuthenticatorData[32]&softkey.BE != 0}
			_, next, err := a.proves(s, r, rpID, []string{origin})
			if framed[v.Section] {
				if !errors.Is(err, factor.ErrWrong) {
					t.Errorf("assertion in a frame: %v", err)
				}
				return
			}
			if err != nil || next.Counter != 0 {
				t.Errorf("assertion: %v", err)
			}
			a.signature = append([]byte{}, a.signature...)
			a.signature[len(a.signature)-1] ^= 1
			if _, _, err := a.proves(s, r, rpID, []string{origin}); !errors.Is(err, factor.ErrWrong) {
				t.Errorf("with a bit of the signature turned: %v", err)
			}
		})
	}
	if len(all) < 14 {
		t.Errorf("only %d vectors", len(all))
	}
}

func read(t *testing.T, id []byte, response map[string]any) answer {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"id": softkey.Text(id), "rawId": softkey.Text(id), "type": "public-key",
		"response": response})
	if err != nil {
		t.Fatal(err)
	}
	a, err := readAnswer(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return a
}
