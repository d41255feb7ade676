package transfer

import (
	"context"
	"io"
	"slices"
	"time"
)

// Version is that of the file format.
const Version = 1

// Header says where the accounts of a source come from: the first line of a file.
type Header struct {
	// Twofold is the version of the format.
	Twofold int `json:"twofold"`
	// Source names the system and, if there are several of a kind, which one: ids are
	// unique in it. Letters, digits, dots, dashes.
	Source string `json:"source,omitempty"`
	// RPID is the relying party's id that the passkeys were made for: the host of the
	// site. Empty: not known.
	RPID    string    `json:"rp_id,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// LeftOut names what an export left out of all accounts.
	LeftOut []string `json:"left_out,omitempty"`
	Roles   []Role   `json:"roles,omitempty"`
}

// Source is accounts of another system, or of a file.
type Source interface {
	// Header describes the source. It is called before Read.
	Header(ctx context.Context) (Header, error)
	// Read calls each for every account, in an order that is the same each time. It
	// holds a bounded number of accounts in memory. It returns the error of each, or
	// its own if the source cannot be read any further. A single account that
	// cannot be read is not such an error: its Entry says so, and Read goes on.
	Read(ctx context.Context, each func(Entry) error) error
}

// Entry is one account of a source.
type Entry struct {
	// Line is its line in a file, or the number of its row, from 1.
	Line    int64
	Account Account
	// Refused says why the account cannot come: it is empty for one that can. An
	// account whose second factor cannot be read is refused, not let in without it.
	// The text names the part and the problem, and no secret.
	Refused string
	// Left says what of the account does not come along, where the account is no
	// weaker without it: a second address, a name that is too long.
	Left []string
}

// Sorted returns a sorted copy without doubles.
func Sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// Scratch is a file that only this process can read. It is written, and then read from
// its beginning, once or more often. Close removes it.
type Scratch interface {
	io.WriteCloser
	Rewind() (io.Reader, error)
}
