package commerce

import (
	"strconv"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// MaxQuantity is the largest quantity of one line; the smallest is 1.
const MaxQuantity = 1_000_000

// A CartLine is what the buyer wants of one item, at the price it was offered.
type CartLine struct {
	ItemID    string
	Quantity  int64 // 1 to MaxQuantity
	UnitPrice money.Amount
}

// Fulfilment is what the buyer needs of delivery; both members may be empty.
type Fulfilment struct {
	DeliveryTimeRequirement string // as the mandate has it (ADD-INT-ICS-16)
	DeliveryAddress         string // an address in lines, or a reference to one; as the mandate has it, at most 2048 bytes
}

// A CartRequest asks a merchant to lock price and stock for a cart and to
// answer with an [Order] (CID-CART-CFM-03). Its amount is the exact sum of its
// lines. Members that point to a person's home, as an address does, should be a
// reference where the merchant can resolve one.
type CartRequest struct {
	RequestID    string    // stays when the request is sent again
	Nonce        string    // fresh in each transmission
	Timestamp    time.Time // time of sending
	BuyerAgentID string    // DID; the signer
	MerchantID   string    // DID; the recipient
	IntentID     string
	DelegationID string // empty without a mandate

	PSPID         string // DID of the provider that will be paid through
	PaymentMethod string // urn:act:payment:<name>

	Items      []CartLine
	Amount     money.Amount
	Fulfilment Fulfilment // may be zero
}

type cartWire struct {
	RequestID     string          `json:"request_id"`
	Nonce         string          `json:"nonce"`
	Timestamp     string          `json:"timestamp"`
	BuyerAgentID  string          `json:"buyer_agent_id"`
	MerchantID    string          `json:"merchant_id"`
	IntentID      string          `json:"intent_id"`
	DelegationID  *string         `json:"delegation_id,omitzero"`
	PSPID         string          `json:"psp_id"`
	PaymentMethod string          `json:"payment_method"`
	Items         []cartLineWire  `json:"items"`
	Amount        string          `json:"amount"`
	Currency      string          `json:"currency"`
	Fulfilment    *fulfilmentWire `json:"fulfilment,omitzero"`
}

type cartLineWire struct {
	ItemID    string `json:"item_id"`
	Quantity  int64  `json:"quantity"`
	UnitPrice string `json:"unit_price"`
}

type fulfilmentWire struct {
	DeliveryTimeRequirement *string `json:"delivery_time_requirement,omitzero"`
	DeliveryAddress         *string `json:"delivery_address,omitzero"`
}

func (c CartRequest) wire() cartWire {
	w := cartWire{
		RequestID: c.RequestID, Nonce: c.Nonce, Timestamp: wire.FormatTime(c.Timestamp),
		BuyerAgentID: c.BuyerAgentID, MerchantID: c.MerchantID, IntentID: c.IntentID, DelegationID: wire.Optional(c.DelegationID),
		PSPID: c.PSPID, PaymentMethod: c.PaymentMethod, Items: []cartLineWire{},
	}
	w.Amount, w.Currency = wire.FormatAmount(c.Amount)
	for _, l := range c.Items {
		price, currency := wire.FormatAmount(l.UnitPrice)
		if currency != w.Currency {
			price = "" // a line in another currency has no price in this message
		}
		w.Items = append(w.Items, cartLineWire{ItemID: l.ItemID, Quantity: l.Quantity, UnitPrice: price})
	}
	if c.Fulfilment != (Fulfilment{}) {
		w.Fulfilment = &fulfilmentWire{wire.Optional(c.Fulfilment.DeliveryTimeRequirement), wire.Optional(c.Fulfilment.DeliveryAddress)}
	}
	return w
}

func (w cartWire) request() (CartRequest, error) {
	r := wire.Reader{Requirement: "CID-CART-CFM-03"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("intent_id", w.IntentID)
	r.DID("psp_id", w.PSPID)
	r.PaymentMethod("payment_method", w.PaymentMethod)
	c := CartRequest{
		RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp),
		BuyerAgentID: w.BuyerAgentID, MerchantID: w.MerchantID, IntentID: w.IntentID, DelegationID: r.OptionalID("delegation_id", w.DelegationID),
		PSPID: w.PSPID, PaymentMethod: w.PaymentMethod,
	}
	currency := r.Currency("currency", w.Currency)
	c.Amount = r.Positive("amount", w.Amount, currency)
	if w.Fulfilment != nil {
		c.Fulfilment.DeliveryTimeRequirement = r.OptionalText("fulfilment.delivery_time_requirement", w.Fulfilment.DeliveryTimeRequirement)
		c.Fulfilment.DeliveryAddress = r.OptionalAddress("fulfilment.delivery_address", w.Fulfilment.DeliveryAddress)
	}
	s := summer{reader: &r, seen: map[string]bool{}}
	for n, l := range w.Items {
		line := CartLine{ItemID: l.ItemID, Quantity: l.Quantity}
		line.UnitPrice, _ = s.line(n, l.ItemID, l.UnitPrice, l.Quantity, currency)
		c.Items = append(c.Items, line)
	}
	s.finish(len(w.Items), c.Amount)
	if err := r.Err(); err != nil {
		return CartRequest{}, err
	}
	return c, nil
}

// A summer checks the lines of a cart or order and adds them up.
type summer struct {
	reader *wire.Reader
	seen   map[string]bool
	total  money.Amount // of the lines so far; invalid before the first
	broken bool         // a line could not be added
}

// line checks line n and returns its unit price and its subtotal, invalid when
// they cannot be known.
func (s *summer) line(n int, id, price string, quantity int64, c money.Currency) (unit, subtotal money.Amount) {
	at := "items[" + strconv.Itoa(n) + "]."
	s.reader.ID(at+"item_id", id)
	if s.seen[id] {
		s.reader.Invalid(at+"item_id", "one line an item")
	}
	s.seen[id] = true
	unit = s.reader.Amount(at+"unit_price", price, c)
	if quantity < 1 || quantity > MaxQuantity {
		s.reader.Invalid(at+"quantity", "must be from 1 to 1000000")
		s.broken = true
		return unit, money.Amount{}
	}
	if !unit.Valid() {
		s.broken = true
		return unit, money.Amount{}
	}
	subtotal, err := unit.Mul(quantity)
	if err == nil {
		if !s.total.Valid() {
			s.total = money.Zero(c)
		}
		s.total, err = s.total.Add(subtotal)
	}
	if err != nil {
		s.reader.Fail(at+"unit_price", err)
		s.broken = true
	}
	return unit, subtotal
}

// finish compares the sum with the amount.
func (s *summer) finish(lines int, amount money.Amount) {
	if lines == 0 {
		s.reader.Require("items", "")
		return
	}
	if !s.broken && amount.Valid() && s.total != amount {
		s.reader.Fail("", protocol.New(protocol.CodeFieldInvalid, "amount", "CID-CART-CFM-05", "must be the exact sum of the lines"))
	}
}

// SignCartRequest checks the request and returns it as a signed message, by the
// buyer's key for agent requests.
func SignCartRequest(s *keys.Signer, c CartRequest) ([]byte, error) {
	w := c.wire()
	if _, err := w.request(); err != nil {
		return nil, err
	}
	if s.DID() != c.BuyerAgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "buyer_agent_id", "CID-CART-CFM-03", "not the signer")
	}
	return keys.SignMessage(s, keys.AgentRequest, keys.KindCartRequest, w)
}

// An UnverifiedCartRequest has the right form; nothing is known of its origin.
type UnverifiedCartRequest struct {
	Request CartRequest

	message *keys.UnverifiedMessage
}

// ParseCartRequest reads a cart request: form, sums, and that the signer's DID
// is the buyer. It does not check the signature, the time, the nonce, the
// recipient, the prices or the stock.
func ParseCartRequest(data []byte) (*UnverifiedCartRequest, error) {
	m, err := keys.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	var w cartWire
	if err := m.Decode(&w); err != nil {
		return nil, err
	}
	c, err := w.request()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(m.KeyID) != c.BuyerAgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "signer_id", "CID-CART-CFM-03", "not a key of the buyer")
	}
	return &UnverifiedCartRequest{Request: c, message: m}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedCartRequest) KeyID() string { return u.message.KeyID }

// SignerDID is the DID of KeyID.
func (u *UnverifiedCartRequest) SignerDID() string { return wire.SignerDID(u.message.KeyID) }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedCartRequest) Verify(key keys.PublicKey) error {
	return u.message.Verify(key, keys.KindCartRequest)
}

// ContentDigest is the same for two transmissions of one request: it leaves
// out nonce, timestamp and signature.
func (u *UnverifiedCartRequest) ContentDigest() canon.Digest {
	return u.message.ContentDigest("nonce", "timestamp")
}
