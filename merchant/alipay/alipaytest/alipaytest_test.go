package alipaytest_test

import (
	"context"
	"crypto/rsa"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol/money"
)

// bill is one that the double pays.
func bill() alipay.Bill {
	return alipay.Bill{
		OutTradeNo: "ORDER_1", Amount: money.MustParse("0.01", "CNY"), ResourceID: "r", PayBefore: acttest.Start.Add(time.Minute),
		SellerID: "2088000000000001", SellerName: "s", AppID: "2021", GoodsName: "g", ServiceID: "API_1",
	}
}

func TestTheCashierIsNoFool(t *testing.T) {
	clock := acttest.NewClock(acttest.Start)
	g := alipaytest.NewGateway(t, clock.Now)
	key, other := alipaytest.NewKey(t), alipaytest.NewKey(t)
	g.Register("2021", "2088000000000001", &key.PublicKey)
	for name, c := range map[string]struct {
		key    *rsa.PrivateKey
		change func(*alipay.Bill)
	}{
		"another key":             {other, func(*alipay.Bill) {}},
		"an unknown application":  {key, func(b *alipay.Bill) { b.AppID = "2022" }},
		"another seller's":        {key, func(b *alipay.Bill) { b.SellerID = "2088000000000002" }},
		"a bill whose time is up": {key, func(b *alipay.Bill) { b.PayBefore = acttest.Start }},
	} {
		t.Run("PSD-PAY-A402-01 "+name, func(t *testing.T) {
			b := bill()
			c.change(&b)
			header, err := alipay.SignBill(c.key, b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Pay(header); err == nil || g.Trades() != 0 {
				t.Fatal("paid")
			}
		})
	}
	t.Run("PSD-PAY-A402-08 an order is paid once", func(t *testing.T) {
		header, err := alipay.SignBill(key, bill())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var paid atomic.Int32
		for range 8 {
			wg.Go(func() {
				if _, err := g.Pay(header); err == nil {
					paid.Add(1)
				}
			})
		}
		wg.Wait()
		if paid.Load() != 1 || g.Trades() != 1 {
			t.Fatalf("paid %d times", paid.Load())
		}
	})
}

// A gateway that answers without a signature is not believed.
func ExampleGateway_Misbehave() {
	acttest.Run(func(t acttest.TB) {
		double, key := alipaytest.NewGateway(t, nil), alipaytest.NewKey(t)
		double.Register("2021", "2088000000000001", &key.PublicKey)
		gateway, err := alipay.NewGateway(double.Config("2021", key))
		if err != nil {
			t.Fatal(err)
		}
		double.Misbehave(func(a *alipaytest.Answer) { a.Signature = "" })
		fmt.Println(gateway.Confirm(context.Background(), "1"))
	})
	// Output: act: service_unavailable: an answer without a signature (PSD-PAY-A402-23)
}
