package agentauth

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The header fields that carry tokens of SPEC.md 9.1 beside a signature. Each
// has one line, and the signature covers it.
const (
	HeaderCredential = "Act-Agent-Identity"
	HeaderBinding    = "Act-Principal-Binding"
)

const (
	defaultMaxBody  = 1 << 20
	defaultLifetime = time.Minute
	// maxToken bounds a token in a header field: servers and proxies refuse
	// longer headers in their own ways.
	maxToken = 4 << 10
)

// TransportConfig is what a signing transport needs. Signer is required.
type TransportConfig struct {
	Signer     *keys.Signer      // the agent's, of purpose agent-request
	Base       http.RoundTripper // nil means http.DefaultTransport
	Credential []byte            // identity credential for the signer's key, sent with every request; may be nil
	Covers     []string          // further header fields, in lower case, that are signed where a request has them
	Lifetime   time.Duration     // of a signature, at most five minutes; 0 means one minute
	MaxBody    int64             // largest body, in bytes, since it is read before it is sent; 0 means 1 MiB
	Now        func() time.Time  // nil means time.Now
}

// NewTransport returns a http.RoundTripper that signs each request for the
// authority it goes to (SPEC.md 9.2). A HeaderBinding that a request carries is
// signed with it. A request that is signed already, by a paying transport above
// for example, is passed on as it is.
//
// An http.Client that follows redirects has every hop signed anew, and so
// shows the agent's name to every host it is sent to; set CheckRedirect where
// that matters. When a connection breaks, Go's transport may send a GET a
// second time by itself; a server that had received the first then answers the
// second with replayed.
//
// It refuses a credential of another agent or key, with agent_mismatch.
func NewTransport(c TransportConfig) (http.RoundTripper, error) {
	if c.Signer == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "IDN-04", "")
	}
	if c.Signer.Purpose() != keys.AgentRequest {
		return nil, protocol.New(protocol.CodeKeyPurpose, "signer", "IDN-04", "a key for agent requests")
	}
	if c.Credential != nil {
		u, err := identity.ParseCredential(c.Credential)
		if err != nil {
			return nil, protocol.In(err, "credential")
		}
		if id := u.Credential(); id.Agent != c.Signer.DID() || !id.Holder.Equal(c.Signer.Public()) {
			return nil, protocol.New(protocol.CodeAgentMismatch, "credential", "IDN-01", "the credential of another agent or key")
		}
		if len(c.Credential) > maxToken {
			return nil, protocol.New(protocol.CodeTooLarge, "credential", "IDN-04", "at most 4 KiB in a header field")
		}
		c.Credential = bytes.Clone(c.Credential)
	}
	if c.Lifetime == 0 {
		c.Lifetime = defaultLifetime
	}
	if c.Lifetime < time.Second || c.Lifetime > httpsig.MaxLifetime {
		return nil, protocol.New(protocol.CodeFieldInvalid, "lifetime", "IDN-04", "between one second and five minutes")
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Base == nil {
		c.Base = http.DefaultTransport
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Covers = slices.Clone(c.Covers)
	return &transport{config: c}, nil
}

type transport struct{ config TransportConfig }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(req.Header.Values("Signature-Input")) > 0 {
		return t.config.Base.RoundTrip(req)
	}
	signed, err := t.sign(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return t.config.Base.RoundTrip(signed)
}

// sign returns a signed copy of the request.
func (t *transport) sign(req *http.Request) (*http.Request, error) {
	c := &t.config
	body, err := readBody(req.Body, req.ContentLength, c.MaxBody)
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	setBody(out, body)
	if c.Credential != nil {
		out.Header.Set(HeaderCredential, string(c.Credential))
	}
	var extra []string
	for _, name := range append([]string{strings.ToLower(HeaderCredential), strings.ToLower(HeaderBinding)}, c.Covers...) {
		if len(out.Header.Values(name)) > 0 && !slices.Contains(extra, name) {
			extra = append(extra, name)
		}
	}
	if err := httpsig.Sign(out, body, c.Signer, c.Now(), c.Lifetime, extra...); err != nil {
		return nil, err
	}
	return out, nil
}

// readBody reads and closes a body of at most limit bytes.
func readBody(body io.ReadCloser, length, limit int64) ([]byte, error) {
	if body == nil || body == http.NoBody {
		return nil, nil
	}
	defer body.Close()
	if length > limit {
		return nil, errBodySize
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeMalformed, "body", "IDN-04", "the body could not be read", err)
	}
	if int64(len(data)) > limit {
		return nil, errBodySize
	}
	return data, nil
}

var errBodySize = protocol.New(protocol.CodeTooLarge, "body", "IDN-04", "the body is larger than allowed")

// setBody gives a request a body in memory.
func setBody(req *http.Request, body []byte) {
	req.TransferEncoding, req.Trailer = nil, nil
	req.ContentLength = int64(len(body))
	if len(body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
		return
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body = io.NopCloser(bytes.NewReader(body))
}
