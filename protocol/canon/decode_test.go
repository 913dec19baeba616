package canon_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// currency is a type that judges its own text.
type currency string

func (c *currency) UnmarshalText(text []byte) error {
	if string(text) != "CNY" {
		return protocol.New(protocol.CodeCurrencyMismatch, "code", "ADD-INT-ICS-09", "must be CNY")
	}
	*c = currency(text)
	return nil
}

type item struct {
	Name     string         `json:"name"`
	Price    jsontext.Value `json:"price,omitzero"`
	Quantity int64          `json:"quantity,omitzero"`
	Open     bool           `json:"open,omitzero"`
	Currency currency       `json:"currency,omitzero"`
}

type order struct {
	ID    string          `json:"id"`
	Items []item          `json:"items,omitzero"`
	Notes map[string]item `json:"notes,omitzero"`
	Limit *int            `json:"limit,omitzero"`
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, in string
		code     protocol.Code // of Decode; "" when it accepts
		field    string
		open     protocol.Code // of DecodeOpen
	}{
		{"complete", `{"id":"a","items":[{"name":"x","price":1.50,"quantity":2,"open":true,"currency":"CNY"}],"limit":3}`, "", "", ""},
		{"unknown member", `{"id":"a","extra":1}`, protocol.CodeFieldUnknown, "extra", ""},
		{"unknown member below", `{"items":[{"name":"x"},{"name":"y","colour":{"a":[1]}}]}`, protocol.CodeFieldUnknown, "items[1].colour", ""},
		{"unknown member in a map", `{"notes":{"n":{"x":1}}}`, protocol.CodeFieldUnknown, "notes.n.x", ""},
		{"names are compared case by case", `{"ID":"a"}`, protocol.CodeFieldUnknown, "ID", ""},
		{"unknown name is not repeated", `{"p4ss word!":1}`, protocol.CodeFieldUnknown, "?", ""},
		{"long unknown name is not repeated", `{"` + strings.Repeat("a", 49) + `":1}`, protocol.CodeFieldUnknown, "?", ""},
		{"duplicate inside an unknown member", `{"extra":{"a":1,"a":2}}`, protocol.CodeMalformed, "extra.a", protocol.CodeMalformed},
		{"duplicate inside a raw member", `{"items":[{"price":{"a":1,"a":2}}]}`, protocol.CodeMalformed, "items[0].price.a", protocol.CodeMalformed},
		{"duplicate known member", `{"id":"a","id":"a"}`, protocol.CodeMalformed, "id", protocol.CodeMalformed},
		{"duplicate by escape", `{"id":"a","\u0069d":"b"}`, protocol.CodeMalformed, "id", protocol.CodeMalformed},
		{"bad surrogate inside an unknown member", `{"extra":["\ud800"]}`, protocol.CodeMalformed, "extra[0]", protocol.CodeMalformed},
		{"number that would change inside an unknown member", `{"extra":[0,9007199254740993]}`, protocol.CodeMalformed, "extra[1]", protocol.CodeMalformed},
		{"null", `null`, protocol.CodeFieldInvalid, "", protocol.CodeFieldInvalid},
		{"null for a pointer", `{"limit":null}`, protocol.CodeFieldInvalid, "limit", protocol.CodeFieldInvalid},
		{"null for a list", `{"items":null}`, protocol.CodeFieldInvalid, "items", protocol.CodeFieldInvalid},
		{"null in a list", `{"items":[{"name":"x"},null]}`, protocol.CodeFieldInvalid, "items[1]", protocol.CodeFieldInvalid},
		{"null in a raw member", `{"items":[{"price":{"a":null}}]}`, protocol.CodeFieldInvalid, "items[0].price.a", protocol.CodeFieldInvalid},
		{"null in an unknown member", `{"extra":null}`, protocol.CodeFieldInvalid, "extra", protocol.CodeFieldInvalid},
		{"the word null in a string", `{"id":"null"}`, "", "", ""},
		{"string for a number", `{"items":[{"quantity":"2"}]}`, protocol.CodeFieldInvalid, "items[0].quantity", protocol.CodeFieldInvalid},
		{"number for a string", `{"id":1}`, protocol.CodeFieldInvalid, "id", protocol.CodeFieldInvalid},
		{"fraction for an integer", `{"limit":1.5}`, protocol.CodeFieldInvalid, "limit", protocol.CodeFieldInvalid},
		{"integer out of range", `{"items":[{"quantity":9223372036854775808}]}`, protocol.CodeMalformed, "items[0].quantity", protocol.CodeMalformed},
		{"boolean as text", `{"items":[{"open":"true"}]}`, protocol.CodeFieldInvalid, "items[0].open", protocol.CodeFieldInvalid},
		{"boolean as number", `{"items":[{"open":1}]}`, protocol.CodeFieldInvalid, "items[0].open", protocol.CodeFieldInvalid},
		{"object for a list", `{"items":{}}`, protocol.CodeFieldInvalid, "items", protocol.CodeFieldInvalid},
		{"list for the object", `[]`, protocol.CodeFieldInvalid, "", protocol.CodeFieldInvalid},
		{"malformed wins over a wrong type", `{"id":1,"items":[`, protocol.CodeMalformed, "items", protocol.CodeMalformed},
		{"malformed wins over null", `{"id":null,"id":1}`, protocol.CodeMalformed, "id", protocol.CodeMalformed},
		{"null wins over unknown", `{"extra":1,"id":null}`, protocol.CodeFieldInvalid, "id", protocol.CodeFieldInvalid},
		{"error of a type of its own", `{"items":[{"currency":"secret"}]}`, protocol.CodeCurrencyMismatch, "items[0].currency.code", protocol.CodeCurrencyMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e *protocol.Error
			err := canon.Decode([]byte(test.in), new(order))
			if protocol.CodeOf(err) != test.code || errors.As(err, &e) && e.Field != test.field {
				t.Errorf("Decode: got %v, want %q in %q", err, test.code, test.field)
			}
			err = canon.DecodeOpen([]byte(test.in), new(order))
			if protocol.CodeOf(err) != test.open || errors.As(err, &e) && e.Field != test.field {
				t.Errorf("DecodeOpen: got %v, want %q in %q", err, test.open, test.field)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "p4ss")) {
				t.Errorf("the error repeats input: %v", err)
			}
		})
	}
}

func TestDecodeKeepsLiterals(t *testing.T) {
	var o order
	if err := canon.Decode([]byte(`{"id":"a","items":[{"name":"x","price": 18.50 ,"quantity":9007199254740991}]}`), &o); err != nil {
		t.Fatal(err)
	}
	if got := string(o.Items[0].Price); got != "18.50" || o.Items[0].Quantity != 9007199254740991 {
		t.Errorf("price %q, quantity %d", got, o.Items[0].Quantity)
	}
}

func TestDecodeIntoNothing(t *testing.T) {
	for _, v := range []any{nil, order{}, (*order)(nil)} {
		if err := canon.Decode([]byte(`{}`), v); protocol.CodeOf(err) == "" {
			t.Errorf("Decode into %T: %v, want an error of ours", v, err)
		}
	}
}

func TestMarshal(t *testing.T) {
	got, err := canon.Marshal(order{ID: "b\u20ac", Items: []item{{Name: "x", Price: jsontext.Value("1.50"), Quantity: 2}}})
	if want := `{"id":"b€","items":[{"name":"x","price":1.5,"quantity":2}]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if got, err := canon.Marshal(map[string]any{"b": []string(nil), "a": map[string]int(nil)}); err != nil || string(got) != `{"a":{},"b":[]}` {
		t.Errorf("empty lists and maps: %s, %v", got, err)
	}
	long := strings.Repeat("a", 100000)
	if got, err := canon.Marshal(long); err != nil || len(got) != len(long)+2 {
		t.Errorf("a long text: %d bytes, %v", len(got), err)
	}
	for _, test := range []struct {
		name  string
		v     any
		field string
	}{
		{"nil pointer", map[string]any{"a": []any{0, (*int)(nil)}}, "a[1]"},
		{"nil", nil, ""},
		{"number that would change", map[string]any{"a": int64(9007199254740993)}, "a"},
		{"invalid UTF-8", map[string]any{"a": "secret\xff"}, "a"},
		{"invalid raw value", map[string]any{"a": jsontext.Value(`{"secret":1,"secret":2}`)}, "a"},
		{"function", map[string]any{"a": func() {}}, "a"},
		{"too deep", nested(40), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := canon.Marshal(test.v)
			var e *protocol.Error
			if got != nil || !errors.As(err, &e) || e.Field != test.field {
				t.Errorf("got %s, %v, want an error in %q", got, err, test.field)
			}
		})
	}
}

func nested(n int) any {
	v := any(1)
	for range n {
		v = []any{v}
	}
	return v
}

// FuzzDecode checks that Decode accepts only what Check accepts, that
// DecodeOpen accepts whatever Decode does, and that what was read survives
// being written and read again.
func FuzzDecode(f *testing.F) {
	for _, h := range hostile {
		if len(h.in) < 200 {
			f.Add([]byte(h.in))
		}
	}
	f.Add([]byte(mandate))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		var o order
		err := canon.Decode(in, &o)
		openErr := canon.DecodeOpen(in, new(order))
		var c mandateClaims
		claimsErr := canon.Decode(in, &c)
		if !bytes.Equal(in, before) {
			t.Fatal("the input was modified")
		}
		checkErr := canon.Check(in)
		for _, err := range []error{err, openErr, claimsErr} {
			if checkErr != nil && (err == nil || err.Error() != checkErr.Error()) {
				t.Fatalf("Check says %v, Decode %v", checkErr, err)
			}
			if code := protocol.CodeOf(err); err != nil && (code == "" || checkErr == nil && code == protocol.CodeMalformed) {
				t.Fatalf("a strict text is refused with %v", err)
			}
		}
		if err == nil && openErr != nil {
			t.Fatalf("closed accepts what open refuses: %v", openErr)
		}
		if err != nil {
			return
		}
		out, err := canon.Marshal(o)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", o, err)
		}
		var again order
		if err := canon.Decode(out, &again); err != nil {
			t.Fatalf("%s cannot be read: %v", out, err)
		}
		if out2, err := canon.Marshal(again); err != nil || !bytes.Equal(out, out2) {
			t.Fatalf("%s became %s, %v", out, out2, err)
		}
	})
}

func ExampleDecode() {
	var cart struct {
		Merchant string `json:"merchant_id"`
		Items    []struct {
			Price string `json:"unit_price"`
		} `json:"items"`
	}
	err := canon.Decode([]byte(`{"merchant_id":"did:act:shop.example/coffee","items":[{"unit_price":18.00}]}`), &cart)
	fmt.Println(err)
	err = canon.Decode([]byte(`{"merchant_id":"did:act:shop.example/coffee","items":[],"coupon":"X"}`), &cart)
	fmt.Println(err)
	// Output:
	// act: field_invalid: items[0].unit_price: not a value of this kind
	// act: field_unknown: coupon: a member that this object does not have
}

func ExampleCanonicalize() {
	form, _ := canon.Canonicalize([]byte(`{ "price": 18.00, "item": "caf\u00e9" }`))
	fmt.Println(string(form))
	fmt.Println(canon.Sum(form))
	_, err := canon.Canonicalize([]byte(`{"price": 9007199254740993}`))
	fmt.Println(err)
	// Output:
	// {"item":"café","price":18}
	// sha-256:UfdMiXuBXQ35eSToiMvyIAZrFpZyzHBoBpm5z_YVL2A
	// act: malformed: price: a number that its canonical form would change
}
