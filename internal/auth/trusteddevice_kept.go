package auth

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// If the user of a trusted session ends all other sessions or follows the link that changes the
// address, the session continues, although all trust ends and the record of its browser is removed.
// So the session keeps the proofs of the browser in TrustedBy, after its own ID. The policy
// evaluates them like those of the record.

// keepTrust returns the new TrustedBy of a session. It reads the record of the browser, so it must
// be called before the change.
func keepTrust(ctx context.Context, c *Config, s storage.Session) (string, error) {
	if _, kept := keptProofs(s.ID, s.TrustedBy); kept || !s.Trusted {
		return s.TrustedBy, nil
	}
	proofs, err := c.Devices.Proofs(ctx, s.UserID, s.TrustedBy)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(proofs)
	return s.ID + " " + string(raw), err
}

// keptProofs returns the proofs of its browser that a session keeps. ok is false if it keeps none,
// because the browser has a record.
func keptProofs(session, trustedBy string) (proofs []storage.Proof, ok bool) {
	rest, ok := strings.CutPrefix(trustedBy, session+" ")
	if !ok || session == "" {
		return nil, false
	}
	if json.Unmarshal([]byte(rest), &proofs) != nil {
		return nil, true // no valid proofs
	}
	return proofs, true
}

// browserStands reports whether the trusted browser of a session or token still counts as a second
// factor.
func (l Sessions) browserStands(ctx context.Context, userID string, h held) (bool, error) {
	if proofs, kept := keptProofs(h.session, h.trustedBy); kept {
		return policy.Vouches(l.rules, proofs), nil
	}
	return l.c.Devices.StillProves(ctx, userID, h.trustedBy, l.vouches)
}
