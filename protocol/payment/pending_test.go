package payment_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestPendingRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.Pending)
		field  string
	}{
		{"PSD-PAY-INS-04 paid already", func(p *payment.Pending) { p.TradeState = payment.StateWaitSellerFulfillment }, "trade_state"},
		{"PSD-PAY-INS-04 not begun", func(p *payment.Pending) { p.TradeState = payment.StateCreate }, "trade_state"},
		{"PSD-PAY-INS-05 nothing to pay", func(p *payment.Pending) { p.Amount = cny(t, "0") }, "amount"},
		{"PSD-PAY-INS-03 a cashier without TLS", func(p *payment.Pending) { p.CashierURL = "http://pay.example/cashier" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier that is a program", func(p *payment.Pending) { p.CashierURL = "javascript:alert(1)" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier with a user", func(p *payment.Pending) { p.CashierURL = "https://pay.example@evil.example/" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier without a host", func(p *payment.Pending) { p.CashierURL = "https:///cashier" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier with a fragment", func(p *payment.Pending) { p.CashierURL = "https://pay.example/#x" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier with a line feed", func(p *payment.Pending) { p.CashierURL = "https://pay.example/\nx" }, "cashier_url"},
		{"PSD-PAY-INS-03 a cashier that is too long", func(p *payment.Pending) { p.CashierURL = "https://pay.example/" + strings.Repeat("a", 2048) }, "cashier_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := goodPending(t)
			c.change(&p)
			data, err := payment.SignPending(pspKey(t), p)
			if data != nil {
				t.Error("a message with an error")
			}
			wantError(t, err, protocol.CodeFieldInvalid, c.field)
		})
	}
}

func TestAwaitsConfirmation(t *testing.T) {
	var err error = fmt.Errorf("paying: %w", &payment.AwaitsConfirmation{Pending: goodPending(t)})
	var waits *payment.AwaitsConfirmation
	if !errors.As(err, &waits) || waits.Pending.TradeNo != "T1" {
		t.Fatal("PSD-PAY-INS-03 cannot be found again")
	}
	if protocol.CodeOf(err) != protocol.CodeConfirmationPending || !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("PSD-PAY-INS-03 waiting is neither paid nor refused: %v", err)
	}
	if strings.Contains(err.Error(), "pay.example") || strings.Contains(err.Error(), "T1") {
		t.Errorf("PRV-04 the error repeats input: %v", err)
	}
}
