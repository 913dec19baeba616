package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
)

// model is the ledger in a few lines of arithmetic: what the book should say
// after any sequence of calls.
type model struct {
	balance map[string]int64
	spent   map[string]int64
	paid    map[string]bool
	answers map[string]outcome
	frozen  bool
	out     int64 // deposited
}

type outcome struct {
	digest string
	amount int64
	code   protocol.Code // "" is a trade
}

const modelTotal = 30

func (m *model) pay(p Payment) protocol.Code {
	id := p.Request.Agent + " " + p.Request.ID
	if first, ok := m.answers[id]; ok {
		if first.digest != p.Request.Digest {
			return protocol.CodeRequestConflict
		}
		return first.code
	}
	code := m.judge(p)
	m.answers[id] = outcome{p.Request.Digest, p.Amount, code}
	if code == "" {
		m.balance[principal] -= p.Amount
		m.balance[p.Payee] += p.Amount
		m.spent[p.Mandate.DelegationID] += p.Amount
		m.paid[p.Payee+" "+p.Order] = true
	}
	return code
}

// judge gives the first code, in the order of the closed list, that applies.
func (m *model) judge(p Payment) protocol.Code {
	switch {
	case m.paid[p.Payee+" "+p.Order]:
		return protocol.CodeOrderPaid
	case m.spent[p.Mandate.DelegationID]+p.Amount > modelTotal:
		return protocol.CodeTotalLimitExceeded
	case m.frozen:
		return protocol.CodeInstrumentInvalid
	case m.balance[principal] < p.Amount:
		return protocol.CodeBalanceInsufficient
	default:
		return ""
	}
}

// TestLedgerIsTheModel makes arbitrary sequences of calls and compares every
// answer, the balances and the audit with the model, across reopenings of the
// file.
func TestLedgerIsTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "model")
		if err != nil {
			r.Fatal(err)
		}
		path := filepath.Join(dir, "ledger.db")
		c := newClock()
		l := openAt(t, path, c.now)
		defer func() { _ = l.Close() }()
		tea := "did:act:shop.example/tea"
		furnish(t, l, 50)
		ctx := context.Background()
		if err := l.OpenAccount(ctx, tea, Merchant, "CNY"); err != nil {
			r.Fatal(err)
		}
		m := &model{balance: map[string]int64{principal: 50}, spent: map[string]int64{}, paid: map[string]bool{}, answers: map[string]outcome{}, out: 50}
		r.Repeat(map[string]func(*rapid.T){
			"pay": func(r *rapid.T) {
				p := newPayment(rapid.Int64Range(1, 20).Draw(r, "amount"))
				p.Request.ID = fmt.Sprint("r", rapid.IntRange(0, 12).Draw(r, "request"))
				p.Order = fmt.Sprint("o", rapid.IntRange(0, 12).Draw(r, "order"))
				p.Payee = rapid.SampledFrom([]string{shop, tea}).Draw(r, "payee")
				p.Mandate.DelegationID = rapid.SampledFrom([]string{"m-1", "m-2"}).Draw(r, "mandate")
				p.Mandate.Total = modelTotal
				p.Request.Digest = fmt.Sprint(p.Amount, p.Order, p.Payee, p.Mandate.DelegationID)
				want := m.pay(p)
				trade, err := l.Pay(ctx, p)
				if got := protocol.CodeOf(err); got != want {
					r.Fatalf("got %v, want %q", err, want)
				}
				if want == "" && trade.Amount != m.answers[agent+" "+p.Request.ID].amount {
					r.Fatalf("trade of %d", trade.Amount)
				}
			},
			"deposit": func(r *rapid.T) {
				amount := rapid.Int64Range(1, 10).Draw(r, "amount")
				m.balance[principal] += amount
				m.out += amount
				if err := l.Deposit(ctx, Deposit{ID: fmt.Sprint("d-", m.out), Owner: principal, Currency: "CNY", Amount: amount}); err != nil {
					r.Fatal(err)
				}
			},
			"freeze or thaw": func(r *rapid.T) {
				m.frozen = !m.frozen
				state := TokenActive
				if m.frozen {
					state = TokenFrozen
				}
				if err := l.SetTokenState(ctx, token, state); err != nil {
					r.Fatal(err)
				}
			},
			"reopen": func(r *rapid.T) {
				if err := l.Close(); err != nil {
					r.Fatal(err)
				}
				if l, err = Open(Config{Path: path, Now: c.now}); err != nil {
					r.Fatal(err)
				}
				c.add(time.Second)
				report, err := l.Audit(ctx)
				if err != nil || !report.Sound() || report.Currencies[0].Deposited != m.out {
					r.Fatalf("audit %+v, %v", report, err)
				}
			},
			"": func(r *rapid.T) {
				for _, owner := range []string{principal, shop, tea} {
					if got := balance(t, l, owner); got != m.balance[owner] {
						r.Fatalf("%s has %d, want %d", owner, got, m.balance[owner])
					}
				}
			},
		})
	})
}
