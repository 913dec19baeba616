package provider_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// broken is a ledger of which one method at a time fails.
type broken struct {
	*provider.MemoryLedger
	at string
}

var errDisk = errors.New("write /secret/ledger.db: no space left on device")

func (b *broken) fails(at string) error {
	if b.at == at {
		return errDisk
	}
	return nil
}

func (b *broken) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	if err := b.fails("Lookup"); err != nil {
		return nil, err
	}
	return b.MemoryLedger.Lookup(ctx, r)
}

func (b *broken) UseNonce(ctx context.Context, n provider.Nonce) error {
	if err := b.fails("UseNonce"); err != nil {
		return err
	}
	return b.MemoryLedger.UseNonce(ctx, n)
}

func (b *broken) Refuse(ctx context.Context, r provider.Request, e *protocol.Error) (*provider.Trade, error) {
	if err := b.fails("Refuse"); err != nil {
		return nil, err
	}
	return b.MemoryLedger.Refuse(ctx, r, e)
}

func (b *broken) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := b.fails("Pay"); err != nil {
		return nil, err
	}
	return b.MemoryLedger.Pay(ctx, p)
}

func (b *broken) SubAccount(ctx context.Context, id string) (provider.SubAccount, error) {
	if err := b.fails("SubAccount"); err != nil {
		return provider.SubAccount{}, err
	}
	return b.MemoryLedger.SubAccount(ctx, id)
}

func (b *broken) Instrument(ctx context.Context, i provider.Instrument) (provider.Facts, error) {
	if err := b.fails("Instrument"); err != nil {
		return provider.Facts{}, err
	}
	return b.MemoryLedger.Instrument(ctx, i)
}

// TestBrokenLedger: a ledger that does not answer leaves the request open,
// whatever was asked of it, and its own words stay inside.
func TestBrokenLedger(t *testing.T) {
	for at, spoil := range map[string]func(*till, *payment.Request){
		"Lookup": func(*till, *payment.Request) {},
		"Pay":    func(*till, *payment.Request) {},
		"SubAccount": func(_ *till, q *payment.Request) {
			q.PaymentToken, q.SubAccountID = "", subID
		},
		"Refuse":   func(l *till, q *payment.Request) { l.status(q, delegation.StatusRevoked) },
		"UseNonce": func(l *till, q *payment.Request) { l.w.Statuses.SetDown(true) },
	} {
		t.Run(at, func(t *testing.T) {
			l := newTill(t, nil)
			book := &broken{MemoryLedger: l.ledger, at: at}
			l.provider = l.with(func(c *provider.Config) { c.Ledger = book })
			q := l.request(payment.ScenarioAUP, "18.00")
			spoil(l, &q)
			_, err := l.send(q)
			if !errors.Is(protocol.AsError(err), protocol.ErrUndetermined) || strings.Contains(protocol.AsError(err).Error(), "secret") {
				t.Fatalf("%v", err)
			}
			for _, v := range l.verdicts {
				if v.Decision.Outcome() == protocol.Denied || v.Trade != nil {
					t.Errorf("told as decided: %+v", v)
				}
			}
			l.spent(0)
			book.at = ""
			l.w.Statuses.SetDown(false)
			if at == "Refuse" {
				_, err = l.send(q)
				l.stored(err, q, protocol.CodeMandateRevoked)
				return
			}
			l.paid(q)
			l.spent(18_00)
		})
	}
}

// lying is a ledger that breaks its contract in what it returns.
type lying struct {
	*provider.MemoryLedger
	change func(*provider.Trade)
}

func (l lying) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	t, err := l.MemoryLedger.Pay(ctx, p)
	if err == nil && l.change == nil {
		return nil, nil
	}
	if err == nil {
		l.change(t)
	}
	return t, err
}

// TestLyingLedger: no proof is signed for what cannot be a paid trade.
func TestLyingLedger(t *testing.T) {
	for name, change := range map[string]func(*provider.Trade){
		"nothing":            nil,
		"not paid":           func(t *provider.Trade) { t.PaidAt = time.Time{} },
		"no amount":          func(t *provider.Trade) { t.Amount = -1 },
		"no currency":        func(t *provider.Trade) { t.Currency = "yuan" },
		"no number":          func(t *provider.Trade) { t.No = "" },
		"another memo":       func(t *provider.Trade) { t.Memo = []byte("{}") },
		"no memo":            func(t *provider.Trade) { t.Memo = nil },
		"less spent than it": func(t *provider.Trade) { t.SpentTotal = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			l := newTill(t, nil)
			l.provider = l.with(func(c *provider.Config) { c.Ledger = lying{l.ledger, change} })
			a, err := l.send(l.request(payment.ScenarioAUP, "18.00"))
			if a.Body != nil || !errors.Is(err, protocol.ErrUndetermined) {
				t.Fatalf("%s, %v", a.Body, err)
			}
		})
	}
}

// TestConcurrentPayments: transmissions of some requests, each many times at
// once, under a mandate that allows five of them (PSD-PAY-DEL-07).
func TestConcurrentPayments(t *testing.T) {
	l := newTill(t, nil)
	l.provider = l.with(func(c *provider.Config) { c.Decided = nil })
	first := l.request(payment.ScenarioAUP, "10.00")
	l.mandate(&first, func(i *delegation.ISR) { i.MaxTotalAmount = "50" })
	var bodies [][]byte
	for range 8 {
		q := l.request(payment.ScenarioAUP, "10.00")
		q.IAC, q.DelegationID = first.IAC, first.DelegationID
		for range 4 {
			bodies = append(bodies, l.sign(q))
		}
	}
	var all sync.WaitGroup
	for _, body := range bodies {
		for range 2 { // one of the two is a replay
			all.Go(func() {
				_, err := l.provider.Pay(ctx, body)
				if code := protocol.CodeOf(err); err != nil && code != protocol.CodeReplayed && code != protocol.CodeTotalLimitExceeded {
					t.Errorf("%v", err)
				}
			})
		}
	}
	all.Wait()
	l.spent(50_00)
	if n := len(l.ledger.Trades()); n != 5 {
		t.Errorf("%d trades", n)
	}
}

// FuzzMessages: whatever comes, nothing panics, nothing that is not signed moves
// money, and every error is one of ours. The seeds are messages of all kinds,
// signed by keys that nobody has any more.
func FuzzMessages(f *testing.F) {
	l := newTill(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, serve := range []func(context.Context, []byte) (provider.Answer, error){
			l.provider.Pay, l.provider.Query, l.provider.Consume, l.provider.Fulfil,
		} {
			a, err := serve(ctx, body)
			var own *protocol.Error
			if err == nil || a.Body != nil || !errors.As(err, &own) || !own.Code.Known() {
				t.Fatalf("%s, %v", a.Body, err)
			}
		}
		if len(l.ledger.Trades()) != 0 || l.ledger.Balance(acttest.ShopDID, "CNY") != 0 {
			t.Fatal("money moved")
		}
	})
}
