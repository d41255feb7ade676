package send_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// memory implements storage.Messages with a map.
type memory struct {
	mu   sync.Mutex
	rows map[string]storage.Message
	down error // every call returns it
}

func newMemory() *memory { return &memory{rows: make(map[string]storage.Message)} }

func (s *memory) PutMessage(ctx context.Context, m storage.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.down, ctx.Err()); err != nil {
		return err
	}
	if _, ok := s.rows[m.ID]; ok {
		return storage.ErrExists
	}
	s.rows[m.ID] = m
	return nil
}

func (s *memory) ClaimMessages(ctx context.Context, now time.Time, lease time.Duration,
	limit int) ([]storage.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.down, ctx.Err()); err != nil {
		return nil, err
	}
	var claimed []storage.Message
	for id, m := range s.rows {
		switch {
		case !now.Before(m.ExpiresAt):
			delete(s.rows, id)
		case len(claimed) < limit && !m.DueAt.After(now):
			m.Attempts++
			m.DueAt = now.Add(lease)
			s.rows[id] = m
			claimed = append(claimed, m)
		}
	}
	return claimed, nil
}

func (s *memory) CountMessages(ctx context.Context) (int, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest time.Time
	for _, m := range s.rows {
		if oldest.IsZero() || m.CreatedAt.Before(oldest) {
			oldest = m.CreatedAt
		}
	}
	return len(s.rows), oldest, s.down
}

func (s *memory) RetryMessage(ctx context.Context, id string, due time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.down, ctx.Err()); err != nil {
		return err
	}
	if m, ok := s.rows[id]; ok {
		m.DueAt = due
		s.rows[id] = m
	}
	return nil
}

func (s *memory) FinishMessage(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.down, ctx.Err()); err != nil {
		return err
	}
	delete(s.rows, id)
	return nil
}

func (s *memory) all() []storage.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []storage.Message
	for _, m := range s.rows {
		m.Body = slices.Clone(m.Body)
		list = append(list, m)
	}
	return list
}

func (s *memory) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// aead is a Sealer like that of package seal: AES-GCM with the owner as additional data.
type aead struct{ cipher.AEAD }

func newAEAD() aead {
	key := make([]byte, 32)
	_, _ = rand.Read(key)                         // never fails
	block, _ := aes.NewCipher(key)                // fails for other lengths only
	gcm, _ := cipher.NewGCMWithRandomNonce(block) // fails for other ciphers only
	return aead{gcm}
}

func (a aead) Seal(owner string, plain []byte) ([]byte, error) {
	return a.AEAD.Seal(nil, nil, plain, []byte(owner)), nil
}

func (a aead) Open(owner string, sealed []byte) ([]byte, error) {
	return a.AEAD.Open(nil, nil, sealed, []byte(owner))
}
