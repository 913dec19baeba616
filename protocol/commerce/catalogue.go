package commerce

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// An Item is one thing that a merchant offers to agents. The first four
// members are the minimum without which an item is not used for a cart
// (CID-MER-CAT-01, -03); the others are what a merchant should tell
// (CID-MER-CAT-02).
type Item struct {
	ID       string       // unique in the merchant's domain
	Name     string       // for people
	Category string       // segments separated by "/", for example "food/coffee"
	Price    money.Amount // of one piece; may be zero

	Available       *bool         // nil when the merchant does not say
	PriceValidUntil time.Time     // end of the price; zero when not told
	Delivery        time.Duration // expected time to delivery in whole seconds, at most MaxDelivery; negative when not told
	MerchantID      string        // DID; the catalogue's own when not told
	DetailURL       string        // absolute http or https URL, or empty
}

// MaxDelivery is the longest time to delivery that an item can tell.
const MaxDelivery = 1_000_000_000 * time.Second

// DeliveryUnknown is the Delivery of an item whose merchant does not tell.
const DeliveryUnknown time.Duration = -1

// Check reports what the item lacks (CID-MER-CAT-01): field_missing or
// field_invalid with the member's name. An item of a decoded [Catalogue] has
// been checked.
func (i Item) Check() error {
	_, err := i.wire().item()
	return err
}

type itemWire struct {
	ID              string  `json:"item_id"`
	Name            string  `json:"name"`
	Category        string  `json:"category"`
	Price           string  `json:"price"`
	Currency        string  `json:"currency"`
	Available       *bool   `json:"available,omitzero"`
	PriceValidUntil *string `json:"price_valid_until,omitzero"`
	DeliverySeconds *int64  `json:"delivery_seconds,omitzero"`
	MerchantID      *string `json:"merchant_id,omitzero"`
	DetailURL       *string `json:"detail_url,omitzero"`
}

func (i Item) wire() itemWire {
	w := itemWire{
		ID: i.ID, Name: i.Name, Category: i.Category, Available: i.Available,
		PriceValidUntil: wire.Optional(wire.FormatTime(i.PriceValidUntil)), MerchantID: wire.Optional(i.MerchantID), DetailURL: wire.Optional(i.DetailURL),
	}
	w.Price, w.Currency = wire.FormatAmount(i.Price)
	if i.Delivery >= 0 {
		seconds := int64(i.Delivery / time.Second)
		w.DeliverySeconds = &seconds
	}
	return w
}

func (w itemWire) item() (Item, error) {
	r := wire.Reader{Requirement: "CID-MER-CAT-01"}
	r.ID("item_id", w.ID)
	r.Text("name", w.Name)
	r.Category("category", w.Category)
	i := Item{
		ID: w.ID, Name: w.Name, Category: w.Category, Available: w.Available, Delivery: DeliveryUnknown,
		Price: r.Amount("price", w.Price, r.Currency("currency", w.Currency)),
	}
	r.Requirement = "CID-MER-CAT-02"
	i.PriceValidUntil = r.OptionalTime("price_valid_until", w.PriceValidUntil)
	if s := w.DeliverySeconds; s != nil {
		if *s < 0 || *s > int64(MaxDelivery/time.Second) {
			r.Invalid("delivery_seconds", "must be from 0 to 1000000000")
		} else {
			i.Delivery = time.Duration(*s) * time.Second
		}
	}
	if w.MerchantID != nil {
		i.MerchantID = *w.MerchantID
		r.DID("merchant_id", i.MerchantID)
	}
	if w.DetailURL != nil {
		i.DetailURL = *w.DetailURL
		r.WebURL("detail_url", i.DetailURL)
	}
	if err := r.Err(); err != nil {
		return Item{}, err
	}
	return i, nil
}

// A Catalogue is what a merchant offers at one time.
type Catalogue struct {
	MerchantID string    // DID
	Items      []Item    // items that meet the minimum
	AsOf       time.Time // when it was made

	unusable []error
}

// Unusable returns, for a decoded catalogue, one error for each item that was
// left out because it lacks the minimum or breaks a rule (CID-MER-CAT-03).
// Their fields begin with "items[n]".
func (c *Catalogue) Unusable() []error { return slices.Clone(c.unusable) }

// Item returns the item with this id.
func (c *Catalogue) Item(id string) (Item, bool) {
	i := slices.IndexFunc(c.Items, func(i Item) bool { return i.ID == id })
	if i < 0 {
		return Item{}, false
	}
	return c.Items[i], true
}

type catalogueWire struct {
	MerchantID string           `json:"merchant_id"`
	Items      []jsontext.Value `json:"items"`
	AsOf       string           `json:"as_of"`
}

// DecodeCatalogue reads a catalogue. Items that are not usable are left out and
// told by [Catalogue.Unusable], so that one bad item does not close the shop;
// an identifier that two items share is refused for the whole, since it names
// neither (CID-MER-CAT-01).
//
// A catalogue is not signed: it is worth what the connection that brought it is
// worth, and binds nobody. Prices bind in the [Order].
func DecodeCatalogue(data []byte) (*Catalogue, error) {
	var w catalogueWire
	if err := canon.Decode(data, &w); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "CID-MER-CAT-01"}
	r.DID("merchant_id", w.MerchantID)
	c := &Catalogue{MerchantID: w.MerchantID, AsOf: r.Time("as_of", w.AsOf)}
	if w.Items == nil {
		r.Require("items", "")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(w.Items))
	for n, raw := range w.Items {
		at := "items[" + strconv.Itoa(n) + "]"
		var id struct {
			ID string `json:"item_id"`
		}
		if err := canon.DecodeOpen(raw, &id); err == nil && id.ID != "" {
			if seen[id.ID] {
				return nil, protocol.New(protocol.CodeFieldInvalid, at+".item_id", "CID-MER-CAT-01", "another item has this identifier")
			}
			seen[id.ID] = true
		}
		item, err := decodeItem(raw, c.MerchantID)
		if err != nil {
			c.unusable = append(c.unusable, protocol.In(err, at))
			continue
		}
		c.Items = append(c.Items, item)
	}
	return c, nil
}

func decodeItem(raw []byte, merchant string) (Item, error) {
	var w itemWire
	if err := canon.Decode(raw, &w); err != nil {
		return Item{}, err
	}
	item, err := w.item()
	if err != nil {
		return Item{}, err
	}
	if item.MerchantID != "" && item.MerchantID != merchant {
		return Item{}, protocol.New(protocol.CodeClaimsConflict, "merchant_id", "CID-MER-CAT-02", "not the catalogue's merchant")
	}
	return item, nil
}

// Encode checks the catalogue and every item of it and returns its canonical
// JSON. The largest catalogue that others read is 64 KiB (SPEC.md 1.1).
func (c *Catalogue) Encode() ([]byte, error) {
	type plain struct {
		MerchantID string     `json:"merchant_id"`
		Items      []itemWire `json:"items"`
		AsOf       string     `json:"as_of"`
	}
	w := plain{MerchantID: c.MerchantID, Items: []itemWire{}, AsOf: wire.FormatTime(c.AsOf)}
	for _, i := range c.Items {
		w.Items = append(w.Items, i.wire())
	}
	data, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	back, err := DecodeCatalogue(data)
	if err != nil {
		return nil, err
	}
	if len(back.unusable) > 0 {
		return nil, back.unusable[0]
	}
	return data, nil
}
