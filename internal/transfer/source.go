package transfer

import (
	"context"
	"io"
	"slices"
	"time"
)

// Version is the version of the file format.
const Version = 1

// Header describes the origin of the accounts. It is the first line of a file.
type Header struct {
	// Twofold is the version of the format.
	Twofold int `json:"twofold"`
	// Source names the system and, if there are several of a kind, which of them.
	// IDs are unique in a source. The name consists of letters, digits, dots and
	// dashes.
	Source string `json:"source,omitempty"`
	// RPID is the relying party's ID for which the passkeys were made: the host of
	// the site. It is empty if unknown.
	RPID    string    `json:"rp_id,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// LeftOut lists what an export left out of all accounts.
	LeftOut []string `json:"left_out,omitempty"`
	Roles   []Role   `json:"roles,omitempty"`
}

// Source provides the accounts of another system or of a file.
type Source interface {
	// Header describes the source. It is called before Read.
	Header(ctx context.Context) (Header, error)
	// Read calls each for every account, in an order that is the same each time. It
	// holds a bounded number of accounts in memory. It returns the error of each,
	// or its own if it cannot read any further. If a single account cannot be read,
	// Read sets Refused in its Entry and continues.
	Read(ctx context.Context, each func(Entry) error) error
}

// Entry is one account of a source.
type Entry struct {
	// Line is the line in a file, or the number of a row. Both start at 1.
	Line    int64
	Account Account
	// Refused is the reason why the account cannot be imported, or empty. An
	// account whose second factor cannot be read is refused. The text names the
	// field and the problem. It contains no secret.
	Refused string
	// Left lists the parts that are not imported, such as a second address or a
	// name that is too long. The account is not weaker without them.
	Left []string
}

// Sorted returns a sorted copy without duplicates.
func Sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// Scratch is a file that only this process can read. It is written once and can
// then be read several times from its beginning. Close removes it.
type Scratch interface {
	io.WriteCloser
	Rewind() (io.Reader, error)
}
