package payment_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A seller bills a request, the buyer reads the bill. The buyer computes the
// fingerprint of its own request and pays only a bill for that one.
func ExampleSignBill() {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	seller, err := keys.NewSigner("did:act:shop.example/reports#k1", keys.Seller, key)
	if err != nil {
		panic(err)
	}
	yuan, err := money.ParseCurrency("CNY")
	if err != nil {
		panic(err)
	}
	price, err := money.Parse("0.80", yuan)
	if err != nil {
		panic(err)
	}
	const target = "https://shop.example/reports/7"
	print, err := payment.Fingerprint("GET", target, "", nil)
	if err != nil {
		panic(err)
	}
	header, err := payment.SignBill(seller, payment.Bill{
		MethodID: "act:payment/balance", MethodVersion: payment.MethodVersion,
		OutTradeNo: "ORDER-17", ResourceID: "report-7", Amount: price,
		PayBefore: time.Date(2026, 3, 2, 9, 40, 0, 0, time.UTC), SellerID: "did:act:shop.example/reports",
		RequestMethod: "GET", RequestFingerprint: print, ReplayWindow: time.Hour,
		PSPID: "did:act:pay.example/psp", Endpoint: "https://pay.example/act/v1", Category: "information/report",
	})
	if err != nil {
		panic(err)
	}
	answer := http.Header{payment.HeaderNeeded: {header}} // with status 402

	value, err := payment.Header(answer, payment.HeaderNeeded)
	if err != nil {
		panic(err)
	}
	bill, err := payment.ParseBill(value)
	if err != nil {
		panic(err)
	}
	if err := bill.Verify(seller.Public()); err != nil { // in earnest: the key that KeyID names
		panic(err)
	}
	own, err := payment.Fingerprint("GET", "https://SHOP.example:443/reports/7", "", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(bill.Bill.Amount, bill.Bill.Amount.Currency(), bill.Bill.Category, bill.Bill.RequestFingerprint == own)
	// Output: 0.80 CNY information/report true
}

// The states of a trade, and what leads from one to the next.
func ExampleNext() {
	state := payment.StateCreate
	for _, event := range []payment.Event{
		payment.EventPaymentNeededIssued, payment.EventPaymentValidated,
		payment.EventDeliveryCommitted, payment.EventFulfillmentConfirmed,
	} {
		next, err := payment.Next(state, event)
		if err != nil {
			panic(err)
		}
		state = next
	}
	fmt.Println(state)
	_, err := payment.Next(state, payment.EventPaymentValidated)
	fmt.Println(err)
	// Output:
	// TRADE_FINISHED
	// act: state_conflict: transaction_state: not possible in the present state (PSD-PAY-A402-11)
}

// Every code of this library has its place among the eleven categories.
func ExampleA402ErrorFor() {
	e := payment.A402ErrorFor(protocol.CodeBalanceInsufficient)
	fmt.Println(e.ErrorID, e.Retryability, e.MayDo(payment.ActionChangePaymentTool))
	fmt.Println(payment.HTTPStatus(e.Code()))
	// Output:
	// ACT-A402-LIMIT_OR_ASSET_REJECTED AFTER_AUTHORIZATION true
	// 402
}

// A payment from a sub-account: its key authorizes this one transmission, and
// the agent's key signs the request with it. The provider, which registered the
// first key, needs both.
func ExampleSignRequestFrom() {
	agent := exampleSigner("did:act:agents.example/buyer#request", keys.AgentRequest)
	sub := exampleSigner("did:act:agents.example/buyer#wallet", keys.SubAccount)
	yuan, err := money.ParseCurrency("CNY")
	if err != nil {
		panic(err)
	}
	price, err := money.Parse("0.80", yuan)
	if err != nil {
		panic(err)
	}
	message, err := payment.SignRequestFrom(agent, sub, payment.Request{
		Scenario: payment.ScenarioAUP, RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: time.Now(),
		PSPID: "did:act:pay.example/psp", BuyerAgentID: "did:act:agents.example/buyer", MerchantID: "did:act:shop.example/reports",
		DelegationID: "urn:uuid:7f3e9a12-b4c8-4d56-a321-8b7c6d5e4f30", IAC: "(the mandate)", MerchantOrderID: "ORDER-17",
		Amount: price, PaymentMethod: "urn:act:payment:balance", SubAccountID: "sub-7", Bill: "e30",
	})
	if err != nil {
		panic(err)
	}

	request, err := payment.ParseRequest(message)
	if err != nil {
		panic(err)
	}
	token, err := payment.ParseSubAccountAuthorization(request.Request.SubAccountAuthorization)
	if err != nil {
		panic(err)
	}
	fmt.Println("by the agent's key:", request.Verify(agent.Public()) == nil)
	fmt.Println("by the sub-account's:", token.Verify(sub.Public()) == nil)
	fmt.Println("for this transmission:", token.Authorization.RequestDigest == request.AuthorizedDigest())
	// Output:
	// by the agent's key: true
	// by the sub-account's: true
	// for this transmission: true
}

// An instant payment is answered with where the principal confirms it.
func ExampleAwaitsConfirmation() {
	pay := func() error { // for example psp.Client.Pay
		return &payment.AwaitsConfirmation{Pending: payment.Pending{
			TradeNo: "T1", TradeState: payment.StateWaitBuyerPay, CashierURL: "https://pay.example/cashier/7",
			ExpiresAt: time.Date(2026, 3, 2, 9, 40, 0, 0, time.UTC),
		}}
	}
	err := pay()
	var waits *payment.AwaitsConfirmation
	if errors.As(err, &waits) {
		fmt.Println("confirm at", waits.Pending.CashierURL, "before", waits.Pending.ExpiresAt.Format(time.TimeOnly))
	}
	fmt.Println("paid or refused:", !errors.Is(err, protocol.ErrUndetermined))
	// Output:
	// confirm at https://pay.example/cashier/7 before 09:40:00
	// paid or refused: false
}

func exampleSigner(keyID string, purpose keys.Purpose) *keys.Signer {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	s, err := keys.NewSigner(keyID, purpose, key)
	if err != nil {
		panic(err)
	}
	return s
}
