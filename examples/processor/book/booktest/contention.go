package booktest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

const (
	payers      = 24
	payments    = 40 // of each
	hotBudget   = 100
	hotDelegate = "hot"
)

// contention lets many agents pay at once: half of them under one mandate with
// less budget than they want, all to one merchant, each from an account that it
// shares with another; the merchant gives back what it got, in between. A reader
// looks all the while that no money appears, disappears or falls below zero
// (PSD-PAY-DEL-07).
func contention(d *desk) {
	ctx := d.Context()
	d.must(d.OpenAccount(ctx, mall, book.Merchant, "CNY"))
	for i := range payers / 2 {
		owner := fmt.Sprint(ann, "-", i)
		d.must(
			d.OpenAccount(ctx, owner, book.Principal, "CNY"), d.Deposit(ctx, book.Deposit{ID: owner, Owner: owner, Currency: "CNY", Amount: payments}),
			d.BindToken(ctx, provider.Token{ID: "pt-" + owner, Principal: owner, Agent: buyer, Currency: "CNY", ValidFrom: passkeyStart.Add(-time.Hour), ValidUntil: passkeyStart.AddDate(0, 1, 0)}),
		)
	}
	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		d.watch(stop)
	}()
	var paid, hot, refunded atomic.Int64
	var wg sync.WaitGroup
	for i := range payers {
		wg.Go(func() {
			for range payments {
				p := d.payment(1)
				p.Mandate.Delegator = fmt.Sprint(ann, "-", i/2)
				p.Mandate.DelegationID, p.Mandate.Total, p.Token = fmt.Sprint("own-", i), 1<<40, "pt-"+p.Mandate.Delegator
				if i%2 == 0 { // one budget for many; the ledger does not ask whose it is
					p.Mandate.DelegationID, p.Mandate.Total = hotDelegate, hotBudget
				}
				trade, err := d.Pay(ctx, p)
				switch code := protocol.CodeOf(err); {
				case err == nil:
					paid.Add(1)
					if i%2 == 0 {
						hot.Add(1)
					}
					refunded.Add(d.perhapsRefund(trade))
				case code != protocol.CodeTotalLimitExceeded && code != protocol.CodeBalanceInsufficient:
					d.Errorf("payer %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-looked
	if hot.Load() != hotBudget {
		d.Errorf("%d payments under a budget of %d", hot.Load(), hotBudget)
	}
	if got := balance(d.T, d.Book, mall, "CNY"); got != paid.Load()-refunded.Load() || paid.Load() == 0 || refunded.Load() == 0 {
		d.Errorf("the merchant has %d, of %d payments and %d refunds", got, paid.Load(), refunded.Load())
	}
	if r := sound(d.T, d.Book); r.Trades != paid.Load() {
		d.Errorf("%d trades, %d were answered", r.Trades, paid.Load())
	}
}

// perhapsRefund gives a payment back, twice at once, now and then.
func (d *desk) perhapsRefund(trade *provider.Trade) (given int64) {
	if rand.IntN(3) > 0 {
		return 0
	}
	var wg sync.WaitGroup
	var made atomic.Int64
	for range 2 {
		id := d.id("refund")
		wg.Go(func() {
			r, err := d.Refund(d.Context(), provider.RefundRequest{
				Merchant: mall, ID: id, Digest: canon.Digest(id), TradeNo: trade.No, Amount: trade.Amount, Currency: "CNY", Reason: payment.RefundDuplicate,
			})
			switch {
			case err == nil:
				made.Add(r.Amount)
			case protocol.CodeOf(err) != protocol.CodeRefundExceeded:
				d.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != trade.Amount {
		d.Errorf("%d given back of %d", made.Load(), trade.Amount)
	}
	return made.Load()
}

// watch reads all accounts, each time from one moment, until it is stopped.
func (d *desk) watch(stop <-chan struct{}) {
	for n := 0; ; n++ {
		list, err := d.Accounts(d.Context())
		if err != nil {
			d.Error(err)
			return
		}
		sum := int64(0)
		for _, a := range list {
			if sum += a.Balance; a.Balance < 0 && a.Kind != book.Funding {
				d.Errorf("an account of kind %s has %d", a.Kind, a.Balance)
			}
		}
		if sum != 0 {
			d.Errorf("all accounts sum to %d", sum)
		}
		select {
		case <-stop:
			if n == 0 {
				d.Error("nothing was looked at while it ran")
			}
			return
		default:
		}
	}
}
