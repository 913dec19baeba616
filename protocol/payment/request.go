package payment

import (
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// A Scenario says on what authority money moves.
type Scenario string

// The three scenarios.
const (
	ScenarioINS Scenario = "INS" // instant: the principal confirms this one payment (PSD-PAY-INS)
	ScenarioDEL Scenario = "DEL" // directed: a SPECIFIED mandate (PSD-PAY-DEL)
	ScenarioAUP Scenario = "AUP" // autonomous: a BOUNDED mandate (PSD-PAY-AUP)
)

var scenarios = []Scenario{ScenarioINS, ScenarioDEL, ScenarioAUP}

// requirement is the id of the rule about what a request of s carries.
func (s Scenario) requirement() string {
	switch s {
	case ScenarioINS:
		return "PSD-PAY-INS-08"
	case ScenarioAUP:
		return "PSD-PAY-AUP-06"
	}
	return "PSD-PAY-DEL-02"
}

// A Request asks a payment service provider to pay (PSD-PAY-INS-08,
// PSD-PAY-DEL-02, PSD-PAY-AUP-06). It carries either the merchant's order or
// the merchant's bill, and the authority: the whole mandate in DEL and AUP, and
// nothing in INS, where the principal confirms at the provider's cashier
// (SPEC.md 6.8).
//
// The instrument is a payment token or, in DEL and AUP, a sub-account of the
// agent with the authorization of its key (SPEC.md 6.7); exactly one of the
// two.
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
	DelegationID    string // not in INS
	IAC             string // not in INS; the mandate: whole, or the part of one with selective disclosure that the PSP needs
	MerchantOrderID string // of the order, or out_trade_no of the bill
	Amount          money.Amount
	PaymentMethod   string // urn:act:payment:<name>
	PaymentToken    string // or
	SubAccountID    string // with
	// SubAccountAuthorization is a token act-subaccount-auth+jwt for this very
	// transmission; SignRequestFrom makes it.
	SubAccountAuthorization string
	Order                   string // act-order+jwt, or
	Bill                    string // the value of Payment-Needed; exactly one of the two
}

// In the order of the canonical form: what is written needs no sorting.
type requestWire struct {
	Amount                  string   `json:"amount"`
	Bill                    *string  `json:"bill,omitzero"`
	BuyerAgentID            string   `json:"buyer_agent_id"`
	Currency                string   `json:"currency"`
	DelegationID            *string  `json:"delegation_id,omitzero"`
	IAC                     *string  `json:"iac,omitzero"`
	MerchantID              string   `json:"merchant_id"`
	MerchantOrderID         string   `json:"merchant_order_id"`
	Nonce                   string   `json:"nonce"`
	Order                   *string  `json:"order,omitzero"`
	PaymentMethod           string   `json:"payment_method"`
	PaymentToken            *string  `json:"payment_token,omitzero"`
	PSPID                   string   `json:"psp_id"`
	RequestID               string   `json:"request_id"`
	Scenario                Scenario `json:"scenario"`
	SubAccountAuthorization *string  `json:"subaccount_authorization,omitzero"`
	SubAccountID            *string  `json:"subaccount_id,omitzero"`
	Timestamp               string   `json:"timestamp"`
}

func (q Request) wire() requestWire {
	w := requestWire{
		Scenario: q.Scenario, RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp),
		PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID,
		DelegationID: wire.Optional(q.DelegationID), IAC: wire.Optional(q.IAC),
		MerchantOrderID: q.MerchantOrderID, PaymentMethod: q.PaymentMethod,
		PaymentToken: wire.Optional(q.PaymentToken), SubAccountID: wire.Optional(q.SubAccountID),
		SubAccountAuthorization: wire.Optional(q.SubAccountAuthorization),
		Order:                   wire.Optional(q.Order), Bill: wire.Optional(q.Bill),
	}
	w.Amount, w.Currency = wire.FormatAmount(q.Amount)
	return w
}

func (w requestWire) value() (Request, error) {
	r := wire.Reader{Requirement: w.Scenario.requirement()}
	enum(&r, "scenario", w.Scenario, scenarios)
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("merchant_order_id", w.MerchantOrderID)
	r.PaymentMethod("payment_method", w.PaymentMethod)
	q := Request{
		Scenario: w.Scenario, RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp),
		PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, MerchantID: w.MerchantID,
		MerchantOrderID: w.MerchantOrderID, PaymentMethod: w.PaymentMethod,
		Amount: r.Positive("amount", w.Amount, r.Currency("currency", w.Currency)),
	}
	if slices.Contains(scenarios, w.Scenario) { // else it is not known what belongs in it
		w.authority(&r, &q)
		w.instrument(&r, &q)
	}
	w.goods(&r, &q)
	if err := r.Err(); err != nil {
		return Request{}, err
	}
	return q, nil
}

// authority reads the mandate: needed in DEL and AUP, refused in INS, where it
// would be carried without being judged.
func (w requestWire) authority(r *wire.Reader, q *Request) {
	q.DelegationID, q.IAC = text(w.DelegationID), text(w.IAC)
	if w.Scenario == ScenarioINS {
		absent(r, "delegation_id", w.DelegationID, "an instant payment has no mandate")
		absent(r, "iac", w.IAC, "an instant payment has no mandate")
		return
	}
	r.ID("delegation_id", q.DelegationID)
	r.Require("iac", q.IAC)
}

// instrument reads what is to be debited: a payment token, or a sub-account
// with its authorization.
func (w requestWire) instrument(r *wire.Reader, q *Request) {
	q.PaymentToken, q.SubAccountID, q.SubAccountAuthorization = text(w.PaymentToken), text(w.SubAccountID), text(w.SubAccountAuthorization)
	switch {
	case w.Scenario == ScenarioINS:
		absent(r, "subaccount_id", w.SubAccountID, "an instant payment is from a payment token")
		absent(r, "subaccount_authorization", w.SubAccountAuthorization, "an instant payment is from a payment token")
		r.ID("payment_token", q.PaymentToken)
	case w.SubAccountID == nil && w.SubAccountAuthorization == nil:
		r.ID("payment_token", q.PaymentToken)
	default:
		absent(r, "payment_token", w.PaymentToken, "exactly one of payment token and sub-account")
		r.ID("subaccount_id", q.SubAccountID)
		r.Require("subaccount_authorization", q.SubAccountAuthorization)
	}
}

// goods reads what is paid for: an order or a bill.
func (w requestWire) goods(r *wire.Reader, q *Request) {
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
}

// text is the value of an optional member; "" when it is not there.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// absent refuses a member that has no place beside the others.
func absent(r *wire.Reader, field string, s *string, detail string) {
	if s != nil {
		r.Invalid(field, detail)
	}
}

// SignRequest checks a request and returns it as a signed message, by the
// agent's key for agent requests: the key of the mandate's cnf. The signature
// covers every member (PSD-PAY-DEL-03).
//
// A mandate with selective disclosure, in the part that the PSP needs and
// without key binding, is bound to this transmission on the way: by the same
// key, to the PSP, with the digest of the rest of the message as the nonce
// (SPEC.md 8.1).
//
// A payment from a sub-account needs its authorization ready in q; see
// [SignRequestFrom].
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
// nonce, timestamp, signature and the authorization of a sub-account, and of a
// mandate with selective disclosure everything but the issuer-signed JWT
// (SPEC.md 6.1).
func (u *UnverifiedRequest) ContentDigest() canon.Digest {
	jwt, _, selective := strings.Cut(u.Request.IAC, "~")
	if !selective {
		return u.message.ContentDigest("nonce", "timestamp", memberSubAccountAuth)
	}
	rest := u.message.ContentDigest("nonce", "timestamp", memberSubAccountAuth, "iac")
	return canon.Sum([]byte(string(rest) + "\n" + jwt))
}

// AuthorizedDigest is the request_digest that the authorization of a
// sub-account must have: the digest of the message without "iac",
// "subaccount_authorization" and "signature".
func (u *UnverifiedRequest) AuthorizedDigest() canon.Digest {
	return u.message.ContentDigest("iac", memberSubAccountAuth)
}

// ParseRequest reads a payment request: form, and that the key id is the
// buyer's. It does not check the signature, the nonce, the time, the mandate,
// nor anything inside of order, bill and authorization of a sub-account.
func ParseRequest(data []byte) (*UnverifiedRequest, error) {
	v, e, err := parse[Request, requestWire](data, keys.KindPaymentRequest, func(q Request) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedRequest{v, e}, nil
}
