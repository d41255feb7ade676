package crash_test

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

func (c durable) PasskeyByKey(ctx context.Context, key string) (store.Factor, error) {
	defer c.call(ctx, "PasskeyByKey")()
	return c.s.PasskeyByKey(ctx, key)
}

func (c durable) PasskeysOf(ctx context.Context, userID string) ([]store.Factor, error) {
	defer c.call(ctx, "PasskeysOf")()
	return c.s.PasskeysOf(ctx, userID)
}

func (c durable) PermissionsOf(ctx context.Context, roles []string) ([]string, error) {
	defer c.call(ctx, "PermissionsOf")()
	return c.s.PermissionsOf(ctx, roles)
}

func (c durable) PersonalToken(ctx context.Context, hash string, now time.Time) (store.Token, error) {
	defer c.call(ctx, "PersonalToken")()
	return c.s.PersonalToken(ctx, hash, now)
}

func (c durable) PreferFactor(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "PreferFactor")()
	return c.s.PreferFactor(ctx, userID, id)
}

func (c durable) PutAccounts(ctx context.Context, accounts []store.Whole) error {
	defer c.call(ctx, "PutAccounts")()
	return c.s.PutAccounts(ctx, accounts)
}

func (c durable) PutDeletion(ctx context.Context, r store.DeletionRequest,
	from string, messages ...store.Message) error {
	defer c.call(ctx, "PutDeletion")()
	return c.s.PutDeletion(ctx, r, from, messages...)
}

func (c durable) PutDevice(ctx context.Context, d store.Device, messages ...store.Message) error {
	defer c.call(ctx, "PutDevice")()
	return c.s.PutDevice(ctx, d, messages...)
}

func (c durable) PutInvitation(ctx context.Context, i store.Invitation, messages ...store.Message) error {
	defer c.call(ctx, "PutInvitation")()
	return c.s.PutInvitation(ctx, i, messages...)
}

func (c durable) PutMessage(ctx context.Context, m store.Message) error {
	defer c.call(ctx, "PutMessage")()
	return c.s.PutMessage(ctx, m)
}

func (c durable) PutRecovery(ctx context.Context, r store.Recovery, messages ...store.Message) error {
	defer c.call(ctx, "PutRecovery")()
	return c.s.PutRecovery(ctx, r, messages...)
}

func (c durable) PutRole(ctx context.Context, r store.Role) error {
	defer c.call(ctx, "PutRole")()
	return c.s.PutRole(ctx, r)
}

func (c durable) PutSeal(ctx context.Context, s store.Seal) error {
	defer c.call(ctx, "PutSeal")()
	return c.s.PutSeal(ctx, s)
}

func (c durable) PutToken(ctx context.Context, t store.Token, messages ...store.Message) error {
	defer c.call(ctx, "PutToken")()
	return c.s.PutToken(ctx, t, messages...)
}

func (c durable) Recovery(ctx context.Context, userID string) (store.Recovery, error) {
	defer c.call(ctx, "Recovery")()
	return c.s.Recovery(ctx, userID)
}

func (c durable) RecoveryCodesLeft(ctx context.Context, userID string, since time.Time) (int, error) {
	defer c.call(ctx, "RecoveryCodesLeft")()
	return c.s.RecoveryCodesLeft(ctx, userID, since)
}

func (c durable) Release(ctx context.Context, own, whole []string) error {
	defer c.call(ctx, "Release")()
	return c.s.Release(ctx, own, whole)
}

func (z durable) RemoveEvents(ctx context.Context, after int64, c store.Checkpoint) error {
	defer z.call(ctx, "RemoveEvents")()
	return z.s.RemoveEvents(ctx, after, c)
}

func (c durable) ReplaceAccount(ctx context.Context, w store.Whole, was store.Origin, keepPassword bool) error {
	defer c.call(ctx, "ReplaceAccount")()
	return c.s.ReplaceAccount(ctx, w, was, keepPassword)
}

func (c durable) Reseal(ctx context.Context, id string, old, new []byte) error {
	defer c.call(ctx, "Reseal")()
	return c.s.Reseal(ctx, id, old, new)
}

func (c durable) Reserve(ctx context.Context, now time.Time, claims ...store.Claim) (time.Time, error) {
	defer c.call(ctx, "Reserve")()
	return c.s.Reserve(ctx, now, claims...)
}

func (c durable) RetryMessage(ctx context.Context, id string, due time.Time) error {
	defer c.call(ctx, "RetryMessage")()
	return c.s.RetryMessage(ctx, id, due)
}

func (c durable) RevokeDevice(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "RevokeDevice")()
	return c.s.RevokeDevice(ctx, userID, id)
}

func (c durable) RevokeDevices(ctx context.Context, userID string, messages ...store.Message) error {
	defer c.call(ctx, "RevokeDevices")()
	return c.s.RevokeDevices(ctx, userID, messages...)
}

func (c durable) RevokeFamilies(ctx context.Context, userID, sessionID string) error {
	defer c.call(ctx, "RevokeFamilies")()
	return c.s.RevokeFamilies(ctx, userID, sessionID)
}

func (c durable) RevokeStaying(ctx context.Context, userID, sessionID string) error {
	defer c.call(ctx, "RevokeStaying")()
	return c.s.RevokeStaying(ctx, userID, sessionID)
}

func (c durable) RevokeToken(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "RevokeToken")()
	return c.s.RevokeToken(ctx, userID, id)
}

func (c durable) Roles(ctx context.Context) ([]store.Role, error) {
	defer c.call(ctx, "Roles")()
	return c.s.Roles(ctx)
}

func (c durable) RotateToken(ctx context.Context, u store.TokenUse) (store.Token, error) {
	defer c.call(ctx, "RotateToken")()
	return c.s.RotateToken(ctx, u)
}

func (c durable) SealedOtherwise(ctx context.Context, heads [][]byte, limit int) ([][]byte, error) {
	defer c.call(ctx, "SealedOtherwise")()
	return c.s.SealedOtherwise(ctx, heads, limit)
}

func (c durable) SealsAfter(ctx context.Context, after int64, limit int) ([]store.Seal, error) {
	defer c.call(ctx, "SealsAfter")()
	return c.s.SealsAfter(ctx, after, limit)
}

func (c durable) SetActive(ctx context.Context, id string, active bool, uniquifier string, now time.Time) error {
	defer c.call(ctx, "SetActive")()
	return c.s.SetActive(ctx, id, active, uniquifier, now)
}

func (c durable) SetIdentity(ctx context.Context, u store.User, uniquifier string, messages ...store.Message) error {
	defer c.call(ctx, "SetIdentity")()
	return c.s.SetIdentity(ctx, u, uniquifier, messages...)
}

func (c durable) SetLanguage(ctx context.Context, id, old, new string) error {
	defer c.call(ctx, "SetLanguage")()
	return c.s.SetLanguage(ctx, id, old, new)
}

func (c durable) SetPassword(ctx context.Context, id, hash, uniquifier string,
	viaMailbox bool, now time.Time, messages ...store.Message) error {
	defer c.call(ctx, "SetPassword")()
	return c.s.SetPassword(ctx, id, hash, uniquifier, viaMailbox, now, messages...)
}

func (c durable) SetProfile(ctx context.Context, id, old, new string, now time.Time) error {
	defer c.call(ctx, "SetProfile")()
	return c.s.SetProfile(ctx, id, old, new, now)
}

func (c durable) SetRoles(ctx context.Context, id string, roles []string, now time.Time) error {
	defer c.call(ctx, "SetRoles")()
	return c.s.SetRoles(ctx, id, roles, now)
}

func (c durable) SettledEvents(ctx context.Context) (int64, error) {
	defer c.call(ctx, "SettledEvents")()
	return c.s.SettledEvents(ctx)
}

func (c durable) ShutRecovery(ctx context.Context, userID string, now time.Time) error {
	defer c.call(ctx, "ShutRecovery")()
	return c.s.ShutRecovery(ctx, userID, now)
}

func (c durable) SignInsOf(ctx context.Context, userID string) (store.SignIns, error) {
	defer c.call(ctx, "SignInsOf")()
	return c.s.SignInsOf(ctx, userID)
}

func (c durable) SpendRecoveryCode(ctx context.Context, userID string,
	macs [][]byte, since time.Time, messages ...store.Message) (int, error) {
	defer c.call(ctx, "SpendRecoveryCode")()
	return c.s.SpendRecoveryCode(ctx, userID, macs, since, messages...)
}

func (c durable) TakeInvitation(ctx context.Context, tokenHash string, now time.Time) (store.Invitation, error) {
	defer c.call(ctx, "TakeInvitation")()
	return c.s.TakeInvitation(ctx, tokenHash, now)
}

func (c durable) TakeRecovery(ctx context.Context, userID, id,
	uniquifier string, now time.Time, messages ...store.Message) (store.Recovery, error) {
	defer c.call(ctx, "TakeRecovery")()
	return c.s.TakeRecovery(ctx, userID, id, uniquifier, now, messages...)
}

func (c durable) TokensOf(ctx context.Context, userID string, now time.Time) ([]store.Token, error) {
	defer c.call(ctx, "TokensOf")()
	return c.s.TokensOf(ctx, userID, now)
}

func (c durable) TouchToken(ctx context.Context, id string, now time.Time) error {
	defer c.call(ctx, "TouchToken")()
	return c.s.TouchToken(ctx, id, now)
}

func (c durable) TrimDevices(ctx context.Context, userID string, keep int) ([]store.Device, error) {
	defer c.call(ctx, "TrimDevices")()
	return c.s.TrimDevices(ctx, userID, keep)
}

func (c durable) TrimFamilies(ctx context.Context, userID string, keep int) ([]store.Token, error) {
	defer c.call(ctx, "TrimFamilies")()
	return c.s.TrimFamilies(ctx, userID, keep)
}

func (c durable) UpgradePassword(ctx context.Context, id, old, new string) error {
	defer c.call(ctx, "UpgradePassword")()
	return c.s.UpgradePassword(ctx, id, old, new)
}

func (c durable) UseDevice(ctx context.Context, d store.DeviceUse) (store.Device, error) {
	defer c.call(ctx, "UseDevice")()
	return c.s.UseDevice(ctx, d)
}

func (c durable) UsePasskey(ctx context.Context, id string, old, new []byte, now time.Time) error {
	defer c.call(ctx, "UsePasskey")()
	return c.s.UsePasskey(ctx, id, old, new, now)
}

func (c durable) UserByID(ctx context.Context, id string) (store.User, error) {
	defer c.call(ctx, "UserByID")()
	return c.s.UserByID(ctx, id)
}

func (c durable) UserByIdentity(ctx context.Context, key string) (store.User, error) {
	defer c.call(ctx, "UserByIdentity")()
	return c.s.UserByIdentity(ctx, key)
}
