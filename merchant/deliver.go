package merchant

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Purchase is what a paid handler may know of the payment that its request
// came with. PurchaseFrom finds it in the request's context.
type Purchase struct {
	OutTradeNo string          // the shop's number: an idempotency key for what the handler does
	TradeNo    string          // the provider's number
	Buyer      string          // DID of the agent that paid; "" when the rail does not tell
	Amount     money.Amount    // what it paid
	Order      *commerce.Order // the cart that was paid for, at a pick-up
}

type purchaseKey struct{}

// PurchaseFrom returns the purchase that the request of a paid handler is for.
// It reports false outside of Paywall and PickupHandler.
func PurchaseFrom(ctx context.Context) (Purchase, bool) {
	p, ok := ctx.Value(purchaseKey{}).(Purchase)
	return p, ok
}

// A job is one verified payment and the request that it pays for.
type job struct {
	paid       Paid
	consume    func(ctx context.Context, consumer string) (payment.State, error)
	binding    canon.Digest
	repeatable bool
	order      *commerce.Order
	body       []byte
	next       http.Handler
	lease      time.Duration // the longest time that next may take; Config.Lease if zero
	flushes    bool          // next may flush
	out        *outlet       // where the answer goes as it is made; nil when it is kept first
}

// deliver makes sure that the job is done once and returns its delivery as it
// then is. The error is nil when there is a delivery to tell of, in whatever
// state. sent reports that the buyer has been told already, as j.out allows.
func (s *Shop) deliver(r *http.Request, j job) (d Delivery, sent bool, err error) {
	if j.lease <= 0 {
		j.lease = s.config.Lease
	}
	d, claimed, err := s.claim(r.Context(), j)
	switch {
	case err != nil:
		return Delivery{}, false, err
	case claimed && j.out != nil:
		d, sent = s.stream(r, d, j)
		return d, sent, nil
	case claimed && j.flushes:
		return s.work(r, d, j, newStream(s.config.MaxAnswer)), false, nil // which nobody follows
	case claimed:
		return s.work(r, d, j, newCapture(s.config.MaxAnswer)), false, nil
	case j.out != nil && s.follow(r.Context(), d, j.out):
		return d, true, nil
	}
	d, err = s.await(r.Context(), d)
	return d, false, err
}

// keepLate is how much longer than its proof a delivery is kept: a request that
// came before the end of the proof claims within this time, or not at all. A
// delivery that was forgotten in between would be begun again.
const keepLate = time.Minute

// claim consumes the proof at the provider and then claims the delivery, in
// this order: a process that dies between the two has begun nothing, and the
// provider tells the next one the same. A delivery that is already claimed or
// made is not asked about again.
//
// Between the moment at which the proof was judged and this one lie calls that a
// buyer can draw out. So the time is read again: nothing is begun after the end
// of the proof, since it may have been delivered and forgotten, and the lease
// begins when the provider has answered.
func (s *Shop) claim(ctx context.Context, j job) (Delivery, bool, error) {
	orders, no := s.config.Orders, j.paid.OutTradeNo
	expired := protocol.New(protocol.CodeProofExpired, "payment_proof", "PSD-PAY-A402-07", "")
	d, err := orders.Delivery(ctx, no)
	fresh := protocol.CodeOf(err) == protocol.CodeOrderUnknown
	if err != nil && !fresh {
		return Delivery{}, false, err
	}
	now, state, keep := s.config.Now(), d.TradeState, j.paid.Expires.Add(keepLate)
	if fresh || d.State == Failed || d.State == Claimed && !d.LeaseUntil.After(now) {
		if j.paid.Inactive {
			return Delivery{}, false, protocol.New(protocol.CodeProofInvalid, "payment_proof", "PSD-PAY-A402-08", "the provider no longer stands behind it")
		}
		if !now.Before(j.paid.Expires) {
			return Delivery{}, false, expired
		}
		if state, err = j.consume(ctx, no); err != nil {
			return Delivery{}, false, err
		}
	}
	if now = s.config.Now(); !now.Before(keep) {
		return Delivery{}, false, expired
	}
	return orders.Claim(ctx, Delivery{
		OutTradeNo: no, TradeNo: j.paid.TradeNo, Consumer: no, Binding: j.binding, Repeatable: j.repeatable,
		Lease: canon.Nonce(), LeaseUntil: now.Add(j.lease), TradeState: state, KeepUntil: keep,
	}, now)
}

// work runs the handler and keeps its answer. A handler that panics leaves the
// claim failed, and the panic goes on to the server.
func (s *Shop) work(r *http.Request, d Delivery, j job, c recorder) Delivery {
	// A buyer who hangs up does not interrupt what it has paid for.
	detached := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithTimeout(detached, j.lease)
	defer cancel()
	ctx = context.WithValue(ctx, purchaseKey{}, Purchase{
		OutTradeNo: d.OutTradeNo, TradeNo: d.TradeNo, Buyer: j.paid.Payer, Amount: j.paid.Amount, Order: j.order,
	})
	failed := true
	defer func() {
		if failed {
			// If this fails too the lease ends by itself, with the same result.
			_ = s.config.Orders.Fail(detached, d.OutTradeNo, d.Lease)
		}
	}()
	j.next.ServeHTTP(c, paidRequest(r.WithContext(ctx), j.body))
	answer := c.answer()
	d.Answer = &answer
	if c.failed() {
		if c.overflowed() {
			d.Answer = &Answer{Status: http.StatusInternalServerError}
		}
		if d.State = Unknown; d.Repeatable {
			d.State = Failed
		}
		return d
	}
	failed = false
	d.DeliveredAt = s.config.Now()
	switch err := s.keep(detached, d); {
	case err == nil:
		d.State = Delivered
		s.confirmer.kick()
		s.attestDelivery(d, j)
	case protocol.CodeOf(err) == protocol.CodeStateConflict:
		// The lease has ended, and the claim is somebody else's, whose answer is
		// the delivery. A second one is not handed over.
		d.Answer = nil
	}
	// What could not be kept is handed over all the same, once: it is paid for
	// and made. State stays Claimed, so that nobody is told more than is known.
	return d
}

// keepAttempts is how often a store is asked to keep an answer.
const keepAttempts = 3

func (s *Shop) keep(ctx context.Context, d Delivery) (err error) {
	for n := range keepAttempts {
		err = s.config.Orders.Deliver(ctx, d.OutTradeNo, d.Lease, *d.Answer, d.DeliveredAt)
		if n > 0 && protocol.CodeOf(err) == protocol.CodeStateConflict && s.kept(ctx, d) {
			return nil
		}
		if err == nil || protocol.CodeOf(err).Outcome() == protocol.Denied && protocol.CodeOf(err) != "" {
			break
		}
	}
	return err
}

// kept reports whether an earlier attempt has kept the answer, though it failed.
func (s *Shop) kept(ctx context.Context, d Delivery) bool {
	now, err := s.config.Orders.Delivery(ctx, d.OutTradeNo)
	return err == nil && now.Lease == d.Lease && now.Answer != nil
}

// paidRequest is the request as the handler sees it: with its body, without
// the proof.
func paidRequest(r *http.Request, body []byte) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del(payment.HeaderProof)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return r
}

// await waits for another submission of the same proof that is being worked
// on.
func (s *Shop) await(ctx context.Context, d Delivery) (Delivery, error) {
	until := time.Now().Add(s.config.Wait)
	for pause := 2 * time.Millisecond; d.State == Claimed && time.Now().Before(until); pause = min(2*pause, 100*time.Millisecond) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Delivery{}, unavailable("the request was given up", ctx.Err())
		}
		var err error
		if d, err = s.config.Orders.Delivery(ctx, d.OutTradeNo); err != nil {
			return Delivery{}, err
		}
	}
	return d, nil
}

// writeAnswer sends a captured answer. It tells the length, so that one that is
// cut short is known by any client and proxy.
func writeAnswer(w http.ResponseWriter, a Answer) {
	if len(a.Body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	writeHead(w, a)
	_, _ = w.Write(a.Body)
}

// writeHead sends status and header of an answer.
func writeHead(w http.ResponseWriter, a Answer) {
	h := w.Header()
	for name, values := range a.Header {
		switch name {
		case "Connection", "Transfer-Encoding", "Trailer", "Content-Length", payment.HeaderValidation, payment.HeaderNeeded:
		default:
			h[name] = values
		}
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private")
	}
	w.WriteHeader(a.Status)
}
