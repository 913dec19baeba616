package alipay_test

import (
	"testing"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/merchant/merchanttest"
)

// TestRailContract holds the rail to what every rail promises.
func TestRailContract(t *testing.T) {
	merchanttest.Rail(t, func(t *testing.T) merchanttest.RailFixture {
		p := newPlace(t, nil)
		rail, err := alipay.New(alipay.Config{
			Gateway: p.gateway, SellerID: sellerID, SellerName: "测试商店",
			Services: map[string]alipay.Service{"contract-1": {ID: serviceID, Name: "合约测试"}},
		})
		must(t, err)
		f := merchanttest.RailFixture{
			Price: price(t, "1.50"),
			Pay: func(t *testing.T, needed string) string {
				proof, err := p.double.Pay(needed)
				must(t, err)
				return proof
			},
			Cut: func() func() {
				p.double.Misbehave(func(a *alipaytest.Answer) { a.Cut = true })
				return func() { p.double.Misbehave(nil) }
			},
		}
		newShop(t, "https://shop.test", new(merchant.MemoryOrders), p.clock.Now, func(c *merchant.Config) {
			c.Rail, c.InsecureBearerProofs = rail, true
			f.Config = *c
		})
		return f
	})
}
