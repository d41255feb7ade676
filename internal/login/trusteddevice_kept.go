package login

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// A trusted session whose user ends all other sessions, or follows the link that changes
// the address, goes on, though that ends all trust, and the record of its browser with
// it. So the session keeps what the browser proved: in TrustedBy, behind its own id.
// Policy is asked of that as it was of the record.

// keepTrust is what a session is trusted by from then on. It reads the record of the
// browser, so it comes before the change.
func keepTrust(ctx context.Context, c *Config, s store.Session) (string, error) {
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

// keptProofs returns what a session keeps of its browser; ok is false if it keeps
// nothing, because the browser has a record.
func keptProofs(session, trustedBy string) (proofs []store.Proof, ok bool) {
	rest, ok := strings.CutPrefix(trustedBy, session+" ")
	if !ok || session == "" {
		return nil, false
	}
	if json.Unmarshal([]byte(rest), &proofs) != nil {
		return nil, true // nothing that vouches
	}
	return proofs, true
}

// browserStands reports whether the trusted browser behind something still counts as
// a second factor.
func browserStands(ctx context.Context, l *Login, userID string, h held) (bool, error) {
	if proofs, kept := keptProofs(h.session, h.trustedBy); kept {
		return policy.Vouches(l.rules, proofs), nil
	}
	return l.c.Devices.StillProves(ctx, userID, h.trustedBy, l.vouches)
}
