package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Fulfilment tells the provider that what was paid for has been delivered
// (PSD-PAY-A402-10). Payment, delivery and confirmed fulfilment stay three
// facts: a merchant that has delivered and cannot reach the provider has
// delivered all the same.
type Fulfilment struct {
	RequestID   string
	Nonce       string
	Timestamp   time.Time
	PSPID       string // DID; the recipient
	MerchantID  string // DID; the signer
	TradeNo     string
	Consumer    string // as in the Consumption
	DeliveredAt time.Time
}

type fulfilmentWire struct {
	RequestID   string `json:"request_id"`
	Nonce       string `json:"nonce"`
	Timestamp   string `json:"timestamp"`
	PSPID       string `json:"psp_id"`
	MerchantID  string `json:"merchant_id"`
	TradeNo     string `json:"trade_no"`
	Consumer    string `json:"consumer"`
	DeliveredAt string `json:"delivered_at"`
}

func (f Fulfilment) wire() fulfilmentWire {
	return fulfilmentWire{
		f.RequestID, f.Nonce, wire.FormatTime(f.Timestamp), f.PSPID, f.MerchantID, f.TradeNo, f.Consumer,
		wire.FormatTime(f.DeliveredAt),
	}
}

func (w fulfilmentWire) value() (Fulfilment, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-10"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	at := r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("trade_no", w.TradeNo)
	r.ID("consumer", w.Consumer)
	delivered := r.Time("delivered_at", w.DeliveredAt)
	if err := r.Err(); err != nil {
		return Fulfilment{}, err
	}
	return Fulfilment{w.RequestID, w.Nonce, at, w.PSPID, w.MerchantID, w.TradeNo, w.Consumer, delivered}, nil
}

// SignFulfilment checks a confirmation and returns it as a signed message, by
// the merchant's key for sellers.
func SignFulfilment(s *keys.Signer, f Fulfilment) ([]byte, error) {
	return sign[Fulfilment](s, keys.Seller, keys.KindFulfilmentConfirmation, "merchant_id", f.MerchantID, f.wire())
}

// An UnverifiedFulfilment has the right form; nothing is known of its origin.
type UnverifiedFulfilment struct {
	Fulfilment Fulfilment
	envelope
}

// ParseFulfilment reads a confirmation: form, and that the key id is the
// merchant's.
func ParseFulfilment(data []byte) (*UnverifiedFulfilment, error) {
	v, e, err := parse[Fulfilment, fulfilmentWire](data, keys.KindFulfilmentConfirmation, func(f Fulfilment) string { return f.MerchantID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedFulfilment{v, e}, nil
}

// A FulfilmentResult is the provider's answer to a [Fulfilment].
type FulfilmentResult struct {
	RequestID   string // of the confirmation
	PSPID       string // DID; the signer
	TradeNo     string
	MerchantID  string // DID
	TradeState  State  // of a paid trade
	ConfirmedAt time.Time
}

type fulfilmentResultWire struct {
	RequestID   string `json:"request_id"`
	PSPID       string `json:"psp_id"`
	TradeNo     string `json:"trade_no"`
	MerchantID  string `json:"merchant_id"`
	TradeState  State  `json:"trade_state"`
	ConfirmedAt string `json:"confirmed_at"`
}

func (f FulfilmentResult) wire() fulfilmentResultWire {
	return fulfilmentResultWire{f.RequestID, f.PSPID, f.TradeNo, f.MerchantID, f.TradeState, wire.FormatTime(f.ConfirmedAt)}
}

func (w fulfilmentResultWire) value() (FulfilmentResult, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-10"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.ID("trade_no", w.TradeNo)
	r.DID("merchant_id", w.MerchantID)
	paidState(&r, w.TradeState)
	at := r.Time("confirmed_at", w.ConfirmedAt)
	if err := r.Err(); err != nil {
		return FulfilmentResult{}, err
	}
	return FulfilmentResult{w.RequestID, w.PSPID, w.TradeNo, w.MerchantID, w.TradeState, at}, nil
}

// SignFulfilmentResult checks an answer and returns it as a signed message, by
// the provider's key for proofs.
func SignFulfilmentResult(s *keys.Signer, f FulfilmentResult) ([]byte, error) {
	return sign[FulfilmentResult](s, keys.Proof, keys.KindFulfilmentResult, "psp_id", f.PSPID, f.wire())
}

// An UnverifiedFulfilmentResult has the right form; nothing is known of its
// origin.
type UnverifiedFulfilmentResult struct {
	Result FulfilmentResult
	envelope
}

// ParseFulfilmentResult reads an answer: form, and that the key id is the
// provider's.
func ParseFulfilmentResult(data []byte) (*UnverifiedFulfilmentResult, error) {
	v, e, err := parse[FulfilmentResult, fulfilmentResultWire](data, keys.KindFulfilmentResult,
		func(f FulfilmentResult) string { return f.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedFulfilmentResult{v, e}, nil
}
