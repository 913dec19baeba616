package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Consumption is a merchant's claim on a payment proof, before it delivers
// (PSD-PAY-A402-08). The first consumer wins; the same one gets the same answer
// again; any other is proof_used.
type Consumption struct {
	RequestID    string
	Nonce        string
	Timestamp    time.Time
	PSPID        string // DID; the recipient
	MerchantID   string // DID; the signer
	PaymentProof string
	Consumer     string // the merchant's stable id for this one delivery
}

type consumptionWire struct {
	RequestID    string `json:"request_id"`
	Nonce        string `json:"nonce"`
	Timestamp    string `json:"timestamp"`
	PSPID        string `json:"psp_id"`
	MerchantID   string `json:"merchant_id"`
	PaymentProof string `json:"payment_proof"`
	Consumer     string `json:"consumer"`
}

func (c Consumption) wire() consumptionWire {
	return consumptionWire{c.RequestID, c.Nonce, wire.FormatTime(c.Timestamp), c.PSPID, c.MerchantID, c.PaymentProof, c.Consumer}
}

func (w consumptionWire) value() (Consumption, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-08"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	at := r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	proofText(&r, "payment_proof", w.PaymentProof)
	r.ID("consumer", w.Consumer)
	if err := r.Err(); err != nil {
		return Consumption{}, err
	}
	return Consumption{w.RequestID, w.Nonce, at, w.PSPID, w.MerchantID, w.PaymentProof, w.Consumer}, nil
}

// SignConsumption checks a consumption and returns it as a signed message, by
// the merchant's key for sellers.
func SignConsumption(s *keys.Signer, c Consumption) ([]byte, error) {
	return sign[Consumption](s, keys.Seller, keys.KindProofConsumption, "merchant_id", c.MerchantID, c.wire())
}

// An UnverifiedConsumption has the right form; nothing is known of its origin.
type UnverifiedConsumption struct {
	Consumption Consumption
	envelope
}

// ParseConsumption reads a consumption: form, and that the key id is the
// merchant's. The proof inside is not looked at.
func ParseConsumption(data []byte) (*UnverifiedConsumption, error) {
	v, e, err := parse[Consumption, consumptionWire](data, keys.KindProofConsumption, func(c Consumption) string { return c.MerchantID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedConsumption{v, e}, nil
}

// A ConsumptionResult is the provider's word that a proof is good and belongs
// to this consumer.
type ConsumptionResult struct {
	RequestID  string // of the consumption
	PSPID      string // DID; the signer
	TradeNo    string
	OutTradeNo string
	MerchantID string // DID
	Consumer   string
	Amount     money.Amount
	TradeState State // of a paid trade
	ConsumedAt time.Time
}

type consumptionResultWire struct {
	RequestID  string `json:"request_id"`
	PSPID      string `json:"psp_id"`
	TradeNo    string `json:"trade_no"`
	OutTradeNo string `json:"out_trade_no"`
	MerchantID string `json:"merchant_id"`
	Consumer   string `json:"consumer"`
	Amount     string `json:"amount"`
	Currency   string `json:"currency"`
	TradeState State  `json:"trade_state"`
	ConsumedAt string `json:"consumed_at"`
}

func (c ConsumptionResult) wire() consumptionResultWire {
	w := consumptionResultWire{
		RequestID: c.RequestID, PSPID: c.PSPID, TradeNo: c.TradeNo, OutTradeNo: c.OutTradeNo, MerchantID: c.MerchantID,
		Consumer: c.Consumer, TradeState: c.TradeState, ConsumedAt: wire.FormatTime(c.ConsumedAt),
	}
	w.Amount, w.Currency = wire.FormatAmount(c.Amount)
	return w
}

func (w consumptionResultWire) value() (ConsumptionResult, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-08"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.ID("trade_no", w.TradeNo)
	r.ID("out_trade_no", w.OutTradeNo)
	r.DID("merchant_id", w.MerchantID)
	r.ID("consumer", w.Consumer)
	paidState(&r, w.TradeState)
	c := ConsumptionResult{
		RequestID: w.RequestID, PSPID: w.PSPID, TradeNo: w.TradeNo, OutTradeNo: w.OutTradeNo, MerchantID: w.MerchantID,
		Consumer: w.Consumer, TradeState: w.TradeState, ConsumedAt: r.Time("consumed_at", w.ConsumedAt),
		Amount: r.Positive("amount", w.Amount, r.Currency("currency", w.Currency)),
	}
	if err := r.Err(); err != nil {
		return ConsumptionResult{}, err
	}
	return c, nil
}

// SignConsumptionResult checks a result and returns it as a signed message, by
// the provider's key for proofs.
func SignConsumptionResult(s *keys.Signer, c ConsumptionResult) ([]byte, error) {
	return sign[ConsumptionResult](s, keys.Proof, keys.KindProofConsumptionResult, "psp_id", c.PSPID, c.wire())
}

// An UnverifiedConsumptionResult has the right form; nothing is known of its
// origin.
type UnverifiedConsumptionResult struct {
	Result ConsumptionResult
	envelope
}

// ParseConsumptionResult reads a result: form, and that the key id is the
// provider's.
func ParseConsumptionResult(data []byte) (*UnverifiedConsumptionResult, error) {
	v, e, err := parse[ConsumptionResult, consumptionResultWire](data, keys.KindProofConsumptionResult,
		func(c ConsumptionResult) string { return c.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedConsumptionResult{v, e}, nil
}
