package agent

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An Attempt is what FetchAny got at one seller, and why it went on or stopped.
type Attempt struct {
	Request *http.Request // the one that was given
	Host    string        // its host, without port
	Status  int           // of the answer, or 0
	Err     error         // why this is not what was wanted: none came, or a status of 400 or more; or nil
	Open    bool          // money may have moved, or has: nobody else is asked
}

// FetchAny fetches the same thing from the first of several sellers that
// delivers it (PSD-PAY-A402-05, PSD-PAY-AUP-02): one request a seller, in the
// order of preference, through a client whose Transport is of this agent, or
// wraps one that is. It returns the answer, whose body the caller closes, and
// what happened at each seller.
//
// It goes on to the next seller only when it is certain that nothing was paid at
// the one before, and none of the requests has an open payment: such requests
// are made first, and until they are settled nobody else is asked. A status of 400
// or more that cost nothing is no delivery, and the next seller is asked. One
// that was paid for, a 404 for example, is what that seller sold
// (merchant.Offer): it is returned with its body like any answer, its Attempt has
// both Err and Open, and nobody else is paid for the same.
//
// When something was paid, or may have been, the
// outcome at that seller is returned as http.Client.Do gave it; when no seller
// delivered, an error of code no_match: nothing was paid then, and the attempts
// say why.
//
// The bodies of requests must be ones that can be had again (GetBody). What it
// does not check: payments for what a request is redirected to, made by earlier
// calls, are not looked for; and whether the sellers offer the same.
func (a *Agent) FetchAny(ctx context.Context, client *http.Client, requests ...*http.Request) (*http.Response, []Attempt, error) {
	ordered, err := a.openFirst(ctx, requests)
	if err != nil {
		return nil, nil, err
	}
	var attempts []Attempt
	for _, r := range ordered {
		response, at, err := a.attempt(ctx, client, r)
		attempts = append(attempts, at)
		if at.Err == nil || at.Open || ctx.Err() != nil {
			return response, attempts, err
		}
		if err == nil {
			drain(response)
		}
	}
	return nil, attempts, protocol.New(protocol.CodeNoMatch, "requests", "PSD-PAY-AUP-02", "no seller delivered, and nothing was paid")
}

// A candidate is a request, and what a payment for it is known by.
type candidate struct {
	request *http.Request
	subject string
}

// openFirst puts the requests that have an open payment before the others.
func (a *Agent) openFirst(ctx context.Context, requests []*http.Request) ([]candidate, error) {
	var open, rest []candidate
	for _, r := range requests {
		subject, err := a.subject(r)
		if err != nil {
			return nil, err
		}
		unsettled, err := a.unsettled(ctx, subject)
		switch {
		case err != nil:
			return nil, err
		case unsettled:
			open = append(open, candidate{r, subject})
		default:
			rest = append(rest, candidate{r, subject})
		}
	}
	return append(open, rest...), nil
}

// attempt fetches from one seller. The error is the client's.
func (a *Agent) attempt(ctx context.Context, client *http.Client, c candidate) (*http.Response, Attempt, error) {
	watched, track := withTrail(ctx)
	response, err := client.Do(c.request.Clone(watched))
	at := Attempt{Request: c.request, Host: hostname(host(c.request)), Err: err}
	if err == nil {
		if at.Status = response.StatusCode; at.Status >= http.StatusBadRequest {
			at.Err = protocol.New(protocol.CodeServiceUnavailable, "status", "PSD-PAY-A402-05", "the seller answered with an error")
		}
	}
	open, unknown := a.unsettled(context.WithoutCancel(ctx), c.subject)
	at.Open = open || unknown != nil || !track.clear()
	return response, at, err
}

// unsettled reports whether a subject has an open payment.
func (a *Agent) unsettled(ctx context.Context, subject string) (bool, error) {
	history, err := a.config.Spent.History(ctx, "", subject)
	return history.Open != nil, err
}

// subject is what a payment for a request that was not sent yet is known by.
func (a *Agent) subject(r *http.Request) (string, error) {
	var body []byte
	if r.Body != nil && r.Body != http.NoBody {
		if r.GetBody == nil {
			return "", protocol.New(protocol.CodeFieldMissing, "body", "PSD-PAY-A402-06", "a body that can be had again is needed")
		}
		again, err := r.GetBody()
		if err != nil {
			return "", protocol.Wrap(protocol.CodeServiceUnavailable, "body", "PSD-PAY-A402-06", "the body cannot be had again", err)
		}
		if body, err = readAll(again, a.config.MaxBody); err != nil {
			return "", err
		}
	}
	fingerprint, err := payment.Fingerprint(method(r), target(r), r.Header.Get("Content-Type"), body)
	if err != nil {
		return "", err
	}
	subject, _ := subjectOf(r, fingerprint)
	return subject, nil
}
