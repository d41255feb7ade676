package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

const originColumns = `source, old_id, user_id, uniquifier, updated_at, codes, digest, password, imported_at`

func scanOrigin(scan scanner) (o storage.Origin, err error) {
	err = scan(&o.Source, &o.OldID, &o.UserID, &o.CredentialVersion, (*stamp)(&o.UpdatedAt), &o.Codes,
		(*blob)(&o.Digest), (*blob)(&o.Password), (*stamp)(&o.At))
	return o, err
}

// rowsOf contains the rows of accounts, by table.
type rowsOf struct{ users, identities, factors, codes, codeSets, connections, signIns, origins [][]any }

// add adds the rows of an account. If fresh is false, the account replaces another
// one and its row in users exists.
func (r *rowsOf) add(w storage.Whole, fresh bool) error {
	u := w.User
	if fresh {
		r.users = append(r.users, userRow(u))
	}
	for _, key := range identitiesOf(u) {
		r.identities = append(r.identities, []any{key, u.ID})
	}
	for _, f := range w.Factors {
		if f.UserID != u.ID {
			return &rowError{"the factor belongs to another user"}
		}
		r.factors = append(r.factors, factorRow(f))
	}
	var made time.Time
	for _, c := range w.Codes {
		r.codes = append(r.codes, []any{u.ID, bytesOf(c.MAC), micros(c.CreatedAt), bytesOf(c.Form)})
		if c.CreatedAt.After(made) {
			made = c.CreatedAt
		}
	}
	if n := len(w.Codes); n > 0 {
		r.codeSets = append(r.codeSets, codeSetRow(u.ID, n, made))
	}
	for _, c := range w.Connections {
		if c.UserID != u.ID {
			return &rowError{"the connection belongs to another user"}
		}
		r.connections = append(r.connections, []any{c.ID, u.ID, c.Provider, c.Issuer, c.Subject, c.Label,
			micros(c.CreatedAt)})
	}
	if n := w.SignIns; fresh && n.Count > 0 {
		r.signIns = append(r.signIns, []any{u.ID, micros(n.CurrentAt), micros(n.LastAt), n.CurrentAddress,
			n.LastAddress, n.Count})
	}
	if o := w.Origin; o != nil {
		r.origins = append(r.origins, []any{o.Source, o.OldID, u.ID, o.CredentialVersion, micros(o.UpdatedAt), o.Codes,
			bytesOf(o.Digest), bytesOf(o.Password), micros(o.At)})
	}
	return nil
}

// insert inserts the rows of accounts first, and then those that belong to them.
func (r *rowsOf) insert(t *txn) error {
	for _, table := range []struct {
		name, columns string
		rows          [][]any
	}{
		{"users", userColumns, r.users},
		{"identities", "identity, user_id", r.identities},
		{"factors", factorColumns, r.factors},
		{"recovery_codes", "user_id, mac, created_at, form", r.codes},
		{"code_sets", codeSetColumns, r.codeSets},
		{"connections", connectionColumns, r.connections},
		{"sign_ins", "user_id, current_at, last_at, current_address, last_address, count", r.signIns},
		{"origins", originColumns, r.origins},
	} {
		head, insert := "INSERT", t.insertColumns
		if t.s.d.Local {
			// A refused row rolls the transaction back, so SQLite need not keep the
			// data for undoing a part of the statement.
			head, insert = "INSERT OR FAIL", t.insertAll
		}
		head += " INTO twofold_" + table.name + " (" + table.columns + ") "
		if err := insert(head, table.rows); err != nil {
			return err
		}
	}
	return nil
}

// insertColumns inserts rows with one statement whose parameters are the columns. A
// statement with a parameter for each value would be planned each time, and the
// cost grows with the number of values.
func (t *txn) insertColumns(head string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	columns, types := make([]any, len(rows[0])), make([]string, len(rows[0]))
	for i, value := range rows[0] {
		switch value.(type) {
		case string:
			columns[i], types[i] = column(rows, i, func(v any) string { return v.(string) }), "text"
		case []byte:
			columns[i], types[i] = column(rows, i, func(v any) []byte { return v.([]byte) }), "bytea"
		case int64:
			columns[i], types[i] = column(rows, i, func(v any) int64 { return v.(int64) }), "bigint"
		case int:
			columns[i], types[i] = column(rows, i, func(v any) int64 { return int64(v.(int)) }), "bigint"
		default:
			return &rowError{"a value is of another type"}
		}
		types[i] = "$" + strconv.Itoa(i+1) + "::" + types[i] + "[]"
	}
	_, err := t.exec(head+"SELECT * FROM unnest("+strings.Join(types, ", ")+")", columns...)
	return err
}

func column[T any](rows [][]any, i int, as func(any) T) []T {
	out := make([]T, len(rows))
	for n, row := range rows {
		out[n] = as(row[i])
	}
	return out
}

// insertAll inserts rows, many with each statement. The numbers of rows are powers
// of two, so that there are few distinct statements. A value that is zero in all
// rows is part of the text, because a parameter costs as much as storing its value.
func (t *txn) insertAll(head string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	values, bound := valuesOf(rows)
	args := make([]any, 0, 64*len(bound))
	for n := 64; len(rows) > 0; rows = rows[n:] {
		for n > len(rows) {
			n /= 2
		}
		args = args[:0]
		for _, row := range rows[:n] {
			for _, column := range bound {
				args = append(args, row[column])
			}
		}
		if _, err := t.exec(head+"VALUES "+strings.Repeat(","+values, n)[1:], args...); err != nil {
			return err
		}
	}
	return nil
}

// valuesOf returns the text for the values of a row, and the columns that have
// parameters. Parameters have no numbers, because the driver looks up named ones.
func valuesOf(rows [][]any) (text string, bound []int) {
	columns := make([]string, len(rows[0]))
	for i, first := range rows[0] {
		columns[i] = "?"
		zero := zeroOf(first)
		if zero != "" && !slices.ContainsFunc(rows, func(row []any) bool { return zeroOf(row[i]) != zero }) {
			columns[i] = zero
			continue
		}
		bound = append(bound, i)
	}
	return "(" + strings.Join(columns, ", ") + ")", bound
}

// zeroOf returns the text of a zero value, or "" for other values.
func zeroOf(value any) string {
	switch value {
	case "":
		return "''"
	case "[]":
		return "'[]'"
	case int64(0):
		return "0"
	}
	return ""
}

// transfers implements the verbs that move whole accounts.
type transfers struct{ *Store }

const putAccounts = "put accounts"

// PutAccounts implements storage.Transfers.
func (s transfers) PutAccounts(ctx context.Context, accounts []storage.Whole) error {
	var rows rowsOf
	keys := make([]string, len(accounts))
	for i, w := range accounts {
		if err := rows.add(w, true); err != nil {
			return s.fail(putAccounts, err)
		}
		keys[i] = userKey(w.User.ID)
	}
	if s.coming != nil {
		select {
		case s.coming <- struct{}{}:
			defer func() { <-s.coming }()
		case <-ctx.Done():
			return s.fail(putAccounts, ctx.Err())
		}
	}
	return s.tx(ctx, putAccounts, func(t *txn) error {
		if err := rows.insert(t); err != nil {
			return err
		}
		return t.neverDeleted(keys)
	})
}

// ReplaceAccount implements storage.Transfers. The compare-and-set on the account
// comes first, because it locks the account. The number of recovery codes shows
// whether one was spent here: it must not become valid again.
func (s transfers) ReplaceAccount(ctx context.Context, w storage.Whole, was storage.Origin, keepPassword bool) error {
	const verb = "replace account"
	var rows rowsOf
	if err := rows.add(w, false); err != nil {
		return s.fail(verb, err)
	}
	return s.tx(ctx, verb, func(t *txn) error {
		u := w.User
		n, err := t.exec(`UPDATE twofold_users SET email = $4, email_key = $5, username = $6, username_key = $7,
				password_hash = CASE WHEN CAST($8 AS INTEGER) = 1 THEN password_hash ELSE $9 END,
				password_at = CASE WHEN CAST($8 AS INTEGER) = 1 OR password_hash = $9 THEN password_at ELSE $13 END, active = $10,
				uniquifier = $11, roles = $12, updated_at = $13, confirmed_at = $14, proven_key = $15,
				language = CASE WHEN CAST($16 AS TEXT) = '' THEN language ELSE CAST($16 AS TEXT) END,
				profile = CASE WHEN CAST($17 AS TEXT) = '' THEN profile ELSE CAST($17 AS TEXT) END
			WHERE id = $1 AND uniquifier = $2 AND updated_at = $3`,
			u.ID, was.CredentialVersion, micros(was.UpdatedAt), u.Email, u.EmailKey, u.Username, u.UsernameKey,
			bit(keepPassword), u.PasswordHash, bit(u.Active), u.CredentialVersion, text(u.Roles), micros(u.UpdatedAt),
			micros(u.ConfirmedAt), u.ProvenKey, u.Language, u.Profile)
		if err != nil {
			return err
		}
		if n == 0 {
			return t.noSuchVersion(u.ID)
		}
		// The rows are locked: a code that is being spent is either gone or must
		// wait.
		left, err := list(t, `SELECT 1 FROM twofold_recovery_codes WHERE user_id = $1`+s.d.ForUpdate, scanInt, u.ID)
		if err != nil {
			return err
		}
		if len(left) != was.Codes {
			return storage.ErrUsed
		}
		for _, table := range []string{"devices", "identities", "factors", "recovery_codes", "code_sets",
			"connections", "origins"} {
			if _, err := t.exec(`DELETE FROM twofold_`+table+` WHERE user_id = $1`, u.ID); err != nil {
				return err
			}
		}
		return rows.insert(t)
	})
}

// lookUp is the number of names in a query that has a parameter for each.
const lookUp = 128

// among runs a query for names. %s in the query stands for the condition on the
// names. If a parameter can be a list, there is one, because a query with many
// parameters is planned each time. Otherwise the names are split into parts. The
// last part is filled up with its first name, so that there is one statement.
func among[T any](ctx context.Context, s *Store, q lookup, names []string, scan func(scanner) (T, error)) ([]T, error) {
	var out []T
	if !s.d.Local {
		if len(names) == 0 {
			return nil, nil
		}
		query := fmt.Sprintf(q.text, "= ANY($"+strconv.Itoa(len(q.args)+1)+"::text[])")
		return all(ctx, s, q.verb, query, scan, append(slices.Clone(q.args), names)...)
	}
	for part := range slices.Chunk(names, lookUp) {
		args := slices.Clone(q.args)
		for i := range lookUp {
			name := part[0]
			if i < len(part) {
				name = part[i]
			}
			args = append(args, name)
		}
		query := fmt.Sprintf(q.text, "IN ("+places(len(q.args)+1, lookUp)+")")
		list, err := all(ctx, s, q.verb, query, scan, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// lookup is a query for names.
type lookup struct {
	verb, text string
	args       []any // precede the names
}

// OriginsOf implements storage.Transfers.
func (s transfers) OriginsOf(ctx context.Context, source string, oldIDs []string) ([]storage.Origin, error) {
	return among(ctx, s.Store, lookup{"origins", `SELECT ` + originColumns + ` FROM twofold_origins
		WHERE source = $1 AND old_id %s`, []any{source}}, oldIDs, scanOrigin)
}

// HoldersOf implements storage.Transfers.
func (s transfers) HoldersOf(ctx context.Context, kind string, names []string) (map[string]string, error) {
	text := map[string]string{
		"id":       `SELECT id, id FROM twofold_users WHERE id %s`,
		"identity": `SELECT identity, user_id FROM twofold_identities WHERE identity %s`,
		"passkey":  `SELECT credential, user_id FROM twofold_factors WHERE credential <> '' AND credential %s`,
		"subject":  `SELECT issuer, subject, user_id FROM twofold_connections WHERE issuer = $1 AND subject %s`,
	}[kind]
	if text == "" {
		return nil, s.fail("holders", &rowError{"no such kind of name"})
	}
	out := map[string]string{}
	if kind == "id" {
		if err := deletedIDs(ctx, s.Store, names, out); err != nil {
			return out, err
		}
	}
	if kind == "subject" {
		return out, holdersOfSubjects(ctx, s.Store, text, names, out)
	}
	list, err := among(ctx, s.Store, lookup{"holders", text, nil}, names, func(scan scanner) (p [2]string, err error) {
		err = scan(&p[0], &p[1])
		return p, err
	})
	for _, p := range list {
		out[p[0]] = p[1]
	}
	return out, err
}

// deletedIDs adds the IDs of deleted accounts to out.
func deletedIDs(ctx context.Context, s *Store, ids []string, out map[string]string) error {
	byKey, keys := map[string]string{}, make([]string, len(ids))
	for i, id := range ids {
		keys[i] = userKey(id)
		byKey[keys[i]] = id
	}
	const text = `SELECT user_key FROM twofold_deleted_users WHERE user_key %s`
	list, err := among(ctx, s, lookup{"holders", text, nil}, keys, func(scan scanner) (key string, err error) {
		err = scan(&key)
		return key, err
	})
	for _, key := range list {
		out[byKey[key]] = "-"
	}
	return err
}

// holdersOfSubjects is like HoldersOf, but for subjects, which are looked up by
// issuer.
func holdersOfSubjects(ctx context.Context, s *Store, text string, names []string, out map[string]string) error {
	byIssuer := map[string][]string{}
	for _, name := range names {
		issuer, subject, _ := strings.Cut(name, "\n")
		byIssuer[issuer] = append(byIssuer[issuer], subject)
	}
	for issuer, subjects := range byIssuer {
		list, err := among(ctx, s, lookup{"holders", text, []any{issuer}}, subjects,
			func(scan scanner) (p [3]string, err error) {
				err = scan(&p[0], &p[1], &p[2])
				return p, err
			})
		if err != nil {
			return err
		}
		for _, p := range list {
			out[p[0]+"\n"+p[1]] = p[2]
		}
	}
	return nil
}

// ForeignCodes implements storage.RecoveryCodes.
func (s transfers) ForeignCodes(ctx context.Context, userID string) ([]storage.KeptCode, error) {
	return all(ctx, s.Store, "foreign codes", `SELECT user_id, mac, form, created_at FROM twofold_recovery_codes
		WHERE user_id = $1 AND LENGTH(form) > 0 ORDER BY mac`, func(scan scanner) (storage.KeptCode, error) {
		c, err := scanCode(scan)
		return c.KeptCode, err
	}, userID)
}

// codeOf is a recovery code with its user.
type codeOf struct {
	userID string
	storage.KeptCode
}

func scanCode(scan scanner) (c codeOf, err error) {
	err = scan(&c.userID, (*blob)(&c.MAC), (*blob)(&c.Form), (*stamp)(&c.CreatedAt))
	return c, err
}
