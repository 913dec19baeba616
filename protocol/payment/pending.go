package payment

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Pending is the provider's answer to an instant payment for which it waits
// for the principal (SPEC.md 6.8): nothing has moved and nothing is reserved
// (PSD-PAY-INS-04). The principal confirms or cancels at CashierURL before
// ExpiresAt; a query tells what came of it.
type Pending struct {
	RequestID       string // of the payment request
	TradeNo         string // unique at the provider
	PSPID           string // DID; the signer
	BuyerAgentID    string // DID
	MerchantID      string // DID
	MerchantOrderID string
	Amount          money.Amount
	TradeState      State     // WAIT_BUYER_PAY
	CashierURL      string    // https
	ExpiresAt       time.Time // from then on a confirmation is too late
}

type pendingWire struct {
	RequestID       string `json:"request_id"`
	TradeNo         string `json:"trade_no"`
	PSPID           string `json:"psp_id"`
	BuyerAgentID    string `json:"buyer_agent_id"`
	MerchantID      string `json:"merchant_id"`
	MerchantOrderID string `json:"merchant_order_id"`
	Amount          string `json:"amount"`
	Currency        string `json:"currency"`
	TradeState      State  `json:"trade_state"`
	CashierURL      string `json:"cashier_url"`
	ExpiresAt       string `json:"expires_at"`
}

func (p Pending) wire() pendingWire {
	w := pendingWire{
		RequestID: p.RequestID, TradeNo: p.TradeNo, PSPID: p.PSPID, BuyerAgentID: p.BuyerAgentID, MerchantID: p.MerchantID,
		MerchantOrderID: p.MerchantOrderID, TradeState: p.TradeState, CashierURL: p.CashierURL, ExpiresAt: wire.FormatTime(p.ExpiresAt),
	}
	w.Amount, w.Currency = wire.FormatAmount(p.Amount)
	return w
}

func (w pendingWire) value() (Pending, error) {
	r := wire.Reader{Requirement: "PSD-PAY-INS-06"}
	r.ID("request_id", w.RequestID)
	r.ID("trade_no", w.TradeNo)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("merchant_order_id", w.MerchantOrderID)
	enum(&r, "trade_state", w.TradeState, []State{StateWaitBuyerPay})
	r.WebURL("cashier_url", w.CashierURL)
	if !strings.HasPrefix(w.CashierURL, "https://") {
		r.Invalid("cashier_url", "must be an https URL")
	}
	p := Pending{
		RequestID: w.RequestID, TradeNo: w.TradeNo, PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, MerchantID: w.MerchantID,
		MerchantOrderID: w.MerchantOrderID, TradeState: w.TradeState, CashierURL: w.CashierURL,
		Amount:    r.Positive("amount", w.Amount, r.Currency("currency", w.Currency)),
		ExpiresAt: r.Time("expires_at", w.ExpiresAt),
	}
	if err := r.Err(); err != nil {
		return Pending{}, err
	}
	return p, nil
}

// SignPending checks a message and returns it signed, by the provider's key for
// proofs.
func SignPending(s *keys.Signer, p Pending) ([]byte, error) {
	return sign[Pending](s, keys.Proof, keys.KindPaymentPending, "psp_id", p.PSPID, p.wire())
}

// An UnverifiedPending has the right form; nothing is known of its origin.
type UnverifiedPending struct {
	Pending Pending
	envelope
}

// ParsePending reads the message: form, and that the key id is the provider's.
// It does not check the signature, the time, nor that this is the answer to
// what was asked; and it does not open the cashier's URL.
func ParsePending(data []byte) (*UnverifiedPending, error) {
	v, e, err := parse[Pending, pendingWire](data, keys.KindPaymentPending, func(p Pending) string { return p.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedPending{v, e}, nil
}

// AwaitsConfirmation is the error by which a call tells that an instant payment
// waits for the principal: not paid, not refused. Its code is
// confirmation_pending, which is undetermined.
type AwaitsConfirmation struct {
	Pending Pending
}

// Error says that a person has to decide; it repeats nothing of Pending.
func (a *AwaitsConfirmation) Error() string { return a.Unwrap().Error() }

// Unwrap returns a *protocol.Error of code confirmation_pending.
func (a *AwaitsConfirmation) Unwrap() error {
	return protocol.New(protocol.CodeConfirmationPending, "", "PSD-PAY-INS-03", "the principal confirms at the provider's cashier")
}
