package live

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A till is the provider that the suite plays for a seller under test: it makes
// the proofs that a check wants, and takes consumptions and confirmations.
type till struct {
	psp *party

	mu     sync.Mutex
	trades map[string]*trade // by trade_no
	all    []error           // what was wrong with the seller's messages
}

// A trade is one that the suite says was paid.
type trade struct {
	claims    payment.ProofClaims
	consumer  string
	consumed  int // consumptions that were answered
	consumers map[string]bool
	finished  time.Time
	down      bool          // answers 503
	mute      bool          // answers confirmations of a delivery with 503
	deny      protocol.Code // answers with this code
	closed    bool          // was refunded as a whole
}

// till is the suite's provider, one in a run.
func (p *probe) till() *till {
	t, ok := first(p.world, "till", func() *till {
		t := &till{psp: p.known("psp", keys.Proof), trades: map[string]*trade{}}
		p.serve("/psp/consumptions", p.counter(t, t.consume))
		p.serve("/psp/fulfilments", p.counter(t, t.fulfil))
		return t
	})
	if !ok {
		p.fault("the suite's provider", errNotMade)
	}
	return t
}

var errNotMade = protocol.New(protocol.CodeServiceUnavailable, "", "", "it could not be made")

// counter is an address of the till. It holds the seller to its document: a
// message that is not signed by it is refused.
func (w *world) counter(t *till, answer func(ctx context.Context, w *world, body []byte) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, canon.DefaultMaxBytes+1))
		if err != nil || r.Method != http.MethodPost {
			http.Error(out, "", http.StatusBadRequest)
			return
		}
		reply, err := answer(r.Context(), w, body)
		out.Header().Set("Content-Type", "application/json")
		out.Header().Set("Cache-Control", "no-store")
		if err == nil {
			_, _ = out.Write(reply)
			return
		}
		code := protocol.AsError(err).Code
		text, _ := canon.Marshal(map[string]any{"error": map[string]any{"code": code, "outcome": code.Outcome().String(), "detail": code.Text()}}) // of texts alone
		if code.Outcome() == protocol.Undetermined {
			out.Header().Set("Retry-After", "1")
		}
		out.WriteHeader(payment.HTTPStatus(code))
		_, _ = out.Write(text)
	})
}

// sellerKey finds the key by which the seller under test has signed.
func (w *world) sellerKey(ctx context.Context, keyID string) (keys.PublicKey, error) {
	document, ok := first(w, "document", func() *identity.Document {
		d, err := w.document(ctx, w.scenario.Seller.ID)
		if err != nil {
			return nil
		}
		return d
	})
	if !ok || document == nil {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnavailable, "signer_id", "IDN-02", "the seller's DID document")
	}
	return document.Key(keyID, keys.Seller, time.Now())
}

func (t *till) consume(ctx context.Context, w *world, body []byte) ([]byte, error) {
	u, err := payment.ParseConsumption(body)
	if err != nil {
		return nil, t.note(err)
	}
	key, err := w.sellerKey(ctx, u.KeyID())
	if err == nil {
		err = u.Verify(key)
	}
	if err != nil {
		return nil, t.note(err)
	}
	c := u.Consumption
	proof, err := payment.ParseProofClaims(c.PaymentProof)
	if err != nil {
		return nil, t.note(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.trades[proof.Claims.TradeNo]
	switch {
	case x == nil || proof.SignerDID() != t.psp.did:
		return nil, protocol.New(protocol.CodeProofInvalid, "", "", "")
	case x.down:
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "")
	case x.deny != "":
		return nil, protocol.New(x.deny, "", "", "")
	}
	x.consumers[c.Consumer] = true
	if x.consumer == "" {
		x.consumer = c.Consumer
	}
	if x.consumer != c.Consumer {
		return nil, protocol.New(protocol.CodeProofUsed, "", "", "")
	}
	x.consumed++
	state := payment.StateWaitSellerFulfillment
	if x.closed {
		state = payment.StateTradeClosed
	}
	return payment.SignConsumptionResult(t.psp.signer(keys.Proof), payment.ConsumptionResult{
		RequestID: c.RequestID, PSPID: t.psp.did, TradeNo: x.claims.TradeNo, OutTradeNo: x.claims.OutTradeNo, MerchantID: c.MerchantID,
		Consumer: c.Consumer, Amount: x.claims.Amount, TradeState: state, ConsumedAt: time.Now(),
	})
}

func (t *till) fulfil(ctx context.Context, w *world, body []byte) ([]byte, error) {
	u, err := payment.ParseFulfilment(body)
	if err != nil {
		return nil, t.note(err)
	}
	key, err := w.sellerKey(ctx, u.KeyID())
	if err == nil {
		err = u.Verify(key)
	}
	if err != nil {
		return nil, t.note(err)
	}
	f := u.Fulfilment
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.trades[f.TradeNo]
	switch {
	case x == nil:
		return nil, protocol.New(protocol.CodeTradeUnknown, "", "", "")
	case x.down || x.mute:
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "")
	case x.consumer == "":
		return nil, protocol.New(protocol.CodeStateConflict, "", "", "")
	case x.consumer != f.Consumer:
		return nil, protocol.New(protocol.CodeProofUsed, "", "", "")
	}
	if x.finished.IsZero() {
		x.finished = time.Now()
	}
	return payment.SignFulfilmentResult(t.psp.signer(keys.Proof), payment.FulfilmentResult{
		RequestID: f.RequestID, PSPID: t.psp.did, TradeNo: f.TradeNo, MerchantID: f.MerchantID, TradeState: payment.StateTradeFinished, ConfirmedAt: x.finished,
	})
}

// note keeps what was wrong with a message of the seller's.
func (t *till) note(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, err)
	return err
}

// look reads a trade, or changes it.
func (t *till) look(no string, f func(*trade)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.trades[no]; x != nil {
		f(x)
	}
}
