package sqlstore

import (
	"context"

	"github.com/twofold-auth/twofold/internal/storage"
)

const connectionColumns = `id, user_id, provider, issuer, subject, label, created_at`

func scanConnection(scan scanner) (c storage.Connection, err error) {
	err = scan(&c.ID, &c.UserID, &c.Provider, &c.Issuer, &c.Subject, &c.Label, (*stamp)(&c.CreatedAt))
	return c, err
}

// ConnectionBy implements storage.Connections.
func (s connections) ConnectionBy(ctx context.Context, issuer, subject string) (storage.Connection, error) {
	return one(ctx, s.Store, "connection by subject", `SELECT `+connectionColumns+` FROM twofold_connections
		WHERE issuer = $1 AND subject = $2`, scanConnection, issuer, subject)
}

// ConnectionsOf implements storage.Connections.
func (s connections) ConnectionsOf(ctx context.Context, userID string) ([]storage.Connection, error) {
	return all(ctx, s.Store, "connections", `SELECT `+connectionColumns+
		` FROM twofold_connections WHERE user_id = $1
		ORDER BY created_at, id`, scanConnection, userID)
}

// ChangeConnections implements storage.Connections. As in ChangeFactors, the compare-and-set on the
// account comes first. The unique index, not a look-up, decides to whom a subject belongs.
func (s connections) ChangeConnections(ctx context.Context, c storage.ConnectionChange) error {
	const verb = "change connections"
	if c.Add != nil && c.Add.UserID != c.UserID {
		return s.fail(verb, &rowError{"the connection belongs to another user"})
	}
	return s.tx(ctx, verb, func(t *txn) error {
		n, err := t.exec(`UPDATE twofold_users SET uniquifier = $3, updated_at = $4 WHERE id = $1 AND uniquifier = $2`,
			c.UserID, c.From, c.To, micros(c.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return t.noSuchVersion(c.UserID)
		}
		if _, err := t.exec(`DELETE FROM twofold_devices WHERE user_id = $1`, c.UserID); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM twofold_connections WHERE user_id = $1 AND id = $2`, c.UserID,
			c.Remove); err != nil {
			return err
		}
		if c.Add == nil {
			return t.putMessages(c.Messages)
		}
		if err := t.addConnection(*c.Add); err != nil {
			return err
		}
		return t.putMessages(c.Messages)
	})
}

func (t *txn) addConnection(c storage.Connection) error {
	_, err := t.exec(`INSERT INTO twofold_connections (`+connectionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.UserID, c.Provider, c.Issuer, c.Subject, c.Label, micros(c.CreatedAt))
	return err
}

// CreateConnected implements storage.Connections. The unique indexes decide to whom the subject and
// the address belong.
func (s connections) CreateConnected(ctx context.Context, u storage.User, c storage.Connection) error {
	const verb = "create connected user"
	if c.UserID != u.ID {
		return s.fail(verb, &rowError{"the connection belongs to another user"})
	}
	return s.tx(ctx, verb, func(t *txn) error {
		if err := t.createUser(u); err != nil {
			return err
		}
		return t.addConnection(c)
	})
}
