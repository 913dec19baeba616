package payment_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
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
