package interop

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// These tests hold package payment against the official A402 schemas
// 2.1-artifact.1, applied by a JSON Schema implementation: what we write is
// valid, and what we read is too. The schemas lie beside the project; without
// them the tests are skipped.

const a402Data = "../../../shared/act-2.1/official/a402"

// a402Schemas compiles the official schemas, formats asserted.
func a402Schemas(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	if _, err := os.Stat(a402Data); err != nil {
		t.Skip("the official A402 schemas are not beside the project")
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	out := map[string]*jsonschema.Schema{}
	for _, name := range []string{"common", "error", "transaction-state", "payment-needed", "payment-proof", "payment-validation"} {
		data, err := os.ReadFile(filepath.Join(a402Data, name+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://a402.example/"+name+".schema.json", withoutID(doc)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"error", "transaction-state", "payment-needed", "payment-proof", "payment-validation"} {
		s, err := c.Compile("https://a402.example/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		out[name] = s
	}
	return out
}

// withoutID takes the relative $id away, so that references resolve against
// the address the schema was added under.
func withoutID(doc any) any {
	delete(doc.(map[string]any), "$id")
	return doc
}

func schemaAccepts(t testing.TB, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// a402Readers are our decoders by the name of their schema.
var a402Readers = map[string]func(string) error{
	"payment-needed":     func(h string) error { _, err := payment.ParseBill(h); return err },
	"payment-proof":      func(h string) error { _, err := payment.ParseProof(h); return err },
	"payment-validation": func(h string) error { _, err := payment.ParseValidation(h); return err },
}

func decodeHeader(t testing.TB, h string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(h)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// headers writes one header of each kind.
func headers(t testing.TB) map[string][]byte {
	t.Helper()
	bill, err := payment.SignBill(a402Signer(t, seller, keys.Seller), a402Bill(t))
	if err != nil {
		t.Fatal(err)
	}
	claims := payment.ProofClaims{
		PSPID: psp, MerchantID: seller, ID: "p-1", IssuedAt: moment, Expires: moment.Add(time.Hour), TradeNo: "T1",
		OutTradeNo: "o-1", ResourceID: "r-1", Amount: yuan(t, 80), Payer: buyer, MethodID: "act:payment/balance",
		RequestMethod: "POST", RequestFingerprint: canon.Sum(nil), IdempotencyKey: "k-1", Thumbprint: canon.EncodeBase64(make([]byte, 32)),
	}
	token, err := payment.SignProofClaims(a402Signer(t, psp, keys.Proof), claims)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := payment.ParseProofClaims(token)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := parsed.Proof().EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	e := payment.A402ErrorFor(protocol.CodeProofUsed)
	validation, err := payment.Validation{
		MethodID: "act:payment/balance", MethodVersion: payment.MethodVersion, OutTradeNo: "o-1", ResourceID: "r-1", TradeNo: "T1",
		RequestFingerprint: canon.Sum(nil), Status: payment.ValidationInvalid, Delivery: payment.DeliveryNotStarted,
		Fulfillment: payment.FulfillmentNotConfirmed, State: payment.StateWaitSellerFulfillment, ValidatedAt: moment, Error: &e, PSPID: psp,
		Evidence: []payment.EvidenceRef{{Type: "PAYMENT", Digest: canon.Sum(nil), URI: "https://shop.example/e"}},
	}.EncodeHeader()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"payment-needed": decodeHeader(t, bill), "payment-proof": decodeHeader(t, proof), "payment-validation": decodeHeader(t, validation),
	}
}

const (
	seller = "did:act:shop.example/reports"
	buyer  = "did:act:platform.example/agent"
	psp    = "did:act:pay.example/psp"
)

var moment = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

func a402Signer(t testing.TB, did string, p keys.Purpose) *keys.Signer {
	t.Helper()
	s, err := keys.NewSigner(did+"#k1", p, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func yuan(t testing.TB, minor int64) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.FromMinor(minor, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func a402Bill(t testing.TB) payment.Bill {
	return payment.Bill{
		MethodID: "act:payment/balance", MethodVersion: payment.MethodVersion, OutTradeNo: "o-1", ResourceID: "r-1", Amount: yuan(t, 80),
		PayBefore: moment.Add(time.Minute), SellerID: seller, BuyerID: buyer, RequestMethod: "POST", RequestFingerprint: canon.Sum(nil),
		IdempotencyKey: "k-1", ReplayWindow: time.Hour,
		Confirmation: &payment.CommerceConfirmation{ID: "c-1", Digest: canon.Sum(nil), URI: "https://shop.example/c/1"},
		PSPID:        psp, Endpoint: "https://pay.example/act", Category: "information/report",
	}
}

func TestA402OfficialFixtures(t *testing.T) {
	schemas := a402Schemas(t)
	for file, schema := range map[string]string{
		"fixtures/valid/payment-needed.json":                             "payment-needed",
		"fixtures-earlier/payment-needed-missing-method-id.json":         "payment-needed",
		"fixtures-earlier/payment-proof.json":                            "payment-proof",
		"fixtures-earlier/payment-proof-padding-and-no-idempotency.json": "payment-proof",
		"fixtures-earlier/payment-validation.json":                       "payment-validation",
		"fixtures-earlier/payment-validation-collapsed-success.json":     "payment-validation",
	} {
		t.Run("PSD-PAY-A402-20 "+file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(a402Data, file))
			if err != nil {
				t.Fatal(err)
			}
			theirs := schemaAccepts(t, schemas[schema], data)
			ours := a402Readers[schema](canon.EncodeBase64(data))
			if (theirs == nil) != (ours == nil) {
				t.Errorf("the schema says %v, we say %v", theirs, ours)
			}
		})
	}
}

func TestA402CatalogAndStates(t *testing.T) {
	schemas := a402Schemas(t)
	for _, code := range protocol.Codes() {
		data, err := canon.Marshal(payment.A402ErrorFor(code))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemaAccepts(t, schemas["error"], data); err != nil {
			t.Errorf("PSD-PAY-A402-12 %s: %v", code, err)
		}
	}
	for _, s := range payment.States() {
		for _, e := range payment.Events() {
			next, err := payment.Next(s, e)
			if err != nil {
				continue
			}
			data, _ := json.Marshal(map[string]any{"from": s, "event": e, "to": next})
			if err := schemaAccepts(t, schemas["transaction-state"], data); err != nil {
				t.Errorf("PSD-PAY-A402-11 %s: %v", data, err)
			}
		}
	}
}

// TestA402WhatWeWriteIsValid draws bills and validations.
func TestA402WhatWeWriteIsValid(t *testing.T) {
	schemas := a402Schemas(t)
	for name, data := range headers(t) {
		if err := schemaAccepts(t, schemas[name], data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	id := rapid.StringMatching(`[!-~]{1,40}`)
	s := a402Signer(t, seller, keys.Seller)
	rapid.Check(t, func(rt *rapid.T) {
		b := a402Bill(t)
		b.OutTradeNo, b.ResourceID, b.IdempotencyKey = id.Draw(rt, "out"), id.Draw(rt, "resource"), id.Draw(rt, "key")
		b.MethodID = "act:payment/" + rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,20}`).Draw(rt, "method")
		b.Amount = yuan(t, rapid.Int64Range(1, 1<<62).Draw(rt, "amount"))
		b.PayBefore = time.Unix(rapid.Int64Range(0, 253402300799).Draw(rt, "before"), 0)
		b.ReplayWindow = time.Duration(rapid.Int64Range(1, 2592000).Draw(rt, "window")) * time.Second
		b.RequestMethod = rapid.StringMatching(`[A-Z]{1,32}`).Draw(rt, "verb")
		b.Confirmation.ID = rapid.StringN(1, 40, -1).Draw(rt, "confirmation")
		if rapid.Bool().Draw(rt, "anybody") {
			b.BuyerID, b.Confirmation = "", nil
		}
		h, err := payment.SignBill(s, b)
		if err != nil {
			rt.Fatal(err)
		}
		if err := schemaAccepts(t, schemas["payment-needed"], decodeHeader(t, h)); err != nil {
			rt.Fatal(err)
		}
		v := payment.Validation{
			MethodID: b.MethodID, MethodVersion: payment.MethodVersion, OutTradeNo: b.OutTradeNo, ResourceID: b.ResourceID,
			TradeNo: id.Draw(rt, "trade"), RequestFingerprint: canon.Sum([]byte(b.ResourceID)), Status: payment.ValidationValid,
			Delivery:    rapid.SampledFrom([]payment.DeliveryStatus{payment.DeliveryDelivered, payment.DeliveryUnknown, payment.DeliveryNotStarted}).Draw(rt, "delivery"),
			Fulfillment: payment.FulfillmentNotConfirmed, State: rapid.SampledFrom(payment.States()).Draw(rt, "state"), ValidatedAt: b.PayBefore, PSPID: psp,
		}
		if v.Delivery != payment.DeliveryDelivered {
			e := payment.A402ErrorFor(rapid.SampledFrom(protocol.Codes()).Draw(rt, "code"))
			v.Status, v.Error = rapid.SampledFrom([]payment.ValidationStatus{payment.ValidationInvalid, payment.ValidationUnknown}).Draw(rt, "status"), &e
		}
		if h, err = v.EncodeHeader(); err != nil {
			rt.Fatal(err)
		}
		if err := schemaAccepts(t, schemas["payment-validation"], decodeHeader(t, h)); err != nil {
			rt.Fatal(err)
		}
	})
}

// values are what a member is changed to: valid and invalid values of all the
// members there are, so that one may stand in for another.
var values = []any{
	"", "a", "A", "0", "1.5", "0.010", "-1", "00", "1e3", "CNY", "cny", "JPY", "XXX", "ZZZ", "GET", "POST", "get", "TRACE", "act:payment/x", "act:", "urn:x:y",
	"a:b", "1.0.0", "01.0.0", "1.0.0-a_b", "1.0.0-", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00+08:00", "2026-03-02T09:30:00.123456789Z",
	"2026-03-02t09:30:00z", "2026-02-30T09:30:00Z", "2016-12-31T23:59:60Z", "2026-03-02T24:00:00Z", "2026-03-02T09:30:00+24:00", "2026-03-02",
	"sha-256:" + strings.Repeat("A", 43), "sha-256:" + strings.Repeat("_", 42), "sm3:" + strings.Repeat("A", 43), "e30", "e30=", "a.b", "界", "\x00", "ED25519", "ed25519",
	strings.Repeat("界", 256), strings.Repeat("界", 257), strings.Repeat("A", 32), strings.Repeat("A", 33), strings.Repeat("1", 80), strings.Repeat("1", 81),
	"https://a/b", "https://[::1", "http://a b/", "https://a/%zz", "https://a/\\", "//a/b", "mailto:x", ":", "1:2", "https://" + strings.Repeat("a", 2041),
	"VALID", "INVALID", "UNKNOWN", "DELIVERED", "CONFIRMED", "PENDING", "WAIT_BUYER_PAY", "SYSTEM", "PAYMENT", "NEVER", "ABORT", "ACT-A402-X", "ACT-A402-",
	0, 1, -1, 2592000, 2592001, 86400, 86401, 1.5, 1e300, json.Number("1.0"), json.Number("1e2"), true, nil,
	[]any{}, []any{"ABORT"}, []any{"ABORT", "ABORT"}, []any{1}, map[string]any{}, map[string]any{"a": 1}, map[string]any{"code": "x"},
	[]any{map[string]any{"type": "PAYMENT", "digest": "sha-256:" + strings.Repeat("A", 43)}},
	[]any{map[string]any{"type": "PAYMENT", "digest": "sha-256:" + strings.Repeat("A", 43)}, map[string]any{"digest": "sha-256:" + strings.Repeat("A", 43), "type": "PAYMENT"}},
}

// change makes up to three changes in the object: set, remove or add a member,
// anywhere.
func change(rt *rapid.T, root map[string]any) {
	for range rapid.IntRange(1, 3).Draw(rt, "changes") {
		at := root
		for {
			var names []string
			for n := range at {
				names = append(names, n)
			}
			if len(names) == 0 {
				break
			}
			slices.Sort(names)
			name := rapid.SampledFrom(names).Draw(rt, "member")
			if child, ok := at[name].(map[string]any); ok && rapid.IntRange(0, 9).Draw(rt, "down") > 0 {
				at = child
				continue
			}
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				delete(at, name)
			case 1:
				at[rapid.SampledFrom([]string{"more", "Amount", "idempotency_key", "error", "evidence_refs", "buyer_unique_id", "details", "retry_after_seconds"}).Draw(rt, "new")] =
					rapid.SampledFrom(values).Draw(rt, "value")
			default:
				at[name] = rapid.SampledFrom(values).Draw(rt, "value")
			}
			break
		}
	}
}

// stricter reports whether our refusal of something that the schema accepts is
// one of those that SPEC.md states: the currency's own rules for amounts, a
// null, a number that is an integer in another form, the one form of times.
func stricter(err error) bool {
	e := protocol.AsError(err)
	switch {
	case e.Code == protocol.CodeMalformed || e.Code == protocol.CodeTooLarge:
		return true
	case e.Field == "protocol.amount" || e.Field == "protocol.currency":
		return true
	case strings.Contains(e.Detail, "null"):
		return true
	case strings.HasSuffix(e.Field, "_seconds") || strings.HasSuffix(e.Field, "uri"):
		return true
	default:
		return e.Field == "protocol.pay_before" || e.Field == "protocol.expires_at" || e.Field == "protocol.validated_at"
	}
}

// TestA402Differential: whatever we accept the schema accepts, and whatever the
// schema accepts and we refuse, we refuse for a stated reason.
func TestA402Differential(t *testing.T) {
	schemas := a402Schemas(t)
	for name, valid := range headers(t) {
		t.Run("PSD-PAY-A402-20 "+name, func(t *testing.T) {
			accepted, refused := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				var root map[string]any
				if err := json.Unmarshal(valid, &root); err != nil {
					rt.Fatal(err)
				}
				change(rt, root)
				data, err := json.Marshal(root)
				if err != nil {
					rt.Fatal(err)
				}
				theirs := schemaAccepts(t, schemas[name], data)
				ours := a402Readers[name](canon.EncodeBase64(data))
				switch {
				case ours == nil && theirs != nil:
					rt.Fatalf("we accept what the schema refuses:\n%s\n%v", data, theirs)
				case ours != nil && theirs == nil && !stricter(ours):
					rt.Fatalf("we refuse what the schema accepts:\n%s\n%v", data, ours)
				case ours == nil:
					accepted++
				default:
					refused++
				}
			})
			if accepted == 0 || refused == 0 {
				t.Errorf("%d accepted, %d refused: the test sees only one side", accepted, refused)
			}
		})
	}
}

// FuzzA402AgainstSchema: any bytes, by all three schemas.
func FuzzA402AgainstSchema(f *testing.F) {
	schemas := a402Schemas(f)
	for _, data := range headers(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, read := range a402Readers {
			if read(canon.EncodeBase64(data)) != nil {
				continue
			}
			if err := schemaAccepts(t, schemas[name], data); err != nil {
				t.Errorf("%s: we accept what the schema refuses: %v", name, err)
			}
		}
	})
}
