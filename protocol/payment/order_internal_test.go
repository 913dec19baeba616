package payment

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/protocol/canon"
)

// What is written for every payment is written in canonical order at once: the
// JSON library writes members in the order of the struct's fields.
func TestWiresAreInCanonicalOrder(t *testing.T) {
	for _, wire := range []any{new(requestWire), new(resultWire), new(claimsWire)} {
		fill(reflect.ValueOf(wire).Elem())
		text, err := json.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		want, err := canon.Canonicalize(text)
		if err != nil || !bytes.Equal(text, want) {
			t.Errorf("%T: %s, canonical %s, %v", wire, text, want, err)
		}
	}
}

// fill sets every member, so that none is left out.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int64:
		v.SetInt(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}
