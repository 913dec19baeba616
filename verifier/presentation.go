package verifier

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// A Presentation is the occasion that a mandate with selective disclosure is
// shown for: the key binding JWT names exactly these two. Both are required.
type Presentation struct {
	Audience string // whom it is shown to: the DID of the one who verifies it
	Nonce    string // the occasion, chosen or computed by the one who verifies: never taken from the presentation
}

// cut takes the key binding off what was presented. One that is there must be
// expected and one that is expected must be there: whether it is needed is for
// the reader to say, not for the holder (RFC 9901, 7.3).
func (p *Presentation) cut(raw []byte) (mandate []byte, binding *sdjwt.Binding, err error) {
	mandate, jwt := sdjwt.Cut(raw)
	switch {
	case p == nil && jwt == nil:
		return mandate, nil, nil
	case p == nil:
		return nil, nil, protocol.New(protocol.CodeFieldInvalid, "kb_jwt", "PRV-01", "a key binding where none is expected")
	case !sdjwt.IsPresentation(raw):
		return nil, nil, protocol.New(protocol.CodeTypeMismatch, "", "PRV-01", "a mandate without key binding where one is expected")
	case jwt == nil:
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "kb_jwt", "PRV-01", "presented without key binding")
	}
	binding, err = sdjwt.ParseBinding(jwt)
	return mandate, binding, err
}

// check compares a key binding with the occasion and verifies it by the key of
// the mandate's cnf.
func (p *Presentation) check(binding *sdjwt.Binding, mandate []byte, holder keys.PublicKey, now time.Time, d *protocol.Decision) {
	if p == nil {
		return
	}
	d.Record("PRV-01", "presented by the holder, as it is", binding.Verify(mandate, holder))
	d.Require(binding.Audience == p.Audience, protocol.CodeAudienceMismatch, "PRV-01", "presented to us", "kb_jwt.aud", "presented to another party")
	d.Require(binding.Nonce == p.Nonce, protocol.CodeClaimsConflict, "PRV-01", "presented for this occasion", "kb_jwt.nonce", "presented for another occasion")
	d.Record("PRV-01", "presented now", protocol.In(checkTimestamp(binding.IssuedAt, now, "PRV-01"), "kb_jwt"))
}
