package trustlog

import (
	"bytes"
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/verifier"
)

// Submit puts an anchor on the chain and returns its place, which is durable
// there. Keep the place's proof: it is the receipt.
//
// A record has one anchor. When the log has one of the same content already,
// which differs in the time of signing and the signature at most, Submit
// returns the place of that one: after an error that is undetermined, submit
// again. When it has one of other content, the error is a *[Conflict].
func (c *Client) Submit(ctx context.Context, token []byte) (*Place, error) {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	channel := u.Anchor.Channel
	_, answer, err := c.exchange(ctx, call{
		method: http.MethodPost, channel: channel, path: "/add", body: token, max: MaxProof, accept: []int{http.StatusConflict},
	})
	if err != nil {
		return nil, err
	}
	place, err := c.answered(ctx, channel, answer)
	if err != nil {
		return nil, err
	}
	if place.Anchor.RecordID != u.Anchor.RecordID {
		return nil, unproved(protocol.New(protocol.CodeClaimsConflict, "record_id", "TSD-ATT-OCA-04", "an answer about another record"))
	}
	if !bytes.Equal(place.Token, token) && !SameContent(&place.Anchor, &u.Anchor) {
		return nil, &Conflict{Place: place}
	}
	return place, nil
}

// SameContent reports whether two anchors say the same of the same record, the
// time of signing aside.
func SameContent(a, b *attestation.Anchor) bool {
	x, y := *a, *b
	same := bytes.Equal(x.PayloadHash, y.PayloadHash) && x.EventTime.Equal(y.EventTime) &&
		x.Links.IntentID == y.Links.IntentID && x.Links.DelegationID == y.Links.DelegationID &&
		x.Links.MerchantOrderID == y.Links.MerchantOrderID && x.Links.TradeNo == y.Links.TradeNo
	return same && x.Submitter == y.Submitter && x.RecordID == y.RecordID && x.Version == y.Version && x.Type == y.Type &&
		x.HashAlgorithm == y.HashAlgorithm && x.Channel == y.Channel
}

// A Conflict is the error when the log has another anchor of the record
// (TSD-ATT-OCA-04). It is request_conflict, with the place of the first.
type Conflict struct{ Place *Place }

// Error implements error.
func (e *Conflict) Error() string { return e.Unwrap().Error() }

// Unwrap returns the *protocol.Error.
func (e *Conflict) Unwrap() error {
	return protocol.New(protocol.CodeRequestConflict, "record_id", "TSD-ATT-OCA-04", "the log has an anchor of this record with other content")
}

// Check verifies a proof, a receipt for example, and that its checkpoint is one
// history with what was seen of the log, for which it may ask for tiles. Nothing
// is asked that would tell the chain which record is meant.
func (c *Client) Check(ctx context.Context, channel string, proof []byte) (*Place, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	place, err := c.config.Trust.Verify(channel, proof)
	if err != nil {
		return nil, err
	}
	if err := c.follow(ctx, channel, &place.Checkpoint); err != nil {
		return nil, err
	}
	return place, nil
}

// answered is Check for a proof that came from the network just now.
func (c *Client) answered(ctx context.Context, channel string, proof []byte) (*Place, error) {
	place, err := c.Check(ctx, channel, proof)
	if err != nil && protocol.CodeOf(err).Outcome() == protocol.Denied {
		return nil, unproved(err)
	}
	return place, err
}

// Find looks an anchor up by its record, and verifies that the log has it. It
// needs a reader's token for the channel. When the log denies, the error is a
// *[NotFound].
func (c *Client) Find(ctx context.Context, channel, recordID string) (*Place, error) {
	origin, err := Origin(c.config.Trust.Chain, channel)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	_, seen, err := c.remembered(ctx, origin)
	if err != nil {
		return nil, err
	}
	status, answer, err := c.exchange(ctx, call{
		method: http.MethodGet, channel: channel, path: "/record/" + LookupKey(recordID), token: c.config.Readers[channel],
		max: MaxProof, accept: []int{http.StatusNotFound},
	})
	if err != nil {
		return nil, err
	}
	if status == http.StatusNotFound {
		return nil, c.denied(channel, recordID, answer, seen)
	}
	place, err := c.answered(ctx, channel, answer)
	if err != nil {
		return nil, err
	}
	if place.Anchor.RecordID != recordID {
		return nil, unproved(protocol.New(protocol.CodeClaimsConflict, "record_id", "TSD-ATT-OCA-04", "an answer about another record"))
	}
	return place, nil
}

// denied judges a denial: signed, about this record, of now, and of a tree that
// is not smaller than the one that was seen. Any other 404 is somebody else's.
func (c *Client) denied(channel, recordID string, answer []byte, seen *Checkpoint) error {
	d, err := c.config.Trust.denial(channel, recordID, answer)
	if err != nil {
		return unproved(err)
	}
	if age := c.config.Trust.now().Sub(d.Time); age > maxDenialAge || age < -clockSkew {
		return unproved(protocol.New(protocol.CodeRequestExpired, "denial", "TSD-ATT-SVF-02", "a denial of another time"))
	}
	if seen != nil && d.Size < seen.Size {
		return rolledBack()
	}
	return &NotFound{Denial: *d}
}

// Anchor implements verifier.AnchorSource: Find, in that package's terms.
func (c *Client) Anchor(ctx context.Context, channel, recordID string) (*verifier.Anchored, error) {
	place, err := c.Find(ctx, channel, recordID)
	if err != nil {
		return nil, err
	}
	return place.Anchored(), nil
}

// Receipts is an AnchorSource of proofs that are at hand, for verifying without
// a network. What is not among them is not "not found": nobody was asked, and
// the answer is Else's, or undetermined when that is nil.
type Receipts struct {
	Else verifier.AnchorSource

	places map[[2]string]*Place
}

// NewReceipts verifies proofs. The first that does not hold is the error. Of two
// for one record the one with the earlier checkpoint is kept.
func NewReceipts(t Trust, proofs ...[]byte) (*Receipts, error) {
	r := &Receipts{places: make(map[[2]string]*Place)}
	for _, proof := range proofs {
		p, err := ParseProof(proof)
		if err != nil {
			return nil, err
		}
		u, err := attestation.ParseAnchor(p.Token)
		if err != nil {
			return nil, protocol.In(err, "anchor")
		}
		place, err := t.Verify(u.Anchor.Channel, proof)
		if err != nil {
			return nil, err
		}
		key := [2]string{place.Channel, place.Anchor.RecordID}
		if old := r.places[key]; old == nil || place.Checkpoint.Size < old.Checkpoint.Size {
			r.places[key] = place
		}
	}
	return r, nil
}

// Anchor implements verifier.AnchorSource.
func (r *Receipts) Anchor(ctx context.Context, channel, recordID string) (*verifier.Anchored, error) {
	if place := r.places[[2]string{channel, recordID}]; place != nil {
		return place.Anchored(), nil
	}
	if r.Else != nil {
		return r.Else.Anchor(ctx, channel, recordID)
	}
	return nil, protocol.New(protocol.CodeServiceUnavailable, "anchor", "TSD-ATT-SVF-03", "no proof of this record at hand")
}

var (
	_ verifier.AnchorSource = (*Client)(nil)
	_ verifier.AnchorSource = (*Receipts)(nil)
)
