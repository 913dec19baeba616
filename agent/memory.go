package agent

import (
	"context"
	"sync"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// A MemorySpend is a SpendStore in memory, for tests and for agents whose
// payments do not outlive their process. It keeps every payment it has seen.
// The zero value is ready for use.
type MemorySpend struct {
	mu       sync.Mutex
	payments map[string]*Payment     // by request id
	open     map[string]string       // subject to request id
	failed   map[[2]string]int       // by mandate and subject
	spent    map[string]money.Amount // by mandate
	order    map[string][]*Payment   // by mandate
	count    map[[2]string]int       // not released, by mandate and merchant
}

// Reserve implements SpendStore.
func (m *MemorySpend) Reserve(_ context.Context, p Payment, l Limits) error {
	if err := checkPayment(p); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.payments == nil {
		m.payments, m.open = make(map[string]*Payment), make(map[string]string)
		m.failed, m.spent = make(map[[2]string]int), make(map[string]money.Amount)
		m.order, m.count = make(map[string][]*Payment), make(map[[2]string]int)
	}
	if _, used := m.payments[p.RequestID]; used {
		return protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-02", "this request id was used before")
	}
	if _, open := m.open[p.Subject]; open {
		return protocol.New(protocol.CodeOutcomeUnknown, "", "PSD-PAY-A402-23", "an earlier payment for the same is not resolved")
	}
	sum, err := m.with(p)
	if err != nil {
		return err
	}
	order, err := sum.Cmp(l.Total)
	if err != nil {
		return err
	}
	if order > 0 {
		return protocol.New(protocol.CodeTotalLimitExceeded, "max_total_amount", "PSD-PAY-DEL-01", "more than the mandate has left by the agent's record")
	}
	to := [2]string{p.Mandate, p.Merchant}
	if l.Payments > 0 && m.count[to] >= l.Payments {
		return protocol.New(protocol.CodePolicyRefused, "merchant_id", "PSD-PAY-A402-05", "as many payments to this seller as the policy allows")
	}
	p.State, p.Proof = Reserved, ""
	m.payments[p.RequestID] = &p
	m.open[p.Subject] = p.RequestID
	m.spent[p.Mandate] = sum
	m.order[p.Mandate] = append(m.order[p.Mandate], &p)
	m.count[to]++
	return nil
}

func checkPayment(p Payment) error {
	for _, f := range []struct{ name, value string }{
		{"request_id", p.RequestID}, {"mandate", p.Mandate}, {"subject", p.Subject},
	} {
		if f.value == "" {
			return protocol.New(protocol.CodeFieldMissing, f.name, "PSD-PAY-DEL-02", "")
		}
	}
	if !p.Amount.Valid() {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-PAY-DEL-02", "an amount with a currency is needed")
	}
	return nil
}

// with is what its mandate will have spent once p is reserved.
func (m *MemorySpend) with(p Payment) (money.Amount, error) {
	sum, known := m.spent[p.Mandate]
	if !known {
		return p.Amount, nil
	}
	return sum.Add(p.Amount)
}

// Commit implements SpendStore.
func (m *MemorySpend) Commit(_ context.Context, requestID string, confirmed money.Amount, proof string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find(requestID)
	if err != nil {
		return err
	}
	switch p.State {
	case Reserved:
	case Paid, Closed:
		if p.Amount == confirmed && p.Proof == proof {
			return nil
		}
		return protocol.New(protocol.CodeStateConflict, "amount", "PSD-PAY-DEL-10", "committed before with another amount or proof")
	default:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-DEL-10", "a released payment cannot be committed")
	}
	rest, err := m.spent[p.Mandate].Sub(p.Amount)
	if err != nil {
		return err
	}
	sum, err := rest.Add(confirmed)
	if err != nil {
		return err
	}
	m.spent[p.Mandate] = sum
	p.Amount, p.Proof, p.State = confirmed, proof, Paid
	return nil
}

// Release implements SpendStore.
func (m *MemorySpend) Release(_ context.Context, requestID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find(requestID)
	if err != nil {
		return err
	}
	switch p.State {
	case Reserved:
	case Released:
		return nil
	default:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-DEL-10", "a paid amount cannot be released")
	}
	rest, err := m.spent[p.Mandate].Sub(p.Amount)
	if err != nil {
		return err
	}
	m.spent[p.Mandate] = rest
	m.failed[[2]string{p.Mandate, p.Subject}]++
	m.count[[2]string{p.Mandate, p.Merchant}]--
	delete(m.open, p.Subject)
	p.State = Released
	return nil
}

// Close implements SpendStore.
func (m *MemorySpend) Close(_ context.Context, requestID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.find(requestID)
	if err != nil {
		return err
	}
	switch p.State {
	case Paid:
	case Closed:
		return nil
	default:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-A402-23", "only a paid payment can be closed")
	}
	delete(m.open, p.Subject)
	p.State = Closed
	return nil
}

// History implements SpendStore.
func (m *MemorySpend) History(_ context.Context, mandate, subject string) (History, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := History{Failed: m.failed[[2]string{mandate, subject}]}
	if id, open := m.open[subject]; open {
		p := *m.payments[id]
		h.Open = &p
	}
	return h, nil
}

// Spent implements SpendStore.
func (m *MemorySpend) Spent(_ context.Context, mandate string, currency money.Currency) (money.Amount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum, known := m.spent[mandate]
	if !known {
		return money.Zero(currency), nil
	}
	if sum.Currency() != currency {
		return money.Amount{}, protocol.New(protocol.CodeCurrencyMismatch, "currency", "PSD-PAY-DEL-01", "the mandate was used with another currency")
	}
	return sum, nil
}

// Payments implements SpendStore.
func (m *MemorySpend) Payments(_ context.Context, mandate string) ([]Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Payment
	for _, p := range m.order[mandate] {
		out = append(out, *p)
	}
	return out, nil
}

func (m *MemorySpend) find(requestID string) (*Payment, error) {
	p := m.payments[requestID]
	if p == nil {
		return nil, protocol.New(protocol.CodeTradeUnknown, "request_id", "PSD-PAY-DEL-10", "no payment was reserved under this id")
	}
	return p, nil
}
