package providertest

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// TestContractCatchesMutants: a contract that no ledger can break is worth
// nothing. Each mutant is a MemoryLedger with one fault, and the case that is
// about this fault must fail.
func TestContractCatchesMutants(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			broken := failing(func(now func() time.Time) Book { return m.make(provider.NewMemoryLedger(now), now) })
			if !slices.ContainsFunc(slices.Collect(maps.Keys(broken)), func(name string) bool { return strings.Contains(name, m.caught) }) {
				t.Errorf("%q did not catch it; broken: %v", m.caught, broken)
			}
		})
	}
	if broken := failing(func(now func() time.Time) Book { return provider.NewMemoryLedger(now) }); len(broken) != 0 {
		t.Errorf("without a fault: %v", broken)
	}
}

// failing runs all cases and returns what the failing ones said.
func failing(open func(now func() time.Time) Book) map[string]string {
	said := make(map[string]string)
	for _, c := range cases() {
		r, clock := new(recorder), newClock()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(newBench(r, open(clock.now), clock))
		}()
		<-done
		if r.said != "" {
			said[c.name] = r.said
		}
	}
	return said
}

// A recorder is a tester that keeps the failure.
type recorder struct{ said string }

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// mutant is a book whose methods can be replaced.
type mutant struct {
	Book
	lookup  func(context.Context, provider.Request) (*provider.Trade, error)
	nonce   func(context.Context, provider.Nonce) error
	refuse  func(context.Context, provider.Request, *protocol.Error) (*provider.Trade, error)
	pay     func(context.Context, provider.Payment) (*provider.Trade, error)
	begin   func(context.Context, provider.Payment) (*provider.Trade, error)
	settle  func(context.Context, string, provider.Confirmation) (*provider.Trade, error)
	decline func(context.Context, string, protocol.Code) error
	query   func(context.Context, string, string) (*provider.Trade, error)
	consume func(ctx context.Context, merchant, no, consumer string) (*provider.Trade, error)
	balance func(did, currency string) int64
	bind    func(provider.Token) error
	freeze  func(string, provider.TokenState) error
	freezeS func(string, provider.SubAccountState) error
	open    func(provider.SubAccount) error
	state   func(context.Context, provider.Instrument) (provider.Facts, error)
}

func whole(b Book) *mutant {
	return &mutant{
		Book: b, lookup: b.Lookup, nonce: b.UseNonce, refuse: b.Refuse, pay: b.Pay, begin: b.Begin, settle: b.Settle, decline: b.Decline,
		query: b.Query, consume: b.Consume, balance: b.Balance, bind: b.BindToken, freeze: b.SetTokenState, freezeS: b.SetSubAccountState,
		open: b.OpenSubAccount, state: b.Instrument,
	}
}

func (m *mutant) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	return m.lookup(ctx, r)
}
func (m *mutant) UseNonce(ctx context.Context, n provider.Nonce) error { return m.nonce(ctx, n) }
func (m *mutant) Refuse(ctx context.Context, r provider.Request, e *protocol.Error) (*provider.Trade, error) {
	return m.refuse(ctx, r, e)
}
func (m *mutant) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	return m.pay(ctx, p)
}
func (m *mutant) Begin(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	return m.begin(ctx, p)
}
func (m *mutant) Settle(ctx context.Context, no string, c provider.Confirmation) (*provider.Trade, error) {
	return m.settle(ctx, no, c)
}
func (m *mutant) Decline(ctx context.Context, no string, code protocol.Code) error {
	return m.decline(ctx, no, code)
}
func (m *mutant) Query(ctx context.Context, agent, id string) (*provider.Trade, error) {
	return m.query(ctx, agent, id)
}
func (m *mutant) Consume(ctx context.Context, merchant, no, consumer string) (*provider.Trade, error) {
	return m.consume(ctx, merchant, no, consumer)
}
func (m *mutant) Instrument(ctx context.Context, i provider.Instrument) (provider.Facts, error) {
	return m.state(ctx, i)
}
func (m *mutant) Balance(did, currency string) int64                   { return m.balance(did, currency) }
func (m *mutant) BindToken(k provider.Token) error                     { return m.bind(k) }
func (m *mutant) SetTokenState(id string, s provider.TokenState) error { return m.freeze(id, s) }
func (m *mutant) OpenSubAccount(s provider.SubAccount) error           { return m.open(s) }
func (m *mutant) SetSubAccountState(id string, s provider.SubAccountState) error {
	return m.freezeS(id, s)
}

// payWith changes every payment before the ledger sees it.
func payWith(m *mutant, change func(*provider.Payment)) *mutant {
	inner := m.pay
	m.pay = func(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
		change(&p)
		return inner(ctx, p)
	}
	return m
}

// beginWith changes every instant payment before the ledger sees it.
func beginWith(m *mutant, change func(*provider.Payment)) *mutant {
	inner := m.begin
	m.begin = func(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
		change(&p)
		return inner(ctx, p)
	}
	return m
}

type fault struct {
	name   string
	caught string // by the case whose name has this
	make   func(Book, func() time.Time) Book
}

func mutants() []fault {
	return slices.Concat(answerMutants(), limitMutants(), instrumentMutants(), stateMutants(), instantMutants(), refundMutants())
}

var serial atomic.Int64

func fresh() string { return fmt.Sprintf("fresh-%d", serial.Add(1)) }

func answerMutants() []fault {
	return []fault{
		{"forgets nonces", "a nonce is used once", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Request.Nonce.Value = fresh() })
		}},
		{"forgets the nonces of other messages", "a nonce is used once", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.nonce = func(_ context.Context, n provider.Nonce) error { return provider.CheckNonce(n) }
			return m
		}},
		{"looks up and uses the nonce", "every answer uses its nonce", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.lookup = func(ctx context.Context, r provider.Request) (*provider.Trade, error) {
				t, err := b.Lookup(ctx, r)
				if err == nil {
					err = b.UseNonce(ctx, r.Nonce)
				}
				return t, err
			}
			return m
		}},
		{"pays every transmission", "one request has one answer", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Request.ID, p.Order = fresh(), fresh() })
		}},
		{"answers other content too", "one request has one answer", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Request.Digest = "all the same" })
		}},
		{"forgets refusals", "a stored refusal stays the answer", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.refuse = func(ctx context.Context, r provider.Request, e *protocol.Error) (*provider.Trade, error) {
				if err := b.UseNonce(ctx, r.Nonce); err != nil {
					return nil, err
				}
				return nil, &payment.Refusal{RequestID: r.ID, Reason: e}
			}
			return m
		}},
		{"stores what is undetermined", "what is undetermined is not stored", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.refuse = func(ctx context.Context, r provider.Request, e *protocol.Error) (*provider.Trade, error) {
				_, err := b.Refuse(ctx, r, protocol.New(protocol.CodeMandateRevoked, "", "", ""))
				return nil, err
			}
			return m
		}},
		{"tells an answer to everybody", "a query tells the answer to its own agent", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.query = func(ctx context.Context, _, id string) (*provider.Trade, error) { return b.Query(ctx, agent, id) }
			return m
		}},
		{"ignores what was found before", "what was found before refuses too", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Made = protocol.Decision{} })
		}},
		{"delivers to every consumer", "one consumer of many", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.consume = func(ctx context.Context, merchant, no, consumer string) (*provider.Trade, error) {
				t, err := b.Consume(ctx, merchant, no, consumer)
				if protocol.CodeOf(err) == protocol.CodeProofUsed {
					return b.Trade(ctx, no)
				}
				return t, err
			}
			return m
		}},
	}
}

// racing judges the total by itself, and debits in another step: right for one
// request after another, and wrong for two at once.
func racing(b Book, _ func() time.Time) Book {
	m := whole(b)
	var mu sync.Mutex
	spent := make(map[string]int64)
	return payWith2(m, func(ctx context.Context, p provider.Payment, inner func(context.Context, provider.Payment) (*provider.Trade, error)) (*provider.Trade, error) {
		key, total := p.Mandate.Issuer+" "+p.Mandate.DelegationID, p.Mandate.Total
		mu.Lock()
		left := total - spent[key]
		mu.Unlock()
		runtime.Gosched()
		time.Sleep(time.Millisecond)
		if p.Amount <= left {
			p.Mandate.Total = 1 << 62
		}
		t, err := inner(ctx, p)
		if err == nil && t.Decision.Allowed() {
			mu.Lock()
			spent[key] += p.Amount
			mu.Unlock()
		}
		return t, err
	})
}

func payWith2(m *mutant, pay func(context.Context, provider.Payment, func(context.Context, provider.Payment) (*provider.Trade, error)) (*provider.Trade, error)) *mutant {
	inner := m.pay
	m.pay = func(ctx context.Context, p provider.Payment) (*provider.Trade, error) { return pay(ctx, p, inner) }
	return m
}

func limitMutants() []fault {
	return []fault{
		{"lets the total be overspent under concurrency", "the total of a mandate holds under concurrency", racing},
		{"has no total", "the total of a mandate, to the last fen", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Mandate.Total = 1 << 62 })
		}},
		{"counts the total by delegation id alone", "the total of a mandate, to the last fen", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Mandate.Issuer, p.Mandate.Digest = "everybody", "all" })
		}},
		{"pays an order twice", "an order is paid once", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Order = fresh() })
		}},
		{"pins nothing", "a mandate is pinned to its payload", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Mandate.Digest = "all the same" })
		}},
		{"debits after the end", "nothing is debited after the end", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) { p.Expires = p.Expires.Add(time.Hour) })
		}},
		{"pays anybody", "a payee needs an account", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) {
				if p.Payee != shop && p.Payee != shop2 {
					p.Payee = shop
				}
			})
		}},
	}
}

func stateMutants() []fault {
	tells := func(change func(b Book, i provider.Instrument, f *provider.Facts)) func(Book, func() time.Time) Book {
		return func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.state = func(ctx context.Context, i provider.Instrument) (provider.Facts, error) {
				f, err := b.Instrument(ctx, i)
				change(b, i, &f)
				return f, err
			}
			return m
		}
	}
	return []fault{
		{"calls a frozen token active", "the state of a token, before a payment", tells(func(_ Book, _ provider.Instrument, f *provider.Facts) {
			if f.Token != nil {
				f.Token.State = provider.TokenActive
			}
		})},
		{"forgets what a token has paid", "the state of a token, before a payment", tells(func(_ Book, _ provider.Instrument, f *provider.Facts) { f.Taken = 0 })},
		{"calls a token every agent's", "an instrument of another agent", tells(func(_ Book, i provider.Instrument, f *provider.Facts) {
			if f.Token != nil {
				f.Token.Agent = i.Agent
			}
		})},
		{"makes tokens up", "an instrument of another agent", tells(func(_ Book, i provider.Instrument, f *provider.Facts) {
			if f.Token == nil && i.Token != "" {
				f.Token = &provider.Token{ID: i.Token, Agent: i.Agent, State: provider.TokenActive}
			}
		})},
		{"tells the main balance of a sub-account", "the state of a sub-account, before a payment", tells(func(b Book, _ provider.Instrument, f *provider.Facts) {
			if f.SubAccount != nil {
				f.Balance += b.Balance(owner, currency)
			}
		})},
		{"calls a frozen sub-account active", "the state of a sub-account, before a payment", tells(func(_ Book, _ provider.Instrument, f *provider.Facts) {
			if f.SubAccount != nil {
				f.SubAccount.State = provider.SubAccountActive
			}
		})},
		{"forgets what was taken in a period", "what the limits of a sub-account leave", tells(func(_ Book, _ provider.Instrument, f *provider.Facts) { f.Within = 0 })},
	}
}

func instrumentMutants() []fault {
	return []fault{
		{"pays with a frozen token", "a token that is not known, frozen or cancelled", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.freeze = func(string, provider.TokenState) error { return nil }
			return m
		}},
		{"pays for another principal", "a token of another principal", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) {
				if p.Token == otherToken {
					p.Mandate.Delegator = other
				}
			})
		}},
		{"pays for another agent", "a token of another agent", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.bind = func(k provider.Token) error {
				second := k
				second.ID, second.Agent = k.ID+" of a stranger", stranger
				if err := b.BindToken(second); err != nil {
					return err
				}
				return b.BindToken(k)
			}
			return payWith(m, func(p *provider.Payment) {
				if p.Request.Agent == stranger {
					p.Token += " of a stranger"
				}
			})
		}},
		{"has no ceiling", "a token's ceiling holds under concurrency", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.bind = func(k provider.Token) error { k.Ceiling = 0; return b.BindToken(k) }
			return m
		}},
		{"pays every merchant", "a token's period, merchants and currency", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.bind = func(k provider.Token) error { k.Merchants = nil; return b.BindToken(k) }
			return m
		}},
		{"accepts a rotated sub-account key", "authorised by another key", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) {
				if s, err := b.SubAccount(context.Background(), p.SubAccount); err == nil {
					p.SubAccountKey = s.Key.Thumbprint()
				}
			})
		}},
		{"pays from a frozen sub-account", "a frozen or cancelled sub-account pays nothing", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.freezeS = func(string, provider.SubAccountState) error { return nil }
			return m
		}},
		{"takes a sub-account's payment from the main account", "a payment from a sub-account takes its money", func(b Book, _ func() time.Time) Book {
			return payWith(whole(b), func(p *provider.Payment) {
				if p.SubAccount != "" {
					p.Token, p.SubAccount, p.SubAccountKey = token, "", ""
				}
			})
		}},
		{"ignores limits of sub-accounts", "limits of a sub-account", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.open = func(s provider.SubAccount) error { s.Limits = provider.Limits{}; return b.OpenSubAccount(s) }
			return m
		}},
	}
}

// holding keeps the money of what waits from other payments, or shows it as
// gone.
func holding(b Book, debited bool) Book {
	m := whole(b)
	var held atomic.Int64
	m.begin = func(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
		t, err := b.Begin(ctx, p)
		if err == nil && t.Decision.Allowed() {
			held.Add(p.Amount)
		}
		return t, err
	}
	if debited {
		m.balance = func(did, currency string) int64 {
			if did == owner {
				return b.Balance(did, currency) - held.Load()
			}
			return b.Balance(did, currency)
		}
		return m
	}
	return payWith(m, func(p *provider.Payment) {
		if p.Amount > b.Balance(owner, currency)-held.Load() {
			p.Made.Fail(protocol.CodeBalanceInsufficient, "", "reserved", "", "")
		}
	})
}

func instantMutants() []fault {
	return []fault{
		{"debits on Begin", "what waits has moved and reserved nothing", func(b Book, _ func() time.Time) Book { return holding(b, true) }},
		{"reserves on Begin", "what waits has moved and reserved nothing", func(b Book, _ func() time.Time) Book { return holding(b, false) }},
		{"begins with a frozen token", "the instrument is judged before the cashier", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			var frozen atomic.Bool
			m.freeze = func(_ string, s provider.TokenState) error { frozen.Store(s != provider.TokenActive); return nil }
			m.settle = func(ctx context.Context, no string, c provider.Confirmation) (*provider.Trade, error) {
				if frozen.Load() {
					_ = b.Decline(ctx, no, protocol.CodeExecutionFailed)
				}
				return b.Settle(ctx, no, c)
			}
			return m
		}},
		{"settles after decline", "declined is never paid", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			var declined sync.Map
			m.decline = func(_ context.Context, no string, _ protocol.Code) error { declined.Store(no, true); return nil }
			m.query = func(ctx context.Context, agent, id string) (*provider.Trade, error) {
				t, err := b.Query(ctx, agent, id)
				if err != nil {
					return nil, err
				}
				if _, ended := declined.Load(t.No); ended {
					return nil, &payment.Refusal{RequestID: id, Reason: provider.Declined(protocol.CodeConfirmationFailed)}
				}
				return t, nil
			}
			return m
		}},
		{"settles when it is too late", "too late is never paid", func(b Book, _ func() time.Time) Book {
			return beginWith(whole(b), func(p *provider.Payment) { p.Expires = p.Expires.Add(time.Hour) })
		}},
		{"forgets that it was too late", "too late is never paid", forgetful},
		{"declines what was paid", "how a trade can be declined", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.decline = func(ctx context.Context, no string, code protocol.Code) error {
				if err := b.Decline(ctx, no, code); protocol.CodeOf(err) != protocol.CodeStateConflict {
					return err
				}
				return nil
			}
			return m
		}},
		{"does not judge the settlement", "what changed meanwhile is judged again", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.freeze = func(_ string, s provider.TokenState) error { return nil }
			return m
		}},
		{"forgets how it was confirmed", "a confirmation pays, and is recorded", func(b Book, _ func() time.Time) Book {
			m := whole(b)
			m.settle = func(ctx context.Context, no string, c provider.Confirmation) (*provider.Trade, error) {
				if c.Check() == nil {
					c = provider.Confirmation{Method: "somehow", At: c.At}
				}
				return b.Settle(ctx, no, c)
			}
			return m
		}},
		{"waits under a mandate", "what is missing is refused before it is judged", func(b Book, _ func() time.Time) Book {
			return beginWith(whole(b), func(p *provider.Payment) { p.Mandate, p.Scenario = provider.Mandate{}, payment.ScenarioINS })
		}},
		{"takes one request for another", "what waits has moved and reserved nothing", func(b Book, _ func() time.Time) Book {
			return beginWith(whole(b), func(p *provider.Payment) { p.Request.Digest = canon.Digest("all the same") })
		}},
	}
}

// forgetful tells that a trade is too late and does not store it: it answers
// from the clock alone.
func forgetful(b Book, now func() time.Time) Book {
	m := whole(b)
	type waiting struct {
		id, no string
		until  time.Time
	}
	var all []waiting
	over := func(id, no string) error {
		i := slices.IndexFunc(all, func(w waiting) bool { return w.id == id || w.no == no })
		if i < 0 || now().Before(all[i].until) {
			return nil
		}
		return &payment.Refusal{RequestID: all[i].id, Reason: provider.Declined(protocol.CodeConfirmationFailed)}
	}
	m.begin = func(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
		if err := over(p.Request.ID, ""); err != nil {
			return nil, err
		}
		until := p.Expires
		p.Expires = until.Add(time.Hour)
		t, err := b.Begin(ctx, p)
		if err == nil {
			all = append(all, waiting{p.Request.ID, t.No, until})
		}
		return t, err
	}
	m.lookup = func(ctx context.Context, r provider.Request) (*provider.Trade, error) {
		if err := over(r.ID, ""); err != nil {
			return nil, err
		}
		return b.Lookup(ctx, r)
	}
	m.query = func(ctx context.Context, agent, id string) (*provider.Trade, error) {
		if err := over(id, ""); err != nil {
			return nil, err
		}
		return b.Query(ctx, agent, id)
	}
	m.settle = func(ctx context.Context, no string, c provider.Confirmation) (*provider.Trade, error) {
		if err := over("", no); err != nil {
			return nil, err
		}
		return b.Settle(ctx, no, c)
	}
	return m
}
