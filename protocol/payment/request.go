package payment

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// A Scenario says on what authority money moves while the principal is away.
type Scenario string

// The two delegated scenarios.
const (
	ScenarioDEL Scenario = "DEL" // directed: a SPECIFIED mandate (PSD-PAY-DEL)
	ScenarioAUP Scenario = "AUP" // autonomous: a BOUNDED mandate (PSD-PAY-AUP)
)

// requirement is the id of the rule about what a request of s carries.
func (s Scenario) requirement() string {
	if s == ScenarioAUP {
		return "PSD-PAY-AUP-06"
	}
	return "PSD-PAY-DEL-02"
}

// A Request asks a payment service provider to pay (PSD-PAY-DEL-02,
// PSD-PAY-AUP-06). It carries the whole mandate, and either the merchant's
// order or the merchant's bill.
//
// RequestID is the idempotency key and is made and stored before the first
// sending; every transmission has a fresh Nonce and Timestamp.
type Request struct {
	Scenario        Scenario
	RequestID       string
	Nonce           string // canon.Nonce
	Timestamp       time.Time
	PSPID           string // DID; the recipient
	BuyerAgentID    string // DID; the signer
	MerchantID      string // DID; the payee
	DelegationID    string
	IAC             string // the mandate: whole, or the part of one with selective disclosure that the PSP needs
	MerchantOrderID string // of the order, or out_trade_no of the bill
	Amount          money.Amount
	PaymentMethod   string // urn:act:payment:<name>
	PaymentToken    string
	Order           string // act-order+jwt, or
	Bill            string // the value of Payment-Needed; exactly one of the two
}

type requestWire struct {
	Scenario        Scenario `json:"scenario"`
	RequestID       string   `json:"request_id"`
	Nonce           string   `json:"nonce"`
	Timestamp       string   `json:"timestamp"`
	PSPID           string   `json:"psp_id"`
	BuyerAgentID    string   `json:"buyer_agent_id"`
	MerchantID      string   `json:"merchant_id"`
	DelegationID    string   `json:"delegation_id"`
	IAC             string   `json:"iac"`
	MerchantOrderID string   `json:"merchant_order_id"`
	Amount          string   `json:"amount"`
	Currency        string   `json:"currency"`
	PaymentMethod   string   `json:"payment_method"`
	PaymentToken    string   `json:"payment_token"`
	Order           *string  `json:"order,omitzero"`
	Bill            *string  `json:"bill,omitzero"`
}

func (q Request) wire() requestWire {
	w := requestWire{
		Scenario: q.Scenario, RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp),
		PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID, DelegationID: q.DelegationID,
		IAC: q.IAC, MerchantOrderID: q.MerchantOrderID, PaymentMethod: q.PaymentMethod, PaymentToken: q.PaymentToken,
		Order: wire.Optional(q.Order), Bill: wire.Optional(q.Bill),
	}
	w.Amount, w.Currency = wire.FormatAmount(q.Amount)
	return w
}

func (w requestWire) value() (Request, error) {
	r := wire.Reader{Requirement: w.Scenario.requirement()}
	enum(&r, "scenario", w.Scenario, []Scenario{ScenarioDEL, ScenarioAUP})
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("delegation_id", w.DelegationID)
	r.Require("iac", w.IAC)
	r.ID("merchant_order_id", w.MerchantOrderID)
	r.PaymentMethod("payment_method", w.PaymentMethod)
	r.ID("payment_token", w.PaymentToken)
	q := Request{
		Scenario: w.Scenario, RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp),
		PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, MerchantID: w.MerchantID, DelegationID: w.DelegationID,
		IAC: w.IAC, MerchantOrderID: w.MerchantOrderID, PaymentMethod: w.PaymentMethod, PaymentToken: w.PaymentToken,
		Amount: r.Positive("amount", w.Amount, r.Currency("currency", w.Currency)),
	}
	switch {
	case w.Order != nil && w.Bill != nil:
		r.Invalid("bill", "exactly one of order and bill")
	case w.Order != nil:
		r.Require("order", *w.Order)
		q.Order = *w.Order
	case w.Bill != nil:
		r.Require("bill", *w.Bill)
		q.Bill = *w.Bill
		if len(q.Bill) > MaxHeaderRead {
			r.Fail("", protocol.New(protocol.CodeTooLarge, "bill", "PSD-PAY-A402-03", "at most 8 KiB"))
		}
	default:
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "order", "", "exactly one of order and bill"))
	}
	if err := r.Err(); err != nil {
		return Request{}, err
	}
	return q, nil
}

// SignRequest checks a request and returns it as a signed message, by the
// agent's key for agent requests: the key of the mandate's cnf. The signature
// covers every member (PSD-PAY-DEL-03).
//
// A mandate with selective disclosure, in the part that the PSP needs and
// without key binding, is bound to this transmission on the way: by the same
// key, to the PSP, with the digest of the rest of the message as the nonce
// (SPEC.md 8.1).
func SignRequest(s *keys.Signer, q Request) ([]byte, error) {
	if strings.HasSuffix(q.IAC, "~") {
		nonce, err := keys.DigestMessage(s, q.wire(), "iac")
		if err != nil {
			return nil, err
		}
		bound, err := sdjwt.Bind(s, []byte(q.IAC), q.PSPID, string(nonce), q.Timestamp)
		if err != nil {
			return nil, protocol.In(err, "iac")
		}
		q.IAC = string(bound)
	}
	return sign[Request](s, keys.AgentRequest, keys.KindPaymentRequest, "buyer_agent_id", q.BuyerAgentID, q.wire())
}

// An UnverifiedRequest has the right form; nothing is known of its origin.
// ContentDigest is what makes a repetition equal or a conflict.
type UnverifiedRequest struct {
	Request Request
	envelope
}

// BindingNonce is the nonce that a key binding in "iac" must have: the digest
// of the message without "iac" and "signature".
func (u *UnverifiedRequest) BindingNonce() string { return string(u.message.ContentDigest("iac")) }

// ContentDigest is the same for two transmissions of one request: it leaves out
// nonce, timestamp and signature, and of a mandate with selective disclosure
// everything but the issuer-signed JWT (SPEC.md 6.1).
func (u *UnverifiedRequest) ContentDigest() canon.Digest {
	jwt, _, selective := strings.Cut(u.Request.IAC, "~")
	if !selective {
		return u.envelope.ContentDigest()
	}
	rest := u.message.ContentDigest("nonce", "timestamp", "iac")
	return canon.Sum([]byte(string(rest) + "\n" + jwt))
}

// ParseRequest reads a payment request: form, and that the key id is the
// buyer's. It does not check the signature, the nonce, the time, the mandate,
// nor anything inside of order and bill.
func ParseRequest(data []byte) (*UnverifiedRequest, error) {
	v, e, err := parse[Request, requestWire](data, keys.KindPaymentRequest, func(q Request) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedRequest{v, e}, nil
}

// A Query asks what became of a request, for an agent that has not learned the
// outcome (PSD-PAY-A402-23). It moves no money.
type Query struct {
	RequestID        string // of the query
	Nonce            string
	Timestamp        time.Time
	PSPID            string // DID; the recipient
	BuyerAgentID     string // DID; the signer
	PaymentRequestID string // the RequestID that is asked about
}

type queryWire struct {
	RequestID        string `json:"request_id"`
	Nonce            string `json:"nonce"`
	Timestamp        string `json:"timestamp"`
	PSPID            string `json:"psp_id"`
	BuyerAgentID     string `json:"buyer_agent_id"`
	PaymentRequestID string `json:"payment_request_id"`
}

func (q Query) wire() queryWire {
	return queryWire{q.RequestID, q.Nonce, wire.FormatTime(q.Timestamp), q.PSPID, q.BuyerAgentID, q.PaymentRequestID}
}

func (w queryWire) value() (Query, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-23"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	at := r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.ID("payment_request_id", w.PaymentRequestID)
	if err := r.Err(); err != nil {
		return Query{}, err
	}
	return Query{w.RequestID, w.Nonce, at, w.PSPID, w.BuyerAgentID, w.PaymentRequestID}, nil
}

// SignQuery checks a query and returns it as a signed message, by the agent's
// key for agent requests.
func SignQuery(s *keys.Signer, q Query) ([]byte, error) {
	return sign[Query](s, keys.AgentRequest, keys.KindPaymentQuery, "buyer_agent_id", q.BuyerAgentID, q.wire())
}

// An UnverifiedQuery has the right form; nothing is known of its origin.
type UnverifiedQuery struct {
	Query Query
	envelope
}

// ParseQuery reads a query: form, and that the key id is the buyer's.
func ParseQuery(data []byte) (*UnverifiedQuery, error) {
	v, e, err := parse[Query, queryWire](data, keys.KindPaymentQuery, func(q Query) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedQuery{v, e}, nil
}
