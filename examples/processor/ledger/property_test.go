package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

// model is the ledger in a few lines of arithmetic: what the book should say
// after any sequence of calls.
type model struct {
	payer   string
	balance map[string]int64
	spent   map[string]int64
	paid    map[string]bool
	answers map[string]outcome
	frozen  bool
}

type outcome struct {
	digest canon.Digest
	amount int64
	code   protocol.Code // "" is a trade
}

const (
	modelTotal = 30
	tea        = "did:act:shop.example/tea"
)

func (m *model) pay(p provider.Payment) protocol.Code {
	if first, ok := m.answers[p.Request.ID]; ok {
		if first.digest != p.Request.Digest {
			return protocol.CodeRequestConflict
		}
		return first.code
	}
	code := m.judge(p)
	m.answers[p.Request.ID] = outcome{p.Request.Digest, p.Amount, code}
	if code == "" {
		m.balance[m.payer] -= p.Amount
		m.balance[p.Payee] += p.Amount
		m.spent[p.Mandate.DelegationID] += p.Amount
		m.paid[p.Payee+" "+p.Order] = true
	}
	return code
}

// judge gives the first code, in the order of the closed list, that applies.
func (m *model) judge(p provider.Payment) protocol.Code {
	switch {
	case m.paid[p.Payee+" "+p.Order]:
		return protocol.CodeOrderPaid
	case m.spent[p.Mandate.DelegationID]+p.Amount > modelTotal:
		return protocol.CodeTotalLimitExceeded
	case m.frozen:
		return protocol.CodeInstrumentInvalid
	case m.balance[m.payer] < p.Amount:
		return protocol.CodeBalanceInsufficient
	default:
		return ""
	}
}

// TestLedgerIsTheModel makes arbitrary sequences of calls and compares every
// answer and the balances with the model, across reopenings of the file. All
// sequences share one book, each with parties of its own, and the book is
// audited at the end.
func TestLedgerIsTheModel(t *testing.T) {
	long(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := newClock()
	l := openAt(t, path, c.now)
	defer func() { _ = l.Close() }()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		s := newSequence(r, l, fmt.Sprint("-", n))
		r.Repeat(map[string]func(*rapid.T){
			"pay":            s.pay,
			"deposit":        s.deposit,
			"freeze or thaw": s.freeze,
			"reopen": func(r *rapid.T) {
				if err := l.Close(); err != nil {
					r.Fatal(err)
				}
				var err error
				if l, err = Open(Config{Path: path, Now: c.now}); err != nil {
					r.Fatal(err)
				}
				s.l = l
				c.add(time.Second)
			},
		})
		s.compare(r)
	})
	sound(t, l)
}

// sequence is one run of calls with parties of its own.
type sequence struct {
	l        *Ledger
	m        *model
	own      string // the ending of everybody's name
	deposits int
}

func newSequence(r *rapid.T, l *Ledger, own string) *sequence {
	ctx := context.Background()
	for _, err := range []error{
		l.OpenAccount(ctx, principal+own, book.Principal, "CNY"),
		l.OpenAccount(ctx, shop+own, book.Merchant, "CNY"),
		l.OpenAccount(ctx, tea+own, book.Merchant, "CNY"),
		l.Deposit(ctx, book.Deposit{ID: "d" + own, Owner: principal + own, Currency: "CNY", Amount: 50}),
		l.BindToken(ctx, provider.Token{ID: token + own, Principal: principal + own, Agent: agent + own, Currency: "CNY",
			ValidFrom: start.Add(-time.Hour), ValidUntil: start.Add(24 * time.Hour)}),
	} {
		if err != nil {
			r.Fatal(err)
		}
	}
	return &sequence{l, &model{
		payer: principal + own, balance: map[string]int64{principal + own: 50},
		spent: map[string]int64{}, paid: map[string]bool{}, answers: map[string]outcome{},
	}, own, 0}
}

func (s *sequence) pay(r *rapid.T) {
	p := newPayment(rapid.Int64Range(1, 20).Draw(r, "amount"))
	p.Request.Agent, p.Token, p.Mandate.Delegator = agent+s.own, token+s.own, principal+s.own
	p.Expires = start.Add(24 * time.Hour)
	p.Request.ID = fmt.Sprint("r", rapid.IntRange(0, 12).Draw(r, "request"))
	p.Order = fmt.Sprint("o", rapid.IntRange(0, 12).Draw(r, "order"))
	p.Payee = rapid.SampledFrom([]string{shop, tea}).Draw(r, "payee") + s.own
	p.Mandate.DelegationID = rapid.SampledFrom([]string{"m-1", "m-2"}).Draw(r, "mandate") + s.own
	p.Mandate.Total = modelTotal
	p.Request.Digest = canon.Digest(fmt.Sprint(p.Amount, p.Order, p.Payee, p.Mandate.DelegationID))
	want := s.m.pay(p)
	trade, err := s.l.Pay(context.Background(), p)
	if got := protocol.CodeOf(err); got != want {
		r.Fatalf("got %v, want %q", err, want)
	}
	if want == "" && trade.Amount != s.m.answers[p.Request.ID].amount {
		r.Fatalf("trade of %d", trade.Amount)
	}
}

func (s *sequence) deposit(r *rapid.T) {
	amount := rapid.Int64Range(1, 10).Draw(r, "amount")
	s.deposits++
	s.m.balance[s.m.payer] += amount
	if err := s.l.Deposit(context.Background(), book.Deposit{ID: fmt.Sprint("d-", s.deposits, s.own), Owner: s.m.payer, Currency: "CNY", Amount: amount}); err != nil {
		r.Fatal(err)
	}
}

func (s *sequence) freeze(r *rapid.T) {
	s.m.frozen = !s.m.frozen
	state := provider.TokenActive
	if s.m.frozen {
		state = provider.TokenFrozen
	}
	if err := s.l.SetTokenState(context.Background(), token+s.own, state); err != nil {
		r.Fatal(err)
	}
}

func (s *sequence) compare(r *rapid.T) {
	accounts, err := s.l.Accounts(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	seen := 0
	for _, a := range accounts {
		if strings.HasSuffix(a.Owner, s.own) {
			seen++
			if a.Balance != s.m.balance[a.Owner] {
				r.Fatalf("%s has %d, want %d", a.Owner, a.Balance, s.m.balance[a.Owner])
			}
		}
	}
	if seen < 3 {
		r.Fatalf("%d accounts", seen)
	}
}
