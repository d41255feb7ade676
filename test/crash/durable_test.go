package crash_test

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// durable is the part of a store that survives. Each call may be the last one.
type durable struct {
	s storage.Durable
	*doom
}

func (c durable) AcceptInvitation(ctx context.Context, tokenHash string,
	now time.Time, u storage.User, factors ...storage.Factor) error {
	defer c.call(ctx, "AcceptInvitation")()
	return c.s.AcceptInvitation(ctx, tokenHash, now, u, factors...)
}

func (c durable) AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error {
	defer c.call(ctx, "AdvanceStep")()
	return c.s.AdvanceStep(ctx, id, step, now)
}

func (c durable) AppendEvent(ctx context.Context, e storage.Event) error {
	defer c.call(ctx, "AppendEvent")()
	return c.s.AppendEvent(ctx, e)
}

func (z durable) ChangeConnections(ctx context.Context, c storage.ConnectionChange) error {
	defer z.call(ctx, "ChangeConnections")()
	return z.s.ChangeConnections(ctx, c)
}

func (z durable) ChangeFactors(ctx context.Context, c storage.FactorChange) error {
	defer z.call(ctx, "ChangeFactors")()
	return z.s.ChangeFactors(ctx, c)
}

func (z durable) ChangeIdentity(ctx context.Context, c storage.IdentityChange) error {
	defer z.call(ctx, "ChangeIdentity")()
	return z.s.ChangeIdentity(ctx, c)
}

func (z durable) ChangePassword(ctx context.Context, c storage.PasswordChange) error {
	defer z.call(ctx, "ChangePassword")()
	return z.s.ChangePassword(ctx, c)
}

func (c durable) ChangePermissions(ctx context.Context, name string, add, remove []string) error {
	defer c.call(ctx, "ChangePermissions")()
	return c.s.ChangePermissions(ctx, name, add, remove)
}

func (c durable) Checkpoint(ctx context.Context) (storage.Checkpoint, error) {
	defer c.call(ctx, "Checkpoint")()
	return c.s.Checkpoint(ctx)
}

func (c durable) ClaimMessages(ctx context.Context, now time.Time,
	lease time.Duration, limit int) ([]storage.Message, error) {
	defer c.call(ctx, "ClaimMessages")()
	return c.s.ClaimMessages(ctx, now, lease, limit)
}

func (c durable) CodeSetOf(ctx context.Context, userID string) (storage.CodeSet, error) {
	defer c.call(ctx, "CodeSetOf")()
	return c.s.CodeSetOf(ctx, userID)
}

func (c durable) ConfirmUser(ctx context.Context, id, emailKey, provenKey string, now time.Time) error {
	defer c.call(ctx, "ConfirmUser")()
	return c.s.ConfirmUser(ctx, id, emailKey, provenKey, now)
}

func (c durable) ConnectionBy(ctx context.Context, issuer, subject string) (storage.Connection, error) {
	defer c.call(ctx, "ConnectionBy")()
	return c.s.ConnectionBy(ctx, issuer, subject)
}

func (c durable) ConnectionsOf(ctx context.Context, userID string) ([]storage.Connection, error) {
	defer c.call(ctx, "ConnectionsOf")()
	return c.s.ConnectionsOf(ctx, userID)
}

func (c durable) CountMessages(ctx context.Context) (int, time.Time, error) {
	defer c.call(ctx, "CountMessages")()
	return c.s.CountMessages(ctx)
}

func (c durable) CountSignIn(ctx context.Context, userID string, at time.Time, address string) error {
	defer c.call(ctx, "CountSignIn")()
	return c.s.CountSignIn(ctx, userID, at, address)
}

func (c durable) CreateUser(ctx context.Context, u storage.User, factors ...storage.Factor) error {
	defer c.call(ctx, "CreateUser")()
	return c.s.CreateUser(ctx, u, factors...)
}

func (c durable) DeleteRole(ctx context.Context, name string) error {
	defer c.call(ctx, "DeleteRole")()
	return c.s.DeleteRole(ctx, name)
}

func (c durable) DeleteUser(ctx context.Context, d storage.Deletion) error {
	defer c.call(ctx, "DeleteUser")()
	return c.s.DeleteUser(ctx, d)
}

func (c durable) DeletionOf(ctx context.Context, userID string) (storage.DeletionRequest, error) {
	defer c.call(ctx, "DeletionOf")()
	return c.s.DeletionOf(ctx, userID)
}

func (c durable) DevicesOf(ctx context.Context, userID string, now time.Time) ([]storage.Device, error) {
	defer c.call(ctx, "DevicesOf")()
	return c.s.DevicesOf(ctx, userID, now)
}

func (c durable) DueDeletions(ctx context.Context, now time.Time, limit int) ([]storage.DeletionRequest, error) {
	defer c.call(ctx, "DueDeletions")()
	return c.s.DueDeletions(ctx, now, limit)
}

func (c durable) EachAccount(ctx context.Context, id string, each func(storage.Whole) error) error {
	defer c.call(ctx, "EachAccount")()
	return c.s.EachAccount(ctx, id, each)
}

func (c durable) EndDeletion(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "EndDeletion")()
	return c.s.EndDeletion(ctx, userID, id)
}

func (c durable) EndInvitation(ctx context.Context, emailKey string) error {
	defer c.call(ctx, "EndInvitation")()
	return c.s.EndInvitation(ctx, emailKey)
}

func (c durable) EndRecovery(ctx context.Context, userID string) error {
	defer c.call(ctx, "EndRecovery")()
	return c.s.EndRecovery(ctx, userID)
}

func (c durable) EventPart(ctx context.Context, row int64) (storage.EventPart, error) {
	defer c.call(ctx, "EventPart")()
	return c.s.EventPart(ctx, row)
}

func (c durable) EventsBy(ctx context.Context, f storage.EventFilter,
	more ...storage.EventFilter) ([]storage.Event, error) {
	defer c.call(ctx, "EventsBy")()
	return c.s.EventsBy(ctx, f, more...)
}

func (c durable) FactorsOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	defer c.call(ctx, "FactorsOf")()
	return c.s.FactorsOf(ctx, userID)
}

func (c durable) FinishMessage(ctx context.Context, id string) error {
	defer c.call(ctx, "FinishMessage")()
	return c.s.FinishMessage(ctx, id)
}

func (c durable) FirstFactorsOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	defer c.call(ctx, "FirstFactorsOf")()
	return c.s.FirstFactorsOf(ctx, userID)
}

func (c durable) ForeignCodes(ctx context.Context, userID string) ([]storage.KeptCode, error) {
	defer c.call(ctx, "ForeignCodes")()
	return c.s.ForeignCodes(ctx, userID)
}

func (c durable) Forget(ctx context.Context, prefixes ...string) error {
	defer c.call(ctx, "Forget")()
	return c.s.Forget(ctx, prefixes...)
}

func (c durable) HasRecoveryCode(ctx context.Context, userID string, macs [][]byte, since time.Time) (bool, error) {
	defer c.call(ctx, "HasRecoveryCode")()
	return c.s.HasRecoveryCode(ctx, userID, macs, since)
}

func (c durable) HoldersOf(ctx context.Context, kind string, names []string) (map[string]string, error) {
	defer c.call(ctx, "HoldersOf")()
	return c.s.HoldersOf(ctx, kind, names)
}

func (c durable) Invitation(ctx context.Context, tokenHash string, now time.Time) (storage.Invitation, error) {
	defer c.call(ctx, "Invitation")()
	return c.s.Invitation(ctx, tokenHash, now)
}

func (c durable) LastSeal(ctx context.Context) (storage.Seal, error) {
	defer c.call(ctx, "LastSeal")()
	return c.s.LastSeal(ctx)
}

func (c durable) ListInvitations(ctx context.Context,
	after string, limit int, now time.Time) ([]storage.Invitation, error) {
	defer c.call(ctx, "ListInvitations")()
	return c.s.ListInvitations(ctx, after, limit, now)
}

func (c durable) ListUsers(ctx context.Context, after string, limit int) ([]storage.User, error) {
	defer c.call(ctx, "ListUsers")()
	return c.s.ListUsers(ctx, after, limit)
}

func (c durable) MarkSeen(ctx context.Context, userID string, through int64, e storage.Event) error {
	defer c.call(ctx, "MarkSeen")()
	return c.s.MarkSeen(ctx, userID, through, e)
}

func (c durable) MarkUsed(ctx context.Context, id string, now time.Time) error {
	defer c.call(ctx, "MarkUsed")()
	return c.s.MarkUsed(ctx, id, now)
}

func (c durable) NameFactor(ctx context.Context, userID, id, name string) error {
	defer c.call(ctx, "NameFactor")()
	return c.s.NameFactor(ctx, userID, id, name)
}

func (c durable) NextEventPart(ctx context.Context) error {
	defer c.call(ctx, "NextEventPart")()
	return c.s.NextEventPart(ctx)
}

func (c durable) OriginsOf(ctx context.Context, source string, oldIDs []string) ([]storage.Origin, error) {
	defer c.call(ctx, "OriginsOf")()
	return c.s.OriginsOf(ctx, source, oldIDs)
}

func (z durable) CreateConnected(ctx context.Context, u storage.User, c storage.Connection) error {
	defer z.call(ctx, "CreateConnected")()
	return z.s.CreateConnected(ctx, u, c)
}

func (z durable) TakeStep(ctx context.Context, s storage.Step) error {
	defer z.call(ctx, "TakeStep")()
	return z.s.TakeStep(ctx, s)
}

func (c durable) PasskeyByKey(ctx context.Context, key string) (storage.Factor, error) {
	defer c.call(ctx, "PasskeyByKey")()
	return c.s.PasskeyByKey(ctx, key)
}

func (c durable) PasskeysOf(ctx context.Context, userID string) ([]storage.Factor, error) {
	defer c.call(ctx, "PasskeysOf")()
	return c.s.PasskeysOf(ctx, userID)
}

func (c durable) PermissionsOf(ctx context.Context, roles []string) ([]string, error) {
	defer c.call(ctx, "PermissionsOf")()
	return c.s.PermissionsOf(ctx, roles)
}

func (c durable) PersonalToken(ctx context.Context, hash string, now time.Time) (storage.Token, error) {
	defer c.call(ctx, "PersonalToken")()
	return c.s.PersonalToken(ctx, hash, now)
}

func (c durable) PreferFactor(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "PreferFactor")()
	return c.s.PreferFactor(ctx, userID, id)
}

func (c durable) PutAccounts(ctx context.Context, accounts []storage.Whole) error {
	defer c.call(ctx, "PutAccounts")()
	return c.s.PutAccounts(ctx, accounts)
}

func (c durable) PutDeletion(ctx context.Context, r storage.DeletionRequest,
	from string, messages ...storage.Message) error {
	defer c.call(ctx, "PutDeletion")()
	return c.s.PutDeletion(ctx, r, from, messages...)
}

func (c durable) PutDevice(ctx context.Context, d storage.Device, messages ...storage.Message) error {
	defer c.call(ctx, "PutDevice")()
	return c.s.PutDevice(ctx, d, messages...)
}

func (c durable) PutInvitation(ctx context.Context, i storage.Invitation, messages ...storage.Message) error {
	defer c.call(ctx, "PutInvitation")()
	return c.s.PutInvitation(ctx, i, messages...)
}

func (c durable) PutMessage(ctx context.Context, m storage.Message) error {
	defer c.call(ctx, "PutMessage")()
	return c.s.PutMessage(ctx, m)
}

func (c durable) PutRecovery(ctx context.Context, r storage.Recovery, messages ...storage.Message) error {
	defer c.call(ctx, "PutRecovery")()
	return c.s.PutRecovery(ctx, r, messages...)
}

func (c durable) PutRole(ctx context.Context, r storage.Role) error {
	defer c.call(ctx, "PutRole")()
	return c.s.PutRole(ctx, r)
}

func (c durable) PutSeal(ctx context.Context, s storage.Seal) error {
	defer c.call(ctx, "PutSeal")()
	return c.s.PutSeal(ctx, s)
}

func (c durable) PutToken(ctx context.Context, t storage.Token, messages ...storage.Message) error {
	defer c.call(ctx, "PutToken")()
	return c.s.PutToken(ctx, t, messages...)
}

func (c durable) Recovery(ctx context.Context, userID string) (storage.Recovery, error) {
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

func (z durable) RemoveEvents(ctx context.Context, after int64, c storage.Checkpoint) error {
	defer z.call(ctx, "RemoveEvents")()
	return z.s.RemoveEvents(ctx, after, c)
}

func (c durable) ReplaceAccount(ctx context.Context, w storage.Whole, was storage.Origin, keepPassword bool) error {
	defer c.call(ctx, "ReplaceAccount")()
	return c.s.ReplaceAccount(ctx, w, was, keepPassword)
}

func (c durable) Reseal(ctx context.Context, id string, old, new []byte) error {
	defer c.call(ctx, "Reseal")()
	return c.s.Reseal(ctx, id, old, new)
}

func (c durable) Reserve(ctx context.Context, now time.Time, claims ...storage.Claim) (time.Time, error) {
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

func (c durable) RevokeDevices(ctx context.Context, userID string, messages ...storage.Message) error {
	defer c.call(ctx, "RevokeDevices")()
	return c.s.RevokeDevices(ctx, userID, messages...)
}

func (c durable) RevokeFamilies(ctx context.Context, userID, sessionID string) error {
	defer c.call(ctx, "RevokeFamilies")()
	return c.s.RevokeFamilies(ctx, userID, sessionID)
}

func (c durable) RevokeRemembered(ctx context.Context, userID, sessionID string) error {
	defer c.call(ctx, "RevokeRemembered")()
	return c.s.RevokeRemembered(ctx, userID, sessionID)
}

func (c durable) RevokeToken(ctx context.Context, userID, id string) error {
	defer c.call(ctx, "RevokeToken")()
	return c.s.RevokeToken(ctx, userID, id)
}

func (c durable) Roles(ctx context.Context) ([]storage.Role, error) {
	defer c.call(ctx, "Roles")()
	return c.s.Roles(ctx)
}

func (c durable) RotateToken(ctx context.Context, u storage.TokenUse) (storage.Token, error) {
	defer c.call(ctx, "RotateToken")()
	return c.s.RotateToken(ctx, u)
}

func (c durable) SealedOtherwise(ctx context.Context, heads [][]byte, limit int) ([][]byte, error) {
	defer c.call(ctx, "SealedOtherwise")()
	return c.s.SealedOtherwise(ctx, heads, limit)
}

func (c durable) SealsAfter(ctx context.Context, after int64, limit int) ([]storage.Seal, error) {
	defer c.call(ctx, "SealsAfter")()
	return c.s.SealsAfter(ctx, after, limit)
}

func (c durable) SeenThrough(ctx context.Context, userID string) (int64, error) {
	defer c.call(ctx, "SeenThrough")()
	return c.s.SeenThrough(ctx, userID)
}

func (c durable) SetActive(ctx context.Context, id string, active bool, uniquifier string, now time.Time) error {
	defer c.call(ctx, "SetActive")()
	return c.s.SetActive(ctx, id, active, uniquifier, now)
}

func (c durable) SetIdentity(ctx context.Context, u storage.User, uniquifier string,
	messages ...storage.Message) error {
	defer c.call(ctx, "SetIdentity")()
	return c.s.SetIdentity(ctx, u, uniquifier, messages...)
}

func (c durable) SetLanguage(ctx context.Context, id, old, new string) error {
	defer c.call(ctx, "SetLanguage")()
	return c.s.SetLanguage(ctx, id, old, new)
}

func (c durable) SetPassword(ctx context.Context, p storage.NewPassword, messages ...storage.Message) error {
	defer c.call(ctx, "SetPassword")()
	return c.s.SetPassword(ctx, p, messages...)
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

func (c durable) BlockRecovery(ctx context.Context, userID string, now time.Time) error {
	defer c.call(ctx, "BlockRecovery")()
	return c.s.BlockRecovery(ctx, userID, now)
}

func (c durable) SignInsOf(ctx context.Context, userID string) (storage.SignIns, error) {
	defer c.call(ctx, "SignInsOf")()
	return c.s.SignInsOf(ctx, userID)
}

func (c durable) SpendRecoveryCode(ctx context.Context, userID string,
	macs [][]byte, since time.Time, messages ...storage.Message) (int, error) {
	defer c.call(ctx, "SpendRecoveryCode")()
	return c.s.SpendRecoveryCode(ctx, userID, macs, since, messages...)
}

func (c durable) TakeInvitation(ctx context.Context, tokenHash string, now time.Time) (storage.Invitation, error) {
	defer c.call(ctx, "TakeInvitation")()
	return c.s.TakeInvitation(ctx, tokenHash, now)
}

func (c durable) TakeRecovery(ctx context.Context, userID, id,
	uniquifier string, now time.Time, messages ...storage.Message) (storage.Recovery, error) {
	defer c.call(ctx, "TakeRecovery")()
	return c.s.TakeRecovery(ctx, userID, id, uniquifier, now, messages...)
}

func (c durable) TokensOf(ctx context.Context, userID string, now time.Time) ([]storage.Token, error) {
	defer c.call(ctx, "TokensOf")()
	return c.s.TokensOf(ctx, userID, now)
}

func (c durable) TouchToken(ctx context.Context, id string, now time.Time) error {
	defer c.call(ctx, "TouchToken")()
	return c.s.TouchToken(ctx, id, now)
}

func (c durable) TrimDevices(ctx context.Context, userID string, keep int) ([]storage.Device, error) {
	defer c.call(ctx, "TrimDevices")()
	return c.s.TrimDevices(ctx, userID, keep)
}

func (c durable) TrimFamilies(ctx context.Context, userID string, keep int) ([]storage.Token, error) {
	defer c.call(ctx, "TrimFamilies")()
	return c.s.TrimFamilies(ctx, userID, keep)
}

func (c durable) UpgradePassword(ctx context.Context, id, old, new string) error {
	defer c.call(ctx, "UpgradePassword")()
	return c.s.UpgradePassword(ctx, id, old, new)
}

func (c durable) UseDevice(ctx context.Context, d storage.DeviceUse) (storage.Device, error) {
	defer c.call(ctx, "UseDevice")()
	return c.s.UseDevice(ctx, d)
}

func (c durable) UsePasskey(ctx context.Context, id string, old, new []byte, now time.Time) error {
	defer c.call(ctx, "UsePasskey")()
	return c.s.UsePasskey(ctx, id, old, new, now)
}

func (c durable) UseLink(ctx context.Context, id string, until time.Time) error {
	defer c.call(ctx, "UseLink")()
	return c.s.UseLink(ctx, id, until)
}

func (c durable) UserByID(ctx context.Context, id string) (storage.User, error) {
	defer c.call(ctx, "UserByID")()
	return c.s.UserByID(ctx, id)
}

func (c durable) UserByIdentity(ctx context.Context, key string) (storage.User, error) {
	defer c.call(ctx, "UserByIdentity")()
	return c.s.UserByIdentity(ctx, key)
}
