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

// Sign adds the headers Content-Digest (when body is not empty),
// Signature-Input and Signature to a client's request, in place of any that
// are there. The signer's key has the purpose agent-request. The signature is
// created at the given time and expires after lifetime, at most [MaxLifetime];
// both are cut to whole seconds. extra names further header fields to cover,
// in lower case, each of which the request must have exactly once.
//
// body must be what req.Body will yield: Sign does not read req.Body. Neither
// method, URL, Host nor a covered header may change afterwards. On an error
// the request is unchanged.
func Sign(req *http.Request, body []byte, s *keys.Signer, at time.Time, lifetime time.Duration, extra ...string) error {
	seconds := lifetime.Truncate(time.Second)
	if seconds <= 0 || seconds > MaxLifetime {
		return fault(protocol.CodeFieldInvalid, "lifetime", "between one second and five minutes")
	}
	authority, err := clientAuthority(req)
	if err != nil {
		return err
	}
	r, err := newRequest(req, authority)
	if err != nil {
		return err
	}
	header := req.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	components := slices.Clone(required)
	header.Del(contentDigest)
	if len(body) > 0 {
		header.Set(contentDigest, digest(body))
		components = append(components, contentDigest)
	}
	r.header = header
	components = append(components, extra...)
	if err := checkComponents(components, len(body) > 0); err != nil {
		return err
	}
	created := at.UTC().Truncate(time.Second)
	params := Params{Created: created, Expires: created.Add(seconds), Nonce: canon.Nonce(), KeyID: s.KeyID(), DID: s.DID(), Tag: Tag}
	list := httpsfv.InnerList{Params: params.encode(s.Public().Algorithm())}
	for _, c := range components {
		list.Items = append(list.Items, httpsfv.NewItem(c))
	}
	input, err := httpsfv.Marshal(list)
	if err != nil {
		return protocol.Wrap(protocol.CodeFieldInvalid, "signature-input", "IDN-04", "not to be written as a structured field", err)
	}
	base, err := r.base(components, input)
	if err != nil {
		return err
	}
	sig, err := s.Sign(keys.AgentRequest, base)
	if err != nil {
		return err
	}
	output, err := httpsfv.Marshal(httpsfv.NewItem(sig))
	if err != nil {
		return protocol.Wrap(protocol.CodeFieldInvalid, "signature", "IDN-04", "not to be written as a structured field", err)
	}
	header.Set("Signature-Input", Label+"="+input)
	header.Set("Signature", Label+"="+output)
	req.Header = header
	return nil
}

// clientAuthority returns the authority that the request will be sent to, in
// lower case and without the scheme's default port (RFC 9421, 2.2.3).
func clientAuthority(req *http.Request) (string, error) {
	authority := req.Host
	if req.URL == nil {
		return "", fault(protocol.CodeFieldMissing, "@authority", "a request without URL")
	}
	if authority == "" {
		authority = req.URL.Host
	}
	authority = strings.ToLower(authority)
	switch strings.ToLower(req.URL.Scheme) {
	case "https":
		authority = strings.TrimSuffix(authority, ":443")
	case "http":
		authority = strings.TrimSuffix(authority, ":80")
	default:
		return "", fault(protocol.CodeFieldInvalid, "@authority", "an http or https URL")
	}
	if !validAuthority(authority) {
		return "", fault(protocol.CodeFieldInvalid, "@authority", "a host, and a port when it is not the default")
	}
	return authority, nil
}
