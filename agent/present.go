package agent

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	signatureLife = 2 * time.Minute // of the signature of one presentation
	presentPause  = 250 * time.Millisecond
	maxPause      = 10 * time.Second
	maxDrain      = 64 << 10
	maxDrainTime  = 500 * time.Millisecond
)

// undelivered is the error when something was paid for and the seller has
// neither delivered nor refused it.
func undelivered(cause error) error {
	return protocol.Wrap(protocol.CodeOutcomeUnknown, "", "PSD-PAY-A402-23", "paid and not delivered yet; the same request presents the same proof again", cause)
}

// insist sends something that may be repeated until the seller answers it:
// while there is no answer, or 503 or 429, it waits as Retry-After says, within
// the agent's patience. It never pays.
func (a *Agent) insist(ctx context.Context, send func() (*http.Response, error)) (*http.Response, error) {
	until := time.Now().Add(a.config.Patience)
	for pause := presentPause; ; pause = min(2*pause, maxPause) {
		response, err := send()
		wait := pause
		if err == nil {
			if response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusTooManyRequests {
				return response, nil
			}
			if seconds, bad := strconv.Atoi(response.Header.Get("Retry-After")); bad == nil && seconds >= 0 {
				wait = max(pause, time.Duration(min(seconds, 3600))*time.Second)
			}
			drain(response)
		}
		if time.Now().Add(wait).After(until) || !sleep(ctx, wait) {
			return nil, undelivered(err)
		}
	}
}

// present sends a request again with the proof of its payment (PSD-PAY-A402-06):
// same method, target and body, signed by the key that paid. The proof goes
// nowhere else: a redirect is followed by the http.Client with the headers of
// the original request, which has none.
func (a *Agent) present(base http.RoundTripper, req *http.Request, body []byte, p *Payment) (*http.Response, error) {
	ctx := req.Context()
	inner, err := payment.ParseProofClaims(p.Proof)
	if err != nil {
		return nil, err
	}
	if !a.config.Now().Before(inner.Claims.Expires) {
		return nil, protocol.New(protocol.CodeProofExpired, "payment_proof", "PSD-PAY-A402-06", "paid, not delivered, and the proof has expired; abandon the payment to buy anew")
	}
	header, err := inner.Proof().EncodeHeader()
	if err != nil {
		return nil, err
	}
	response, err := a.insist(ctx, func() (*http.Response, error) {
		again := withBody(req, body)
		again.Header.Set(payment.HeaderProof, header)
		if err := httpsig.Sign(again, body, a.config.Signer, a.config.Now(), signatureLife, "payment-proof"); err != nil {
			return nil, err
		}
		response, err := base.RoundTrip(again)
		if err != nil || !delivered(validationOf(response), response.StatusCode) {
			return response, err
		}
		return response, a.takeIn(ctx, response, p)
	})
	if err != nil {
		return nil, err
	}
	return a.settle(ctx, response, p)
}

// takeIn reads what was delivered, and closes the payment when it has come to
// its end, and not before: a connection that breaks off in the middle, whoever
// breaks it, must not lead to a second payment. An answer of more than MaxBody
// is closed by whoever reads the rest of it. After an error nothing of the
// answer is left.
func (a *Agent) takeIn(ctx context.Context, response *http.Response, p *Payment) error {
	body := response.Body
	begin, err := io.ReadAll(io.LimitReader(body, a.config.MaxBody))
	if err != nil {
		_ = body.Close()
		return err
	}
	rest := &ending{body, func() { a.close(ctx, p) }}
	if int64(len(begin)) < a.config.MaxBody {
		rest.done()
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begin), rest), body}
	return nil
}

// settle judges the answer to a proof. Payment-Validation is not signed: it can
// make the agent wait or stop, never pay.
func (a *Agent) settle(ctx context.Context, response *http.Response, p *Payment) (*http.Response, error) {
	validation := validationOf(response)
	if response.StatusCode == http.StatusPaymentRequired || validation != nil && validation.Status == payment.ValidationInvalid {
		drain(response)
		// The code is the seller's, too. One that does not speak of the proof
		// would say that nothing was paid.
		code := protocol.CodeProofInvalid
		if validation != nil && validation.Error != nil {
			switch said := validation.Error.Code(); said {
			case protocol.CodeProofExpired, protocol.CodeProofMismatch, protocol.CodeProofUsed:
				code = said
			}
		}
		return nil, protocol.New(code, "payment_proof", "PSD-PAY-A402-23", "paid, and the seller refuses the proof; it is not paid for again")
	}
	if started(validation, response.StatusCode) {
		response.Body = &ending{response.Body, func() { a.close(ctx, p) }}
	}
	return response, nil
}

// validationOf is the Payment-Validation of an answer, or nil.
func validationOf(response *http.Response) *payment.Validation {
	header, err := payment.Header(response.Header, payment.HeaderValidation)
	if err != nil || header == "" {
		return nil
	}
	v, err := payment.ParseValidation(header)
	if err != nil {
		return nil
	}
	return &v.Validation
}

// delivered reports whether an answer says that it is the delivery.
func delivered(v *payment.Validation, status int) bool {
	switch {
	case v == nil:
		return status < http.StatusBadRequest
	case status >= http.StatusInternalServerError, status == http.StatusPaymentRequired, status == http.StatusTooManyRequests:
		return false
	}
	return v.Status == payment.ValidationValid && v.Delivery == payment.DeliveryDelivered
}

// drain reads the rest of an answer nobody wants, so that its connection can
// be used again. A seller that sends it slowly, or never ends, is not waited
// for: net/http bodies can be closed while they are read.
func drain(response *http.Response) {
	timer := time.AfterFunc(maxDrainTime, func() { _ = response.Body.Close() })
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxDrain))
	timer.Stop()
	_ = response.Body.Close()
}
