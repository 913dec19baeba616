package payment

import (
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An envelope is the signed side of an unverified message.
type envelope struct {
	message *keys.UnverifiedMessage
	kind    string
}

// KeyID is the DID URL of the key that is said to have signed.
func (e envelope) KeyID() string { return e.message.KeyID }

// SignerDID is the DID of KeyID.
func (e envelope) SignerDID() string { return wire.SignerDID(e.message.KeyID) }

// Verify checks the signature by key, and that the message is of its kind;
// nothing else. Whose key it is and what for is the caller's to know.
func (e envelope) Verify(key keys.PublicKey) error { return e.message.Verify(key, e.kind) }

// ContentDigest is the same for two transmissions of one message: it leaves
// out nonce, timestamp and signature (SPEC.md 6.1).
func (e envelope) ContentDigest() canon.Digest {
	return e.message.ContentDigest("nonce", "timestamp")
}

// A form is the JSON side of a message; value checks it.
type form[T any] interface{ value() (T, error) }

// sign checks a message and signs it. The member field holds did, the DID that
// has to be the signer's.
func sign[T any](s *keys.Signer, purpose keys.Purpose, kind, field, did string, w form[T]) ([]byte, error) {
	if _, err := w.value(); err != nil {
		return nil, err
	}
	if s.DID() != did {
		return nil, protocol.New(protocol.CodeClaimsConflict, field, "", "not the signer")
	}
	return keys.SignMessage(s, purpose, kind, w)
}

// parse reads a message of which signer tells who must have signed; a signer
// that the message does not name is "".
func parse[T any, W form[T]](data []byte, kind string, signer func(T) string) (v T, e envelope, err error) {
	m, err := keys.ParseMessage(data)
	if err != nil {
		return v, e, err
	}
	var w W
	if err := m.Decode(&w); err != nil {
		return v, e, err
	}
	got, err := w.value()
	if err != nil {
		return v, e, err
	}
	if did := signer(got); did != "" && did != wire.SignerDID(m.KeyID) {
		return v, e, protocol.New(protocol.CodeClaimsConflict, "signer_id", "", "not a key of the sender")
	}
	return got, envelope{message: m, kind: kind}, nil
}
