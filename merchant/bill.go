package merchant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/actprotocol/act-go/protocol/canon"
)

// A bill is not stored. Its out_trade_no is a random id and a tag over the id
// and the terms, so that the number that comes back in a proof shows by itself
// that this shop issued it for exactly these terms, and a request that is
// never paid costs no memory.
//
//	out_trade_no = base64url(random 16 bytes) "." base64url(first 16 bytes of HMAC-SHA256)

// billKeySize is the length of Config.BillKey.
const billKeySize = 32

const tagSize = 16

// terms are what a bill fixes.
type terms struct {
	resource, amount, currency string
	fingerprint                canon.Digest
	idempotencyKey             string
}

// number makes the out_trade_no of a new bill.
func (t terms) number(key []byte) string {
	id := canon.Nonce()
	return id + "." + t.tag(key, id)
}

// issued reports whether outTradeNo is one that number made under the key for
// the same terms.
func (t terms) issued(key []byte, outTradeNo string) bool {
	id, tag, ok := strings.Cut(outTradeNo, ".")
	return ok && hmac.Equal([]byte(tag), []byte(t.tag(key, id)))
}

// tag is over the length and the bytes of each part, so that no two lists of
// parts give the same input.
func (t terms) tag(key []byte, id string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"act-go/1 bill", id, t.resource, t.amount, t.currency, string(t.fingerprint), t.idempotencyKey} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write([]byte(part))
	}
	return canon.EncodeBase64(mac.Sum(nil)[:tagSize])
}
