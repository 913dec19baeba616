package merchant

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
)

// A bill is not stored. Its out_trade_no is the time at which it was made, a
// random id and a tag over both and the terms, so that the number that comes
// back with a payment shows by itself that this shop issued it for exactly
// these terms, and when; and a request that is never paid costs no memory.
//
//	out_trade_no = base32(5 bytes of seconds since 1970, 16 random bytes, first 16 bytes of HMAC-SHA256)
//
// In lower case and without padding that is 60 characters of a to z and 2 to 7,
// which every rail can carry: some have 64 letters and digits and no more.

// billKeySize is the length of Config.BillKey.
const billKeySize = 32

const (
	timeSize   = 5
	idSize     = timeSize + 16
	tagSize    = 16
	numberSize = ((idSize+tagSize)*8 + 4) / 5 // in characters of 5 bits: 60
)

var numberEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// terms are what a bill fixes.
type terms struct {
	resource, amount, currency string
	fingerprint                canon.Digest
	idempotencyKey             string
}

// number makes the out_trade_no of a new bill.
func (t terms) number(key []byte, now time.Time) string {
	var id [idSize]byte
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(now.Unix()))
	copy(id[:timeSize], seconds[8-timeSize:])
	_, _ = rand.Read(id[timeSize:]) // never fails (crypto/rand)
	return t.encode(key, id[:])
}

// issued reports whether outTradeNo is one that number made under the key for
// the same terms, and when.
func (t terms) issued(key []byte, outTradeNo string) (at time.Time, ok bool) {
	if len(outTradeNo) != numberSize {
		return time.Time{}, false
	}
	raw, err := numberEncoding.DecodeString(outTradeNo)
	// The whole text is made again and compared, so that a number has one
	// spelling: base32 has bits to spare at its end.
	if err != nil || !hmac.Equal([]byte(outTradeNo), []byte(t.encode(key, raw[:idSize]))) {
		return time.Time{}, false
	}
	var seconds [8]byte
	copy(seconds[8-timeSize:], raw)
	return time.Unix(int64(binary.BigEndian.Uint64(seconds[:])), 0), true
}

// encode is the number with an id. The tag is over the length and the bytes of
// each part, so that no two lists of parts give the same input.
func (t terms) encode(key, id []byte) string {
	in := make([]byte, 0, 512)
	for _, part := range []string{"act-go/1 bill", string(id), t.resource, t.amount, t.currency, string(t.fingerprint), t.idempotencyKey} {
		in = binary.BigEndian.AppendUint32(in, uint32(len(part)))
		in = append(in, part...)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(in)
	out := make([]byte, 0, idSize+sha256.Size)
	return numberEncoding.EncodeToString(mac.Sum(append(out, id...))[:idSize+tagSize])
}
