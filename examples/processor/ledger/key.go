package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// A key stands for what must be there once: a request of an agent, an order of
// a merchant, a mandate of an issuer, a nonce in its scope. It is the beginning
// of a SHA-256 over a secret of the book and the names, so that nobody can
// prepare names that meet in one key, and none meet by chance.
type key [16]byte

// The kinds of keys.
const (
	keyRequest byte = 1 + iota
	keyOrder
	keyMandate
	keyNonce
)

// key makes the key of two names, which may be anything.
func (l *Ledger) key(kind byte, a, b string) (k key) {
	buf := make([]byte, 0, 320)
	buf = append(buf, l.salt[:]...)
	buf = append(buf, kind)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(a)))
	buf = append(buf, a...)
	buf = append(buf, b...)
	sum := sha256.Sum256(buf)
	return key(sum[:16])
}

// short is the part of a key that nonces are told apart by. Were two of the few
// millions that live at a time to meet in it, which happens once in 10^12 or so,
// the second would be refused.
func (k key) short() int64 { return int64(binary.BigEndian.Uint64(k[:8])) }

// A ref says which fact a key leads to: the position, and in the lowest two
// bits the table.
type ref int64

const (
	refPayment ref = iota // also of an order
	refWaiting
	refRefusal
	refMandate
)

func refTo(position int64, table ref) ref { return ref(position)<<2 | table }
func (r ref) position() int64             { return int64(r >> 2) }
func (r ref) table() ref                  { return r & 3 }
