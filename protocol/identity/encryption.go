package identity

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An EncryptionKey is a verification method with the purpose encryption: a key
// for which others may seal payloads, and which verifies nothing.
type EncryptionKey struct {
	ID     string // absolute DID URL, under the document's id
	Public keys.EncryptionKey
	// Others seal for the key in [NotBefore, NotAfter). A zero time is no
	// bound. What was sealed in time can be opened as long as its owner keeps
	// the private half.
	NotBefore, NotAfter time.Time
	Compromised         bool // nobody seals for it, whatever the period
}

// EncryptionKey returns the first key of the document for which something may
// be sealed at that time; an owner puts the preferred one first. It fails with
// key_unknown when the document has none for encryption, and with
// key_not_valid when none of them may be used then (PRV-02).
func (d *Document) EncryptionKey(at time.Time) (EncryptionKey, error) {
	if len(d.Encryption) == 0 {
		return EncryptionKey{}, protocol.New(protocol.CodeKeyUnknown, "verificationMethod", "PRV-02", "the document has no key for encryption")
	}
	for i := range d.Encryption {
		if k := &d.Encryption[i]; d.usable(k, at) {
			return *k, nil
		}
	}
	return EncryptionKey{}, protocol.New(protocol.CodeKeyNotValid, "verificationMethod", "PRV-02", "no key for encryption is in use then")
}

// usable also refuses a key that is marked compromised under another id.
func (d *Document) usable(k *EncryptionKey, at time.Time) bool {
	if k.Public.IsZero() || at.IsZero() || at.Before(k.NotBefore) || !k.NotAfter.IsZero() && !at.Before(k.NotAfter) {
		return false
	}
	for i := range d.Encryption {
		if other := &d.Encryption[i]; other.Compromised && other.Public.Equal(k.Public) {
			return false
		}
	}
	return true
}

// addEncryption adds an entry for encryption. A kind of key that we do not
// encrypt for is left out, so that its owner may offer it to others; every
// other fault refuses the document.
func (d *Document) addEncryption(k Key, jwk []byte) error {
	public, err := keys.ParseEncryptionJWK(jwk)
	if protocol.CodeOf(err) == protocol.CodeAlgorithmRefused {
		return nil
	}
	if err != nil {
		return protocol.In(err, "publicKeyJwk")
	}
	d.Encryption = append(d.Encryption, EncryptionKey{
		ID: k.ID, Public: public, NotBefore: k.NotBefore, NotAfter: k.NotAfter, Compromised: k.Compromised,
	})
	return nil
}

// checkEncryption is checkKey for keys for encryption: no id twice, and no
// point that also verifies.
func (d *Document) checkEncryption(i int) error {
	k := &d.Encryption[i]
	if did, _, err := ParseKeyID(k.ID); err != nil || did != d.ID {
		return entryError(protocol.CodeFieldInvalid, "id", "IDN-02", "a key id is absolute and under the document's id")
	}
	if k.Public.IsZero() {
		return entryError(protocol.CodeFieldMissing, "publicKeyJwk", "PRV-02", "")
	}
	if !k.NotBefore.IsZero() && !k.NotAfter.IsZero() && !k.NotBefore.Before(k.NotAfter) {
		return entryError(protocol.CodeFieldInvalid, "actValidUntil", "IDN-02", "after actValidFrom")
	}
	for j := range d.Keys {
		if d.Keys[j].ID == k.ID {
			return entryError(protocol.CodeFieldInvalid, "id", "IDN-02", "no two keys with one id")
		}
		if k.Public.SharesPoint(d.Keys[j].Public) {
			return entryError(protocol.CodeFieldInvalid, "actPurpose", "ADD-IAC-ISS-12", "a key serves one purpose")
		}
	}
	for j := range i {
		if d.Encryption[j].ID == k.ID {
			return entryError(protocol.CodeFieldInvalid, "id", "IDN-02", "no two keys with one id")
		}
	}
	return nil
}
