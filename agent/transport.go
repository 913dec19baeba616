package agent

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// Transport returns a http.RoundTripper that pays for what answers 402 with a
// bill (PSD-PAY-A402), by directed payment when the mandate is SPECIFIED and by
// autonomous payment when it is BOUNDED, and returns the paid answer. All other
// requests and answers pass through base unchanged; nil means
// http.DefaultTransport.
//
// A request is paid for at most once. When the seller cannot check the proof
// now, the same proof is presented again for as long as the agent's Patience
// lasts; when the connection or the patience ends before the delivery, the
// payment stays open and the next request that is the same, in method, target,
// body and Idempotency-Key, presents the proof instead of paying. Two such
// requests at once are made one after the other, and each is paid for.
//
// A paid answer is delivered when it has come to its end. It is taken in before
// it is returned, and fetched again by the same proof when it breaks off. Not
// taken in are one of more than MaxBody and one that the seller still makes: the
// payment for it stays open until the caller has read it to its end.
//
// An answer that redirects is followed by the http.Client, also a paid one, and
// what answers there may be paid for in turn, within the mandate: set
// CheckRedirect where that is not wanted.
//
// A refused purchase is an error that errors.As finds as *protocol.Error behind
// the *url.Error of an http.Client; nothing was paid then unless its code is
// outcome_unknown, for which see Unresolved, or begins with "proof_". A request whose body could not be
// sent a second time, because it has no GetBody and is larger than MaxBody, is
// refused before it is sent at all.
func (a *Agent) Transport(base http.RoundTripper) http.RoundTripper {
	return a.buyer().transport(base)
}

func (b buyer) transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{buyer: b, base: base}
}

type transport struct {
	buyer
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	trailOf(req.Context()).pass()
	first, content, err := t.outgoing(req)
	if err != nil {
		return nil, err
	}
	response, err := t.base.RoundTrip(first)
	if err != nil || response.StatusCode != http.StatusPaymentRequired || len(response.Header.Values(payment.HeaderNeeded)) == 0 {
		return response, err
	}
	drain(response)
	body, err := content()
	if err != nil {
		return nil, err
	}
	return t.buy(req, body, response.Header)
}

// outgoing returns the request to send first, and a function that gives the
// bytes of its body afterwards.
func (t *transport) outgoing(req *http.Request) (*http.Request, func() ([]byte, error), error) {
	limit := t.agent.config.MaxBody
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return req, func() ([]byte, error) { return nil, nil }, nil
	case req.GetBody != nil:
		return req, func() ([]byte, error) {
			body, err := req.GetBody()
			if err != nil {
				return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "body", "PSD-PAY-A402-06", "the body cannot be had again", err)
			}
			return readAll(body, limit)
		}, nil
	}
	body, err := readAll(req.Body, limit)
	if err != nil {
		return nil, nil, err
	}
	return withBody(req, body), func() ([]byte, error) { return body, nil }, nil
}

// readAll reads and closes a body.
func readAll(body io.ReadCloser, limit int64) ([]byte, error) {
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "body", "PSD-PAY-A402-06", "the body could not be read", err)
	}
	if int64(len(data)) > limit {
		return nil, protocol.New(protocol.CodeTooLarge, "body", "PSD-PAY-A402-06", "a body of this size cannot be sent a second time")
	}
	return data, nil
}

// withBody is a copy of req that sends body.
func withBody(req *http.Request, body []byte) *http.Request {
	req = req.Clone(req.Context())
	if len(body) == 0 {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
		return req
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = int64(len(body))
	return req
}

// buy pays for a request and sends it again.
func (t *transport) buy(req *http.Request, body []byte, answer http.Header) (*http.Response, error) {
	a, ctx := t.agent, req.Context()
	// What is paid for is computed here and never taken from the seller
	// (PSD-PAY-A402-16).
	fingerprint, err := payment.Fingerprint(method(req), target(req), req.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	subject, key := subjectOf(req, fingerprint)
	unlock, err := a.locks.lock(ctx, subject)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p, err := t.open(ctx, subject)
	if err != nil {
		return nil, err
	}
	if p == nil {
		bill, header, err := t.bill(req, body, fingerprint, key, answer)
		if err != nil {
			return nil, err
		}
		if p, err = t.payBill(ctx, req, subject, bill, header); err != nil {
			return nil, err
		}
	}
	return a.present(t.base, req, body, p)
}

// subjectOf is what a payment for a request is known by, and the request's
// idempotency key where it counts.
func subjectOf(req *http.Request, fingerprint canon.Digest) (subject, key string) {
	subject = string(fingerprint)
	if !payment.SafeMethod(method(req)) {
		if key = req.Header.Get("Idempotency-Key"); key != "" {
			subject += " " + key
		}
	}
	return subject, key
}

// bill verifies the bill of an answer. When it is too late to pay it a new one
// is fetched, once (PSD-PAY-A402-18).
func (t *transport) bill(req *http.Request, body []byte, fingerprint canon.Digest, key string, answer http.Header) (payment.Bill, string, error) {
	a := t.agent
	for fresh := false; ; fresh = true {
		header, err := payment.Header(answer, payment.HeaderNeeded)
		if err != nil {
			return payment.Bill{}, "", err
		}
		verified, err := a.config.Verifier.Bill(req.Context(), header, a.expect(header, verifier.BillExpectation{
			RequestMethod: method(req), Fingerprint: fingerprint, IdempotencyKey: key,
		}))
		if err == nil {
			return verified.Value(), header, nil
		}
		if fresh || protocol.CodeOf(err) != protocol.CodeOrderExpired {
			return payment.Bill{}, "", err
		}
		response, err := t.base.RoundTrip(withBody(req, body))
		if err != nil {
			return payment.Bill{}, "", err
		}
		drain(response)
		answer = response.Header
	}
}

// expect adds who the agent is, and how it can pay a bill: at the provider that
// the bill names, if it has an instrument there.
func (a *Agent) expect(header string, e verifier.BillExpectation) verifier.BillExpectation {
	named := a.instruments()[:1]
	if u, err := payment.ParseBill(header); err == nil {
		if there := a.instruments().at(u.Bill.PSPID, ""); len(there) > 0 {
			named = there
		}
	}
	e.Agent, e.PSP, e.Methods = a.id, named[0].PSP.ID(), named.methods()
	return e
}

// payBill pays a verified bill (PSD-PAY-A402-05, -17).
func (b buyer) payBill(ctx context.Context, req *http.Request, subject string, bill payment.Bill, header string) (*Payment, error) {
	a := b.agent
	now := a.config.Now()
	urn, err := payment.MethodURN(bill.MethodID)
	if err != nil {
		return nil, err
	}
	return b.pay(ctx, charge{
		subject: subject, provider: bill.PSPID, host: host(req), merchant: bill.SellerID, orderNo: bill.OutTradeNo,
		what: bill.ResourceID, bill: header, until: bill.PayBefore, among: b.mandates,
		purchase: delegation.Purchase{
			At: now, Amount: bill.Amount, Merchant: bill.SellerID, Categories: []string{bill.Category}, Method: urn,
			DeliverBy:      now, // what a machine reads is delivered at once
			CataloguePrice: a.price(bill.SellerID, bill.ResourceID),
		},
	})
}

func method(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

// target is the target URI as the seller sees it: Host may differ from the
// address that is connected to.
func target(req *http.Request) string {
	return req.URL.Scheme + "://" + host(req) + req.URL.RequestURI()
}

func host(req *http.Request) string {
	if req.Host != "" {
		return req.Host
	}
	return req.URL.Host
}
