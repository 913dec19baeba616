package agent_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
)

// validation is the Payment-Validation that a seller of this test claims.
func validation(t testing.TB, m *market, v payment.Validation) string {
	t.Helper()
	v.MethodID, v.MethodVersion, v.OutTradeNo, v.ResourceID, v.TradeNo = "act:payment/test-wallet", payment.MethodVersion, "o", "r", "t"
	v.RequestFingerprint, v.PSPID, v.ValidatedAt = canon.Sum([]byte("r")), acttest.PSPDID, m.Clock.Now()
	header, err := v.EncodeHeader()
	must(t, err)
	return header
}

var wasDelivered = payment.Validation{
	Status: payment.ValidationValid, Delivery: payment.DeliveryDelivered,
	Fulfillment: payment.FulfillmentPending, State: payment.StateWaitBuyerReceipt,
}

// breaking serves begin and then breaks the connection off, as often as cuts
// says, and afterwards serves all of it.
func breaking(cuts *atomic.Int64, begin, rest string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, begin)
		_ = http.NewResponseController(w).Flush()
		if cuts.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, rest)
	}
}

// TestCutOffAnswer: a connection that breaks off inside of a delivered answer,
// because of the network or because the seller wants to be paid again, never
// makes the same request be paid for twice.
func TestCutOffAnswer(t *testing.T) {
	for name, say := range map[string]bool{"a seller that says DELIVERED": true, "a seller that says nothing": false} {
		seller := func(t *testing.T, patience time.Duration, cuts int64) (*market, *atomic.Int64) {
			m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Patience = patience }})
			m.Grant(t, nil)
			left := new(atomic.Int64)
			left.Store(cuts)
			serve := breaking(left, "first half, ", "second half")
			m.Serve("/cut", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(payment.HeaderProof) == "" {
					w.Header().Set(payment.HeaderNeeded, m.billed("/cut", nil))
					w.WriteHeader(http.StatusPaymentRequired)
					return
				}
				if say {
					w.Header().Set(payment.HeaderValidation, validation(t, m, wasDelivered))
				}
				serve(w, r)
			}))
			return m, left
		}
		t.Run("PSD-PAY-A402-15 the rest is fetched by the same proof from "+name, func(t *testing.T) {
			m, _ := seller(t, 10*time.Second, 2)
			if got, err := m.get("/cut"); err != nil || got != "first half, second half" {
				t.Errorf("%q, %v", got, err)
			}
			m.wantPaid(1, 100)
			if got, err := m.get("/cut"); err != nil || got != "first half, second half" {
				t.Errorf("%q, %v", got, err)
			}
			m.wantPaid(2, 200) // the first was delivered, and this is another purchase
		})
		t.Run("PSD-PAY-A402-23 and until it is there nothing more is paid to "+name, func(t *testing.T) {
			m, left := seller(t, time.Millisecond, 100)
			for range 3 {
				_, err := m.get("/cut")
				wantCode(t, err, protocol.CodeOutcomeUnknown)
			}
			m.wantPaid(1, 100)
			left.Store(0)
			if got, err := m.get("/cut"); err != nil || got != "first half, second half" {
				t.Errorf("%q, %v", got, err)
			}
			m.wantPaid(1, 100)
		})
	}
}

// TestCutOffBigAnswer: what is too long to be taken in is delivered when it has
// been read.
func TestCutOffBigAnswer(t *testing.T) {
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.MaxBody = 64 }})
	m.Grant(t, nil)
	left := new(atomic.Int64)
	left.Store(1)
	serve := breaking(left, strings.Repeat("a", 4096), "z")
	m.Serve("/cut", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(payment.HeaderProof) == "" {
			w.Header().Set(payment.HeaderNeeded, m.billed("/cut", nil))
			w.WriteHeader(http.StatusPaymentRequired)
			return
		}
		serve(w, r)
	}))
	if got, err := m.get("/cut"); err == nil {
		t.Errorf("%d bytes without an error", len(got))
	}
	if got, err := m.get("/cut"); err != nil || len(got) != 4097 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	m.wantPaid(1, 100)
	_, err := m.get("/cut")
	must(t, err)
	m.wantPaid(2, 200)
}

// TestCutOffPickup: goods that broke off on their way are not delivered: the
// order is still known to be paid, and picked up again.
func TestCutOffPickup(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, specified)
	m.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "5.00")}, 2)
	left := new(atomic.Int64)
	left.Store(1)
	shop, err := m.Agent.Shop(acttest.ShopDID, m.URL, &http.Client{Transport: breakingWire{m.Client.Transport, "/pickups", left}})
	must(t, err)
	ctx := context.Background()
	o, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	must(t, err)
	p, err := m.Agent.PayOrder(ctx, o)
	must(t, err)
	if got, err := read(m.Agent.PickUp(ctx, o, p)); err != nil || got != "Latte\n" {
		t.Errorf("%q, %v", got, err)
	}
	m.wantPaid(1, 500)
}

// A breakingWire breaks answers off in the middle.
type breakingWire struct {
	http.RoundTripper
	path string
	left *atomic.Int64
}

func (c breakingWire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil && r.URL.Path == c.path && c.left.Add(-1) >= 0 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, 2), broken{}), resp.Body}
	}
	return resp, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestRefusalsThatLie: a seller that refuses a proof chooses the code of the
// refusal. None that it can choose says that nothing was paid.
func TestRefusalsThatLie(t *testing.T) {
	for _, code := range protocol.Codes() {
		m := newMarket(t, acttest.Options{})
		m.Grant(t, nil)
		lie := payment.A402ErrorFor(protocol.CodeProofInvalid)
		lie.Details = []byte(`{"code":"` + string(code) + `"}`)
		invalid := payment.Validation{
			Status: payment.ValidationInvalid, Delivery: payment.DeliveryNotStarted,
			Fulfillment: payment.FulfillmentNotConfirmed, State: payment.StateWaitBuyerPay, Error: &lie,
		}
		m.Serve("/lie", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(payment.HeaderNeeded, m.billed("/lie", nil))
			if r.Header.Get(payment.HeaderProof) != "" {
				w.Header().Set(payment.HeaderValidation, validation(t, m, invalid))
			}
			w.WriteHeader(http.StatusPaymentRequired)
		}))
		_, err := m.get("/lie")
		if got := protocol.CodeOf(err); !strings.HasPrefix(string(got), "proof_") {
			t.Errorf("PSD-PAY-A402-23: paid, and the seller's %s became %s, which says that it was not", code, got)
		}
		m.wantPaid(1, 100)
	}
}
