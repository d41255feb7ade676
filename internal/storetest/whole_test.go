package storetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestStoredRecordsAreComplete checks that every record that the rules write and read
// has every field set, so that an engine that loses a field fails. A new field
// fails here until the rules set it.
func TestStoredRecordsAreComplete(t *testing.T) {
	t.Parallel()
	u := newUser()
	for _, c := range []struct {
		record any
		others []string // set by other rules
	}{
		{record: u},
		{record: newSession(u)},
		{record: newPending(u), others: []string{"Version"}},
		{record: newDraft(u, "owner")},
		{record: newDevice(u), others: []string{"RememberMe", "Level", "SessionID", "TrustedBy"}},
		{record: newFactor(u), others: []string{"Primary", "Key", "Usage"}},
		{record: newPasskey(u, storage.UseSecond), others: []string{"Primary", "Destination", "LastStep"}},
		{record: newChallenge("key")},
		{record: newConnection(u, "subject")},
		{record: newMessage("id"), others: []string{"UserID"}},
		{record: newRequest(u), others: []string{"Blocked", "Event"}},
		{record: newToken(u), others: []string{"Personal", "Generation", "Most", "Event"}},
	} {
		v := reflect.ValueOf(c.record)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).IsZero() != slices.Contains(c.others, name) {
				t.Errorf("%T: %s is set: %v", c.record, name, !v.Field(i).IsZero())
			}
		}
	}
}
