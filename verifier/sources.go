package verifier

import (
	"context"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A KeySource finds public keys by key id, an absolute DID URL.
//
// Key returns a key only when it is declared for the purpose and valid at the
// given time. It fails with key_unknown, key_purpose or key_not_valid when the
// signer's document says so, and with key_unavailable, which is undetermined,
// when there is no document to ask.
//
// Resolver fetches documents; StaticKeys holds them.
type KeySource interface {
	Key(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error)
}

// A StatusSource tells the current state of a mandate (ADD-IAC-LCM-10).
//
// issuer is the DID that signed the mandate; an answer from anybody else whom
// the source's configuration does not name for that issuer is worth nothing.
// It fails with status_unavailable, which is undetermined, whenever it does
// not know for certain. StatusClient fetches status lists.
type StatusSource interface {
	Status(ctx context.Context, ref delegation.StatusReference, issuer string, now time.Time) (delegation.Status, error)
}

// An IssuerPolicy says for whom an issuer of mandates may speak. It is asked
// for every pair, also when the two are equal, and before anything is fetched
// from addresses that the issuer's name leads to.
//
// The delegator is "" for a mandate that withholds it, as one that is shown to
// a merchant does. True then says that the issuer is trusted whoever its
// principals are; an [IssuerMap] says so with an entry "".
type IssuerPolicy interface {
	Trusts(issuer, delegator string) bool
}

// IssuerMap is an IssuerPolicy by list: the issuer's DID, and the delegators
// for whom it may issue. An issuer that is not in the map is not trusted.
type IssuerMap map[string][]string

// Trusts implements IssuerPolicy.
func (m IssuerMap) Trusts(issuer, delegator string) bool {
	return slices.Contains(m[issuer], delegator)
}

// IssuerFunc is an IssuerPolicy by function: a directory of customers, for
// example. It must not block for long and must be safe for concurrent use.
type IssuerFunc func(issuer, delegator string) bool

// Trusts implements IssuerPolicy.
func (f IssuerFunc) Trusts(issuer, delegator string) bool { return f(issuer, delegator) }

// SelfIssued is an IssuerPolicy that lets every principal issue mandates for
// itself and nobody for another. It makes sense where something else, such as
// the principal of a payment token, ties the delegator to an account. The
// issuer still needs a document with a key for issuing, so did:key is out.
type SelfIssued struct{}

// Trusts implements IssuerPolicy.
func (SelfIssued) Trusts(issuer, delegator string) bool { return issuer != "" && issuer == delegator }

// StaticKeys is a KeySource that holds documents, by DID, and never fetches
// one: for parties who know each other, and for tests. It must not change
// while in use. Identifiers of did:key need no document.
type StaticKeys map[identity.DID]*identity.Document

// NewStaticKeys returns a StaticKeys of the given documents.
func NewStaticKeys(documents ...*identity.Document) StaticKeys {
	s := make(StaticKeys, len(documents))
	for _, d := range documents {
		s[d.ID] = d
	}
	return s
}

// Key implements KeySource. An identifier without a document is
// key_unavailable: that we were not told of it does not make it wrong.
func (s StaticKeys) Key(_ context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	did, _, err := identity.ParseKeyID(keyID)
	if err != nil {
		return keys.PublicKey{}, err
	}
	doc := s[did]
	if doc == nil && did.Method() == "key" {
		if doc, err = identity.ResolveKeyDID(did); err != nil {
			return keys.PublicKey{}, err
		}
	}
	if doc == nil {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnavailable, "kid", "IDN-02", "no document for this identifier")
	}
	return doc.Key(keyID, purpose, at)
}
