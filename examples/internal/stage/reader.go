package stage

import (
	"context"
	"crypto/ecdh"

	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// NewReader makes a party's key for what others seal for it (PRV-02).
func NewReader(did identity.DID) (*keys.DecryptionKey, error) {
	return keys.GenerateDecryption(did.String()+"#"+string(keys.Encryption), ecdh.X25519())
}

// Opens is the key for what was sealed for the party, or nil when it was not
// made with the purpose encryption.
func (p *Party) Opens() *keys.DecryptionKey { return p.opens }

// Opens is the store's key for what was sealed for it, or nil when it was opened
// without the purpose encryption.
func (s *Store) Opens() *keys.DecryptionKey { return s.party.Opens() }

// Holds reports whether a text holds these bytes, as Told of a Wiretap does: for
// what no wiretap keeps, such as answers.
func Holds(text, secret []byte) bool { return holds(text, secret, 4) }

// ReaderKey fetches the key for which something may be sealed now from
// somebody's identity document.
func (w *World) ReaderKey(ctx context.Context, id string) (identity.EncryptionKey, error) {
	did, err := identity.ParseDID(id)
	if err != nil {
		return identity.EncryptionKey{}, err
	}
	doc, err := w.Resolver().Document(ctx, did)
	if err != nil {
		return identity.EncryptionKey{}, err
	}
	return doc.EncryptionKey(w.Now())
}
