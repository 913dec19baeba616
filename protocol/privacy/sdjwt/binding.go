package sdjwt

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Bind adds a key binding JWT (RFC 9901, 4.3) to a presentation that ends in a
// tilde: the holder's word that it is shown to this audience, for the occasion
// that nonce names, at this time. The signer has the key of the mandate's
// "cnf", which is one for agent requests.
func Bind(s *keys.Signer, presentation []byte, audience, nonce string, at time.Time) ([]byte, error) {
	if s == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "PRV-01", "")
	}
	if len(presentation) == 0 || presentation[len(presentation)-1] != '~' {
		return nil, malformed("", "a presentation without key binding ends in a tilde")
	}
	claims, err := canon.Marshal(bindingClaims{
		Audience: audience, IssuedAt: at.Unix(), Nonce: nonce, Hash: sum(presentation),
	})
	if err != nil {
		return nil, err
	}
	jwt, err := keys.SignBound(s, keys.AgentRequest, keys.TypeKeyBinding, claims)
	if err != nil {
		return nil, err
	}
	if _, err := ParseBinding(jwt); err != nil {
		return nil, err // an empty audience, for example
	}
	bound := append(append([]byte(nil), presentation...), jwt...)
	if len(bound) > MaxToken {
		return nil, protocol.New(protocol.CodeTooLarge, "", "PRV-01", "an SD-JWT has at most 64 KiB")
	}
	return bound, nil
}

type bindingClaims struct {
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Nonce    string `json:"nonce"`
	Hash     string `json:"sd_hash"`
}

// A Binding is a key binding JWT of the right form. It is unverified.
type Binding struct {
	Audience string    // whom it is presented to
	Nonce    string    // the occasion
	IssuedAt time.Time // whole seconds

	token *keys.UnverifiedToken
	hash  string
}

// ParseBinding reads a key binding JWT, the second result of [Cut]: "typ"
// kb+jwt, a header of alg and typ, and exactly the claims aud, iat, nonce and
// sd_hash, none of them empty.
func ParseBinding(jwt []byte) (*Binding, error) {
	token, err := keys.ParseBound(jwt, keys.TypeKeyBinding)
	if err != nil {
		return nil, protocol.In(err, "kb_jwt")
	}
	var c bindingClaims
	if err := canon.Decode(token.Payload, &c); err != nil {
		return nil, protocol.In(err, "kb_jwt")
	}
	for _, m := range []struct {
		ok   bool
		name string
	}{{c.Audience != "", "kb_jwt.aud"}, {c.Nonce != "", "kb_jwt.nonce"}, {c.Hash != "", "kb_jwt.sd_hash"}, {c.IssuedAt != 0, "kb_jwt.iat"}} {
		if !m.ok {
			return nil, protocol.New(protocol.CodeFieldMissing, m.name, "PRV-01", "")
		}
	}
	if c.IssuedAt < 0 || c.IssuedAt > lastSecond {
		return nil, protocol.New(protocol.CodeFieldInvalid, "kb_jwt.iat", "PRV-01", "a second of the years 1970 to 9999")
	}
	return &Binding{Audience: c.Audience, Nonce: c.Nonce, IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), token: token, hash: c.Hash}, nil
}

// lastSecond is the end of the year 9999.
const lastSecond = 253402300799

// Verify checks that holder signed the binding and that it is of exactly this
// presentation, the first result of [Cut]: a disclosure that was added, taken
// out or moved since is signature_invalid.
//
// It does not check Audience, Nonce and IssuedAt, which only the reader can
// compare with what it expects.
func (b *Binding) Verify(presentation []byte, holder keys.PublicKey) error {
	if b.hash != sum(presentation) {
		return protocol.New(protocol.CodeSignatureInvalid, "kb_jwt.sd_hash", "PRV-01", "made for another selection of disclosures")
	}
	return protocol.In(b.token.Verify(holder), "kb_jwt")
}
