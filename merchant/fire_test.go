package merchant_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// This file has 200 buyers at one paywall, each of whom meets one fault, at a
// stage that the test chooses: on the wire, in the seller's store, in the paid
// handler, at the provider. Every stage is met by safe and unsafe methods, and
// by answers that are kept first and answers that are streamed.

const fireBuyers = 200

// A stage is where a buyer's fault strikes.
type stage string

// On the wire: the request is lost, its answer is lost, the answer is cut, the
// buyer hangs up while the handler works. In the handler: it panics before or
// after its effect, or says 500. In the store: a method fails before or after it
// has worked, once, or as often as the shop tries.
const (
	calm           stage = "nothing"
	billLost       stage = "the request for a bill is lost"
	billAnswerLost stage = "a bill is lost"
	proofLost      stage = "a proof is lost"
	answerLost     stage = "a paid answer is lost"
	answerCut      stage = "a paid answer is cut"
	hangsUp        stage = "the buyer hangs up while its handler works"
	panicsEarly    stage = "the handler panics before its effect"
	panicsLate     stage = "the handler panics after its effect"
	saysError      stage = "the handler says 500"
)

var (
	wireStages    = []stage{billLost, billAnswerLost, proofLost, answerLost, answerCut}
	handlerStages = []stage{hangsUp, panicsEarly, panicsLate, saysError}
	storeStages   = []struct {
		method string
		when   []moment
	}{
		{"Delivery", []moment{before}}, {"Delivery", []moment{never, before}}, {"Claim", []moment{before}}, {"Claim", []moment{after}},
		{"Deliver", []moment{before}}, {"Deliver", []moment{after}}, {"Deliver", []moment{before, before, before}},
		{"Confirm", []moment{before}}, {"Confirm", []moment{after}},
	}
)

// stages has them all; those of the store by their place in storeStages.
func stages() []stage {
	out := append([]stage{calm}, wireStages...)
	out = append(out, handlerStages...)
	for i := range storeStages {
		out = append(out, stage(fmt.Sprintf("store %d", i)))
	}
	return out
}

// A fire is the paywall, its buyers and what was seen of both.
type fire struct {
	*till
	store *faultyOrders

	mu      sync.Mutex
	buyers  map[string]*fireBuyer // by path
	runs    map[string]int        // of the handler, by out_trade_no
	effects map[string]int        // what it has done, by out_trade_no
	trades  map[string]string     // trade_no of a run, by out_trade_no
	met     map[stage]int
}

type fireBuyer struct {
	method, path, body string
	stage              stage
	met                atomic.Bool // the fault has struck
	hangUp             atomic.Pointer[context.CancelFunc]

	no, trade, proof string
	reopened         bool
}

func (b *fireBuyer) answer() string {
	return strings.Repeat("for "+b.method+" "+b.path+"\n", 500) // enough to be streamed in parts
}

// strike reports whether the buyer's fault is this one and strikes now; it does
// so once.
func (f *fire) strike(b *fireBuyer, at stage) bool {
	if b.stage != at || b.met.Swap(true) {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.met[at]++
	return true
}

func newFire(t *testing.T) *fire {
	f := &fire{
		buyers: map[string]*fireBuyer{}, runs: map[string]int{}, effects: map[string]int{}, trades: map[string]string{}, met: map[stage]int{},
	}
	f.till = newTill(t, acttest.Options{Merchant: func(c *merchant.Config) {
		f.store = &faultyOrders{OrderStore: c.Orders}
		c.Orders, c.Wait = f.store, 20*time.Millisecond
	}})
	offer := merchant.Offer{Resource: "kept", Category: "data/report", Price: acttest.CNY(t, "0.10")}
	f.Sell("/kept/", offer, http.HandlerFunc(f.serve))
	offer.Resource, offer.Stream = "stream", true
	f.Sell("/stream/", offer, http.HandlerFunc(f.serve))
	base := f.Client.Transport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 3 * fireBuyers
	t.Cleanup(base.CloseIdleConnections)
	f.Client = &http.Client{Transport: &fireWire{fire: f, base: base}}
	all := stages()
	for i := range fireBuyers {
		b := &fireBuyer{method: "GET", path: fmt.Sprintf("/kept/%d", i), stage: all[i/4%len(all)]}
		if i%2 == 1 {
			b.method, b.body = "POST", fmt.Sprintf(`{"n":%d}`, i)
		}
		if i%4 >= 2 {
			b.path = fmt.Sprintf("/stream/%d", i)
		}
		f.buyers[b.path] = b
	}
	// The provider fails whoever comes when the fault is due.
	for path, n := range map[string]int{"/payments": 12, "/consumptions": 24, "/fulfilments": 24} {
		for i := range n {
			f.PSP.Fail(path, []acttest.Fault{acttest.Unavailable, acttest.LoseRequest, acttest.LoseAnswer}[i%3])
		}
	}
	f.store.fail("Unconfirmed", before, never, before)
	return f
}

// serve is the paid handler. What it does, it does once for each number, as the
// package advises.
func (f *fire) serve(w http.ResponseWriter, r *http.Request) {
	p, paid := merchant.PurchaseFrom(r.Context())
	b := f.buyers[r.URL.Path]
	if !paid || b == nil || r.Method != b.method {
		f.t.Errorf("the handler runs for %s %s, paid: %v", r.Method, r.URL.Path, paid)
		return
	}
	f.mu.Lock()
	f.runs[p.OutTradeNo]++
	f.trades[p.OutTradeNo] = p.TradeNo
	f.mu.Unlock()
	if hangUp := b.hangUp.Load(); hangUp != nil && f.strike(b, hangsUp) {
		(*hangUp)()
	}
	if f.strike(b, panicsEarly) {
		panic("injected by the test")
	}
	if f.strike(b, saysError) {
		http.Error(w, "injected by the test", http.StatusInternalServerError)
		return
	}
	half := len(b.answer()) / 2
	_, _ = io.WriteString(w, b.answer()[:half])
	f.mu.Lock()
	if f.effects[p.OutTradeNo] == 0 {
		f.effects[p.OutTradeNo]++
	}
	f.mu.Unlock()
	if f.strike(b, panicsLate) {
		panic("injected by the test")
	}
	_, _ = io.WriteString(w, b.answer()[half:])
}

// fireWire loses requests and answers.
type fireWire struct {
	fire *fire
	base http.RoundTripper
}

var errWire = errors.New("lost on the wire by the test")

func (w *fireWire) RoundTrip(r *http.Request) (*http.Response, error) {
	b := w.fire.buyers[r.URL.Path]
	if b == nil {
		return w.base.RoundTrip(r)
	}
	lost, answer := billLost, billAnswerLost
	if r.Header.Get(payment.HeaderProof) != "" {
		lost, answer = proofLost, answerLost
	}
	if w.fire.strike(b, lost) {
		return nil, errWire
	}
	resp, err := w.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if w.fire.strike(b, answer) {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return nil, errWire
	}
	if resp.StatusCode == http.StatusOK && w.fire.strike(b, answerCut) {
		resp.Body = cutBody{io.LimitReader(resp.Body, 100), resp.Body}
	}
	return resp, nil
}

// cutBody ends with an error where the answer goes on.
type cutBody struct {
	io.Reader
	io.Closer
}

func (c cutBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// bill gets a bill, however often it takes.
func (f *fire) bill(b *fireBuyer) (*payment.UnverifiedBill, error) {
	for range 20 {
		resp, err := f.Client.Do(f.request(b.method, b.path, b.body))
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusPaymentRequired {
			return nil, fmt.Errorf("%s without having paid", resp.Status)
		}
		return payment.ParseBill(resp.Header.Get(payment.HeaderNeeded))
	}
	return nil, errors.New("no bill")
}

// settle pays a bill once, however often it takes.
func (f *fire) settle(bill *payment.UnverifiedBill) (payment.Result, error) {
	q := payment.Request{
		Scenario: payment.ScenarioAUP, RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID,
		MerchantID: bill.Bill.SellerID, DelegationID: f.id, IAC: f.mandate, MerchantOrderID: bill.Bill.OutTradeNo, Amount: bill.Bill.Amount,
		PaymentMethod: acttest.Method, PaymentToken: f.PSP.Token, Bill: bill.Header(),
	}
	for {
		result, err := f.psp.Pay(context.Background(), q)
		if err == nil || !errors.Is(err, protocol.ErrUndetermined) {
			return result, err
		}
	}
}

// A got is what came of presenting a proof.
type got int

const (
	gotAnswer  got = iota // the whole of it
	gotWaiting            // 503: not decided, or somebody works on it
	gotFailed             // the handler's own error
	gotUnknown            // a person has to look
)

// present sends the proof once. A new bill for what is paid fails the test.
func (f *fire) present(b *fireBuyer) got {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.hangUp.Store(&cancel)
	resp, err := f.Client.Do(f.request(b.method, b.path, b.body, f.proven(b.proof, f.buyer())).WithContext(ctx))
	if err != nil {
		return gotWaiting
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return gotWaiting
	}
	v, bad := payment.ParseValidation(resp.Header.Get(payment.HeaderValidation))
	switch {
	case bad != nil || v.CheckProfile() != nil || resp.Header.Get(payment.HeaderNeeded) != "" || v.Validation.Status == payment.ValidationInvalid:
		f.t.Errorf("PSD-PAY-A402-23: %s (%s): %s to a good proof: %s", b.path, b.stage, resp.Status, body)
	case resp.StatusCode == http.StatusOK:
		if string(body) != b.answer() || resp.Header.Get(payment.HeaderValidation) == "" {
			f.t.Errorf("%s (%s): another's answer, or a part of it: %d bytes", b.path, b.stage, len(body))
		}
		return gotAnswer
	case v.Validation.Delivery == payment.DeliveryUnknown:
		return gotUnknown
	case v.Validation.Delivery == payment.DeliveryFailed:
		return gotFailed
	}
	return gotWaiting
}

// insist presents the proof three times at once, and then again and again.
func (f *fire) insist(b *fireBuyer) got {
	var once sync.WaitGroup
	for range 3 {
		once.Go(func() { f.present(b) })
	}
	once.Wait()
	last := gotWaiting
	for range 8 {
		if last = f.present(b); last == gotAnswer || last == gotUnknown {
			break
		}
	}
	return last
}

// buy is all that a buyer does until it has its answer, or a lease has to end,
// or a person has to look.
func (f *fire) buy(b *fireBuyer) got {
	bill, err := f.bill(b)
	if err != nil {
		f.t.Errorf("%s: %v", b.path, err)
		return gotFailed
	}
	b.no = bill.Bill.OutTradeNo
	result, err := f.settle(bill)
	if err != nil {
		f.t.Errorf("%s: %v", b.path, err)
		return gotFailed
	}
	b.trade, b.proof = result.TradeNo, result.PaymentProof
	var i int
	if n, _ := fmt.Sscanf(string(b.stage), "store %d", &i); n == 1 {
		f.store.fail(storeStages[i].method+" "+b.no, storeStages[i].when...)
	}
	return f.insist(b)
}

// steal presents another buyer's proof: for another path, and by another key.
func (f *fire) steal(b *fireBuyer, thief *keys.Signer) {
	for _, edit := range []func(*http.Request){
		f.proven(b.proof, thief),
		func(r *http.Request) { r.URL.Path = "/kept/none"; f.proven(b.proof, f.buyer())(r) },
	} {
		resp, err := f.Client.Do(f.request(b.method, b.path, b.body, edit))
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode < 400 {
			f.t.Errorf("PSD-PAY-A402-08: %s to who has not paid", resp.Status)
		}
	}
}

// each runs f for every buyer at once.
func (f *fire) each(run func(*fireBuyer)) {
	var all sync.WaitGroup
	for _, b := range f.buyers {
		all.Go(func() { run(b) })
	}
	all.Wait()
}

func TestPaywallUnderFire(t *testing.T) {
	f := newFire(t)
	thief := acttest.NewParty(t, "did:act:agents.test/thief", keys.AgentRequest)
	f.Directory.Add(thief)
	var mu sync.Mutex
	open := map[*fireBuyer]got{}
	f.each(func(b *fireBuyer) {
		last := f.buy(b)
		f.steal(b, thief.Signer(keys.AgentRequest))
		mu.Lock()
		defer mu.Unlock()
		if last != gotAnswer {
			open[b] = last
		}
	})
	for _, b := range f.buyers { // handed over, and neither kept nor confirmed
		if _, known := open[b]; !known && f.state(b.no) == merchant.Claimed {
			open[b] = gotWaiting
		}
	}
	// Claims whose holder was lost end with their lease.
	f.Clock.Advance(31 * time.Second)
	for b := range maps.Clone(open) {
		if open[b] = f.insist(b); open[b] == gotUnknown {
			// A person looks, and lets the handler settle it: it is idempotent.
			must(t, f.Shop.Reopen(context.Background(), b.no))
			b.reopened = true
			open[b] = f.insist(b)
		}
		if open[b] == gotAnswer {
			delete(open, b)
		}
	}
	for b, last := range open {
		t.Errorf("PSD-PAY-A402-15: %s (%s) has paid and got nothing: %d", b.path, b.stage, last)
	}
	f.verify(thief.Signer(keys.AgentRequest))
}

// verify checks what was promised, when all is over.
func (f *fire) verify(thief *keys.Signer) {
	t := f.t
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	must(t, f.Shop.Flush(ctx))
	if paid, confirmed := f.PSP.Trades(); paid != fireBuyers || confirmed != fireBuyers {
		t.Errorf("PSD-PAY-A402-10: %d trades, %d confirmed, want %d of each", paid, confirmed, fireBuyers)
	}
	if len(f.runs) != fireBuyers || len(f.effects) != fireBuyers {
		t.Errorf("the handler ran for %d numbers and did something for %d, want %d", len(f.runs), len(f.effects), fireBuyers)
	}
	runs := maps.Clone(f.runs)
	for _, b := range f.buyers {
		if f.trades[b.no] != b.trade {
			t.Errorf("%s (%s): delivered for another trade", b.path, b.stage)
		}
		if b.method == "POST" && runs[b.no] > 1 && !b.reopened {
			t.Errorf("PSD-PAY-A402-15: %s (%s): %d runs of an unsafe method", b.path, b.stage, runs[b.no])
		}
		if s := f.state(b.no); s != merchant.Confirmed {
			t.Errorf("%s (%s): state %s at the end", b.path, b.stage, s)
		}
	}
	f.each(func(b *fireBuyer) {
		if f.present(b) != gotAnswer {
			t.Errorf("PSD-PAY-A402-15: %s (%s): the answer is not kept", b.path, b.stage)
		}
		f.steal(b, thief)
	})
	if !maps.Equal(runs, f.runs) {
		t.Error("PSD-PAY-A402-15: the handler ran again for what is kept")
	}
	for _, s := range append(wireStages, handlerStages...) {
		if f.met[s] == 0 {
			t.Errorf("nobody met %q", s)
		}
	}
	for _, s := range storeStages {
		if f.store.count(s.method) == 0 {
			t.Errorf("%s of the store never failed", s.method)
		}
	}
	for path, n := range map[string]int{"/payments": 12, "/consumptions": 24, "/fulfilments": 24} {
		if f.PSP.Calls(path) < n {
			t.Errorf("%s was called %d times: not every fault has struck", path, f.PSP.Calls(path))
		}
	}
}
