package crash_test

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// durable is the part of a store that survives. Every call may be the last one.
type durable struct {
	s store.Durable
	*doom
}

func (c durable) AcceptInvitation(ctx context.Context, tokenHash string,
	now time.Time, u store.User, factors ...store.Factor) error {
	defer c.call(ctx, "AcceptInvitation")()
	return c.s.AcceptInvitation(ctx, tokenHash, now, u, factors...)
}

func (c durable) AdvanceStep(ctx context.Context, id string, step int64, now time.Time) error {
	defer c.call(ctx, "AdvanceStep")()
	return c.s.AdvanceStep(ctx, id, step, now)
}

func (c durable) AppendEvent(ctx context.Context, e store.Event) error {
	defer c.call(ctx, "AppendEvent")()
	return c.s.AppendEvent(ctx, e)
}

func (z durable) ChangeConnections(ctx context.Context, c store.ConnectionChange) error {
	defer z.call(ctx, "ChangeConnections")()
	return z.s.ChangeConnections(ctx, c)
}

func (z durable) ChangeFactors(ctx context.Context, c store.FactorChange) error {
	defer z.call(ctx, "ChangeFactors")()
	return z.s.ChangeFactors(ctx, c)
}

func (z durable) ChangeIdentity(ctx context.Context, c store.IdentityChange) error {
	defer z.call(ctx, "ChangeIdentity")()
	return z.s.ChangeIdentity(ctx, c)
}

func (z durable) ChangePassword(ctx context.Context, c store.PasswordChange) error {
	defer z.call(ctx, "ChangePassword")()
	return z.s.ChangePassword(ctx, c)
}

func (c durable) ChangePermissions(ctx context.Context, name string, add, remove []string) error {
	defer c.call(ctx, "ChangePermissions")()
	return c.s.ChangePermissions(ctx, name, add, remove)
}

func (c durable) Checkpoint(ctx context.Context) (store.Checkpoint, error) {
	defer c.call(ctx, "Checkpoint")()
	return c.s.Checkpoint(ctx)
}

func (c durable) ClaimMessages(ctx context.Context, now time.Time,
	lease time.Duration, limit int) ([]store.Message, error) {
	defer c.call(ctx, "ClaimMessages")()
	return c.s.ClaimMessages(ctx, now, lease, limit)
}

func (c durable) ConfirmUser(ctx context.Context, id, emailKey, provenKey string, now time.Time) error {
	defer c.call(ctx, "ConfirmUser")()
	return c.s.ConfirmUser(ctx, id, emailKey, provenKey, now)
}

func (c durable) ConnectionBy(ctx context.Context, issuer, subject string) (store.Connection, error) {
	defer c.call(ctx, "ConnectionBy")()
	return c.s.ConnectionBy(ctx, issuer, subject)
}

func (c durable) ConnectionsOf(ctx context.Context, userID string) ([]store.Connection, error) {
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

func (c durable) CreateUser(ctx context.Context, u store.User, factors ...store.Factor) error {
	defer c.call(ctx, "CreateUser")()
	return c.s.CreateUser(ctx, u, factors...)
}

func (c durable) DeleteRole(ctx context.Context, name string) error {
	defer c.call(ctx, "DeleteRole")()
	return c.s.DeleteRole(ctx, name)
}

func (c durable) DeleteUser(ctx context.Context, d store.Deletion) error {
	defer c.call(ctx, "DeleteUser")()
	return c.s.DeleteUser(ctx, d)
}

func (c durable) DeletionOf(ctx context.Context, userID string) (store.DeletionRequest, error) {
	defer c.call(ctx, "DeletionOf")()
	return c.s.DeletionOf(ctx, userID)
}

func (c durable) DevicesOf(ctx context.Context, userID string, now time.Time) ([]store.Device, error) {
	defer c.call(ctx, "DevicesOf")()
	return c.s.DevicesOf(ctx, userID, now)
}

func (c durable) DueDeletions(ctx context.Context, now time.Time, limit int) ([]store.DeletionRequest, error) {
	defer c.call(ctx, "DueDeletions")()
	return c.s.DueDeletions(ctx, now, limit)
}

func (c durable) EachAccount(ctx context.Context, id string, each func(store.Whole) error) error {
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

func (c durable) EventsBy(ctx context.Context, f store.EventFilter, more ...store.EventFilter) ([]store.Event, error) {
	defer c.call(ctx, "EventsBy")()
	return c.s.EventsBy(ctx, f, more...)
}

func (c durable) FactorsOf(ctx context.Context, userID string) ([]store.Factor, error) {
	defer c.call(ctx, "FactorsOf")()
	return c.s.FactorsOf(ctx, userID)
}

func (c durable) FinishMessage(ctx context.Context, id string) error {
	defer c.call(ctx, "FinishMessage")()
	return c.s.FinishMessage(ctx, id)
}

func (c durable) FirstFactorsOf(ctx context.Context, userID string) ([]store.Factor, error) {
	defer c.call(ctx, "FirstFactorsOf")()
	return c.s.FirstFactorsOf(ctx, userID)
}

func (c durable) ForeignCodes(ctx context.Context, userID string) ([]store.KeptCode, error) {
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

func (c durable) Invitation(ctx context.Context, tokenHash string, now time.Time) (store.Invitation, error) {
	defer c.call(ctx, "Invitation")()
	return c.s.Invitation(ctx, tokenHash, now)
}

func (c durable) LastSeal(ctx context.Context) (store.Seal, error) {
	defer c.call(ctx, "LastSeal")()
	return c.s.LastSeal(ctx)
}

func (c durable) ListInvitations(ctx context.Context,
	after string, limit int, now time.Time) ([]store.Invitation, error) {
	defer c.call(ctx, "ListInvitations")()
	return c.s.ListInvitations(ctx, after, limit, now)
}

func (c durable) ListUsers(ctx context.Context, after string, limit int) ([]store.User, error) {
	defer c.call(ctx, "ListUsers")()
	return c.s.ListUsers(ctx, after, limit)
}

func (c durable) MarkUsed(ctx context.Context, id string, now time.Time) error {
	defer c.call(ctx, "MarkUsed")()
	return c.s.MarkUsed(ctx, id, now)
}

func (c durable) NameFactor(ctx context.Context, userID, id, name string) error {
	defer c.call(ctx, "NameFactor")()
	return c.s.NameFactor(ctx, userID, id, name)
}

func (c durable) OriginsOf(ctx context.Context, source string, oldIDs []string) ([]store.Origin, error) {
	defer c.call(ctx, "OriginsOf")()
	return c.s.OriginsOf(ctx, source, oldIDs)
}

func (z durable) CreateConnected(ctx context.Context, u store.User, c store.Connection) error {
	defer z.call(ctx, "CreateConnected")()
	return z.s.CreateConnected(ctx, u, c)
}

func (z durable) TakeStep(ctx context.Context, s store.Step) error {
	defer z.call(ctx, "TakeStep")()
	return z.s.TakeStep(ctx, s)
}
