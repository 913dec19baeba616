// Package pseudonym gives a principal another name at each merchant (PRV-03,
// SPEC.md 8.4).
//
// Who knows the principal, the payment service provider or the issuer, makes
// the names with a secret key: an HMAC over merchant and principal. Two
// merchants that compare their books find nothing in common, one merchant sees
// the same name for the same principal again, and nobody without the key can
// tell whether a name is that of somebody they think of.
//
// A name holds nothing, so that finding its principal is a search: [Ring.Resolve]
// goes through the principals that its maker knows, at about a microsecond
// each. A provider with many stores the name where it stores the account, when
// it makes it, and looks it up. An encrypted form would need no search, but a
// lost key would then give away every principal at once, and their identifiers'
// lengths show.
//
// Keys are rotated by putting a new one first. Names made with an older key
// resolve as long as it stays in the ring; the same principal then has a new
// name at the same merchant, which only the ring's owner can connect with the
// old one.
//
// Promise: a name never contains a part of its principal, and no error and no
// printed value contains key or principal. What else links purchases is listed
// in SPEC.md 8.4: a pseudonym is of no use beside a telephone number.
package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
)

// Prefix begins every pseudonym.
const Prefix = "urn:act:pseudonym:"

// KeySize is the length of a secret, in bytes.
const KeySize = 32

// MaxKeys is how many keys a ring has at most.
const MaxKeys = 16

// A Pseudonym is the name of one principal at one merchant:
// "urn:act:pseudonym:", the id of the key, ":", and 43 characters of base64url.
// It is an identifier by SPEC.md 1.7 and compared byte by byte.
type Pseudonym string

// Parse checks the form. Whether anybody made it cannot be seen.
func Parse(s string) (Pseudonym, error) {
	if _, _, ok := split(s); !ok {
		return "", protocol.New(protocol.CodeFieldInvalid, "", "PRV-03", "must be urn:act:pseudonym:, a key id, a colon and 43 characters of base64url")
	}
	return Pseudonym(s), nil
}

// KeyID returns the id of the key that the pseudonym was made with, empty when
// its form is wrong.
func (p Pseudonym) KeyID() string {
	id, _, _ := split(string(p))
	return id
}

func split(s string) (keyID string, mac []byte, ok bool) {
	rest, ok := strings.CutPrefix(s, Prefix)
	if !ok {
		return "", nil, false
	}
	keyID, text, _ := strings.Cut(rest, ":") // without a colon there is no text
	if !validKeyID(keyID) {
		return "", nil, false
	}
	mac, err := canon.DecodeBase64(text)
	if err != nil || len(mac) != sha256.Size {
		return "", nil, false
	}
	return keyID, mac, true
}

// validKeyID: 1 to 16 of [a-z0-9].
func validKeyID(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 16
}

// A Key is a secret with its id. The id stands in every pseudonym and is the
// same for everybody at a time: a number or a date, never something about a
// principal.
type Key struct {
	ID     string // 1 to 16 of [a-z0-9]
	Secret []byte // KeySize random bytes, for nothing else
}

// Format writes the id whatever the verb, so that no secret is printed by a
// careless %+v.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "pseudonym key %s", k.ID) }

// A Ring makes and resolves pseudonyms. It is immutable and safe for concurrent
// use.
type Ring struct{ keys []Key }

// NewRing returns a ring whose first key makes pseudonyms; all resolve them.
func NewRing(keys ...Key) (*Ring, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, protocol.New(protocol.CodeFieldInvalid, "keys", "PRV-03", "1 to 16 keys")
	}
	r := new(Ring)
	for _, k := range keys {
		if !validKeyID(k.ID) || len(k.Secret) != KeySize {
			return nil, protocol.New(protocol.CodeFieldInvalid, "keys", "PRV-03", "an id of [a-z0-9] and 32 secret bytes")
		}
		if r.find(k.ID) != nil {
			return nil, protocol.New(protocol.CodeFieldInvalid, "keys", "PRV-03", "no two keys with one id")
		}
		r.keys = append(r.keys, Key{k.ID, append([]byte(nil), k.Secret...)})
	}
	return r, nil
}

// Format writes the number of keys.
func (r *Ring) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%d pseudonym keys", len(r.keys)) }

func (r *Ring) find(id string) *Key {
	for i := range r.keys {
		if r.keys[i].ID == id {
			return &r.keys[i]
		}
	}
	return nil
}

// mac is HMAC-SHA256 over "act-go/1 pseudonym", the merchant's and the
// principal's DID, each on a line of its own. DIDs have no line feed, so that
// no two pairs have one text.
func (k *Key) mac(merchant, principal string) []byte {
	h := hmac.New(sha256.New, k.Secret)
	h.Write([]byte("act-go/1 pseudonym\n" + merchant + "\n" + principal))
	return h.Sum(nil)
}

func check(field, did string) error {
	_, err := identity.ParseDID(did)
	return protocol.In(err, field)
}

// Make returns the pseudonym of a principal at a merchant, both DIDs, by the
// first key of the ring. The same input gives the same pseudonym.
func (r *Ring) Make(merchant, principal string) (Pseudonym, error) {
	if err := check("merchant", merchant); err != nil {
		return "", err
	}
	if err := check("principal", principal); err != nil {
		return "", err
	}
	k := &r.keys[0]
	return Pseudonym(Prefix + k.ID + ":" + canon.EncodeBase64(k.mac(merchant, principal))), nil
}

// Is reports whether p is the pseudonym of a principal at a merchant by any key
// of the ring. The comparison takes the same time for all wrong ones.
func (r *Ring) Is(p Pseudonym, merchant, principal string) bool {
	_, err := r.Resolve(p, merchant, func(yield func(string) bool) { yield(principal) })
	return err == nil
}

// Resolve returns the one among principals whose pseudonym at the merchant p
// is. It fails with key_unknown when the ring has no such key (any more), and
// with principal_mismatch when none of them fits: somebody else's, another
// merchant's, or made up.
func (r *Ring) Resolve(p Pseudonym, merchant string, principals iter.Seq[string]) (string, error) {
	id, mac, ok := split(string(p))
	if !ok {
		_, err := Parse(string(p))
		return "", err
	}
	if err := check("merchant", merchant); err != nil {
		return "", err
	}
	k := r.find(id)
	if k == nil {
		return "", protocol.New(protocol.CodeKeyUnknown, "", "PRV-03", "made with a key that this ring does not have")
	}
	for principal := range principals {
		if hmac.Equal(mac, k.mac(merchant, principal)) && check("", principal) == nil {
			return principal, nil
		}
	}
	return "", protocol.New(protocol.CodePrincipalMismatch, "", "PRV-03", "of none of these principals at this merchant")
}
