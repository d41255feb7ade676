package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/twofold-auth/twofold/internal/transfer"
)

// wire writes or reads items of the scratch file. JSON would be slower than
// everything else in an import. One method for a type handles its fields in both
// directions, so that they cannot differ.
type wire struct {
	reads bool
	b     []byte // bytes that were written, or that are left to read
	err   error
}

var errWire = errors.New("engine: the scratch file is damaged")

// appendItem appends an item, preceded by its length.
func appendItem(b []byte, n item) ([]byte, error) {
	w := &wire{}
	w.item(&n)
	b = binary.AppendUvarint(b, uint64(len(w.b)))
	return append(b, w.b...), w.err
}

// readItem decodes an item that appendItem encoded, without its length.
func readItem(b []byte) (n item, err error) {
	w := &wire{reads: true, b: b}
	w.item(&n)
	if w.err == nil && len(w.b) > 0 {
		w.err = errWire
	}
	return n, w.err
}

func (w *wire) item(n *item) {
	integer(w, &n.Line)
	w.flag(&n.Update)
	w.flag(&n.OtherID)
	w.text(&n.Password)
	w.text(&n.Scheme)
	w.account(&n.Account)
}

func (w *wire) account(a *transfer.Account) {
	w.text(&a.ID)
	list(w, &a.Addresses, func(v *transfer.Address) {
		w.text(&v.Address)
		w.flag(&v.Proven)
		w.time(&v.ProvenAt)
	})
	w.text(&a.Username)
	list(w, &a.Roles, w.text)
	w.flag(&a.Active)
	w.time(&a.Created)
	w.text(&a.Language)
	w.fields(&a.Fields)
	optional(w, &a.Password, func(v *transfer.Password) {
		w.text(&v.Scheme)
		w.texts(&v.Params)
		w.text(&v.Value)
		w.text(&v.Pre)
	})
	list(w, &a.Authenticators, w.authenticator)
	list(w, &a.Phones, func(v *transfer.Phone) {
		w.text(&v.Number)
		w.factor(&v.Name, &v.Use, &v.Primary, &v.Created, &v.Used)
	})
	list(w, &a.Mailboxes, func(v *transfer.Mailbox) {
		w.text(&v.Address)
		w.factor(&v.Name, &v.Use, &v.Primary, &v.Created, &v.Used)
	})
	list(w, &a.RecoveryCodes, w.code)
	list(w, &a.Passkeys, w.passkey)
	list(w, &a.Connections, func(v *transfer.Connection) {
		w.text(&v.Provider)
		w.text(&v.Issuer)
		w.text(&v.Subject)
		w.text(&v.Label)
		w.time(&v.Created)
	})
	optional(w, &a.SignIns, func(v *transfer.SignIns) {
		integer(w, &v.Count)
		w.time(&v.CurrentAt)
		w.time(&v.LastAt)
		w.text(&v.CurrentAddress)
		w.text(&v.LastAddress)
	})
}

func (w *wire) authenticator(v *transfer.Authenticator) {
	bytesOf(w, &v.Secret)
	integer(w, &v.Digits)
	integer(w, &v.Period)
	w.text(&v.Algorithm)
	integer(w, &v.LastStep)
	w.factor(&v.Name, &v.Use, &v.Primary, &v.Created, &v.Used)
}

func (w *wire) code(v *transfer.RecoveryCode) {
	w.text(&v.Plain)
	w.text(&v.Scheme)
	w.text(&v.Value)
	bytesOf(w, &v.Key)
	w.text(&v.User)
	w.time(&v.Created)
}

func (w *wire) passkey(v *transfer.Passkey) {
	bytesOf(w, &v.CredentialID)
	bytesOf(w, &v.PublicKey)
	integer(w, &v.Counter)
	list(w, &v.Transports, w.text)
	w.flag(&v.FlagsUnknown)
	w.flag(&v.BackupEligible)
	w.flag(&v.BackedUp)
	w.flag(&v.UserVerified)
	w.text(&v.Attachment)
	bytesOf(w, &v.AAGUID)
	bytesOf(w, &v.UserHandle)
	optional(w, &v.Discoverable, w.flag)
	w.factor(&v.Name, &v.Use, &v.Primary, &v.Created, &v.Used)
}

// factor handles the fields that all factors have.
func (w *wire) factor(name, use *string, primary *bool, created, used *time.Time) {
	w.text(name)
	w.text(use)
	w.flag(primary)
	w.time(created)
	w.time(used)
}

// raw returns the bytes of a value that is read. The length precedes them.
func (w *wire) raw() []byte {
	n, size := binary.Uvarint(w.b)
	if size <= 0 || n > uint64(len(w.b)-size) {
		w.err, w.b = errWire, nil
		return nil
	}
	out := w.b[size : size+int(n)]
	w.b = w.b[size+int(n):]
	return out
}

func (w *wire) text(v *string) {
	if w.reads {
		*v = string(w.raw())
		return
	}
	w.b = append(binary.AppendUvarint(w.b, uint64(len(*v))), *v...)
}

func bytesOf[T ~[]byte](w *wire, v *T) {
	if w.reads {
		*v = nil
		if raw := w.raw(); len(raw) > 0 {
			*v = bytes.Clone(raw)
		}
		return
	}
	w.b = append(binary.AppendUvarint(w.b, uint64(len(*v))), *v...)
}

func integer[T int | int64 | uint32](w *wire, v *T) {
	if !w.reads {
		w.b = binary.AppendVarint(w.b, int64(*v))
		return
	}
	n, size := binary.Varint(w.b)
	if size <= 0 || int64(T(n)) != n {
		w.err, w.b = errWire, nil
		return
	}
	*v, w.b = T(n), w.b[size:]
}

func (w *wire) flag(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	integer(w, &n)
	*v = n != 0
}

// time handles a time with its zone, because digests depend on its text.
func (w *wire) time(v *time.Time) {
	there := !v.IsZero()
	w.flag(&there)
	if !there {
		*v = time.Time{}
		return
	}
	seconds, fraction := v.Unix(), v.Nanosecond()
	_, zone := v.Zone()
	integer(w, &seconds)
	integer(w, &fraction)
	integer(w, &zone)
	if w.reads {
		*v = time.Unix(seconds, int64(fraction)).UTC()
		if zone != 0 {
			*v = v.In(time.FixedZone("", zone))
		}
	}
}

// list handles a list, preceded by its length.
func list[T any](w *wire, v *[]T, each func(*T)) {
	n := len(*v)
	integer(w, &n)
	if w.reads {
		*v = nil
		if n < 0 || n > len(w.b) { // each value has at least one byte
			w.err, w.b = errWire, nil
			return
		}
		if n > 0 {
			*v = make([]T, n)
		}
	}
	for i := range *v {
		each(&(*v)[i])
	}
}

func optional[T any](w *wire, v **T, one func(*T)) {
	there := *v != nil
	w.flag(&there)
	if w.reads && there {
		*v = new(T)
	}
	if there {
		one(*v)
	}
}

func (w *wire) texts(v *map[string]string) {
	asJSON(w, v, len(*v) == 0)
}

func (w *wire) fields(v *map[string]any) {
	asJSON(w, v, len(*v) == 0)
}

// asJSON handles a value that few accounts have.
func asJSON[T any](w *wire, v *T, empty bool) {
	var raw []byte
	if !w.reads && !empty {
		var err error
		if raw, err = json.Marshal(*v); err != nil {
			w.err = err
		}
	}
	bytesOf(w, &raw)
	if w.reads && len(raw) > 0 {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if d.Decode(v) != nil {
			w.err = errWire
		}
	}
}
