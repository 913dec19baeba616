// Package psp is the HTTP client of a payment service provider that speaks
// SPEC.md 6: it asks for payments and for what became of them, on behalf of an
// agent, and consumes proofs, confirms fulfilments and gives money back, on
// behalf of a merchant.
//
// A Client signs what it sends, with a fresh nonce and time in each
// transmission, and verifies what it gets: a Result it returns was signed by
// the provider and answers the request that was asked. Give it an http.Client
// that trusts the provider's certificate, and nobody's else if you can.
//
// What it promises: an error that is not errors.Is ErrUndetermined means that
// the provider has refused, and that no money moved by this request. Anything
// that leaves room for another ending, a lost connection for example, is
// undetermined, and of Pay it is outcome_unknown: ask Query. It never sends a
// request twice by itself and follows no redirect.
//
// An instant payment waits for the principal first: the error is a
// *payment.AwaitsConfirmation, with the address of the provider's cashier, and
// it is undetermined too, because nothing is paid and nothing refused.
//
// A refusal says what became of one message. When it is the provider's stored
// answer to the payment request itself, it is a *payment.Refusal: nothing was
// paid and nothing will be, whatever happened to other transmissions.
package psp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// Config is what a Client needs. All members but MethodSchemaURL, Now,
// Timeout and InsecureAllowHTTP are required.
type Config struct {
	// ID is the DID of the provider: to whom messages are addressed and whose
	// signatures are believed.
	ID string
	// Endpoint is the provider's URL, without a slash at its end; the paths
	// of SPEC.md 6 follow it.
	Endpoint string
	// Signer is the caller's: of purpose agent-request for Pay, Query and
	// Instrument, of purpose seller for Consume, ConfirmFulfilment and Refund, of
	// either for Trade.
	Signer *keys.Signer
	// Verifier checks the provider's answers.
	Verifier *verifier.Verifier
	// HTTP carries the requests. Its Timeout is not used.
	HTTP *http.Client

	// MethodSchemaURL names the form of payload that the provider takes, where
	// agents and merchants negotiate (SPEC.md 5.6); the profile's own if empty.
	MethodSchemaURL string

	Timeout time.Duration    // of one call; 20 seconds
	Now     func() time.Time // nil means time.Now

	// InsecureAllowHTTP allows an Endpoint without TLS. Answers are signed,
	// but refusals are not, and requests carry the whole mandate.
	InsecureAllowHTTP bool
}

// A Client talks to one provider for one agent or merchant. It is safe for
// concurrent use.
type Client struct {
	config Config
	http   http.Client
}

const (
	defaultTimeout = 20 * time.Second
	maxAnswer      = canon.DefaultMaxBytes
	speaker        = "the payment service provider"
)

// New checks the configuration and returns a Client. It does not connect.
func New(c Config) (*Client, error) {
	if _, err := identity.ParseDID(c.ID); err != nil {
		return nil, protocol.In(err, "id")
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(c.Endpoint, "/") ||
		u.Scheme != "https" && !(u.Scheme == "http" && c.InsecureAllowHTTP) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "endpoint", "PSD-PAY-A402-17", "an https URL without query and final slash")
	}
	for _, m := range []struct {
		name    string
		missing bool
	}{{"signer", c.Signer == nil}, {"verifier", c.Verifier == nil}, {"http", c.HTTP == nil}} {
		if m.missing {
			return nil, protocol.New(protocol.CodeFieldMissing, m.name, "", "")
		}
	}
	if c.MethodSchemaURL == "" {
		c.MethodSchemaURL = commerce.ProfileSchemaURL
	}
	if !wire.PlainURL(c.MethodSchemaURL) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "method_schema_url", "CID-PCA-NEG-04", "an https URL without query and final slash")
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := http.Client{
		Transport:     c.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{config: c, http: client}, nil
}

// ID is the DID of the provider.
func (c *Client) ID() string { return c.config.ID }

// Endpoint is the URL of the provider.
func (c *Client) Endpoint() string { return c.config.Endpoint }

// MethodSchemaURL names the form of payload that the provider takes.
func (c *Client) MethodSchemaURL() string { return c.config.MethodSchemaURL }

// A call is one message and what its answers may be.
type call struct {
	path    string
	message []byte
	about   string        // the payment request that is made or asked about, if any
	binding string        // the binding request, if it is one
	refund  string        // the refund request, if it is one
	lost    protocol.Code // when nobody knows whether the message was received
	mayWait bool          // 202 is an answer too
}

// post is exchange for a message about no payment, which is answered at once.
func (c *Client) post(ctx context.Context, path string, message []byte) ([]byte, error) {
	body, _, err := c.exchange(ctx, call{path: path, message: message, lost: protocol.CodeServiceUnavailable})
	return body, err
}

// exchange sends a signed message and returns the body of a successful answer,
// and whether it is one of waiting. A refusal is returned as what the provider
// said, everything else with the code lost, because nobody knows then whether
// the message was received.
func (c *Client) exchange(ctx context.Context, m call) (body []byte, waits bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.Endpoint+m.path, bytes.NewReader(m.message))
	if err != nil {
		return nil, false, protocol.Wrap(protocol.CodeFieldInvalid, "endpoint", "PSD-PAY-A402-17", "", err)
	}
	// Without GetBody the transport cannot send the message a second time.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, false, protocol.Wrap(m.lost, "", "PSD-PAY-A402-23", "the payment service provider did not answer", err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return nil, false, protocol.Wrap(m.lost, "", "PSD-PAY-A402-23", "the answer was cut off or too large", err)
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return body, false, nil
	case response.StatusCode == http.StatusAccepted && m.mayWait:
		return body, true, nil
	}
	switch {
	case m.binding != "":
		err = problem.DecodeBinding(response.StatusCode, body, speaker, m.path, m.binding)
	case m.refund != "":
		err = problem.DecodeRefund(response.StatusCode, body, speaker, m.path, m.refund)
	default:
		err = problem.DecodePayment(response.StatusCode, body, speaker, m.path, m.about)
	}
	if e := protocol.AsError(err); e.Code == protocol.CodeServiceUnavailable {
		e.Code = m.lost
	}
	return nil, false, err
}

// unverified is the error for an answer that cannot be believed.
func unverified(lost protocol.Code, err error) error {
	return protocol.Wrap(lost, "", "PSD-PAY-A402-23", "an answer that is not, or not verifiably, the provider's", err)
}
