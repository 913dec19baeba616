package httpsig

import (
	"net/http"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// maxField bounds the header fields that are parsed here, in bytes.
const maxField = 4 << 10

// An Unverified is a request signature of the right form that has not been
// checked. Its content may come from anybody.
type Unverified struct {
	params     Params
	algorithm  keys.Algorithm
	components []string
	base       []byte
	signature  []byte
}

// ParseFor reads the signature of a request that a server received. authority
// is the one the server answers for, from its own configuration: the host in
// lower case, with a port only if it is not the scheme's default. body is the
// whole body, already read.
//
// Signature-Input and Signature have one line each, with the one label "act",
// in the form that RFC 9651 serializes; the components and parameters are
// those of SPEC.md 6.4; Content-Digest, when it is there, is the sha-256 of
// body. A signature of another kind is refused, also beside ours.
//
// It does not check the signature, times, or the nonce.
func ParseFor(req *http.Request, body []byte, authority string) (*Unverified, error) {
	if !validAuthority(authority) {
		return nil, fault(protocol.CodeFieldInvalid, "authority", "the server's own host in lower case, and port")
	}
	r, err := newRequest(req, authority)
	if err != nil {
		return nil, err
	}
	member, err := label(req.Header, "signature-input")
	if err != nil {
		return nil, err
	}
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		return nil, fault(protocol.CodeFieldInvalid, "signature-input", "a list of components")
	}
	u := &Unverified{}
	if u.components, err = componentNames(list); err != nil {
		return nil, err
	}
	if err := checkComponents(u.components, len(body) > 0); err != nil {
		return nil, err
	}
	if u.signature, err = signatureBytes(req.Header); err != nil {
		return nil, err
	}
	if u.params, u.algorithm, err = decodeParams(list.Params); err != nil {
		return nil, err
	}
	if err := checkDigest(r, body); err != nil {
		return nil, err
	}
	params, err := httpsfv.Marshal(list)
	if err != nil {
		return nil, fault(protocol.CodeMalformed, "signature-input", "a structured field")
	}
	if u.base, err = r.base(u.components, params); err != nil {
		return nil, err
	}
	return u, nil
}

// label reads a dictionary of exactly one member, ours, from exactly one line
// that is in serialized form. That the text is its own serialization also
// means that nothing in it was said twice.
func label(header http.Header, field string) (httpsfv.Member, error) {
	lines := header.Values(field)
	switch {
	case len(lines) == 0:
		return nil, fault(protocol.CodeSignatureInvalid, field, "the request is not signed")
	case len(lines) > 1:
		return nil, fault(protocol.CodeMalformed, field, "one line")
	case len(lines[0]) > maxField:
		return nil, fault(protocol.CodeTooLarge, field, "at most 4 KiB")
	}
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, fault(protocol.CodeMalformed, field, "a dictionary of RFC 9651")
	}
	if again, err := httpsfv.Marshal(dict); err != nil || again != lines[0] {
		return nil, fault(protocol.CodeMalformed, field, "the serialized form of RFC 9651")
	}
	if !slices.Equal(dict.Names(), []string{Label}) {
		return nil, fault(protocol.CodeFieldInvalid, field, "the one label act")
	}
	member, _ := dict.Get(Label)
	return member, nil
}

// componentNames reads the component identifiers, which have no parameters.
func componentNames(list httpsfv.InnerList) ([]string, error) {
	names := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		name, ok := item.Value.(string)
		if !ok || (item.Params != nil && len(item.Params.Names()) != 0) {
			return nil, fault(protocol.CodeFieldInvalid, "signature-input", "components without parameters")
		}
		names = append(names, name)
	}
	return names, nil
}

func signatureBytes(header http.Header) ([]byte, error) {
	member, err := label(header, "signature")
	if err != nil {
		return nil, err
	}
	if item, ok := member.(httpsfv.Item); ok && (item.Params == nil || len(item.Params.Names()) == 0) {
		if sig, ok := item.Value.([]byte); ok {
			return sig, nil
		}
	}
	return nil, fault(protocol.CodeFieldInvalid, "signature", "a byte sequence")
}

// checkDigest compares Content-Digest with the body. Without a body the field
// may be absent; a false one is refused all the same.
func checkDigest(r *request, body []byte) error {
	if len(body) == 0 && len(r.header.Values(contentDigest)) == 0 {
		return nil
	}
	value, err := r.value(contentDigest)
	if err != nil {
		return err
	}
	if value != digest(body) {
		return fault(protocol.CodeFieldInvalid, contentDigest, "sha-256 of the body")
	}
	return nil
}

// Params returns the parameters, as unverified as the request.
func (u *Unverified) Params() Params { return u.params }

// Covers reports whether the signature covers a component, for example
// "payment-proof".
func (u *Unverified) Covers(component string) bool { return slices.Contains(u.components, component) }

// Verify checks the signature by key. Whether the key belongs to Params.KeyID,
// and serves the purpose agent-request, is the caller's to know.
func (u *Unverified) Verify(key keys.PublicKey) error {
	if key.IsZero() || key.Algorithm() != u.algorithm {
		return fault(protocol.CodeAlgorithmRefused, "signature-input.alg", "not the algorithm of the key")
	}
	if !key.Verify(u.base, u.signature) {
		return fault(protocol.CodeSignatureInvalid, "signature", "")
	}
	return nil
}

// Check judges the times: created at most [MaxSkew] ahead of now, and now
// before expires. Otherwise the request is request_expired.
func (u *Unverified) Check(now time.Time) error {
	return checkTimes(u.params.Created, u.params.Expires, now)
}
