package merchant

import (
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An Offer is what a paywall sells. Every answer of the handler behind it that
// is below 500 is the delivery and is charged, a 404 too: the buyer paid for an
// answer, and "there is none" is one. Who does not want to be paid for that looks
// up what is asked for before the paywall. An answer of 500 or above is no
// delivery: the buyer has paid and keeps a proof that is good for another try,
// see Paywall; the shop owes the goods, or the money.
type Offer struct {
	// Resource is the resource_id: stable, unique in the shop, 1 to 256
	// visible ASCII characters (PSD-PAY-A402-01).
	Resource string
	// Name is what people call it, for rails that show it to the buyer. It may
	// be empty.
	Name string
	// Category is what a mandate's categories are compared with, for example
	// "data/report".
	Category string
	// Stream sends the answer to the buyer while next makes it: http.Flusher
	// works, and an answer of more than 4 KiB begins to be sent without. It is
	// kept all the same, and so MaxAnswer holds. See Paywall.
	Stream bool
	// Lease is the longest time that next may take; zero means Config.Lease.
	Lease time.Duration

	// Price of one request. A new price is for new bills; a proof of a bill
	// that was issued at the old one is still good.
	Price money.Amount
}

// Paywall sells what next answers, for one price a request (PSD-PAY-A402).
//
// A request without proof gets 402 and a signed bill for exactly this request,
// in the header Payment-Needed. A request with the provider's proof of having
// paid such a bill gets what next answers, once; the answer is kept, and the
// same proof with the same request gets it again. A proof that is not good for
// this request gets 402, a new bill and the reason in Payment-Validation; one
// that cannot be judged at the moment gets 503 and Retry-After and never a new
// bill.
//
// What next answers below 500 is the delivery, and charged, whatever it says:
// 404 as well as 200. When it answers 500 or above,
// panics, or writes more than MaxAnswer, the delivery has failed: for GET,
// HEAD, OPTIONS and TRACE, which change nothing, the same proof may try again;
// for other methods nobody can know how far next came, the delivery is Unknown
// and is not begun again until a person calls Shop.Reopen. Nothing that was
// paid for is lost in either case. next sees a context that ends with the
// lease and not when the buyer hangs up, and cannot hijack, nor flush without
// Offer.Stream.
//
// With Offer.Stream the buyer gets the answer while it is made, with a
// Payment-Validation that claims no more than that the delivery has started,
// and a buyer never holds next up. One who is cut off presents the same proof
// again and gets the answer from its start: what is there, and what is still
// being made, if this process makes it; the whole, from whichever process, once
// it is made. An answer that fails after its beginning was sent, or outgrows
// MaxAnswer, which is the most that can be kept, ends with the connection
// broken off, so that nobody takes it for the whole; it counts as failed as
// above.
//
// Bound to the payment are method, target, media type and body of the request,
// and of methods that may change something the Idempotency-Key. Not bound are
// other header fields, nor the parameters of the media type: next must not let
// them decide what it is that is sold.
// Two bills for one Idempotency-Key are two purchases.
//
// It panics when the offer cannot be billed, with no price for example, or in a
// currency that the rail does not have, or when
// next is nil, as http.ServeMux does with a bad pattern: better when the program
// starts than at every answer. Check an Offer that comes from elsewhere first.
func (s *Shop) Paywall(offer Offer, next http.Handler) http.Handler {
	err := offer.Check()
	if err == nil {
		err = s.rail.CheckOffer(offer)
	}
	if err != nil {
		panic(err)
	}
	if next == nil {
		panic(protocol.New(protocol.CodeFieldMissing, "next", "PSD-PAY-A402-01", "a paywall without a handler"))
	}
	return &paywall{shop: s, offer: offer, next: next}
}

// Check tells whether the offer can be billed (SPEC.md 6.4).
func (o Offer) Check() error {
	r := wire.Reader{Requirement: "PSD-PAY-A402-01"}
	r.ID("resource", o.Resource)
	r.Category("category", o.Category)
	if !o.Price.Valid() || o.Price.IsZero() {
		r.Invalid("price", "must be more than zero")
	}
	return r.Err()
}

type paywall struct {
	shop  *Shop
	offer Offer
	next  http.Handler
}

// An asked request is one as the paywall reads it.
type asked struct {
	method      string
	fingerprint canon.Digest
	key         string // Idempotency-Key of a method that may change something, or ""
	body        []byte
}

// ServeHTTP implements http.Handler.
func (p *paywall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, status, err := p.shop.read(w, r)
	if err != nil {
		problem.WriteStatus(w, status, err, 0)
		return
	}
	header, err := payment.Header(r.Header, payment.HeaderProof)
	if err == nil && header == "" {
		p.needed(w, r, q, nil)
		return
	}
	var c presented
	if err == nil {
		c.proof, err = p.shop.rail.Read(header)
	}
	if err == nil {
		err = p.check(r, q, &c)
	}
	var d Delivery
	var sent bool
	if err == nil {
		d, sent, err = p.shop.deliver(r, job{
			paid: c.paid, consume: c.proof.Consume, binding: c.paid.binding(q.method, q.fingerprint, c.key),
			repeatable: payment.SafeMethod(q.method), body: q.body, next: p.next,
			lease: p.offer.Lease, flushes: p.offer.Stream, out: p.outlet(w, r, c),
		})
	}
	switch {
	case err != nil:
		p.refuse(w, r, q, c, err)
	case !sent:
		p.answer(w, c, d)
	}
}

// read takes in the whole request.
func (s *Shop) read(w http.ResponseWriter, r *http.Request) (q asked, status int, err error) {
	body, err := readBody(w, r, s.config.MaxBody)
	if err != nil {
		return asked{}, http.StatusRequestEntityTooLarge, err
	}
	bad := func(field, detail string) (asked, int, error) {
		return asked{}, http.StatusBadRequest, protocol.New(protocol.CodeFieldInvalid, field, "PSD-PAY-A402-16", detail)
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	// A fragment, which no client sends, is not in the fingerprint, and net/http
	// would make it a part of path or query.
	if !strings.HasPrefix(target, "/") || strings.Contains(target, "#") {
		return bad("target_uri", "a request target in origin form")
	}
	if len(r.Header.Values("Content-Type")) > 1 {
		return bad("content_type", "one line")
	}
	q = asked{method: r.Method, body: body}
	if q.fingerprint, err = payment.Fingerprint(r.Method, s.config.Origin+target, r.Header.Get("Content-Type"), body); err != nil {
		return asked{}, http.StatusBadRequest, err
	}
	if !payment.SafeMethod(r.Method) {
		switch keys := r.Header.Values("Idempotency-Key"); len(keys) {
		case 0:
		case 1:
			q.key = keys[0]
			if canon.CheckID(q.key) != nil {
				return bad("idempotency_key", "1 to 256 visible ASCII characters")
			}
		default:
			return bad("idempotency_key", "one line")
		}
	}
	return q, 0, nil
}

// needed answers 402 with a new bill (PSD-PAY-A402-02). why is nil for a
// request that came without a proof.
func (p *paywall) needed(w http.ResponseWriter, r *http.Request, q asked, why error) {
	bill, err := p.bill(r, q)
	if err != nil {
		problem.WriteStatus(w, http.StatusServiceUnavailable, unavailable("this cannot be billed", err), retrySeconds)
		return
	}
	w.Header().Set(payment.HeaderNeeded, bill)
	if why != nil {
		problem.WriteStatus(w, http.StatusPaymentRequired, why, 0)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusPaymentRequired)
	_, _ = w.Write([]byte("Payment is needed. The header Payment-Needed says what for and how much.\n"))
}

// bill makes and signs a bill. A bill is new each time and never changed
// (PSD-PAY-A402-14).
func (p *paywall) bill(r *http.Request, q asked) (string, error) {
	s, now := p.shop, p.shop.config.Now()
	key := q.key
	if key == "" && !payment.SafeMethod(q.method) && !s.traits.Unkeyed {
		key = canon.Nonce()
	}
	t := terms{
		resource: p.offer.Resource, amount: p.offer.Price.String(), currency: p.offer.Price.Currency().Code(),
		fingerprint: q.fingerprint, idempotencyKey: key,
	}
	return s.rail.Bill(r.Context(), Demand{
		OutTradeNo: t.number(s.config.BillKey, now), Offer: p.offer,
		IssuedAt: now, PayBefore: now.Add(s.config.BillLifetime), ReplayWindow: s.config.BillLifetime,
		Method: q.method, Fingerprint: q.fingerprint, IdempotencyKey: key,
	})
}

// refuse answers a proof that was not accepted: 402, a new bill and INVALID
// when it is wrong (PSD-PAY-A402-09), 503 and UNKNOWN when that could not be
// decided (PSD-PAY-A402-23).
func (p *paywall) refuse(w http.ResponseWriter, r *http.Request, q asked, c presented, err error) {
	e := protocol.AsError(err)
	status := payment.ValidationInvalid
	if e.Code.Outcome() == protocol.Undetermined {
		status = payment.ValidationUnknown
	}
	a402 := payment.A402ErrorFor(e.Code).At(payment.PhaseProofValidation)
	c.tell(p.shop, w, payment.Validation{Status: status, Delivery: payment.DeliveryNotStarted, Fulfillment: payment.FulfillmentNotConfirmed, Error: &a402})
	if status == payment.ValidationUnknown {
		problem.WriteStatus(w, http.StatusServiceUnavailable, e, retrySeconds)
		return
	}
	p.needed(w, r, q, e)
}

// outlet is where the answer goes as it is made, or nil. In HTTP/1.0 the end of
// an answer without a length is the end of the connection, also of one that is
// broken off: the buyer, or a proxy before it, would take the part for the
// whole. It gets the answer when it is made.
func (p *paywall) outlet(w http.ResponseWriter, r *http.Request, c presented) *outlet {
	if !p.offer.Stream || !r.ProtoAtLeast(1, 1) {
		return nil
	}
	return &outlet{w: w, tell: func() {
		c.tell(p.shop, w, payment.Validation{
			Status: payment.ValidationValid, Delivery: payment.DeliveryStarted,
			Fulfillment: payment.FulfillmentNotConfirmed, State: payment.StateWaitSellerFulfillment,
		})
	}}
}

// answer sends what is known of a delivery (PSD-PAY-A402-19, -22).
func (p *paywall) answer(w http.ResponseWriter, c presented, d Delivery) {
	v := payment.Validation{Status: payment.ValidationValid, Fulfillment: payment.FulfillmentNotConfirmed, State: payment.StateWaitSellerFulfillment}
	switch d.State {
	case Delivered:
		v.Delivery, v.Fulfillment, v.State = payment.DeliveryDelivered, payment.FulfillmentPending, payment.StateWaitBuyerReceipt
	case Confirmed:
		v.Delivery, v.Fulfillment, v.State = payment.DeliveryDelivered, payment.FulfillmentConfirmed, d.TradeState
	case Rejected:
		v.Delivery, v.Fulfillment, v.State = payment.DeliveryDelivered, payment.FulfillmentFailed, payment.StateWaitBuyerReceipt
	case Claimed:
		v.Delivery = payment.DeliveryStarted
		if d.Answer != nil { // made, handed over, and not kept
			v.Delivery = payment.DeliveryDelivered
		}
	case Failed:
		v.Delivery = payment.DeliveryFailed
	default:
		v.Delivery = payment.DeliveryUnknown
	}
	c.tell(p.shop, w, v)
	writeDelivery(w, d)
}

// writeDelivery sends the answer of a delivery, or says that there is none
// yet.
func writeDelivery(w http.ResponseWriter, d Delivery) {
	switch {
	case d.Answer != nil:
		writeAnswer(w, *d.Answer)
	case d.State == Claimed, d.State == Failed:
		problem.Write(w, protocol.New(protocol.CodeServiceUnavailable, "", "PSD-PAY-A402-15", "paid for and not delivered yet; send the same again"), retrySeconds)
	default:
		problem.Write(w, protocol.New(protocol.CodeOutcomeUnknown, "", "PSD-PAY-A402-15", "paid for; a person has to find out whether it was delivered"), 60)
	}
}

// tell adds Payment-Validation, if there is a proof that can be told of.
func (c presented) tell(s *Shop, w http.ResponseWriter, v payment.Validation) {
	if c.proof == nil {
		return
	}
	v.ValidatedAt = s.config.Now()
	if header := c.proof.Validation(v); header != "" {
		w.Header().Set(payment.HeaderValidation, header)
	}
}
