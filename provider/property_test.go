package provider_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// book is a MemoryLedger under random use, and what must hold whatever happens.
type book struct {
	*provider.MemoryLedger
	clock   *acttest.Clock
	serial  int
	sent    []provider.Payment
	answers map[string]string // by request id: trade number or code, once it is final
}

const (
	owner = "did:act:home.example/owner"
	buyer = "did:act:agents.example/buyer"
	till1 = "did:act:shop.example/one"
	till2 = "did:act:shop.example/two"
)

func newBook(t *rapid.T) *book {
	b := &book{clock: acttest.NewClock(acttest.Start), answers: make(map[string]string)}
	b.MemoryLedger = provider.NewMemoryLedger(b.clock.Now)
	for _, err := range []error{
		b.OpenPrincipal(owner, "CNY"), b.Deposit(owner, "CNY", 1000), b.OpenMerchant(till1, "CNY"), b.OpenMerchant(till2, "CNY"),
		b.BindToken(provider.Token{ID: "pt", Principal: owner, Agent: buyer, Currency: "CNY", Ceiling: 600,
			ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(time.Hour)}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// draw makes a payment, or sends one again.
func (b *book) draw(t *rapid.T, instant bool) provider.Payment {
	b.serial++
	nonce := provider.Nonce{Scope: buyer, Value: fmt.Sprint(b.serial), Until: b.clock.Now().Add(time.Hour)}
	if len(b.sent) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
		p := rapid.SampledFrom(b.sent).Draw(t, "which")
		if p.Instant() == instant {
			p.Request.Nonce = nonce
			return p
		}
	}
	p := provider.Payment{
		Request:  provider.Request{Agent: buyer, ID: fmt.Sprintf("r-%d", b.serial), Digest: canon.Digest(fmt.Sprint(b.serial)), Nonce: nonce},
		Scenario: payment.ScenarioINS, Method: "urn:act:payment:m", Token: "pt", Payee: rapid.SampledFrom([]string{till1, till2}).Draw(t, "payee"),
		Order: fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "order")), Expires: b.clock.Now().Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "minutes")) * time.Minute),
		Amount: rapid.Int64Range(1, 300).Draw(t, "amount"), Currency: "CNY",
	}
	if !instant {
		p.Scenario = payment.ScenarioAUP
		p.Mandate = provider.Mandate{Issuer: "did:act:issuer.example/i", DelegationID: rapid.SampledFrom([]string{"m-1", "m-2"}).Draw(t, "mandate"),
			Digest: "payload", Delegator: owner, Total: 250}
	}
	b.sent = append(b.sent, p)
	return p
}

// answered holds every answer against those before it.
func (b *book) answered(t *rapid.T, id string, trade *provider.Trade, err error) {
	now := string(protocol.CodeOf(err))
	if err == nil {
		if trade.Waiting() {
			return // the one answer that may still change
		}
		now = trade.No
	}
	if first, known := b.answers[id]; known && first != now {
		t.Fatalf("PSD-PAY-DEL-04: a request was answered %s and then %s", first, now)
	}
	b.answers[id] = now
}

// sound is what always holds.
func (b *book) sound(t *rapid.T) {
	paid, orders, mandates := int64(0), make(map[string]bool), make(map[string]int64)
	for _, trade := range b.Trades() {
		if trade.PaidAt.IsZero() != (trade.State == payment.StateWaitBuyerPay || trade.State == payment.StateTradeClosed) {
			t.Fatalf("PSD-PAY-INS-04: paid at %v and in state %s", trade.PaidAt, trade.State)
		}
		if trade.PaidAt.IsZero() {
			continue
		}
		if key := trade.Payee + " " + trade.Order; orders[key] {
			t.Fatalf("CID-CART-CFM-05: an order was paid twice")
		} else {
			orders[key] = true
		}
		if trade.Scenario == payment.ScenarioINS && trade.Confirmation.Check() != nil {
			t.Fatalf("PSD-PAY-INS-03: paid without a confirmation")
		}
		paid += trade.Amount
		if mandates[trade.DelegationID] += trade.Amount; trade.DelegationID != "" && mandates[trade.DelegationID] > 250 {
			t.Fatalf("PSD-PAY-DEL-07: a mandate was overspent")
		}
	}
	if left, got := b.Balance(owner, "CNY"), b.Balance(till1, "CNY")+b.Balance(till2, "CNY"); got != paid || left != 1000-paid || paid > 600 {
		t.Fatalf("paid %d, left %d, received %d", paid, left, got)
	}
}

func TestMemoryLedgerProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(t)
		t.Repeat(map[string]func(*rapid.T){
			"pay": func(t *rapid.T) {
				p := b.draw(t, false)
				trade, err := b.Pay(ctx, p)
				b.answered(t, p.Request.ID, trade, err)
			},
			"begin": func(t *rapid.T) {
				p := b.draw(t, true)
				trade, err := b.Begin(ctx, p)
				b.answered(t, p.Request.ID, trade, err)
			},
			"confirm or decline": func(t *rapid.T) {
				trades := b.Trades()
				if len(trades) == 0 {
					t.Skip("nothing yet")
				}
				// Trades come in no order; by number they come in that of their making.
				trade := trades[0]
				for _, other := range trades {
					if other.Waiting() && (!trade.Waiting() || other.RequestID < trade.RequestID) {
						trade = other
					}
				}
				if rapid.Bool().Draw(t, "decline") {
					_ = b.Decline(ctx, trade.No, protocol.CodeConfirmationFailed)
				} else {
					_, _ = b.Settle(ctx, trade.No, provider.Confirmation{Method: "PIN", At: b.clock.Now()})
				}
			},
			"ask": func(t *rapid.T) {
				if len(b.sent) == 0 {
					t.Skip("nothing yet")
				}
				id := rapid.SampledFrom(b.sent).Draw(t, "which").Request.ID
				trade, err := b.Query(ctx, buyer, id)
				if protocol.CodeOf(err) != protocol.CodeTradeUnknown {
					b.answered(t, id, trade, err)
				}
			},
			"time": func(*rapid.T) { b.clock.Advance(time.Minute) },
			"":     b.sound,
		})
	})
}
