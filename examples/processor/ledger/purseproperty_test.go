package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// purseModel is two sub-accounts, the account beside them, and the payments
// that wait, in a few lines of arithmetic.
type purseModel struct {
	main, shop int64
	subs       []*subModel
	waits      []*waitModel
}

type subModel struct {
	id             string
	key            keys.PublicKey
	balance, spent int64
	single, total  int64
	most           int64 // it may hold
	state          provider.SubAccountState
	frozen         map[book.StateCause]bool
}

type waitModel struct {
	no, request string
	amount      int64
	end         protocol.Code // "" while it waits
	paid        bool
}

// TestPursesAreTheModel makes arbitrary sequences of everything that concerns
// sub-accounts and waiting payments, and compares every answer and all balances
// with the model (PSD-AGT-SUB-02 to -06, PSD-PAY-INS-04): a sub-account never
// pays more than was put into it, never against its state, limits or key; no
// yuan is made or lost between it and the account beside it; and what waits
// has moved nothing. The book is audited at the end.
func TestPursesAreTheModel(t *testing.T) {
	l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), newClock().now)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		s := newPurses(r, l, fmt.Sprint("-", n))
		r.Repeat(map[string]func(*rapid.T){
			"top up": s.topUp, "pay from a sub-account": s.pay, "set a state": s.state,
			"begin": s.begin, "settle": s.settle, "decline": s.decline,
			"": s.compare,
		})
	})
	sound(t, l)
}

// purses is one run of calls with parties of its own.
type purses struct {
	l      *Ledger
	m      *purseModel
	own    string // the ending of everybody's name
	serial int
}

func newPurses(r *rapid.T, l *Ledger, own string) *purses {
	ctx := context.Background()
	s := &purses{l: l, own: own, m: &purseModel{main: 60, subs: []*subModel{
		{id: "sub-a" + own, state: provider.SubAccountActive, frozen: make(map[book.StateCause]bool), single: 9, total: 25, most: 30},
		{id: "sub-b" + own, state: provider.SubAccountActive, frozen: make(map[book.StateCause]bool)},
	}}}
	check := func(err error) {
		if err != nil {
			r.Fatal(err)
		}
	}
	check(l.OpenAccount(ctx, principal+own, book.Principal, "CNY"))
	check(l.OpenAccount(ctx, shop+own, book.Merchant, "CNY"))
	check(l.Deposit(ctx, book.Deposit{ID: "d" + own, Owner: principal + own, Currency: "CNY", Amount: 60}))
	check(l.BindToken(ctx, provider.Token{ID: token + own, Principal: principal + own, Agent: agent + own, Currency: "CNY",
		ValidFrom: start.Add(-time.Hour), ValidUntil: start.Add(time.Hour)}))
	for _, m := range s.m.subs {
		private, err := keys.Generate(keys.EdDSA)
		check(err)
		m.key, err = keys.NewPublicKey(private.Public())
		check(err)
		check(l.OpenSubAccount(ctx, book.SubAccount{BalanceLimit: m.most, SubAccount: provider.SubAccount{
			ID: m.id, Principal: principal + own, Agent: agent + own, Currency: "CNY", Key: m.key,
			Limits: provider.Limits{Single: m.single, Total: m.total},
		}}))
	}
	return s
}

func (s *purses) next(prefix string) string {
	s.serial++
	return fmt.Sprint(prefix, s.serial, s.own)
}

func (s *purses) sub(r *rapid.T) *subModel { return rapid.SampledFrom(s.m.subs).Draw(r, "sub-account") }

func (m *subModel) unavailable() protocol.Code {
	switch m.state {
	case provider.SubAccountFrozen:
		return protocol.CodeSubAccountFrozen
	case provider.SubAccountCancelled:
		return protocol.CodeSubAccountCancelled
	}
	return ""
}

// same fails unless the code of an error is the wanted one.
func same(r *rapid.T, what string, err error, want protocol.Code) {
	if got := protocol.CodeOf(err); got != want {
		r.Fatalf("%s: got %v, want %q", what, err, want)
	}
}

func (s *purses) topUp(r *rapid.T) {
	m, amount := s.sub(r), rapid.Int64Range(1, 40).Draw(r, "amount")
	want := m.unavailable()
	switch {
	case want != "":
	case amount > s.m.main:
		want = protocol.CodeBalanceInsufficient
	case m.most > 0 && m.balance+amount > m.most:
		want = protocol.CodeSingleLimitExceeded
	default:
		s.m.main, m.balance = s.m.main-amount, m.balance+amount
	}
	same(r, "top up", s.l.TopUp(context.Background(), book.TopUp{ID: s.next("t"), SubAccount: m.id, Amount: amount}), want)
}

// payment is a fresh one of this run's agent.
func (s *purses) payment(amount int64) provider.Payment {
	id := s.next("r")
	return provider.Payment{
		Request:  provider.Request{Agent: agent + s.own, ID: id, Digest: canon.Digest("digest of " + id), Nonce: freshNonce()},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "p" + s.own, Digest: "payload", Delegator: principal + s.own, Total: 1000},
		Scenario: payment.ScenarioAUP, Method: "urn:act:payment:balance", Payee: shop + s.own, Order: id,
		Expires: start.Add(time.Hour), Amount: amount, Currency: "CNY",
	}
}

func (s *purses) pay(r *rapid.T) {
	m, other := s.sub(r), s.sub(r)
	p := s.payment(rapid.Int64Range(1, 14).Draw(r, "amount"))
	p.SubAccount, p.SubAccountKey = m.id, other.key.Thumbprint()
	var wrong []protocol.Code
	for _, c := range []struct {
		broken bool
		code   protocol.Code
	}{
		{m.single > 0 && p.Amount > m.single, protocol.CodeSingleLimitExceeded},
		{m.total > 0 && m.spent+p.Amount > m.total, protocol.CodeTotalLimitExceeded},
		{m.unavailable() != "", m.unavailable()},
		{m != other, protocol.CodeSubAccountKey},
		{p.Amount > m.balance, protocol.CodeBalanceInsufficient},
	} {
		if c.broken {
			wrong = append(wrong, c.code)
		}
	}
	trade, err := s.l.Pay(context.Background(), p)
	if len(wrong) > 0 { // in the order of the closed list
		same(r, "pay", err, wrong[0])
		return
	}
	same(r, "pay", err, "")
	m.balance, m.spent, s.m.shop = m.balance-p.Amount, m.spent+p.Amount, s.m.shop+p.Amount
	if trade.SubAccount != m.id || trade.Principal != principal+s.own {
		r.Fatalf("%+v", trade)
	}
}

func (s *purses) state(r *rapid.T) {
	m := s.sub(r)
	to := rapid.SampledFrom([]provider.SubAccountState{
		provider.SubAccountActive, provider.SubAccountActive, provider.SubAccountActive, provider.SubAccountFrozen, provider.SubAccountFrozen, provider.SubAccountCancelled,
	}).Draw(r, "state")
	cause := rapid.SampledFrom([]book.StateCause{book.ByPrincipal, book.ForRisk, book.ForIdentity}).Draw(r, "cause")
	want := protocol.Code("")
	switch {
	case m.state == provider.SubAccountCancelled && to != m.state:
		want = protocol.CodeSubAccountCancelled
	case m.state == provider.SubAccountFrozen && to == provider.SubAccountActive && !m.frozen[cause]:
		want = protocol.CodeActorRefused
	default:
		if to == provider.SubAccountCancelled {
			s.m.main, m.balance = s.m.main+m.balance, 0
		}
		m.frozen[cause], m.state = to == provider.SubAccountFrozen, to
		if to == provider.SubAccountActive && (m.frozen[book.ByPrincipal] || m.frozen[book.ForRisk] || m.frozen[book.ForIdentity]) {
			m.state = provider.SubAccountFrozen
		}
	}
	same(r, "state", s.l.SetSubAccountState(context.Background(), m.id, to, cause), want)
}

func (s *purses) begin(r *rapid.T) {
	p := s.payment(rapid.Int64Range(1, 40).Draw(r, "amount"))
	p.Mandate, p.Scenario, p.Token = provider.Mandate{}, payment.ScenarioINS, token+s.own
	trade, err := s.l.Begin(context.Background(), p)
	same(r, "begin", err, "")
	s.m.waits = append(s.m.waits, &waitModel{no: trade.No, request: p.Request.ID, amount: p.Amount})
}

func (s *purses) wait(r *rapid.T) *waitModel {
	if len(s.m.waits) == 0 {
		r.Skip("nothing waits")
	}
	return rapid.SampledFrom(s.m.waits).Draw(r, "waiting")
}

func (s *purses) settle(r *rapid.T) {
	w := s.wait(r)
	if w.end == "" && !w.paid {
		if w.amount > s.m.main {
			w.end = protocol.CodeBalanceInsufficient
		} else {
			w.paid, s.m.main, s.m.shop = true, s.m.main-w.amount, s.m.shop+w.amount
		}
	}
	_, err := s.l.Settle(context.Background(), w.no, yes)
	same(r, "settle", err, w.end)
}

func (s *purses) decline(r *rapid.T) {
	w := s.wait(r)
	want := protocol.Code("")
	if w.paid {
		want = protocol.CodeStateConflict
	} else if w.end == "" {
		w.end = protocol.CodeConfirmationFailed
	}
	same(r, "decline", s.l.Decline(context.Background(), w.no, protocol.CodeConfirmationFailed), want)
	_, err := s.l.Query(context.Background(), agent+s.own, w.request)
	same(r, "query", err, w.end)
}

// compare looks at every balance of this run, and at the state of its
// sub-accounts.
func (s *purses) compare(r *rapid.T) {
	want := map[string]int64{principal + s.own: s.m.main, shop + s.own: s.m.shop}
	sum := s.m.main + s.m.shop
	for _, m := range s.m.subs {
		want[m.id] = m.balance
		sum += m.balance
		got, err := s.l.SubAccount(context.Background(), m.id)
		if err != nil || got.State != m.state {
			r.Fatalf("%s is %s, want %s; %v", m.id, got.State, m.state, err)
		}
	}
	if sum != 60 {
		r.Fatalf("60 came in, and the model has %d", sum)
	}
	for owner, amount := range want {
		entries, err := s.l.Entries(context.Background(), owner, "CNY", 0)
		if err != nil {
			r.Fatal(err)
		}
		got := int64(0)
		for _, e := range entries {
			got += e.Amount
		}
		if got != amount {
			r.Fatalf("%s has %d, want %d", owner, got, amount)
		}
	}
}
