package identity

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// MaxKeys is the largest number of entries of verificationMethod, used or not.
const MaxKeys = 32

// A Key is one verification method that says what it is for.
type Key struct {
	ID      string // absolute DID URL, under the document's id
	Public  keys.PublicKey
	Purpose keys.Purpose
	// The key verifies what was signed in [NotBefore, NotAfter). A zero time
	// is no bound. On the wire these have whole seconds when we write them.
	NotBefore, NotAfter time.Time
	Compromised         bool // verifies nothing, whatever the period
}

// A Service is a way to reach the document's subject. Its endpoint comes from
// the document and has not been checked in any way.
type Service struct {
	ID, Type, Endpoint string
}

// A Document holds the keys of a DID. Make one with [DecodeDocument] or
// [ResolveKeyDID]; one that was put together by hand is checked by
// [Document.Encode].
type Document struct {
	ID       DID
	Keys     []Key
	Services []Service
	// Encryption holds the keys with the purpose encryption. They are apart
	// from Keys because they verify nothing.
	Encryption []EncryptionKey
}

// Key returns the public key with that id for something that was signed at the
// given time for the given purpose.
//
// It fails with key_unknown when the document has no such key, with
// key_purpose when the key serves another purpose (ADD-IAC-ISS-12), and with
// key_not_valid when it is compromised, or was not yet or no longer in use
// then (IDN-02). A key is also compromised when the same key is marked so
// under another id.
//
// For what arrives now, at is now; for evidence it is a time that somebody
// else vouches for, never one that the signer wrote.
func (d *Document) Key(keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	var found *Key
	for i := range d.Keys {
		if d.Keys[i].ID == keyID {
			found = &d.Keys[i]
			break
		}
	}
	switch {
	case found == nil || keyID == "" || found.Public.IsZero():
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnknown, "key_id", "IDN-02", "the document has no such key")
	case found.Purpose != purpose:
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyPurpose, "key_id", "ADD-IAC-ISS-12", "the key is declared for another purpose")
	case d.compromised(found.Public):
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyNotValid, "key_id", "IDN-02", "the key is compromised")
	case at.IsZero() || at.Before(found.NotBefore):
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyNotValid, "key_id", "IDN-02", "before the period of the key")
	case !found.NotAfter.IsZero() && !at.Before(found.NotAfter):
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyNotValid, "key_id", "IDN-02", "after the period of the key")
	}
	return found.Public, nil
}

func (d *Document) compromised(key keys.PublicKey) bool {
	for i := range d.Keys {
		if d.Keys[i].Compromised && d.Keys[i].Public.Equal(key) {
			return true
		}
	}
	return false
}

// check tells whether the keys of a document are consistent: ids under the
// document's id, no id twice, one purpose for each key.
func (d *Document) check() error {
	if m := d.ID.Method(); m != MethodAct && m != MethodWeb {
		return protocol.New(protocol.CodeFieldInvalid, "id", "IDN-02", "documents are of did:act and did:web")
	}
	if len(d.Keys)+len(d.Encryption) > MaxKeys {
		return protocol.New(protocol.CodeTooLarge, "verificationMethod", "IDN-02", "at most 32 keys")
	}
	for i := range d.Keys {
		if err := d.checkKey(i); err != nil {
			return err
		}
	}
	for i := range d.Encryption {
		if err := d.checkEncryption(i); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkKey(i int) error {
	k := &d.Keys[i]
	if did, _, err := ParseKeyID(k.ID); err != nil || did != d.ID {
		return entryError(protocol.CodeFieldInvalid, "id", "IDN-02", "a key id is absolute and under the document's id")
	}
	if !k.Purpose.Known() {
		return entryError(protocol.CodeFieldInvalid, "actPurpose", "ADD-IAC-ISS-12", "one of the closed list of purposes")
	}
	if k.Purpose == keys.Encryption {
		return entryError(protocol.CodeKeyPurpose, "actPurpose", "ADD-IAC-ISS-12", "a key for encryption verifies nothing")
	}
	if k.Public.IsZero() {
		return entryError(protocol.CodeFieldMissing, "publicKeyJwk", "IDN-02", "")
	}
	if !k.NotBefore.IsZero() && !k.NotAfter.IsZero() && !k.NotBefore.Before(k.NotAfter) {
		return entryError(protocol.CodeFieldInvalid, "actValidUntil", "IDN-02", "after actValidFrom")
	}
	for j := range i {
		other := &d.Keys[j]
		if other.ID == k.ID {
			return entryError(protocol.CodeFieldInvalid, "id", "IDN-02", "no two keys with one id")
		}
		if other.Purpose != k.Purpose && !k.Public.IsZero() && other.Public.Equal(k.Public) {
			return entryError(protocol.CodeFieldInvalid, "actPurpose", "ADD-IAC-ISS-12", "a key serves one purpose")
		}
	}
	return nil
}

// entryError is an error about one entry. Its index is left out: it would be
// the index of the keys in use, which is not what stands in the text.
func entryError(code protocol.Code, field, requirement, detail string) error {
	return protocol.New(code, "verificationMethod."+field, requirement, detail)
}
