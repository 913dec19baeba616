package httpsig

import (
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Label is the name of our signature in Signature-Input and Signature, Tag the
// value of its tag parameter.
const (
	Label = "act"
	Tag   = "act-agent"
)

// MaxLifetime is the longest time from created to expires, and MaxSkew how far
// created may lie ahead of the checking clock (SPEC.md 1.6).
const (
	MaxLifetime = 5 * time.Minute
	MaxSkew     = time.Minute
)

// Params are the parameters of a signature (RFC 9421, 2.3) that are the
// caller's business. Times have whole seconds. Remember a Nonce at least until
// Expires.
type Params struct {
	Created, Expires time.Time
	Nonce            string // base64url of 16 bytes
	KeyID            string // absolute DID URL of the key
	DID              string // under which KeyID is
	Tag              string // always Tag
}

// algorithmName is the name of an algorithm in the IANA registry "HTTP
// Signature Algorithms" (RFC 9421, 6.2).
func algorithmName(a keys.Algorithm) string {
	switch a {
	case keys.EdDSA:
		return "ed25519"
	case keys.ES256:
		return "ecdsa-p256-sha256"
	default:
		return ""
	}
}

// encode returns the parameters in the order in which we write them.
func (p Params) encode(alg keys.Algorithm) *httpsfv.Params {
	out := httpsfv.NewParams()
	out.Add("created", p.Created.Unix())
	out.Add("expires", p.Expires.Unix())
	out.Add("nonce", p.Nonce)
	out.Add("keyid", p.KeyID)
	out.Add("alg", algorithmName(alg))
	out.Add("tag", p.Tag)
	return out
}

// rawParams are the parameters with their types checked.
type rawParams struct {
	created, expires       int64
	nonce, keyID, alg, tag string
}

// decodeParams reads exactly the six parameters, in any order.
func decodeParams(in *httpsfv.Params) (Params, keys.Algorithm, error) {
	var raw rawParams
	for _, name := range []string{"created", "expires", "nonce", "keyid", "alg", "tag"} {
		value, ok := in.Get(name)
		if !ok {
			return Params{}, "", fault(protocol.CodeFieldMissing, "signature-input."+name, "")
		}
		switch name {
		case "created":
			raw.created, ok = value.(int64)
		case "expires":
			raw.expires, ok = value.(int64)
		case "nonce":
			raw.nonce, ok = value.(string)
		case "keyid":
			raw.keyID, ok = value.(string)
		case "alg":
			raw.alg, ok = value.(string)
		case "tag":
			raw.tag, ok = value.(string)
		}
		if !ok {
			return Params{}, "", fault(protocol.CodeFieldInvalid, "signature-input."+name, "a string, or whole seconds for a time")
		}
	}
	if len(in.Names()) != 6 {
		return Params{}, "", fault(protocol.CodeFieldUnknown, "signature-input", "created, expires, nonce, keyid, alg and tag only")
	}
	return raw.check()
}

// check judges the values, in the codes' order of precedence.
func (raw rawParams) check() (Params, keys.Algorithm, error) {
	if nonce, _ := canon.DecodeBase64(raw.nonce); len(nonce) != 16 { // what is not base64url decodes to nothing
		return Params{}, "", fault(protocol.CodeFieldInvalid, "signature-input.nonce", "base64url of 16 bytes")
	}
	did, _, err := identity.ParseKeyID(raw.keyID)
	if err != nil {
		return Params{}, "", protocol.In(err, "signature-input.keyid")
	}
	if life := raw.expires - raw.created; raw.created < 0 || life <= 0 || life > int64(MaxLifetime/time.Second) {
		return Params{}, "", fault(protocol.CodeFieldInvalid, "signature-input.expires", "after created, by at most five minutes")
	}
	if raw.tag != Tag {
		return Params{}, "", fault(protocol.CodeTypeMismatch, "signature-input.tag", "act-agent")
	}
	p := Params{
		Created: time.Unix(raw.created, 0).UTC(),
		Expires: time.Unix(raw.expires, 0).UTC(),
		Nonce:   raw.nonce,
		KeyID:   raw.keyID,
		DID:     did.String(),
		Tag:     raw.tag,
	}
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		if raw.alg == algorithmName(alg) {
			return p, alg, nil
		}
	}
	return Params{}, "", fault(protocol.CodeAlgorithmRefused, "signature-input.alg", "ed25519 or ecdsa-p256-sha256")
}

func fault(code protocol.Code, field, detail string) error {
	return protocol.New(code, field, "IDN-04", detail)
}
