package ledger

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	mathrand "math/rand/v2"
	"time"
)

// A position names a fact: 41 bits of milliseconds since epoch and 12 bits that
// tell apart what happened in one of them. Positions only grow, also when the
// clock goes back; they fit exactly into a float64, for whoever reads them as
// JSON.
//
// Because a position tells its time, what happened in a period lies together,
// and because a trade number tells its position, a trade is found without an
// index.
const (
	positionBits = 53
	sequenceBits = 12
	maxPosition  = 1<<positionBits - 1
)

// epoch is where positions begin; they end 69 years later.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// positionAt is the first position of a time; 0 for one before epoch.
func positionAt(at time.Time) int64 {
	return min(max(at.UnixMilli()-epoch, 0), maxPosition>>sequenceBits) << sequenceBits
}

// next takes the next position. The steps are random, so that trade numbers do
// not tell how many payments there are.
func (t *tx) next() int64 {
	t.last = max(t.last+1+mathrand.Int64N(8), positionAt(t.now)+mathrand.Int64N(1<<(sequenceBits-2)))
	return t.last
}

// Trade numbers are those of provider.TradeNo in form: 26 characters that keep
// the order of time. The first 53 bits of the 128 are the position, the last 72
// are random.
var tradeNumbers = base32.HexEncoding.WithPadding(base32.NoPadding)

func tradeNo(position int64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(position)<<(64-positionBits))
	rand.Read(b[7:])
	return tradeNumbers.EncodeToString(b[:])
}

// positionOf is the position that a trade number tells; 0 when it is none. That
// the trade there has this number is to be looked at.
func positionOf(no string) int64 {
	var b [16]byte
	if len(no) != tradeNumbers.EncodedLen(len(b)) {
		return 0
	}
	if _, err := tradeNumbers.Decode(b[:], []byte(no)); err != nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b[:]) >> (64 - positionBits))
}
