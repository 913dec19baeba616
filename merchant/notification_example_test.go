package merchant_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A shop hears of its payments at an address that its provider knows. The
// provider here is acttest's; a store that survives a crash takes the place of
// MemoryNotifications.
func ExampleShop_NotificationHandler() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		told := world.Shop.NotificationHandler(new(merchant.MemoryNotifications), func(_ context.Context, n payment.Notification) error {
			fmt.Println(n.Sequence, n.Event, n.Amount, n.Amount.Currency(), "for order", n.MerchantOrderID)
			return nil // an error has the provider tell it again
		})
		for range 2 { // the provider did not hear that it was heard
			body := world.PSP.Notification(payment.Notification{
				Sequence: 1, Event: payment.NotifyCompleted, TradeNo: "T1", MerchantOrderID: "order-1", Amount: acttest.CNY(t, "18.00"),
			})
			rec := httptest.NewRecorder()
			told.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/told", bytes.NewReader(body)))
			fmt.Println(rec.Code)
		}
	})
	// Output:
	// 1 PAYMENT_COMPLETED 18.00 CNY for order order-1
	// 204
	// 204
}
