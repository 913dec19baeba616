package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Instants are the payments that need, or needed, the principal's confirmation.
type Instants interface {
	// Instants lists the latest instant payments, newest first, at most limit
	// of them. One whose time is over, and that nobody has met since, is still
	// said to wait; its Expires tells.
	Instants(ctx context.Context, limit int) ([]Instant, error)
}

// An Instant is a payment that needs, or needed, the principal's confirmation.
type Instant struct {
	provider.Trade
	BegunAt time.Time
	Reason  protocol.Code // why it was closed; empty otherwise
}

// NewInstant is an instant payment as it is listed; declined is why it was
// closed, nil otherwise.
func NewInstant(t provider.Trade, begun time.Time, declined *protocol.Error) Instant {
	i := Instant{Trade: t, BegunAt: begun}
	if declined != nil {
		i.Reason = declined.Code
	}
	return i
}
