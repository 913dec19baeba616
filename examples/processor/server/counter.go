package server

import (
	"context"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// counter is the processor as its cashier sees it.
type counter struct{ *Server }

// Instant implements cashier.Book: the facts are those that will be debited
// (PSD-PAY-INS-02).
func (c counter) Instant(ctx context.Context, tradeNo string) (cashier.Payment, error) {
	t, err := c.ledger.Trade(ctx, tradeNo)
	if err != nil {
		return cashier.Payment{}, err
	}
	if t.Scenario != payment.ScenarioINS {
		return cashier.Payment{}, protocol.New(protocol.CodeTradeUnknown, "trade_no", "PSD-PAY-INS-03", "not an instant payment")
	}
	amount, err := t.Money()
	if err != nil {
		return cashier.Payment{}, err
	}
	name, err := c.ledger.NameOf(ctx, t.Payee)
	if err != nil {
		return cashier.Payment{}, err
	}
	p := cashier.Payment{
		TradeNo: t.No, Principal: t.Principal, Agent: t.Agent, Payee: t.Payee, PayeeName: name, Amount: amount, Method: t.Method, Order: t.Order,
		Expires: t.Expires, State: cashier.Paid, PaidAt: t.PaidAt, Confirmed: t.Confirmation.Method,
	}
	switch {
	case t.Waiting():
		p.State = cashier.Waiting
	case t.PaidAt.IsZero():
		p.State = cashier.Closed
		_, refusal := c.ledger.Query(ctx, t.Agent, t.RequestID) // the stored answer says why
		p.Reason = protocol.CodeOf(refusal)
	}
	return p, nil
}

// DeviceKey implements cashier.Book. A device that was removed is as unknown as
// one that never was.
func (c counter) DeviceKey(ctx context.Context, device string) (cashier.DeviceKey, error) {
	d, err := c.ledger.Device(ctx, device)
	if err == nil && d.Removed {
		err = protocol.New(protocol.CodeKeyUnknown, "device_id", "PSD-PAY-INS-03", "no such device")
	}
	if err != nil {
		return cashier.DeviceKey{}, err
	}
	return cashier.DeviceKey{Principal: d.Principal, Key: d.Key}, nil
}

// Confirm implements cashier.Provider.
func (c counter) Confirm(ctx context.Context, tradeNo, method string) error {
	_, err := c.provider.Confirm(ctx, tradeNo, provider.Confirmation{Method: method, At: c.now()})
	return err
}

// Decline implements cashier.Provider.
func (c counter) Decline(ctx context.Context, tradeNo string, code protocol.Code) error {
	return c.provider.Decline(ctx, tradeNo, code)
}
