package payment_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An unverified message, whatever its content.
type unverified interface {
	KeyID() string
	SignerDID() string
	Verify(keys.PublicKey) error
	ContentDigest() canon.Digest
}

// A kind is one of the signed messages of this package, some of them in
// the forms that the scenarios give them.
type kind struct {
	name, requirement string
	did               string // of who signs
	purpose           keys.Purpose
	message           any
	sign              func(*keys.Signer) ([]byte, error)
	parse             func([]byte) (any, unverified, error)
}

// parser adapts a Parse function.
func parser[U any](parse func([]byte) (*U, error), value func(*U) (any, unverified)) func([]byte) (any, unverified, error) {
	return func(data []byte) (any, unverified, error) {
		u, err := parse(data)
		if err != nil {
			if u != nil {
				panic("a value with an error")
			}
			return nil, nil, err
		}
		v, e := value(u)
		return v, e, nil
	}
}

func kinds(t testing.TB) []kind {
	request, result := goodRequest(t), goodResult(t)
	instant, from, pending, confirmed := goodInstant(t), goodFrom(t), goodPending(t), goodResult(t)
	from.SubAccountAuthorization = "e30.e30.AA"
	confirmed.Scenario, confirmed.DelegationID, confirmed.SpentTotal = payment.ScenarioINS, "", money.Amount{}
	query := payment.Query{RequestID: "q-1", Nonce: canon.Nonce(), Timestamp: now, PSPID: pspDID, BuyerAgentID: agentDID, PaymentRequestID: "req-1"}
	consumption := payment.Consumption{
		RequestID: "c-1", Nonce: canon.Nonce(), Timestamp: now, PSPID: pspDID, MerchantID: sellerDID, PaymentProof: "ZTMw", Consumer: "delivery-1",
	}
	consumed := payment.ConsumptionResult{
		RequestID: "c-1", PSPID: pspDID, TradeNo: "T1", OutTradeNo: "o-1", MerchantID: sellerDID, Consumer: "delivery-1",
		Amount: cny(t, "18.00"), TradeState: payment.StateWaitSellerFulfillment, ConsumedAt: now,
	}
	fulfilment := payment.Fulfilment{
		RequestID: "f-1", Nonce: canon.Nonce(), Timestamp: now, PSPID: pspDID, MerchantID: sellerDID, TradeNo: "T1", Consumer: "delivery-1", DeliveredAt: now,
	}
	fulfilled := payment.FulfilmentResult{RequestID: "f-1", PSPID: pspDID, TradeNo: "T1", MerchantID: sellerDID, TradeState: payment.StateTradeFinished, ConfirmedAt: now}
	ask, askPurse := goodInstrumentQuery(), goodInstrumentQuery()
	askPurse.PaymentToken, askPurse.SubAccountID = "", "sub-1"
	state, purse := goodTokenState(), goodPurseState(t)
	state.ValidUntil = time.Time{} // may be absent
	bindingPending := payment.BindingPending{RequestID: "b-1", PSPID: pspDID, BuyerAgentID: agentDID, BindingURL: "https://pay.example/binding/1", ExpiresAt: now.Add(time.Hour)}
	refund, refunded, asked, trade, notice := goodRefund(t), goodRefundResult(t), goodTradeQuery(), goodTradeState(t), goodNotification(t)
	trade.Refunds, trade.RefundedTotal = nil, cny(t, "0.00") // TestTradeStateRules has those with refunds
	return []kind{
		{keys.KindRefundRequest, "PSD-PAY-A402-11", sellerDID, keys.Seller, refund,
			func(s *keys.Signer) ([]byte, error) { return payment.SignRefundRequest(s, refund) },
			parser(payment.ParseRefundRequest, func(u *payment.UnverifiedRefundRequest) (any, unverified) { return u.Request, u })},
		{keys.KindRefundResult, "PSD-PAY-A402-11", pspDID, keys.Proof, refunded,
			func(s *keys.Signer) ([]byte, error) { return payment.SignRefundResult(s, refunded) },
			parser(payment.ParseRefundResult, func(u *payment.UnverifiedRefundResult) (any, unverified) { return u.Result, u })},
		{keys.KindTradeQuery, "PSD-PAY-A402-23", sellerDID, keys.Seller, asked,
			func(s *keys.Signer) ([]byte, error) { return payment.SignTradeQuery(s, asked) },
			parser(payment.ParseTradeQuery, func(u *payment.UnverifiedTradeQuery) (any, unverified) { return u.Query, u })},
		{keys.KindTradeState, "PSD-PAY-A402-23", pspDID, keys.Proof, trade,
			func(s *keys.Signer) ([]byte, error) { return payment.SignTradeState(s, trade) },
			parser(payment.ParseTradeState, func(u *payment.UnverifiedTradeState) (any, unverified) { return u.State, u })},
		{keys.KindPaymentNotification, "PSD-PAY-DEL-13", pspDID, keys.Proof, notice,
			func(s *keys.Signer) ([]byte, error) { return payment.SignNotification(s, notice) },
			parser(payment.ParseNotification, func(u *payment.UnverifiedNotification) (any, unverified) { return u.Notification, u })},
		{keys.KindInstrumentQuery, "PSD-PAY-AUP-02", agentDID, keys.AgentRequest, ask,
			func(s *keys.Signer) ([]byte, error) { return payment.SignInstrumentQuery(s, ask) },
			parser(payment.ParseInstrumentQuery, func(u *payment.UnverifiedInstrumentQuery) (any, unverified) { return u.Query, u })},
		{keys.KindInstrumentQuery, "PSD-AGT-SUB-02", agentDID, keys.AgentRequest, askPurse,
			func(s *keys.Signer) ([]byte, error) { return payment.SignInstrumentQuery(s, askPurse) },
			parser(payment.ParseInstrumentQuery, func(u *payment.UnverifiedInstrumentQuery) (any, unverified) { return u.Query, u })},
		{keys.KindInstrumentState, "PSD-PAY-AUP-02", pspDID, keys.Proof, state,
			func(s *keys.Signer) ([]byte, error) { return payment.SignInstrumentState(s, state) },
			parser(payment.ParseInstrumentState, func(u *payment.UnverifiedInstrumentState) (any, unverified) { return u.State, u })},
		{keys.KindInstrumentState, "PSD-AGT-SUB-02", pspDID, keys.Proof, purse,
			func(s *keys.Signer) ([]byte, error) { return payment.SignInstrumentState(s, purse) },
			parser(payment.ParseInstrumentState, func(u *payment.UnverifiedInstrumentState) (any, unverified) { return u.State, u })},
		{keys.KindPaymentRequest, "PSD-PAY-DEL-02", agentDID, keys.AgentRequest, request,
			func(s *keys.Signer) ([]byte, error) { return payment.SignRequest(s, request) },
			parser(payment.ParseRequest, func(u *payment.UnverifiedRequest) (any, unverified) { return u.Request, u })},
		{keys.KindPaymentRequest, "PSD-PAY-INS-08", agentDID, keys.AgentRequest, instant,
			func(s *keys.Signer) ([]byte, error) { return payment.SignRequest(s, instant) },
			parser(payment.ParseRequest, func(u *payment.UnverifiedRequest) (any, unverified) { return u.Request, u })},
		{keys.KindPaymentRequest, "PSD-AGT-SUB-04", agentDID, keys.AgentRequest, from,
			func(s *keys.Signer) ([]byte, error) { return payment.SignRequest(s, from) },
			parser(payment.ParseRequest, func(u *payment.UnverifiedRequest) (any, unverified) { return u.Request, u })},
		{keys.KindBindingPending, "PSD-PMT-BND-02", pspDID, keys.Proof, bindingPending,
			func(s *keys.Signer) ([]byte, error) { return payment.SignBindingPending(s, bindingPending) },
			parser(payment.ParseBindingPending, func(u *payment.UnverifiedBindingPending) (any, unverified) { return u.Pending, u })},
		{keys.KindPaymentPending, "PSD-PAY-INS-06", pspDID, keys.Proof, pending,
			func(s *keys.Signer) ([]byte, error) { return payment.SignPending(s, pending) },
			parser(payment.ParsePending, func(u *payment.UnverifiedPending) (any, unverified) { return u.Pending, u })},
		{keys.KindPaymentResult, "PSD-PAY-INS-06", pspDID, keys.Proof, confirmed,
			func(s *keys.Signer) ([]byte, error) { return payment.SignResult(s, confirmed) },
			parser(payment.ParseResult, func(u *payment.UnverifiedResult) (any, unverified) { return u.Result, u })},
		{keys.KindPaymentResult, "PSD-PAY-DEL-13", pspDID, keys.Proof, result,
			func(s *keys.Signer) ([]byte, error) { return payment.SignResult(s, result) },
			parser(payment.ParseResult, func(u *payment.UnverifiedResult) (any, unverified) { return u.Result, u })},
		{keys.KindPaymentQuery, "PSD-PAY-A402-23", agentDID, keys.AgentRequest, query,
			func(s *keys.Signer) ([]byte, error) { return payment.SignQuery(s, query) },
			parser(payment.ParseQuery, func(u *payment.UnverifiedQuery) (any, unverified) { return u.Query, u })},
		{keys.KindProofConsumption, "PSD-PAY-A402-08", sellerDID, keys.Seller, consumption,
			func(s *keys.Signer) ([]byte, error) { return payment.SignConsumption(s, consumption) },
			parser(payment.ParseConsumption, func(u *payment.UnverifiedConsumption) (any, unverified) { return u.Consumption, u })},
		{keys.KindProofConsumptionResult, "PSD-PAY-A402-08", pspDID, keys.Proof, consumed,
			func(s *keys.Signer) ([]byte, error) { return payment.SignConsumptionResult(s, consumed) },
			parser(payment.ParseConsumptionResult, func(u *payment.UnverifiedConsumptionResult) (any, unverified) { return u.Result, u })},
		{keys.KindFulfilmentConfirmation, "PSD-PAY-A402-10", sellerDID, keys.Seller, fulfilment,
			func(s *keys.Signer) ([]byte, error) { return payment.SignFulfilment(s, fulfilment) },
			parser(payment.ParseFulfilment, func(u *payment.UnverifiedFulfilment) (any, unverified) { return u.Fulfilment, u })},
		{keys.KindFulfilmentResult, "PSD-PAY-A402-10", pspDID, keys.Proof, fulfilled,
			func(s *keys.Signer) ([]byte, error) { return payment.SignFulfilmentResult(s, fulfilled) },
			parser(payment.ParseFulfilmentResult, func(u *payment.UnverifiedFulfilmentResult) (any, unverified) { return u.Result, u })},
	}
}

func TestMessages(t *testing.T) {
	for _, k := range kinds(t) {
		for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
			t.Run(k.requirement+" "+k.name+" "+string(alg), func(t *testing.T) {
				s := signer(t, k.did, k.purpose, alg)
				data, err := k.sign(s)
				if err != nil {
					t.Fatal(err)
				}
				v, u, err := k.parse(data)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(k.message, v, compareAmounts); diff != "" {
					t.Error(diff)
				}
				if u.KeyID() != k.did+"#k1" || u.SignerDID() != k.did {
					t.Error(u.KeyID(), u.SignerDID())
				}
				if err := u.Verify(s.Public()); err != nil {
					t.Error(err)
				}
				if err := u.Verify(signer(t, k.did, k.purpose, alg).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
					t.Error(err)
				}
				for _, p := range []keys.Purpose{keys.Anchor, keys.SubAccount} {
					if _, err := k.sign(signer(t, k.did, p, alg)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
						t.Errorf("a key for %s: %v", p, err)
					}
				}
				if _, err := k.sign(signer(t, "did:act:other.example/x", k.purpose, alg)); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
					t.Errorf("another signer: %v", err)
				}
			})
		}
	}
}

// TestMessageMembers removes and breaks each member of each message: what is
// there in a good message of its form is required.
func TestMessageMembers(t *testing.T) {
	for _, k := range kinds(t) {
		s := signer(t, k.did, k.purpose, keys.EdDSA)
		data, err := k.sign(s)
		if err != nil {
			t.Fatal(err)
		}
		content := object(t, data)
		for _, m := range []string{"signature", "signature_type", "signature_covered_fields", "signer_id"} {
			delete(content, m)
		}
		if n, ok := content["sequence"].(json.Number); ok { // which SignMessage would take for a string
			content["sequence"], _ = n.Int64()
		}
		resign := func(t *testing.T, change func(map[string]any)) error {
			c := maps.Clone(content)
			change(c)
			signed, err := keys.SignMessage(s, k.purpose, k.name, c)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = k.parse(signed)
			return err
		}
		if err := resign(t, func(map[string]any) {}); err != nil {
			t.Fatal(err)
		}
		for member := range content {
			if member == "sequence" {
				continue // a number: see TestNotificationRules
			}
			t.Run(k.requirement+" "+k.name+" without "+member, func(t *testing.T) {
				absent := member
				if k.requirement == "PSD-AGT-SUB-02" && member == "subaccount_id" {
					absent = "payment_token" // one of the two
				}
				wantError(t, resign(t, func(c map[string]any) { delete(c, member) }), protocol.CodeFieldMissing, absent)
				wantError(t, resign(t, func(c map[string]any) { c[member] = "" }), protocol.CodeFieldMissing, member)
				null := object(t, data)
				null[member] = nil
				_, _, err := k.parse(marshal(t, null))
				wantError(t, err, protocol.CodeFieldInvalid, member)
				wantError(t, resign(t, func(c map[string]any) { c[member] = 1 }), protocol.CodeFieldInvalid, member)
				if member == "iac" || member == "order" || member == "subaccount_authorization" {
					return // opaque here
				}
				err = resign(t, func(c map[string]any) { c[member] = "\u0000 not a value of anything" })
				wantError(t, err, protocol.CodeFieldInvalid, member)
				if e := protocol.AsError(err); e.Requirement == "" || strings.Contains(err.Error(), "not a value of anything") {
					t.Errorf("%v", err)
				}
			})
		}
		t.Run(k.requirement+" "+k.name+" unknown member", func(t *testing.T) {
			wantError(t, resign(t, func(c map[string]any) { c["more"] = "x" }), protocol.CodeFieldUnknown, "more")
		})
		t.Run(k.requirement+" "+k.name+" signed by somebody else", func(t *testing.T) {
			other := signer(t, "did:act:other.example/x", k.purpose, keys.EdDSA)
			signed, err := keys.SignMessage(other, k.purpose, k.name, content)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = k.parse(signed)
			wantError(t, err, protocol.CodeClaimsConflict, "signer_id")
		})
		t.Run(k.name+" does not pass as another kind", func(t *testing.T) {
			signed, err := keys.SignMessage(s, k.purpose, keys.KindCartRequest, content)
			if err != nil {
				t.Fatal(err)
			}
			_, u, err := k.parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			if err := u.Verify(s.Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Error(err)
			}
		})
	}
}

func TestRequestRules(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, c := range []struct {
		name   string
		change func(*payment.Request)
		code   protocol.Code
		field  string
	}{
		{"PSD-PAY-DEL-02 neither order nor bill", func(r *payment.Request) { r.Order = "" }, missing, "order"},
		{"PSD-PAY-DEL-02 both order and bill", func(r *payment.Request) { r.Bill = "e30" }, inv, "bill"},
		{"PSD-PAY-DEL-02 another scenario", func(r *payment.Request) { r.Scenario = "POS" }, inv, "scenario"},
		{"PSD-PAY-DEL-02 no mandate", func(r *payment.Request) { r.IAC = "" }, missing, "iac"},
		{"PSD-PAY-DEL-03 short nonce", func(r *payment.Request) { r.Nonce = "AAAA" }, inv, "nonce"},
		{"PSD-PAY-DEL-03 nonce in another spelling", func(r *payment.Request) { r.Nonce = strings.Repeat("A", 21) + "B" }, inv, "nonce"},
		{"PSD-PAY-DEL-02 nothing to pay", func(r *payment.Request) { r.Amount = cny(t, "0") }, inv, "amount"},
		{"PSD-PAY-DEL-02 no amount", func(r *payment.Request) { r.Amount = money.Amount{} }, missing, "amount"},
		{"PSD-PAY-DEL-02 the bill's method id", func(r *payment.Request) { r.PaymentMethod = "act:payment/balance" }, inv, "payment_method"},
		{"PSD-PAY-A402-03 a bill over the limit", func(r *payment.Request) { r.Order, r.Bill = "", strings.Repeat("A", payment.MaxHeaderRead+1) }, protocol.CodeTooLarge, "bill"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := goodRequest(t)
			c.change(&q)
			data, err := payment.SignRequest(agentKey(t), q)
			if data != nil {
				t.Error("a message with an error")
			}
			if c.code == missing && c.field == "amount" {
				c.field = protocol.AsError(err).Field // amount and currency are missing alike
			}
			wantError(t, err, c.code, c.field)
		})
	}
	t.Run("PSD-PAY-AUP-06 an autonomous request with a bill", func(t *testing.T) {
		q := goodRequest(t)
		q.Scenario, q.Order, q.Bill = payment.ScenarioAUP, "", "e30"
		data, err := payment.SignRequest(agentKey(t), q)
		if err != nil {
			t.Fatal(err)
		}
		u, err := payment.ParseRequest(data)
		if err != nil || u.Request.Bill != "e30" || u.Request.Order != "" {
			t.Error(u, err)
		}
		q.DelegationID = ""
		_, err = payment.SignRequest(agentKey(t), q)
		wantError(t, err, missing, "delegation_id")
		if e := protocol.AsError(err); e.Requirement != "PSD-PAY-AUP-06" {
			t.Errorf("requirement %s", e.Requirement)
		}
	})
}

// TestSignatureCoversRequest changes every member of a signed request.
func TestSignatureCoversRequest(t *testing.T) {
	s := agentKey(t)
	data, err := payment.SignRequest(s, goodRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	for member, value := range map[string]string{
		"scenario": "AUP", "request_id": "req-2", "nonce": canon.Nonce(), "timestamp": "2026-03-02T09:30:01Z",
		"psp_id": sellerDID, "merchant_id": pspDID, "delegation_id": "d-2", "iac": "e30.e30.AB", "merchant_order_id": "o-2",
		"amount": "18.01", "currency": "USD", "payment_method": "urn:act:payment:card", "payment_token": "pt-2", "order": "e30.e30.AB",
	} {
		t.Run("PSD-PAY-DEL-03 "+member, func(t *testing.T) {
			u, err := payment.ParseRequest(mutation{path: member, value: value}.apply(t, data))
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, u.Verify(s.Public()), protocol.CodeSignatureInvalid, "signature")
		})
	}
	t.Run("PSD-PAY-DEL-03 a shorter list of covered members", func(t *testing.T) {
		_, err := payment.ParseRequest(mutation{path: "signature_covered_fields", value: []string{"amount"}}.apply(t, data))
		wantError(t, err, protocol.CodeFieldInvalid, "signature_covered_fields")
	})
}

// TestContentDigest: a repetition is equal when everything but nonce,
// timestamp and signature is.
func TestContentDigest(t *testing.T) {
	s := agentKey(t)
	digest := func(q payment.Request) canon.Digest {
		data, err := payment.SignRequest(s, q)
		if err != nil {
			t.Fatal(err)
		}
		u, err := payment.ParseRequest(data)
		if err != nil {
			t.Fatal(err)
		}
		return u.ContentDigest()
	}
	q := goodRequest(t)
	first := digest(q)
	again := q
	again.Nonce, again.Timestamp = canon.Nonce(), now.Add(time.Minute)
	if digest(again) != first {
		t.Error("a repetition is other content")
	}
	for name, change := range map[string]func(*payment.Request){
		"amount":   func(q *payment.Request) { q.Amount = cny(t, "18.01") },
		"currency": func(q *payment.Request) { q.Amount = amount(t, "18.00", "USD") },
		"order":    func(q *payment.Request) { q.Order = "e30.e30.AB" },
		"mandate":  func(q *payment.Request) { q.IAC = "e30.e30.AB" },
		"token":    func(q *payment.Request) { q.PaymentToken = "pt-2" },
	} {
		other := q
		change(&other)
		if digest(other) == first {
			t.Errorf("another %s is the same content", name)
		}
	}
}

// TestScenarioMembers: what one scenario needs has no place in another.
func TestScenarioMembers(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, c := range []struct {
		name   string
		base   func(testing.TB) payment.Request
		change func(*payment.Request)
		code   protocol.Code
		field  string
	}{
		{"PSD-PAY-INS-08 instant with a mandate", goodInstant, func(q *payment.Request) { q.IAC = "e30.e30.AA" }, inv, "iac"},
		{"PSD-PAY-INS-08 instant with a mandate's id", goodInstant, func(q *payment.Request) { q.DelegationID = "d-1" }, inv, "delegation_id"},
		{"PSD-PAY-INS-08 instant without an instrument", goodInstant, func(q *payment.Request) { q.PaymentToken = "" }, missing, "payment_token"},
		{"PSD-PAY-INS-08 instant from a sub-account too", goodInstant, func(q *payment.Request) { q.SubAccountID = "sub-1" }, inv, "subaccount_id"},
		{"PSD-PAY-INS-08 instant with an authorization", goodInstant, func(q *payment.Request) { q.SubAccountAuthorization = "e30.e30.AA" }, inv, "subaccount_authorization"},
		{"PSD-PAY-INS-05 instant without order", goodInstant, func(q *payment.Request) { q.Order = "" }, missing, "order"},
		{"PSD-PAY-DEL-02 directed without a mandate", goodInstant, func(q *payment.Request) { q.Scenario = payment.ScenarioDEL }, missing, "delegation_id"},
		{"PSD-PAY-DEL-08 both instruments", goodRequest, func(q *payment.Request) {
			q.SubAccountID, q.SubAccountAuthorization = "sub-1", "e30.e30.AA"
		}, inv, "payment_token"},
		{"PSD-PAY-DEL-08 a token and half of the other", goodRequest, func(q *payment.Request) { q.SubAccountID = "sub-1" }, missing, "subaccount_authorization"},
		{"PSD-AGT-SUB-04 a sub-account without authorization", goodFrom, func(*payment.Request) {}, missing, "subaccount_authorization"},
		{"PSD-AGT-SUB-04 an authorization without a sub-account", goodFrom, func(q *payment.Request) {
			q.SubAccountID, q.SubAccountAuthorization = "", "e30.e30.AA"
		}, missing, "subaccount_id"},
		{"PSD-PAY-AUP-06 no instrument", goodFrom, func(q *payment.Request) { q.SubAccountID = "" }, missing, "payment_token"},
		{"PSD-AGT-SUB-04 a sub-account with spaces", goodFrom, func(q *payment.Request) {
			q.SubAccountID, q.SubAccountAuthorization = "sub 1", "e30.e30.AA"
		}, inv, "subaccount_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := c.base(t)
			c.change(&q)
			data, err := payment.SignRequest(agentKey(t), q)
			if data != nil {
				t.Error("a message with an error")
			}
			wantError(t, err, c.code, c.field)
		})
	}
}

func TestResultRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.Result)
		field  string
	}{
		{"PSD-PAY-A402-11 a state before payment", func(r *payment.Result) { r.TradeState = payment.StateWaitBuyerPay }, "trade_state"},
		{"PSD-PAY-DEL-13 a total without this payment", func(r *payment.Result) { r.SpentTotal = cny(t, "17.99") }, "spent_total"},
		{"PSD-PAY-DEL-13 a proof that ends before it begins", func(r *payment.Result) { r.ProofExpiresAt = now }, "proof_expires_at"},
		{"PSD-PAY-INS-06 an instant payment with a mandate", func(r *payment.Result) { r.Scenario, r.SpentTotal = payment.ScenarioINS, money.Amount{} }, "delegation_id"},
		{"PSD-PAY-INS-06 an instant payment that was added up", func(r *payment.Result) { r.Scenario, r.DelegationID = payment.ScenarioINS, "" }, "spent_total"},
		{"PSD-PAY-DEL-13 nothing paid", func(r *payment.Result) { r.Amount = cny(t, "0") }, "amount"},
		{"PSD-PAY-DEL-13 a proof with dots", func(r *payment.Result) { r.PaymentProof = "a.b.c" }, "payment_proof"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := goodResult(t)
			c.change(&r)
			_, err := payment.SignResult(pspKey(t), r)
			wantError(t, err, protocol.CodeFieldInvalid, c.field)
		})
	}
}
