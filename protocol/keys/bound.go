package keys

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// SignBound returns a compact JWS as [SignCompact] does, without a key id in
// its header: who verifies it has the key from elsewhere, for example from the
// "cnf" of a mandate (RFC 7800).
func SignBound(s *Signer, purpose Purpose, typ string, payload []byte) ([]byte, error) {
	if typ == "" || !plainString([]byte(typ)) {
		return nil, protocol.New(protocol.CodeTypeMismatch, "typ", "", "")
	}
	payload, err := canon.Canonicalize(payload)
	if err != nil {
		return nil, err
	}
	header := []byte(`{"alg":"` + string(s.public.alg) + `","typ":"` + typ + `"}`)
	return signCompact(s, purpose, header, payload)
}

// ParseBound reads a compact JWS whose header is exactly alg and typ, in the
// strict form of [ParseCompact]; Header.KeyID of the result is empty. Any other
// header member is header_refused, a key id too: the token must not have a say
// in which key it is verified by.
func ParseBound(token []byte, typ string) (*UnverifiedToken, error) {
	t, fields, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	alg, known := joseAlgorithm(fields.alg)
	switch {
	case len(fields.alg) == 0:
		return nil, protocol.New(protocol.CodeFieldMissing, "header.alg", "", "")
	case len(fields.typ) == 0:
		return nil, protocol.New(protocol.CodeFieldMissing, "header.typ", "", "")
	case string(fields.typ) != typ:
		return nil, protocol.New(protocol.CodeTypeMismatch, "header.typ", "", "another kind of token")
	case !known:
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "header.alg", "", "EdDSA or ES256")
	case fields.other || fields.kid != nil:
		return nil, protocol.New(protocol.CodeHeaderRefused, "header", "", "a header has alg and typ only")
	}
	t.Header = Header{Algorithm: alg, Type: typ}
	return t, nil
}
