package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twofold-auth/twofold/internal/profile"
	"github.com/twofold-auth/twofold/internal/storage"
)

// ErrNotOurs means that the application stores this part of the account itself.
var ErrNotOurs = errors.New("account: the application's own table stores this")

// Joined is a store whose accounts are in a Source. Our data about them (the credential version, flags,
// times and, through the ID, everything else) is in our own row, the shadow, which is created when
// an account is first seen.
//
// The shadow contains a hash of the password and the identities for which its credential version was
// created. The application may change these in its table at any time. The next read of the account
// then finds another hash and ends everything issued before, as if we had made the change.
type Joined struct {
	storage.Store
	src Table
	now func() time.Time
}

// Join returns the store with the accounts of src.
func Join(s storage.Store, src Table, now func() time.Time) *Joined { return &Joined{s, src, now} }

// UserByID implements storage.UserReader.
func (j *Joined) UserByID(ctx context.Context, id string) (storage.User, error) {
	r, err := j.src.ByID(ctx, id)
	if err == nil && r.ID != id {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.User{}, err
	}
	return j.join(ctx, r)
}

// UserByIdentity implements storage.UserReader. The result of the table's comparison is compared
// again, because a comparison that ignores accents would find another person's row (R6).
func (j *Joined) UserByIdentity(ctx context.Context, key string) (storage.User, error) {
	if key == "" {
		return storage.User{}, storage.ErrNotFound
	}
	r, err := j.src.ByIdentity(ctx, key)
	if err == nil && Key(r.Email) != key && (r.Username == "" || Key(r.Username) != key) {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.User{}, err
	}
	return j.join(ctx, r)
}

// ListUsers implements storage.UserReader. It lists the accounts that were seen.
func (j *Joined) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	shadows, err := j.Store.ListUsers(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	out := []storage.User{}
	for _, s := range shadows {
		switch u, err := j.UserByID(ctx, s.ID); {
		case errors.Is(err, storage.ErrNotFound): // deleted from the table
		case err != nil:
			return nil, err
		default:
			out = append(out, u)
		}
	}
	return out, nil
}

// join merges a record with its shadow.
func (j *Joined) join(ctx context.Context, r Record) (storage.User, error) {
	if r.ID == "" || len(r.ID) > 128 || !utf8.ValidString(r.ID) {
		return storage.User{}, errors.New(
			"account: an ID in the application's own table is empty, too long or not valid text")
	}
	deleted := false
	for range 3 { // another request may create or renew the same shadow
		shadow, err := j.Store.UserByID(ctx, r.ID)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			err := j.Store.CreateUser(ctx, j.shadow(r))
			if deleted = errors.Is(err, storage.ErrExists); err != nil && !deleted {
				return storage.User{}, err
			}
		case err != nil:
			return storage.User{}, err
		case shadow.PasswordHash == digest(r):
			return j.merged(r, shadow), nil
		default:
			if err := j.renew(ctx, r, shadow); err != nil && !errors.Is(err, storage.ErrUsed) {
				return storage.User{}, err
			}
			if r, err = j.src.ByID(ctx, r.ID); err != nil {
				return storage.User{}, err
			}
		}
	}
	if deleted { // the account was deleted, and the application still has its row
		return storage.User{}, storage.ErrNotFound
	}
	return storage.User{}, storage.ErrUnavailable
}

// renew updates the shadow to the current record. A new address is another mailbox: it becomes the
// destination of factors by mail, and other first factors are removed if there is a password.
func (j *Joined) renew(ctx context.Context, r Record, shadow storage.User) error {
	was, mailbox := mailboxOf(shadow.PasswordHash), mailboxOf(digest(r))
	if was == "" && shadow.PasswordHash+":"+mailbox == digest(r) { // written by a version without the mailbox
		return j.Store.UpgradePassword(ctx, r.ID, shadow.PasswordHash, digest(r))
	}
	return j.Store.ChangePassword(ctx, storage.PasswordChange{
		UserID: r.ID, From: shadow.CredentialVersion, To: NewUniquifier(), Hash: digest(r), MailTo: r.Email,
		DropPlanted: was != "" && was != mailbox && r.PasswordHash != "", Moved: was != mailbox, Now: j.now(),
	})
}

func (j *Joined) shadow(r Record) storage.User {
	now := j.now()
	u := storage.User{
		ID: r.ID, PasswordHash: digest(r), Active: true, CredentialVersion: NewUniquifier(), Roles: []string{},
		CreatedAt: now, UpdatedAt: now,
	}
	if r.Confirmed {
		u.ConfirmedAt, u.ProvenKey = now, mailboxOf(digest(r))
	}
	return u
}

func (j *Joined) merged(r Record, u storage.User) storage.User {
	u.Email, u.EmailKey, u.PasswordHash = r.Email, Key(r.Email), r.PasswordHash
	u.Username, u.UsernameKey = r.Username, ""
	if r.Username != "" {
		u.UsernameKey = Key(r.Username)
	}
	u.Active = u.Active && r.Active
	if r.Confirmed && u.ConfirmedAt.IsZero() {
		u.ConfirmedAt = u.CreatedAt
	}
	if r.Confirmed || u.ProvenKey != "" && u.ProvenKey == mailboxOf(digest(r)) {
		u.ProvenKey = u.EmailKey
	} // otherwise it is empty or of another mailbox
	u.Roles = roles(slices.Concat(rolesOf(r.Roles), u.Roles))
	if j.src.SetProfile != nil {
		u.Profile = profile.Encode(r.Fields)
	}
	return u
}

// digest returns a hash of the data on which everything issued to an account depends. mailboxOf
// returns the part for the address.
func digest(r Record) string {
	return "sha256:" + hashed(r.PasswordHash, Key(r.Email), Key(r.Username)) + ":" + hashed(Key(r.Email))
}

func mailboxOf(digest string) string {
	if parts := strings.Split(digest, ":"); len(parts) == 3 {
		return parts[2]
	}
	return ""
}

func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// SetPassword implements storage.UserWriter.
func (j *Joined) SetPassword(ctx context.Context, p storage.NewPassword, messages ...storage.Message) error {
	u, err := j.UserByID(ctx, p.UserID)
	if err != nil {
		return err
	}
	return j.ChangePassword(ctx, storage.PasswordChange{
		UserID: p.UserID, From: u.CredentialVersion, To: p.CredentialVersion, Hash: p.Hash, ViaMailbox: p.ViaMailbox,
		Messages: messages, Now: p.Now,
	})
}

// ChangePassword implements storage.OwnerWriter. The shadow decides which of two changes wins. If the
// table cannot be reached after that, the old password stays, everything issued has ended, and the
// owner has been notified.
func (j *Joined) ChangePassword(ctx context.Context, c storage.PasswordChange) error {
	r, err := j.src.ByID(ctx, c.UserID)
	if err != nil {
		return err
	}
	old, hash := r.PasswordHash, c.Hash
	r.PasswordHash = hash
	c.Hash = digest(r)
	if c.ProvenKey != "" {
		c.ProvenKey = mailboxOf(c.Hash)
	}
	if err := j.Store.ChangePassword(ctx, c); err != nil {
		return err
	}
	return j.replace(ctx, c.UserID, old, hash)
}

// UpgradePassword implements storage.UserWriter.
func (j *Joined) UpgradePassword(ctx context.Context, id, old, new string) error {
	r, err := j.src.ByID(ctx, id)
	if err != nil {
		return err
	}
	if r.PasswordHash != old {
		return storage.ErrUsed
	}
	was := digest(r)
	r.PasswordHash = new
	if err := j.Store.UpgradePassword(ctx, id, was, digest(r)); err != nil {
		return err
	}
	return j.replace(ctx, id, old, new)
}

func (j *Joined) replace(ctx context.Context, id, old, new string) error {
	ok, err := j.src.SetPasswordHash(ctx, id, old, new)
	if err == nil && !ok {
		return storage.ErrUsed
	}
	return err
}

// ConfirmUser implements storage.OwnerWriter.
func (j *Joined) ConfirmUser(ctx context.Context, id, emailKey, _ string, now time.Time) error {
	u, err := j.UserByID(ctx, id)
	if err != nil {
		return err
	}
	if u.EmailKey != emailKey {
		return storage.ErrUsed
	}
	return j.Store.ConfirmUser(ctx, id, "", hashed(emailKey), now) // the shadow has no address
}

// SetIdentity implements storage.UserWriter. Addresses and names belong to the table.
func (j *Joined) SetIdentity(context.Context, storage.User, string, ...storage.Message) error {
	return ErrNotOurs
}

// ChangeIdentity implements storage.OwnerWriter.
func (j *Joined) ChangeIdentity(context.Context, storage.IdentityChange) error { return ErrNotOurs }

// SetActive implements storage.UserWriter. It sets our own flag in addition to the table's; both must
// be set.
func (j *Joined) SetActive(ctx context.Context, id string, active bool, version string, now time.Time) error {
	if _, err := j.UserByID(ctx, id); err != nil {
		return err
	}
	return j.Store.SetActive(ctx, id, active, version, now)
}

// DeleteUser implements storage.Deletions. The row in the table is deleted first; if that fails,
// nothing is deleted. A missing row is not an error. Once the row is deleted, the rest is deleted
// even if the request was canceled at that moment. An invitation for the account's address is ended
// first, because the shadow does not have the address.
func (j *Joined) DeleteUser(ctx context.Context, d storage.Deletion) error {
	if d.Request != "" { // a request that has ended must not reach the table
		r, err := j.Store.DeletionOf(ctx, d.UserID)
		switch {
		case errors.Is(err, storage.ErrNotFound), err == nil && (r.ID != d.Request || d.Now.Before(r.DueAt)):
			return storage.ErrUsed
		case err != nil:
			return err
		}
	}
	if err := j.endInvitation(ctx, d.UserID); err != nil {
		return err
	}
	if j.src.Delete == nil {
		return j.Store.DeleteUser(ctx, d)
	}
	if err := j.src.Delete(ctx, d.UserID); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	d.Request = ""
	return j.Store.DeleteUser(context.WithoutCancel(ctx), d)
}

// endInvitation ends the invitation of an account's address, if there is one.
func (j *Joined) endInvitation(ctx context.Context, id string) error {
	r, err := j.src.ByID(ctx, id)
	if err == nil {
		err = j.Store.EndInvitation(ctx, Key(r.Email))
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// SetLanguage implements storage.OwnerWriter. The language is in the shadow.
func (j *Joined) SetLanguage(ctx context.Context, id, old, new string) error {
	if _, err := j.UserByID(ctx, id); err != nil {
		return err
	}
	return j.Store.SetLanguage(ctx, id, old, new)
}

// SetProfile implements storage.OwnerWriter. The profile is in the shadow unless the
// table keeps it.
func (j *Joined) SetProfile(ctx context.Context, id, old, new string, now time.Time) error {
	u, err := j.UserByID(ctx, id)
	if err != nil {
		return err
	}
	if j.src.SetProfile == nil {
		return j.Store.SetProfile(ctx, id, old, new, now)
	}
	if u.Profile != old {
		return storage.ErrUsed
	}
	return j.src.SetProfile(ctx, id, profile.Decode(new))
}

// SetRoles implements storage.UserWriter. If the table does not store roles, it stores those that the
// table does not have. A role of the table cannot be removed here, so omitting it is an error.
func (j *Joined) SetRoles(ctx context.Context, id string, names []string, now time.Time) error {
	r, err := j.src.ByID(ctx, id)
	if err != nil {
		return err
	}
	if _, err := j.join(ctx, r); err != nil {
		return err
	}
	if j.src.SetRoles != nil {
		return j.giveRoles(ctx, id, names, now)
	}
	ours := slices.Clone(names)
	for _, role := range rolesOf(r.Roles) {
		if !slices.Contains(names, role) {
			return fmt.Errorf("role %q: %w", role, ErrNotOurs)
		}
		ours = slices.DeleteFunc(ours, func(n string) bool { return n == role })
	}
	return j.Store.SetRoles(ctx, id, ours, now)
}

// giveRoles writes the roles to a table that stores them. It removes older roles from the shadow:
// first those to be removed, and the others after the table has stored them.
func (j *Joined) giveRoles(ctx context.Context, id string, names []string, now time.Time) error {
	shadow, err := j.Store.UserByID(ctx, id)
	if err != nil {
		return err
	}
	keep := slices.DeleteFunc(slices.Clone(shadow.Roles), func(n string) bool { return !slices.Contains(names, n) })
	if len(keep) < len(shadow.Roles) {
		if err := j.Store.SetRoles(ctx, id, keep, now); err != nil {
			return err
		}
	}
	if err := j.src.SetRoles(ctx, id, names); err != nil || len(keep) == 0 {
		return err
	}
	return j.Store.SetRoles(ctx, id, nil, now)
}

// Overlay returns the account of a listed record. If the account was never seen, it has no shadow,
// and listing it does not create one.
func (j *Joined) Overlay(ctx context.Context, r Record) (storage.User, error) {
	shadow, err := j.Store.UserByID(ctx, r.ID)
	if errors.Is(err, storage.ErrNotFound) {
		shadow, err = storage.User{ID: r.ID, Active: true}, nil
	}
	if err != nil {
		return storage.User{}, err
	}
	return j.merged(r, shadow), nil
}
