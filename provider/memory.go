package provider

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A MemoryLedger is a [Ledger] of maps behind one lock, for tests and
// demonstrations: everything is forgotten with the process, so nothing here
// belongs into a program that moves money. It is also a verifier.ReplayStore.
// It is safe for concurrent use.
//
// Whoever opens accounts, binds tokens and opens sub-accounts has identified
// the parties (PSD-PMT-BND-02, PSD-AGT-SUB-01).
type MemoryLedger struct {
	now func() time.Time

	mu       sync.Mutex
	nonces   map[nonceKey]time.Time
	swept    time.Time
	answers  map[requestKey]*answer
	trades   map[string]*booked
	orders   map[orderKey]string // number of the trade by which it was paid
	refunds  map[requestKey]*refundAnswer
	accounts map[accountKey]*account
	tokens   map[string]*bound
	subs     map[string]*bound
	mandates map[mandateKey]*budget
	bindings map[string]*Binding
	all      map[string]int64 // all money that ever came in, by currency: no account can hold more
}

type (
	nonceKey   struct{ scope, value string }
	requestKey struct{ agent, id string }
	orderKey   struct{ payee, number string }
	accountKey struct{ owner, currency string }
	mandateKey struct{ issuer, id string }
)

// An account is money of an owner in a currency.
type account struct {
	merchant bool
	balance  int64
}

// A budget is what the payments under a mandate have in common.
type budget struct {
	pinned canon.Digest
	spent  int64
}

// bound is a token or a sub-account, with what was taken by it.
type bound struct {
	token   Token
	sub     SubAccount
	balance int64 // of a sub-account
	taken   []taken
}

type taken struct {
	at     time.Time
	amount int64
}

// sum is what was taken after a moment.
func (b *bound) sum(after time.Time) (sum int64) {
	for _, t := range b.taken {
		if t.at.After(after) {
			sum += t.amount
		}
	}
	return sum
}

// NewMemoryLedger returns an empty ledger. now is time.Now when nil.
func NewMemoryLedger(now func() time.Time) *MemoryLedger {
	if now == nil {
		now = time.Now
	}
	return &MemoryLedger{
		now: now, nonces: make(map[nonceKey]time.Time), answers: make(map[requestKey]*answer), trades: make(map[string]*booked),
		orders: make(map[orderKey]string), refunds: make(map[requestKey]*refundAnswer), accounts: make(map[accountKey]*account), tokens: make(map[string]*bound),
		subs: make(map[string]*bound), mandates: make(map[mandateKey]*budget), bindings: make(map[string]*Binding), all: make(map[string]int64),
	}
}

var (
	_ Ledger               = (*MemoryLedger)(nil)
	_ verifier.ReplayStore = (*MemoryLedger)(nil)
)

// OpenPrincipal opens an account from which can be paid. Opening it again does
// nothing; opening it as another kind is state_conflict.
func (l *MemoryLedger) OpenPrincipal(did, currency string) error {
	return l.open(did, currency, false)
}

// OpenMerchant opens an account to which can be paid, as OpenPrincipal does.
func (l *MemoryLedger) OpenMerchant(did, currency string) error { return l.open(did, currency, true) }

func (l *MemoryLedger) open(did, currency string, merchant bool) error {
	if did == "" || currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "account", "PSD-PMT-BND-02", "owner and currency are needed")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	have := l.accounts[accountKey{did, currency}]
	if have == nil {
		l.accounts[accountKey{did, currency}] = &account{merchant: merchant}
	} else if have.merchant != merchant {
		return protocol.New(protocol.CodeStateConflict, "account", "PSD-PMT-BND-02", "opened before as another kind")
	}
	return nil
}

// Deposit adds money that came from outside, in minor units, to a principal's
// account.
func (l *MemoryLedger) Deposit(did, currency string, amount int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[accountKey{did, currency}]
	if a == nil || a.merchant {
		return protocol.New(protocol.CodeInstrumentInvalid, "account", "PSD-PMT-BND-03", "no such account")
	}
	if amount <= 0 || l.all[currency] > math.MaxInt64-amount {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-PMT-BND-03", "above zero, and not more than an account can hold")
	}
	l.all[currency] += amount
	a.balance += amount
	return nil
}

// Balance is what an account holds, in minor units; zero when there is none.
func (l *MemoryLedger) Balance(did, currency string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.accounts[accountKey{did, currency}]; a != nil {
		return a.balance
	}
	return 0
}

// BindToken binds a payment token, which is active from now on, to the account
// of a principal. A failed binding leaves no token (PSD-PMT-BND-05).
func (l *MemoryLedger) BindToken(k Token) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[accountKey{k.Principal, k.Currency}]
	switch {
	case k.ID == "" || k.Agent == "":
		return protocol.New(protocol.CodeFieldMissing, "token", "PSD-PMT-BND-03", "id and agent are needed")
	case !k.ValidUntil.After(k.ValidFrom) || k.Ceiling < 0:
		return protocol.New(protocol.CodeFieldInvalid, "token", "PSD-PMT-BND-03", "a period, and no ceiling below zero")
	case a == nil || a.merchant:
		return protocol.New(protocol.CodeInstrumentInvalid, "principal", "PSD-PMT-BND-05", "the principal has no account in this currency")
	case l.tokens[k.ID] != nil:
		return protocol.New(protocol.CodeStateConflict, "id", "PSD-PMT-BND-05", "the token was bound before")
	}
	k.State, k.Merchants = TokenActive, slices.Clone(k.Merchants)
	l.tokens[k.ID] = &bound{token: k}
	return nil
}

// SetTokenState freezes, thaws or cancels a token; a cancelled one stays so
// (state_conflict).
func (l *MemoryLedger) SetTokenState(id string, state TokenState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.tokens[id]
	switch {
	case state != TokenActive && state != TokenFrozen && state != TokenCancelled:
		return protocol.New(protocol.CodeFieldInvalid, "state", "PSD-PMT-BND-04", "active, frozen or cancelled")
	case b == nil:
		return protocol.New(protocol.CodeInstrumentInvalid, "payment_token", "PSD-PMT-BND-04", "unknown")
	case b.token.State == TokenCancelled && state != TokenCancelled:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-PMT-BND-04", "cancelled for ever")
	}
	b.token.State = state
	return nil
}

// OpenSubAccount opens a sub-account, active and empty (PSD-AGT-SUB-01).
func (l *MemoryLedger) OpenSubAccount(s SubAccount) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[accountKey{s.Principal, s.Currency}]
	switch {
	case s.ID == "" || s.Agent == "" || s.Key.IsZero():
		return protocol.New(protocol.CodeFieldMissing, "subaccount", "PSD-AGT-SUB-01", "id, agent and key are needed")
	case s.Limits.Single < 0 || s.Limits.Total < 0 || s.Limits.Within < 0 || s.Limits.Within > 0 && s.Limits.Period <= 0:
		return protocol.New(protocol.CodeFieldInvalid, "limits", "PSD-AGT-SUB-06", "not below zero, and a limit within a period has one")
	case a == nil || a.merchant:
		return protocol.New(protocol.CodeInstrumentInvalid, "principal", "PSD-AGT-SUB-01", "the principal has no account in this currency")
	case l.subs[s.ID] != nil:
		return protocol.New(protocol.CodeStateConflict, "id", "PSD-AGT-SUB-01", "opened before")
	}
	s.State = SubAccountActive
	l.subs[s.ID] = &bound{sub: s}
	return nil
}

// FundSubAccount moves money from the principal's account to the sub-account,
// in minor units.
func (l *MemoryLedger) FundSubAccount(id string, amount int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.openSub(id)
	if err != nil {
		return err
	}
	from := l.accounts[accountKey{b.sub.Principal, b.sub.Currency}]
	if amount <= 0 || b.sub.State == SubAccountCancelled {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-AGT-SUB-02", "above zero, and to a sub-account that was not cancelled")
	}
	if amount > from.balance {
		return protocol.New(protocol.CodeBalanceInsufficient, "amount", "PSD-AGT-SUB-02", "")
	}
	from.balance -= amount
	b.balance += amount
	return nil
}

// SubAccountBalance is what a sub-account holds, in minor units.
func (l *MemoryLedger) SubAccountBalance(id string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.subs[id]; b != nil {
		return b.balance
	}
	return 0
}

// SetSubAccountState freezes, thaws or cancels a sub-account. A cancelled one
// stays so (state_conflict), and what it held flows back to the principal.
func (l *MemoryLedger) SetSubAccountState(id string, state SubAccountState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.openSub(id)
	switch {
	case err != nil:
		return err
	case state != SubAccountActive && state != SubAccountFrozen && state != SubAccountCancelled:
		return protocol.New(protocol.CodeFieldInvalid, "state", "PSD-AGT-SUB-02", "active, frozen or cancelled")
	case b.sub.State == SubAccountCancelled && state != SubAccountCancelled:
		return protocol.New(protocol.CodeStateConflict, "state", "PSD-AGT-SUB-02", "cancelled for ever")
	}
	b.sub.State = state
	if state == SubAccountCancelled {
		l.accounts[accountKey{b.sub.Principal, b.sub.Currency}].balance += b.balance
		b.balance = 0
	}
	return nil
}

// SetSubAccountKey replaces the key of a sub-account: authorizations by the
// earlier one count no longer.
func (l *MemoryLedger) SetSubAccountKey(id string, key keys.PublicKey) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.openSub(id)
	if err != nil {
		return err
	}
	if key.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "key", "PSD-AGT-SUB-01", "")
	}
	b.sub.Key = key
	return nil
}

func (l *MemoryLedger) openSub(id string) (*bound, error) {
	if b := l.subs[id]; b != nil {
		return b, nil
	}
	return nil, UnknownSubAccount()
}

// Trades returns all trades in their present state, in no order.
func (l *MemoryLedger) Trades() []Trade {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Trade, 0, len(l.trades))
	for _, b := range l.trades {
		l.expire(b)
		out = append(out, *b.copy())
	}
	return out
}
