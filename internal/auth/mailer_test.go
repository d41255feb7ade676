package auth

import (
	"errors"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

func TestWithoutMailNoticesAreDroppedAndMailsAreRefused(t *testing.T) {
	m := NoMail{}
	if m.On() {
		t.Error("On reports mail")
	}
	if rows, err := m.Seal(SecurityNotice{Kind: FactorChanged}); err != nil || len(rows) != 0 {
		t.Errorf("a notice: %d rows, %v", len(rows), err)
	}
	if err := m.Queue(t.Context(), SecurityNotice{Kind: NewBrowser}); err != nil {
		t.Errorf("a notice: %v", err)
	}
	if _, err := m.Seal(Email{Kind: resetKind}); !errors.Is(err, ErrSend) {
		t.Errorf("a mail in a transaction: %v", err)
	}
	if err := m.Queue(t.Context(), Email{Kind: resetKind}); !errors.Is(err, ErrSend) {
		t.Errorf("a mail: %v", err)
	}
	if err := m.Alert(t.Context(), storage.User{}, "en"); !errors.Is(err, ErrSend) {
		t.Errorf("an alert: %v", err)
	}
}
