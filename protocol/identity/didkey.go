package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"slices"
	"strings"

	"github.com/multiformats/go-multibase"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The multicodec prefixes of public keys, as unsigned varints.
var (
	codecEd25519 = []byte{0xed, 0x01} // ed25519-pub, 0xed: 32 bytes follow
	codecP256    = []byte{0x80, 0x24} // p256-pub, 0x1200: a compressed point of 33 bytes follows
)

// DIDFromKey returns the did:key of a public key: multibase base58btc of the
// multicodec prefix and the key.
func DIDFromKey(key keys.PublicKey) (DID, error) {
	var raw []byte
	switch k := key.Crypto().(type) {
	case ed25519.PublicKey:
		raw = slices.Concat(codecEd25519, k)
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return DID{}, invalid("not a point of P-256")
		}
		// SEC 1, 2.3.3: 2 or 3 by the parity of y, then x.
		raw = slices.Concat(codecP256, []byte{2 + point[64]&1}, point[1:33])
	default:
		return DID{}, protocol.New(protocol.CodeFieldMissing, "", "IDN-02", "no key")
	}
	id, err := multibase.Encode(multibase.Base58BTC, raw)
	if err != nil {
		return DID{}, invalid("not to be encoded")
	}
	return DID{text: "did:key:" + id}, nil
}

// ResolveKeyDID returns the document of a did:key, without network: one key,
// whose fragment equals the method-specific id, for agent requests only. In
// particular a did:key never issues authorizations (SPEC.md 3.2). Its key has
// no end, and nobody can declare it compromised; where that matters, use
// another method.
func ResolveKeyDID(did DID) (*Document, error) {
	method, id := did.cut()
	if method != MethodKey {
		return nil, invalid("not a did:key")
	}
	key, err := decodeKeyID(id)
	if err != nil {
		return nil, err
	}
	return &Document{ID: did, Keys: []Key{{ID: did.text + "#" + id, Public: key, Purpose: keys.AgentRequest}}}, nil
}

// decodeKeyID decodes the method-specific id of a did:key, in its one spelling.
// Base58 takes quadratic time; ParseDID has bounded the length.
func decodeKeyID(id string) (keys.PublicKey, error) {
	if !strings.HasPrefix(id, "z") {
		return keys.PublicKey{}, invalid("a did:key in base58btc")
	}
	_, raw, err := multibase.Decode(id)
	if err != nil {
		return keys.PublicKey{}, invalid("a did:key in base58btc")
	}
	key, err := decodeCodec(raw)
	if err != nil {
		return keys.PublicKey{}, err
	}
	if again, err := DIDFromKey(key); err != nil || again.text != "did:key:"+id {
		return keys.PublicKey{}, invalid("a did:key in its one spelling")
	}
	return key, nil
}

func decodeCodec(raw []byte) (keys.PublicKey, error) {
	if len(raw) < 2 {
		return keys.PublicKey{}, invalid("a did:key of Ed25519 or P-256")
	}
	codec, value := raw[:2], raw[2:]
	switch {
	case slices.Equal(codec, codecEd25519):
		return keys.NewPublicKey(ed25519.PublicKey(value))
	case slices.Equal(codec, codecP256):
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), value)
		if x == nil {
			return keys.PublicKey{}, invalid("not a point of P-256")
		}
		point := make([]byte, 65)
		point[0] = 4
		x.FillBytes(point[1:33])
		y.FillBytes(point[33:])
		ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return keys.PublicKey{}, invalid("not a point of P-256")
		}
		return keys.NewPublicKey(ec)
	default:
		return keys.PublicKey{}, invalid("a did:key of Ed25519 or P-256")
	}
}
