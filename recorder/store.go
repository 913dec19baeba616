package recorder

import (
	"context"
	"errors"

	"github.com/actprotocol/act-go/trustlog"
)

// ErrNotFound is what a RecordStore answers when it does not have a record.
var ErrNotFound = errors.New("recorder: no such record")

// A RecordStore keeps records and their anchors. It never rewrites one and
// never removes one (TSD-ATT-OFF-02, -10); how long records are kept is decided
// where the store as a whole is (TSD-ATT-OFF-09). What a method has returned
// nil for is durable. It is safe for concurrent use.
//
// [FileStore] is one; package recordertest tests others.
type RecordStore interface {
	// Put stores a record under its own id. It checks the record's form and
	// nothing else. The same bytes again are no error; other bytes under the
	// same id are request_conflict.
	Put(ctx context.Context, record []byte) error
	// PutAnchor stores an anchor of a record that is there already, before it is
	// submitted, so that it is the same one that is submitted again after a
	// crash. A record has one anchor in a channel: the same again is no error,
	// another is request_conflict. The anchor of a record that is not there, or
	// of another content, is refused with [ErrNotFound] or claims_conflict.
	PutAnchor(ctx context.Context, token []byte) error
	// PutReceipt stores what the chain said when it took the anchor of a record.
	// The first receipt stays: one for the same place again is no error and
	// changes nothing, one for another place is request_conflict. It fails with
	// ErrNotFound when there is no such anchor.
	PutReceipt(ctx context.Context, recordID, channel string, r Receipt) error
	// Get returns a record with its anchors, or ErrNotFound.
	Get(ctx context.Context, recordID string) (*Stored, error)
	// Find returns the records to which all links of the query belong, in the
	// order in which they were stored. Nothing found is no error; a query
	// without any link is field_missing.
	Find(ctx context.Context, q Query) ([]*Stored, error)
}

// A Stored record is one with what is known of its anchors.
type Stored struct {
	ID      string
	Record  []byte // as it was put
	Anchors []Anchoring
}

// Anchor returns what is known of the anchor in a channel.
func (s *Stored) Anchor(channel string) (Anchoring, bool) {
	for _, a := range s.Anchors {
		if a.Channel == channel {
			return a, true
		}
	}
	return Anchoring{}, false
}

// An Anchoring is an anchor that was made, and, once the chain has it, where.
type Anchoring struct {
	Channel string
	Token   []byte  // compact JWS
	Receipt Receipt // its zero value until the chain has the anchor
}

// A Receipt is what a chain says when it takes an anchor.
type Receipt struct {
	// Place tells people and the chain's own client where the anchor is:
	// 1 to 256 characters of plain text, nothing personal.
	Place string
	// Proof lets others check offline that it is there: text of at most 24 KiB,
	// for a trust chain what trustlog.Trust verifies. A chain may have none.
	Proof []byte
}

// A Query asks for records by their links. Empty members are not asked for.
type Query struct {
	IntentID, MerchantOrderID, TradeNo string
}

// An Anchorer puts anchors on a chain; [Chain] makes one of a trust chain.
//
// Submit submits an anchor to the channel that it names. The same anchor again is answered with
// the place of the first (TSD-ATT-OCA-04), so that it may be repeated after any
// failure. An error whose code denies is final, too_many_requests excepted; any
// other is tried again. Submit must return when ctx ends.
type Anchorer interface {
	Submit(ctx context.Context, anchor []byte) (Receipt, error)
}

// A ChainClient submits to a trust chain, as *trustlog.Client does: what it returns
// has been proved.
type ChainClient interface {
	Submit(ctx context.Context, anchor []byte) (*trustlog.Place, error)
}

// Chain returns the Anchorer of a trust chain. Its receipts can be verified
// offline.
func Chain(c ChainClient) Anchorer { return chain{c} }

type chain struct{ client ChainClient }

// Submit implements Anchorer.
func (c chain) Submit(ctx context.Context, anchor []byte) (Receipt, error) {
	p, err := c.client.Submit(ctx, anchor)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Place: p.String(), Proof: p.Proof()}, nil
}
