package recorder

import (
	"context"
	"errors"
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
	// PutPlace stores where on the chain the anchor of a record is. The first
	// place stays: the same again is no error, another is request_conflict.
	PutPlace(ctx context.Context, recordID, channel, place string) error
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
	Token   []byte // compact JWS
	Place   string // empty until the chain has it
}

// A Query asks for records by their links. Empty members are not asked for.
type Query struct {
	IntentID, MerchantOrderID, TradeNo string
}

// An Anchorer puts anchors on a chain; package trustlog has one.
//
// Submit submits an anchor to a channel and returns where it is: a text that
// tells people and the chain's own client where to look, and nothing personal.
// The same anchor again is answered with the place of the first
// (TSD-ATT-OCA-04), so that it may be repeated after any failure. An error
// whose code denies is final, too_many_requests excepted; any other is tried
// again. Submit must return when ctx ends.
type Anchorer interface {
	Submit(ctx context.Context, channel string, anchor []byte) (place string, err error)
}
