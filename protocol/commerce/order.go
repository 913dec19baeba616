package commerce

import (
	"slices"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// StatusConfirmed is the status of an order confirmation, the only one: a
// merchant that cannot lock price and stock answers with an error instead
// (CID-CART-CFM-04).
const StatusConfirmed = "CONFIRMED"

// An OrderLine is one item as it was locked. Its subtotal is not stored: it is
// unit price times quantity.
type OrderLine struct {
	ItemID    string
	Name      string
	Category  string
	UnitPrice money.Amount
	Quantity  int64 // 1 to MaxQuantity
}

// Subtotal is unit price times quantity.
func (l OrderLine) Subtotal() (money.Amount, error) { return l.UnitPrice.Mul(l.Quantity) }

// An Order is a merchant's confirmation that it holds these items at these
// prices until Expires (CID-CART-CFM-04, -06). Its order number, amount and
// currency are the ones that a payment names (CID-CART-CFM-05).
type Order struct {
	MerchantID      string    // DID; the issuer and payee
	BuyerAgentID    string    // DID; the subject
	IssuedAt        time.Time // whole seconds
	Expires         time.Time // end of the lock; whole seconds
	MerchantOrderID string
	RequestID       string // of the cart request
	IntentID        string
	DelegationID    string // empty without a mandate
	PSPID           string // DID
	PaymentMethod   string // urn:act:payment:<name>
	Items           []OrderLine
	Amount          money.Amount // the exact sum of the lines
	DeliverBy       time.Time
}

// Categories returns the different categories of the items, sorted.
func (o Order) Categories() []string {
	var out []string
	for _, l := range o.Items {
		out = append(out, l.Category)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// In the order of the canonical form: what is written needs no sorting.
type orderWire struct {
	Amount          string          `json:"amount"`
	BuyerAgentID    string          `json:"buyer_agent_id"`
	Currency        string          `json:"currency"`
	DelegationID    *string         `json:"delegation_id,omitzero"`
	DeliverBy       string          `json:"deliver_by"`
	Expires         int64           `json:"exp"`
	IssuedAt        int64           `json:"iat"`
	IntentID        string          `json:"intent_id"`
	Issuer          string          `json:"iss"`
	Items           []orderLineWire `json:"items"`
	MerchantID      string          `json:"merchant_id"`
	MerchantOrderID string          `json:"merchant_order_id"`
	PaymentMethod   string          `json:"payment_method"`
	PSPID           string          `json:"psp_id"`
	RequestID       string          `json:"request_id"`
	Status          string          `json:"status"`
	Subject         string          `json:"sub"`
}

// In the order of the canonical form: what is written needs no sorting.
type orderLineWire struct {
	Category  string `json:"category"`
	ItemID    string `json:"item_id"`
	Name      string `json:"name"`
	Quantity  int64  `json:"quantity"`
	Subtotal  string `json:"subtotal"`
	UnitPrice string `json:"unit_price"`
}

func (o Order) wire() orderWire {
	w := orderWire{
		Issuer: o.MerchantID, Subject: o.BuyerAgentID, IssuedAt: wire.Seconds(o.IssuedAt), Expires: wire.Seconds(o.Expires),
		MerchantID: o.MerchantID, BuyerAgentID: o.BuyerAgentID, MerchantOrderID: o.MerchantOrderID,
		RequestID: o.RequestID, IntentID: o.IntentID, DelegationID: wire.Optional(o.DelegationID), PSPID: o.PSPID,
		PaymentMethod: o.PaymentMethod, Items: []orderLineWire{}, DeliverBy: wire.FormatTime(o.DeliverBy), Status: StatusConfirmed,
	}
	w.Amount, w.Currency = wire.FormatAmount(o.Amount)
	for _, l := range o.Items {
		line := orderLineWire{ItemID: l.ItemID, Name: l.Name, Category: l.Category, Quantity: l.Quantity}
		if l.UnitPrice.Currency() == o.Amount.Currency() {
			line.UnitPrice, _ = wire.FormatAmount(l.UnitPrice)
		}
		if sub, err := l.Subtotal(); err == nil {
			line.Subtotal, _ = wire.FormatAmount(sub)
		}
		w.Items = append(w.Items, line)
	}
	return w
}

func (w orderWire) order() (Order, error) {
	r := wire.Reader{Requirement: "CID-CART-CFM-06"}
	r.DID("iss", w.Issuer)
	r.DID("merchant_id", w.MerchantID)
	r.Equal("merchant_id", w.MerchantID, w.Issuer)
	r.DID("sub", w.Subject)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.Equal("buyer_agent_id", w.BuyerAgentID, w.Subject)
	r.ID("merchant_order_id", w.MerchantOrderID)
	r.ID("request_id", w.RequestID)
	r.ID("intent_id", w.IntentID)
	r.DID("psp_id", w.PSPID)
	r.PaymentMethod("payment_method", w.PaymentMethod)
	if r.Require("status", w.Status) && w.Status != StatusConfirmed {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "status", "CID-CART-CFM-04", "must be CONFIRMED"))
	}
	o := Order{
		MerchantID: w.MerchantID, BuyerAgentID: w.BuyerAgentID,
		IssuedAt: r.NumericDate("iat", w.IssuedAt), Expires: r.NumericDate("exp", w.Expires),
		MerchantOrderID: w.MerchantOrderID, RequestID: w.RequestID, IntentID: w.IntentID, DelegationID: r.OptionalID("delegation_id", w.DelegationID),
		PSPID: w.PSPID, PaymentMethod: w.PaymentMethod, DeliverBy: r.Time("deliver_by", w.DeliverBy),
	}
	if w.IssuedAt > 0 && w.Expires > 0 && w.Expires <= w.IssuedAt {
		r.Invalid("exp", "must be after iat")
	}
	currency := r.Currency("currency", w.Currency)
	o.Amount = r.Positive("amount", w.Amount, currency)
	s := summer{reader: &r, seen: map[string]bool{}}
	for n, l := range w.Items {
		at := "items[" + strconv.Itoa(n) + "]."
		r.Text(at+"name", l.Name)
		r.Category(at+"category", l.Category)
		line := OrderLine{ItemID: l.ItemID, Name: l.Name, Category: l.Category, Quantity: l.Quantity}
		var product money.Amount
		line.UnitPrice, product = s.line(n, l.ItemID, l.UnitPrice, l.Quantity, currency)
		if said := r.Amount(at+"subtotal", l.Subtotal, currency); said.Valid() && product.Valid() && said != product {
			r.Invalid(at+"subtotal", "must be unit_price times quantity")
		}
		o.Items = append(o.Items, line)
	}
	s.finish(len(w.Items), o.Amount)
	if err := r.Err(); err != nil {
		return Order{}, err
	}
	return o, nil
}

// SignOrder checks the order and returns it as a token of type act-order+jwt,
// by the merchant's key for sellers.
func SignOrder(s *keys.Signer, o Order) ([]byte, error) {
	w := o.wire()
	if _, err := w.order(); err != nil {
		return nil, err
	}
	if s.DID() != o.MerchantID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "CID-CART-CFM-06", "not the signer")
	}
	payload, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.Seller, keys.TypeOrder, payload)
}

// An UnverifiedOrder has the right form and exact sums; nothing is known of its
// origin.
type UnverifiedOrder struct {
	Order Order

	token *keys.UnverifiedToken
}

// ParseOrder reads an order confirmation: form, sums, members that must agree,
// and that the key id is the merchant's. It does not check the signature, the
// time, or whether this order is the one that was asked for.
func ParseOrder(raw []byte) (*UnverifiedOrder, error) {
	t, err := keys.ParseCompact(raw, keys.TypeOrder)
	if err != nil {
		return nil, err
	}
	var w orderWire
	if err := canon.Decode(t.Payload, &w); err != nil {
		return nil, err
	}
	o, err := w.order()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(t.Header.KeyID) != o.MerchantID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "header.kid", "CID-CART-CFM-06", "not a key of the issuer")
	}
	return &UnverifiedOrder{Order: o, token: t}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedOrder) KeyID() string { return u.token.Header.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedOrder) SignerDID() string { return wire.SignerDID(u.KeyID()) }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedOrder) Verify(key keys.PublicKey) error { return u.token.Verify(key) }
