package providertest

import (
	"context"
	"errors"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// refundMutant is a book whose refunds can be replaced.
type refundMutant struct {
	Book
	refund func(context.Context, provider.RefundRequest) (*provider.Refund, error)
	find   func(context.Context, provider.TradeKey) (*provider.Trade, []provider.Refund, error)
}

func (m *refundMutant) Refund(ctx context.Context, r provider.RefundRequest) (*provider.Refund, error) {
	return m.refund(ctx, r)
}

func (m *refundMutant) Find(ctx context.Context, k provider.TradeKey) (*provider.Trade, []provider.Refund, error) {
	return m.find(ctx, k)
}

// refundWith changes every refund request before the ledger sees it.
func refundWith(b Book, change func(*provider.RefundRequest)) Book {
	return &refundMutant{Book: b, find: b.Find, refund: func(ctx context.Context, r provider.RefundRequest) (*provider.Refund, error) {
		asked := r
		change(&r)
		made, err := b.Refund(ctx, r)
		if made != nil {
			made.RequestID, made.Amount = asked.ID, asked.Amount // or it would be too easy
		}
		var stored *payment.RefundRefusal
		if errors.As(err, &stored) {
			err = &payment.RefundRefusal{RequestID: asked.ID, Reason: stored.Reason}
		}
		return made, err
	}}
}

func refundMutants() []fault {
	return []fault{
		{"refunds every transmission", "one request has one answer", func(b Book, _ func() time.Time) Book {
			return refundWith(b, func(r *provider.RefundRequest) { r.ID = fresh() })
		}},
		{"refunds other content too", "one request has one answer", func(b Book, _ func() time.Time) Book {
			return refundWith(b, func(r *provider.RefundRequest) { r.Digest = "all the same" })
		}},
		{"gives back a part only", "goes back where it came from", func(b Book, _ func() time.Time) Book {
			return refundWith(b, func(r *provider.RefundRequest) { r.Amount = max(r.Amount-1, 1) })
		}},
		{"takes any currency", "never more than was paid", func(b Book, _ func() time.Time) Book {
			return refundWith(b, func(r *provider.RefundRequest) { r.Currency = currency })
		}},
		{"takes anybody's word", "a stranger's request", func(b Book, _ func() time.Time) Book {
			return refundWith(b, func(r *provider.RefundRequest) { r.Merchant = shop })
		}},
		{"stores a stranger's refusal", "a stranger's request", func(b Book, _ func() time.Time) Book {
			m := refundWith(b, func(*provider.RefundRequest) {}).(*refundMutant)
			inner := m.refund
			m.refund = func(ctx context.Context, r provider.RefundRequest) (*provider.Refund, error) {
				made, err := inner(ctx, r)
				if protocol.CodeOf(err) == protocol.CodeTradeUnknown {
					err = &payment.RefundRefusal{RequestID: r.ID, Reason: protocol.AsError(err)}
				}
				return made, err
			}
			return m
		}},
		{"tells everybody of a trade", "by its parties alone", func(b Book, _ func() time.Time) Book {
			m := refundWith(b, func(*provider.RefundRequest) {}).(*refundMutant)
			m.find = func(ctx context.Context, k provider.TradeKey) (*provider.Trade, []provider.Refund, error) {
				if k.Order == "" {
					k.Merchant = ""
				}
				k.Agent = ""
				return b.Find(ctx, k)
			}
			return m
		}},
		{"forgets a refund", "by its parties alone", func(b Book, _ func() time.Time) Book {
			m := refundWith(b, func(*provider.RefundRequest) {}).(*refundMutant)
			m.find = func(ctx context.Context, k provider.TradeKey) (*provider.Trade, []provider.Refund, error) {
				t, made, err := b.Find(ctx, k)
				return t, made[:len(made)/2], err
			}
			return m
		}},
	}
}
