package main

import (
	"context"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A target is a request that is paid for.
type target struct {
	Method      string `json:"method"`
	URI         string `json:"uri"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"` // base64url
}

func (t target) fingerprint() (canon.Digest, error) {
	body, err := canon.DecodeBase64(t.Body)
	if err != nil {
		return "", err
	}
	return payment.Fingerprint(t.Method, t.URI, t.ContentType, body)
}

func computeFingerprint(_ time.Time, in target) (any, error) {
	f, err := in.fingerprint()
	if err != nil {
		return nil, err
	}
	return map[string]string{"request_fingerprint": string(f)}, nil
}

// lines are the lines of one header field.
type lines []string

func (l lines) value(name string) (string, error) {
	return payment.Header(http.Header{name: l}, name)
}

func billOutput(b payment.Bill) map[string]string {
	return map[string]string{
		"method_id": b.MethodID, "out_trade_no": b.OutTradeNo, "resource_id": b.ResourceID, "seller_unique_id": b.SellerID,
		"amount": b.Amount.String(), "currency": b.Amount.Currency().Code(),
	}
}

func parseNeeded(_ time.Time, in struct {
	Lines lines `json:"lines"`
}) (any, error) {
	header, err := in.Lines.value(payment.HeaderNeeded)
	if err != nil {
		return nil, err
	}
	u, err := payment.ParseBill(header)
	if err != nil {
		return nil, err
	}
	return billOutput(u.Bill), nil
}

func verifyNeeded(clock time.Time, in struct {
	fetched        `json:",inline"`
	Lines          lines    `json:"lines"`
	AnswerBody     string   `json:"answer_body"` // for people; machines use the header (PSD-PAY-A402-04)
	Agent          string   `json:"agent"`
	PSP            string   `json:"psp_id"`
	Methods        []string `json:"methods"`
	Request        target   `json:"request"`
	IdempotencyKey string   `json:"idempotency_key"`
}) (any, error) {
	header, err := in.Lines.value(payment.HeaderNeeded)
	if err != nil {
		return nil, err
	}
	fingerprint, err := in.Request.fingerprint()
	if err != nil {
		return nil, errEarlier{err}
	}
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	b, err := v.Bill(context.Background(), header, verifier.BillExpectation{
		Agent: in.Agent, PSP: in.PSP, Methods: in.Methods, RequestMethod: in.Request.Method, Fingerprint: fingerprint, IdempotencyKey: in.IdempotencyKey,
	})
	if err != nil {
		return nil, err
	}
	return billOutput(b.Value()), nil
}

func parseProof(_ time.Time, in struct {
	Lines lines `json:"lines"`
}) (any, error) {
	header, err := in.Lines.value(payment.HeaderProof)
	if err != nil {
		return nil, err
	}
	u, err := payment.ParseProof(header)
	if err != nil {
		return nil, err
	}
	p := u.Proof
	return map[string]string{
		"method_id": p.MethodID, "out_trade_no": p.OutTradeNo, "resource_id": p.ResourceID, "buyer_unique_id": p.BuyerID, "trade_no": p.TradeNo,
	}, nil
}

// verifyProof is a402.proof.verify: of a header, or of a proof for a cart.
func verifyProof(clock time.Time, in struct {
	fetched        `json:",inline"`
	Lines          lines   `json:"lines"`
	Proof          string  `json:"payment_proof"` // in place of lines
	PSP            string  `json:"psp_id"`
	Payee          string  `json:"payee"`
	OrderNumber    string  `json:"order_number"`
	ResourceID     string  `json:"resource_id"`
	Amount         string  `json:"amount"`
	Currency       string  `json:"currency"`
	MethodID       string  `json:"method_id"`
	Request        *target `json:"request"`
	IdempotencyKey string  `json:"idempotency_key"`
	Payer          string  `json:"payer"`
	Thumbprint     string  `json:"thumbprint"`
}) (any, error) {
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return nil, errEarlier{err}
	}
	amount, err := money.Parse(in.Amount, currency)
	if err != nil {
		return nil, errEarlier{err}
	}
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	expect := verifier.ProofExpectation{
		PSP: in.PSP, Payee: in.Payee, OrderNumber: in.OrderNumber, ResourceID: in.ResourceID, Amount: amount, MethodID: in.MethodID,
		IdempotencyKey: in.IdempotencyKey, Payer: in.Payer, Thumbprint: in.Thumbprint, Cart: in.Request == nil,
	}
	if in.Request != nil {
		expect.RequestMethod = in.Request.Method
		if expect.Fingerprint, err = in.Request.fingerprint(); err != nil {
			return nil, errEarlier{err}
		}
	}
	var proof *verifier.Verified[payment.ProofClaims]
	if in.Request == nil {
		proof, err = v.Proof(context.Background(), in.Proof, expect)
	} else {
		var header string
		if header, err = in.Lines.value(payment.HeaderProof); err != nil {
			return nil, err
		}
		proof, err = v.ProofHeader(context.Background(), header, expect)
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"trade_no": proof.Value().TradeNo, "payer": proof.Value().Payer}, nil
}

func parseValidation(_ time.Time, in struct {
	Lines lines `json:"lines"`
}) (any, error) {
	header, err := in.Lines.value(payment.HeaderValidation)
	if err != nil {
		return nil, err
	}
	u, err := payment.ParseValidation(header)
	if err != nil {
		return nil, err
	}
	if err := u.CheckProfile(); err != nil {
		return nil, err
	}
	v := u.Validation
	out := map[string]string{
		"validation_status": string(v.Status), "delivery_status": string(v.Delivery), "fulfillment_status": string(v.Fulfillment), "transaction_state": string(v.State),
	}
	if v.Error != nil {
		out["category"] = string(v.Error.Category)
	}
	return out, nil
}
