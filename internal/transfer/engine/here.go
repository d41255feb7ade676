package engine

import (
	"bytes"
	"context"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// here contains what this store knows about the names of a batch.
type here struct {
	origins map[string]storage.Origin
	holders map[string]map[string]string // IDs of users, by kind and name
}

// lookAround looks up all names of a batch.
func (e *Engine) lookAround(ctx context.Context, source string, batch []*judged) (here, error) {
	names := map[string][]string{}
	var ids []string
	for _, j := range batch {
		ids = append(ids, j.d.ID)
		if keepable(j.d.ID) { // an account here may have the same ID
			names["id"] = append(names["id"], j.d.ID)
		}
		for _, n := range j.d.names() {
			if n.kind != "old id" && n.kind != "phone" {
				names[n.kind] = append(names[n.kind], n.text)
			}
		}
	}
	h := here{origins: map[string]storage.Origin{}, holders: map[string]map[string]string{}}
	origins, err := e.c.Store.OriginsOf(ctx, source, ids)
	if err != nil {
		return h, err
	}
	for _, o := range origins {
		h.origins[o.OldID] = o
	}
	for kind, list := range names {
		if h.holders[kind], err = e.c.Store.HoldersOf(ctx, kind, list); err != nil {
			return h, err
		}
	}
	return h, nil
}

// taken returns a reason if another account here has a name of d. own is the ID of
// the account that was imported as d earlier.
func (h here) taken(d *draft, own string) string {
	for _, n := range d.names() {
		if holder := h.holders[n.kind][n.text]; holder != "" && holder != own {
			return kinds[kindOf(n.kind)].text + " is that of another account here"
		}
	}
	return ""
}

// compare reports whether an account equals the one that was imported earlier. If
// not, it reports whether the account here has changed since then.
func (e *Engine) compare(ctx context.Context, d *draft, o storage.Origin) (same, changed bool, err error) {
	all, _, err := e.digests(d.Account)
	if err != nil {
		return false, false, err
	}
	if among(all, o.Digest) {
		return true, false, nil
	}
	u, err := e.c.Store.UserByID(ctx, o.UserID)
	if err != nil {
		return false, false, err
	}
	left, err := e.c.Store.RecoveryCodesLeft(ctx, o.UserID, time.Time{})
	if err != nil {
		return false, false, err
	}
	return false, u.CredentialVersion != o.CredentialVersion || !u.UpdatedAt.Equal(o.UpdatedAt) || left != o.Codes, nil
}

func among(list [][]byte, one []byte) bool {
	for _, each := range list {
		if bytes.Equal(each, one) {
			return true
		}
	}
	return false
}
