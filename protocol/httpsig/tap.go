package httpsig

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The tags of Visa's Trusted Agent Protocol: an agent that looks around, and
// one that is about to pay.
const (
	TagBrowser = "agent-browser-auth"
	TagPayer   = "agent-payer-auth"
)

// MaxTAPLifetime is the longest time from created to expires of a signature by
// the Trusted Agent Protocol.
const MaxTAPLifetime = 8 * time.Minute

// A TAP is a request signature by Visa's Trusted Agent Protocol that has not
// been checked. It is a type of its own, not an [Unverified]: as a rule such a
// signature covers @authority and @path and nothing else, so that the same
// signature fits another method, another query and another body. Uncovered
// says what it leaves open.
type TAP struct {
	Label            string // of the signature in Signature-Input; documented as "sig2"
	Tag              string // TagBrowser or TagPayer
	Created, Expires time.Time
	Nonce            string // as the agent chose it
	KeyID            string // opaque: the id of a key in the network's directory, not a DID URL

	algorithm  keys.Algorithm
	components []string
	uncovered  []string
	base       []byte
	signature  []byte
}

// ParseTAP reads the signature by the Trusted Agent Protocol of a request that
// a server received: the one member of Signature-Input whose tag is one of the
// two, whatever its label; signatures with other tags are not looked at. Two
// are malformed. The rules on authority and body are those of [ParseFor].
//
// It must cover @authority and @path, and may cover @method, @query,
// content-digest and header fields; components with parameters are refused.
// Needed are created, expires (at most eight minutes later), nonce, keyid and
// alg, which is ed25519 or ecdsa-p256-sha256; RSA, which the protocol also
// has, is algorithm_refused. Both fields are read as structured fields, so
// that the spelling keyId of early samples is malformed.
func ParseTAP(req *http.Request, body []byte, authority string) (*TAP, error) {
	if !validAuthority(authority) {
		return nil, fault(protocol.CodeFieldInvalid, "authority", "the server's own host in lower case, and port")
	}
	r, err := newRequest(req, authority)
	if err != nil {
		return nil, err
	}
	label, list, err := tapMember(req.Header)
	if err != nil {
		return nil, err
	}
	t := &TAP{Label: label}
	if t.components, err = componentNames(list); err != nil {
		return nil, err
	}
	if err := checkTAPComponents(t.components); err != nil {
		return nil, err
	}
	if err := t.readParams(list.Params); err != nil {
		return nil, err
	}
	if t.signature, err = tapSignature(req.Header, label); err != nil {
		return nil, err
	}
	if slices.Contains(t.components, contentDigest) {
		if err := checkDigest(r, body); err != nil {
			return nil, err
		}
	}
	params, err := httpsfv.Marshal(list)
	if err != nil {
		return nil, fault(protocol.CodeMalformed, "signature-input", "a structured field")
	}
	if t.base, err = r.base(t.components, params); err != nil {
		return nil, err
	}
	t.uncovered = uncovered(t.components, len(body) > 0)
	return t, nil
}

// tapMember finds the one signature with one of the two tags.
func tapMember(header http.Header) (label string, list httpsfv.InnerList, err error) {
	dict, err := tapDictionary(header, "signature-input")
	if err != nil {
		return "", list, err
	}
	for _, name := range dict.Names() {
		member, _ := dict.Get(name)
		l, ok := member.(httpsfv.InnerList)
		if !ok || l.Params == nil {
			continue
		}
		if tag, _ := l.Params.Get("tag"); tag != TagBrowser && tag != TagPayer {
			continue
		}
		if label != "" {
			return "", list, fault(protocol.CodeMalformed, "signature-input", "one signature with such a tag")
		}
		label, list = name, l
	}
	if label == "" {
		return "", list, fault(protocol.CodeFieldMissing, "signature-input", "no signature with such a tag")
	}
	return label, list, nil
}

func tapDictionary(header http.Header, field string) (*httpsfv.Dictionary, error) {
	lines := header.Values(field)
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	switch {
	case len(lines) == 0:
		return nil, fault(protocol.CodeSignatureInvalid, field, "the request is not signed")
	case size > maxField:
		return nil, fault(protocol.CodeTooLarge, field, "at most 4 KiB")
	}
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeMalformed, field, "IDN-04", "a structured field", err)
	}
	return dict, nil
}

func tapSignature(header http.Header, label string) ([]byte, error) {
	dict, err := tapDictionary(header, "signature")
	if err != nil {
		return nil, err
	}
	if member, ok := dict.Get(label); ok {
		if item, ok := member.(httpsfv.Item); ok {
			if sig, ok := item.Value.([]byte); ok {
				return sig, nil
			}
		}
	}
	return nil, fault(protocol.CodeFieldInvalid, "signature", "a byte sequence under the label of the signature")
}

func checkTAPComponents(components []string) error {
	for i, c := range components {
		if slices.Contains(components[:i], c) {
			return fault(protocol.CodeFieldInvalid, "signature-input", "no component twice")
		}
	}
	if !slices.Contains(components, "@authority") || !slices.Contains(components, "@path") {
		return fault(protocol.CodeFieldMissing, "signature-input", "@authority and @path are covered")
	}
	return nil
}

func (t *TAP) readParams(in *httpsfv.Params) error {
	text := func(name string, into *string) error {
		value, ok := in.Get(name)
		s, isText := value.(string)
		switch {
		case !ok || isText && s == "":
			return fault(protocol.CodeFieldMissing, "signature-input."+name, "")
		case canon.CheckID(s) != nil: // of what is no string too
			return fault(protocol.CodeFieldInvalid, "signature-input."+name, "1 to 256 visible ASCII characters")
		}
		*into = s
		return nil
	}
	moment := func(name string, into *time.Time) error {
		value, ok := in.Get(name)
		s, isNumber := value.(int64)
		switch {
		case !ok:
			return fault(protocol.CodeFieldMissing, "signature-input."+name, "")
		case !isNumber || s < 0:
			return fault(protocol.CodeFieldInvalid, "signature-input."+name, "whole seconds")
		}
		*into = time.Unix(s, 0).UTC()
		return nil
	}
	var alg string
	for _, err := range []error{
		moment("created", &t.Created), moment("expires", &t.Expires), text("nonce", &t.Nonce),
		text("keyid", &t.KeyID), text("alg", &alg), text("tag", &t.Tag),
	} {
		if err != nil {
			return err
		}
	}
	if life := t.Expires.Sub(t.Created); life <= 0 || life > MaxTAPLifetime {
		return fault(protocol.CodeFieldInvalid, "signature-input.expires", "after created, by at most eight minutes")
	}
	for _, known := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		if strings.EqualFold(alg, algorithmName(known)) { // samples write Ed25519
			t.algorithm = known
			return nil
		}
	}
	return fault(protocol.CodeAlgorithmRefused, "signature-input.alg", "ed25519 or ecdsa-p256-sha256")
}

// uncovered lists what a full signature would cover and this one does not.
func uncovered(components []string, hasBody bool) []string {
	var list []string
	for _, c := range required {
		if !slices.Contains(components, c) {
			list = append(list, c)
		}
	}
	if hasBody && !slices.Contains(components, contentDigest) {
		list = append(list, contentDigest)
	}
	return list
}

// Covers reports whether the signature covers a component.
func (t *TAP) Covers(component string) bool { return slices.Contains(t.components, component) }

// Uncovered names what a signature of our own form would cover of this request
// and this one leaves open: of "@method", "@query" and, when there is a body,
// "content-digest". Whoever holds the signature can change these until it
// expires. It is empty when nothing is left open.
func (t *TAP) Uncovered() []string { return slices.Clone(t.uncovered) }

// Verify checks the signature by key, which the caller has found under KeyID
// in the network's directory.
func (t *TAP) Verify(key keys.PublicKey) error {
	if key.IsZero() || key.Algorithm() != t.algorithm {
		return fault(protocol.CodeAlgorithmRefused, "signature-input.alg", "not the algorithm of the key")
	}
	if !key.Verify(t.base, t.signature) {
		return fault(protocol.CodeSignatureInvalid, "signature", "")
	}
	return nil
}

// Check judges the times: created at most [MaxSkew] ahead of now, and now
// before expires. Otherwise the request is request_expired.
func (t *TAP) Check(now time.Time) error { return checkTimes(t.Created, t.Expires, now) }

func checkTimes(created, expires, now time.Time) error {
	switch {
	case created.After(now.Add(MaxSkew)):
		return fault(protocol.CodeRequestExpired, "signature-input.created", "at most one minute ahead")
	case !now.Before(expires):
		return fault(protocol.CodeRequestExpired, "signature-input.expires", "still to come")
	}
	return nil
}
