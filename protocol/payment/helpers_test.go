package payment_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	agentDID  = "did:act:platform.example/alices-agent"
	sellerDID = "did:act:shop.example/reports"
	pspDID    = "did:act:pay.example/psp"
)

var now = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

func signer(t testing.TB, did string, p keys.Purpose, alg keys.Algorithm) *keys.Signer {
	t.Helper()
	k, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(did+"#k1", p, k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func agentKey(t testing.TB) *keys.Signer {
	return signer(t, agentDID, keys.AgentRequest, keys.EdDSA)
}
func sellerKey(t testing.TB) *keys.Signer { return signer(t, sellerDID, keys.Seller, keys.EdDSA) }
func pspKey(t testing.TB) *keys.Signer    { return signer(t, pspDID, keys.Proof, keys.EdDSA) }

func cny(t testing.TB, s string) money.Amount {
	t.Helper()
	return amount(t, s, "CNY")
}

func amount(t testing.TB, s, currency string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency(currency)
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func testFingerprint(t testing.TB) canon.Digest {
	t.Helper()
	d, err := payment.Fingerprint("GET", "https://shop.example/reports/7", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func goodBill(t testing.TB) payment.Bill {
	return payment.Bill{
		MethodID: "act:payment/balance", MethodVersion: payment.MethodVersion, OutTradeNo: "ORDER-20260302-000017",
		ResourceID: "report-7", Amount: cny(t, "0.80"), PayBefore: now.Add(10 * time.Minute), SellerID: sellerDID,
		BuyerID: agentDID, RequestMethod: "GET", RequestFingerprint: testFingerprint(t), ReplayWindow: time.Hour,
		PSPID: pspDID, Endpoint: "https://pay.example/act/v1", Category: "information/report",
	}
}

func goodClaims(t testing.TB) payment.ProofClaims {
	return payment.ProofClaims{
		PSPID: pspDID, MerchantID: sellerDID, ID: "urn:uuid:0b0c2d7a-5d0e-4c8e-9f65-0d9b1c1c2a11", IssuedAt: now,
		Expires: now.Add(time.Hour), TradeNo: "T20260302093000000017", OutTradeNo: "ORDER-20260302-000017",
		ResourceID: "report-7", Amount: cny(t, "0.80"), Payer: agentDID, MethodID: "act:payment/balance",
		RequestMethod: "GET", RequestFingerprint: testFingerprint(t), Thumbprint: canon.EncodeBase64(make([]byte, 32)),
	}
}

func goodProof(t testing.TB) payment.Proof {
	t.Helper()
	token, err := payment.SignProofClaims(pspKey(t), goodClaims(t))
	if err != nil {
		t.Fatal(err)
	}
	u, err := payment.ParseProofClaims(token)
	if err != nil {
		t.Fatal(err)
	}
	return u.Proof()
}

func goodValidation(t testing.TB) payment.Validation {
	return payment.Validation{
		MethodID: "act:payment/balance", MethodVersion: payment.MethodVersion, OutTradeNo: "ORDER-20260302-000017",
		ResourceID: "report-7", TradeNo: "T20260302093000000017", RequestFingerprint: testFingerprint(t),
		Status: payment.ValidationValid, Delivery: payment.DeliveryDelivered, Fulfillment: payment.FulfillmentPending,
		State: payment.StateWaitBuyerReceipt, ValidatedAt: now, PSPID: pspDID,
		Evidence: []payment.EvidenceRef{{Type: "VALIDATION", Digest: canon.Sum([]byte("v"))}, {Type: "DELIVERY", Digest: canon.Sum([]byte("d")), URI: "https://shop.example/e/1"}},
	}
}

func goodRequest(t testing.TB) payment.Request {
	return payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: "req-1", Nonce: canon.Nonce(), Timestamp: now, PSPID: pspDID,
		BuyerAgentID: agentDID, MerchantID: sellerDID, DelegationID: "urn:uuid:7f3e9a12-b4c8-4d56-a321-8b7c6d5e4f30",
		IAC: "e30.e30.AA", MerchantOrderID: "ORDER-20260302-000017", Amount: cny(t, "18.00"),
		PaymentMethod: "urn:act:payment:balance", PaymentToken: "pt-1", Order: "e30.e30.AA",
	}
}

// goodInstant asks for a payment that the principal will confirm.
func goodInstant(t testing.TB) payment.Request {
	q := goodRequest(t)
	q.Scenario, q.DelegationID, q.IAC = payment.ScenarioINS, "", ""
	return q
}

// goodFrom asks for a payment from a sub-account, not yet authorized.
func goodFrom(t testing.TB) payment.Request {
	q := goodRequest(t)
	q.Scenario, q.PaymentToken, q.SubAccountID = payment.ScenarioAUP, "", "sub-1"
	return q
}

func goodPending(t testing.TB) payment.Pending {
	return payment.Pending{
		RequestID: "req-1", TradeNo: "T1", PSPID: pspDID, BuyerAgentID: agentDID, MerchantID: sellerDID, MerchantOrderID: "o-1",
		Amount: cny(t, "18.00"), TradeState: payment.StateWaitBuyerPay, CashierURL: "https://pay.example/cashier/7?x=%20", ExpiresAt: now.Add(5 * time.Minute),
	}
}

func goodInstrumentQuery() payment.InstrumentQuery {
	return payment.InstrumentQuery{RequestID: "i-1", Nonce: canon.Nonce(), Timestamp: now, PSPID: pspDID, BuyerAgentID: agentDID, PaymentToken: "pt-1"}
}

// goodTokenState tells of a payment token without a ceiling.
func goodTokenState() payment.InstrumentState {
	return payment.InstrumentState{
		RequestID: "i-1", PSPID: pspDID, BuyerAgentID: agentDID, PaymentToken: "pt-1", State: payment.InstrumentActive,
		ValidUntil: now.Add(time.Hour), AsOf: now,
	}
}

func goodPurseState(t testing.TB) payment.InstrumentState {
	return payment.InstrumentState{
		RequestID: "i-1", PSPID: pspDID, BuyerAgentID: agentDID, SubAccountID: "sub-1", State: payment.InstrumentActive,
		Available: cny(t, "18.00"), AsOf: now,
	}
}

func goodAuthorization() payment.SubAccountAuthorization {
	return payment.SubAccountAuthorization{
		AgentID: agentDID, SubAccountID: "sub-1", PSPID: pspDID, ID: "j-1", IssuedAt: now, Expires: now.Add(5 * time.Minute),
		RequestDigest: canon.Sum([]byte("request")),
	}
}

func subKey(t testing.TB) *keys.Signer {
	return signer(t, agentDID, keys.SubAccount, keys.EdDSA)
}

func goodResult(t testing.TB) payment.Result {
	return payment.Result{
		RequestID: "req-1", TradeNo: "T1", Scenario: payment.ScenarioAUP, DelegationID: "d-1", MerchantOrderID: "o-1",
		PSPID: pspDID, BuyerAgentID: agentDID, MerchantID: sellerDID, Amount: cny(t, "18.00"),
		TradeState: payment.StateWaitSellerFulfillment, PaidAt: now, SpentTotal: cny(t, "20.00"), PaymentProof: "ZTMw",
		ProofExpiresAt: now.Add(time.Hour),
	}
}

// official returns a file of the official A402 data, which lies beside the
// project; without it the test is skipped.
func official(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../shared/act-2.1/official/a402", name))
	if err != nil {
		t.Skip("the official A402 data is not beside the project")
	}
	return data
}

// encode makes a header value of any JSON.
func encode(data []byte) string { return canon.EncodeBase64(data) }

// object reads JSON into a map, with another library than the one under test.
func object(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantError checks code and field, and that the error names a requirement.
func wantError(t *testing.T, err error, code protocol.Code, field string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Field != field {
		t.Errorf("got %v, want %s at %s", err, code, field)
	}
}
