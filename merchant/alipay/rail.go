package alipay

import (
	"context"
	"fmt"
	"maps"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Config is what a Rail needs. All members are required.
type Config struct {
	Gateway    *Gateway
	SellerID   string // the seller's account: 2088 and 12 digits
	SellerName string // shown to people
	// Services are what may be sold, by Offer.Resource. A paywall for anything
	// else cannot be made.
	Services map[string]Service
}

// A Service is a service as it was registered with Alipay. The price that is
// registered there and the one of the offer must be the same, or nobody can
// pay; this library cannot check that.
type Service struct {
	ID   string // service_id
	Name string // goods_name, shown to people
}

// A Rail is a merchant.Rail by which a shop is paid through Alipay. Its proofs
// are bearer proofs: the shop's Config needs InsecureBearerProofs.
type Rail struct {
	config Config
}

var _ merchant.Rail = (*Rail)(nil)

// New checks the configuration and returns a Rail.
func New(c Config) (*Rail, error) {
	if c.Gateway == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "gateway", "PSD-PAY-A402-17", "")
	}
	if len(c.Services) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "services", "PSD-PAY-A402-17", "")
	}
	for resource, service := range c.Services {
		r := wire.Reader{Requirement: "PSD-PAY-A402-17"}
		r.ID("services", resource)
		single(&r, "services", resource)
		checkSeller(&r, Bill{
			SellerID: c.SellerID, SellerName: c.SellerName, AppID: c.Gateway.AppID(), GoodsName: service.Name, ServiceID: service.ID,
		})
		if err := r.Err(); err != nil {
			return nil, err
		}
	}
	c.Services = maps.Clone(c.Services)
	return &Rail{config: c}, nil
}

// Traits implements merchant.Rail.
func (a *Rail) Traits() merchant.Traits { return merchant.Traits{Bearer: true, Unkeyed: true} }

// CheckOffer implements merchant.Rail: the price is in CNY, and the resource
// one of Config.Services.
func (a *Rail) CheckOffer(o merchant.Offer) error {
	if o.Price.Currency() != yuan {
		return protocol.New(protocol.CodeCurrencyMismatch, "price", "PSD-PAY-A402-01", "Alipay takes CNY only")
	}
	if _, ok := a.config.Services[o.Resource]; !ok {
		return protocol.New(protocol.CodeFieldInvalid, "resource", "PSD-PAY-A402-01", "not among the registered services")
	}
	return nil
}

// Bill implements merchant.Rail.
func (a *Rail) Bill(_ context.Context, d merchant.Demand) (string, error) {
	if err := a.CheckOffer(d.Offer); err != nil {
		return "", err
	}
	service := a.config.Services[d.Offer.Resource]
	return SignBill(a.config.Gateway.config.Key, Bill{
		OutTradeNo: d.OutTradeNo, Amount: d.Offer.Price, ResourceID: d.Offer.Resource, PayBefore: d.PayBefore,
		SellerID: a.config.SellerID, SellerName: a.config.SellerName, AppID: a.config.Gateway.AppID(),
		GoodsName: service.Name, ServiceID: service.ID,
	})
}

// Read implements merchant.Rail.
func (a *Rail) Read(header string) (merchant.Proof, error) {
	p, err := ParseProof(header)
	if err != nil {
		return nil, err
	}
	return presented{gateway: a.config.Gateway, proof: p}, nil
}

// Confirm implements merchant.Rail. The trade then waits for the buyer, as far
// as the seller knows.
func (a *Rail) Confirm(ctx context.Context, d merchant.Delivery) (payment.State, error) {
	if err := a.config.Gateway.Confirm(ctx, d.TradeNo); err != nil {
		return "", err
	}
	return payment.StateWaitBuyerReceipt, nil
}

// presented is a proof that a buyer has sent.
type presented struct {
	gateway *Gateway
	proof   Proof
}

// Format is as Proof.Format: package fmt asks no unexported member.
func (p presented) Format(f fmt.State, verb rune) { p.proof.Format(f, verb) }

// Claims implements merchant.Proof: the product's proof does not name the bill.
func (p presented) Claims() (merchant.Claims, bool) { return merchant.Claims{}, false }

// Verify implements merchant.Proof. Who presents the proof is not judged,
// because nothing in it could tell.
func (p presented) Verify(ctx context.Context, _ merchant.Presentation) (merchant.Paid, error) {
	f, err := p.gateway.Verify(ctx, p.proof)
	if err != nil {
		return merchant.Paid{}, err
	}
	return merchant.Paid{
		OutTradeNo: f.OutTradeNo, TradeNo: f.TradeNo, Resource: f.ResourceID, Amount: f.Amount, Inactive: !f.Active,
	}, nil
}

// Consume implements merchant.Proof: the product has no such call, and the
// shop's store alone sees to it that the proof is used once.
func (p presented) Consume(context.Context, string) (payment.State, error) {
	return payment.StateWaitSellerFulfillment, nil
}

// Validation implements merchant.Proof: the product documents no such header.
func (p presented) Validation(payment.Validation) string { return "" }
