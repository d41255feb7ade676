package session

import (
	"context"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// personalPrefix is the prefix of every personal access token, so that people and scanners of
// source code recognize it.
const personalPrefix = "tfp_"

// useRecorded is the precision of the last use of a personal token.
const useRecorded = 10 * time.Minute

// NewPersonal returns the text of a new personal access token: 256 random bits.
func NewPersonal() string { return personalPrefix + seal.Token() }

// IsPersonal reports whether a text looks like a personal access token, so that it is not treated
// as another credential.
func IsPersonal(text string) bool { return strings.HasPrefix(text, personalPrefix) }

// Personal returns a valid personal access token and its active user. It returns storage.ErrNotFound
// if there is none, or if the user's credentials have changed since it was issued.
func (m *Manager) Personal(ctx context.Context, text string) (storage.Token, storage.User, error) {
	if m.c.Tokens == nil || !IsPersonal(text) || len(text) != len(personalPrefix)+tokenLength {
		return storage.Token{}, storage.User{}, storage.ErrNotFound
	}
	now := m.c.Now()
	t, err := m.c.Tokens.PersonalToken(ctx, seal.HashToken(text), now)
	if err != nil {
		return storage.Token{}, storage.User{}, err
	}
	u, err := m.c.Users.UserByID(ctx, t.UserID)
	if err != nil {
		return storage.Token{}, storage.User{}, err
	}
	if !t.Personal || !u.Active || u.CredentialVersion != t.CredentialVersion || !now.Before(t.ExpiresAt) {
		return storage.Token{}, storage.User{}, storage.ErrNotFound
	}
	if now.Sub(t.UsedAt) >= useRecorded {
		if err := m.c.Tokens.TouchToken(ctx, t.ID, now); err != nil {
			return storage.Token{}, storage.User{}, err
		}
	}
	return t, u, nil
}
