package guard_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
	"github.com/actprotocol/act-go/verifier"
)

// plants are the personal data that must come out of no error. Some have the
// shape of a member name, of a number or of an id, so that they get past the
// first check.
var plants = []string{
	"4111111111111111", "13800138000", "+8613800138000", "11010519491231002X", "alice@example.com",
	"Zhang_Wei_13800138000", "did:act:alice.example/13800138000", "urn:x:4111111111111111", "440524188001010014",
}

// readers are the library's readers of outside text.
func readers(t *testing.T) map[string]func([]byte) error {
	did, err := identity.ParseDID(acttest.ShopDID)
	if err != nil {
		t.Fatal(err)
	}
	cny, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	text := func(f func(string) error) func([]byte) error { return func(b []byte) error { return f(string(b)) } }
	return map[string]func([]byte) error{
		"canon.Check":           canon.Check,
		"canon.Canonicalize":    func(b []byte) error { _, err := canon.Canonicalize(b); return err },
		"canon.Decode":          func(b []byte) error { return canon.Decode(b, new(struct{ A, B string })) },
		"canon.CheckID":         text(canon.CheckID),
		"canon.ParseDigest":     text(func(s string) error { _, err := canon.ParseDigest(s); return err }),
		"canon.ParseTime":       text(func(s string) error { _, err := canon.ParseTime(s); return err }),
		"canon.DecodeBase64":    text(func(s string) error { _, err := canon.DecodeBase64(s); return err }),
		"money.Parse":           text(func(s string) error { _, err := money.Parse(s, cny); return err }),
		"money.ParseNumber":     text(func(s string) error { _, err := money.ParseNumber(s, cny); return err }),
		"money.ParseCurrency":   text(func(s string) error { _, err := money.ParseCurrency(s); return err }),
		"keys.ParseJWK":         func(b []byte) error { _, err := keys.ParseJWK(b); return err },
		"keys.ParseEncryption":  func(b []byte) error { _, err := keys.ParseEncryptionJWK(b); return err },
		"keys.ParseMessage":     func(b []byte) error { _, err := keys.ParseMessage(b); return err },
		"keys.ParseCompact":     func(b []byte) error { _, err := keys.ParseCompact(b, keys.TypeOrder); return err },
		"identity.ParseDID":     text(func(s string) error { _, err := identity.ParseDID(s); return err }),
		"identity.ParseKeyID":   text(func(s string) error { _, _, err := identity.ParseKeyID(s); return err }),
		"identity.Document":     func(b []byte) error { _, err := identity.DecodeDocument(b, did); return err },
		"identity.Credential":   func(b []byte) error { _, err := identity.ParseCredential(b); return err },
		"identity.Binding":      func(b []byte) error { _, err := identity.ParseBinding(b); return err },
		"identity.Possession":   func(b []byte) error { _, err := identity.ParsePossession(b); return err },
		"delegation.ISR":        func(b []byte) error { _, err := delegation.DecodeISR(b); return err },
		"delegation.Auth":       func(b []byte) error { _, _, err := delegation.DecodeAuthorization(b); return err },
		"delegation.History":    func(b []byte) error { _, err := delegation.DecodeConversationHistory(b); return err },
		"delegation.Mandate":    func(b []byte) error { _, err := delegation.ParseMandate(b); return err },
		"delegation.Status":     func(b []byte) error { _, err := delegation.ParseStatusList(b, "https://a.example/1"); return err },
		"commerce.Catalogue":    func(b []byte) error { _, err := commerce.DecodeCatalogue(b); return err },
		"commerce.CartRequest":  func(b []byte) error { _, err := commerce.ParseCartRequest(b); return err },
		"commerce.Order":        func(b []byte) error { _, err := commerce.ParseOrder(b); return err },
		"payment.Request":       func(b []byte) error { _, err := payment.ParseRequest(b); return err },
		"payment.Query":         func(b []byte) error { _, err := payment.ParseQuery(b); return err },
		"payment.Result":        func(b []byte) error { _, err := payment.ParseResult(b); return err },
		"payment.Consumption":   func(b []byte) error { _, err := payment.ParseConsumption(b); return err },
		"payment.Fulfilment":    func(b []byte) error { _, err := payment.ParseFulfilment(b); return err },
		"payment.Bill":          text(func(s string) error { _, err := payment.ParseBill(s); return err }),
		"payment.Proof":         text(func(s string) error { _, err := payment.ParseProof(s); return err }),
		"payment.ProofClaims":   text(func(s string) error { _, err := payment.ParseProofClaims(s); return err }),
		"payment.Validation":    text(func(s string) error { _, err := payment.ParseValidation(s); return err }),
		"payment.MethodURN":     text(func(s string) error { _, err := payment.MethodURN(s); return err }),
		"payment.Fingerprint":   text(func(s string) error { _, err := payment.Fingerprint(s, s, s, nil); return err }),
		"payment.Fingerprint 2": text(func(s string) error { _, err := payment.Fingerprint("GET", "https://"+s, "", nil); return err }),
		"httpsig":               text(signatureInput),
		"sdjwt":                 func(b []byte) error { _, err := sdjwt.Parse(b); return err },
		"sealed":                func(b []byte) error { _, err := sealed.Parse(b); return err },
		"guard":                 text(guard.Check),
	}
}

func signatureInput(s string) error {
	r, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Signature-Input", s)
	r.Header.Set("Signature", s)
	_, err = httpsig.ParseFor(r, nil, s)
	return err
}

// seeds are the messages of the library's own fuzz corpora: every form that it
// reads, good and bad.
func seeds(t *testing.T) (out [][]byte) {
	t.Helper()
	err := filepath.WalkDir("../../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.ToSlash(path), "/testdata/fuzz/") {
			return err
		}
		data, err := os.ReadFile(path)
		for line := range strings.Lines(string(data)) {
			_, quoted, _ := strings.Cut(strings.TrimSpace(line), "(")
			if s, err := strconv.Unquote(strings.TrimSuffix(quoted, ")")); err == nil && len(s) > 8 {
				out = append(out, []byte(s))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d seeds", len(out))
	}
	return out
}

// spoil returns variants of a message with the plant in place of each value,
// and of each member name, one at a time. Tokens and headers are taken apart
// and put together again.
func spoil(message []byte, plant string) (out [][]byte) {
	out = append(out, []byte(plant), append(bytes.Clone(message), plant...))
	var v any
	if json.Unmarshal(message, &v) == nil {
		for i := 0; ; i++ {
			count := 0
			changed := replace(v, i, &count, plant)
			if count <= i {
				return out
			}
			if text, err := json.Marshal(changed); err == nil {
				out = append(out, text)
			}
		}
	}
	parts := strings.Split(string(message), ".")
	for i, p := range parts {
		inner, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil || len(inner) == 0 || (inner[0] != '{' && len(parts) > 1) {
			continue
		}
		for _, bad := range spoilInner(inner, plant) {
			again := append([]string{}, parts...)
			again[i] = base64.RawURLEncoding.EncodeToString(bad)
			out = append(out, []byte(strings.Join(again, ".")))
		}
	}
	return out
}

func spoilInner(inner []byte, plant string) [][]byte {
	if inner[0] == '{' || bytes.Count(inner, []byte(".")) == 2 {
		return spoil(inner, plant)
	}
	return nil
}

// replace returns v with the plant in the place with number at; *count is the
// number of places that were passed.
func replace(v any, at int, count *int, plant string) any {
	here := func() bool { *count++; return *count-1 == at }
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range sortedNames(x) {
			name := k
			if here() {
				name = plant
			}
			out[name] = replace(x[k], at, count, plant)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = replace(x[i], at, count, plant)
		}
		return out
	default:
		if here() {
			return plant
		}
		return v
	}
}

func sortedNames(m map[string]any) []string {
	text, _ := json.Marshal(m, json.Deterministic(true))
	names, _ := canon.Limits{MaxBytes: len(text)}.Canonicalize(text)
	out, _ := canon.Members(names)
	return out
}

// clean fails when an error, or the answer that is made of it, holds a plant.
func clean(t *testing.T, where string, err error, plant string) {
	t.Helper()
	if err == nil {
		return
	}
	w := httptest.NewRecorder()
	problem.Write(w, err, 1)
	text := fmt.Sprintf("%v %+v %s", err, err, w.Body)
	core := strings.TrimLeft(plant, "+")
	if strings.Contains(text, core) || len(guard.Scan(err.Error())) > 0 {
		t.Errorf("PRV-04 %s: %s", where, text)
	}
}

// Every reader of the library gets messages of every kind with a plant in each
// place in turn: no error says it.
func TestNoErrorHoldsPersonalData(t *testing.T) {
	texts := seeds(t)
	all := readers(t)
	errors := 0
	for i, text := range texts {
		if i%16 != 0 {
			continue // a sixteenth shows it, in seconds
		}
		plant := plants[i/16%len(plants)]
		for _, bad := range spoil(text, plant) {
			for name, read := range all {
				err := read(bad)
				if err != nil {
					errors++
				}
				clean(t, name, err, plant)
			}
			if t.Failed() {
				t.Fatalf("the input was %s", bad)
			}
		}
	}
	for _, plant := range plants {
		for name, read := range all {
			for _, bad := range []string{plant, `"` + plant + `"`, `{"` + plant + `":1}`, `{"` + plant + `":`, `{"a":{"` + plant + `":null}}`, `[` + plant + `]`, plant + "." + plant + ".", "https://" + plant} {
				clean(t, name, read([]byte(bad)), plant)
			}
		}
	}
	if errors < 10_000 {
		t.Errorf("only %d errors were provoked", errors)
	}
	t.Logf("%d errors of %d readers, %d seeds", errors, len(all), len(texts))
}

// The two sides of a purchase with personal data in all that people fill in:
// whatever goes wrong, no error and nothing that was answered says it.
func TestNoPurchaseErrorHoldsPersonalData(t *testing.T) {
	const phone = "13800138000"
	w := acttest.NewWorld(t)
	ctx := context.Background()
	address := commerce.Fulfilment{DeliveryAddress: "1 Harbour Road, ring " + phone, DeliveryTimeRequirement: "before " + phone}
	w.Grant(t, func(isr *delegation.ISR) {
		isr.ConversationHistory.Raw.Text = "my number is " + phone
		isr.DelegationMode = delegation.Specified
		isr.MaxTotalAmount = "20"
		isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	w.Stock(t, commerce.Item{ID: "latte", Name: "Latte " + phone, Category: "food/coffee", Price: acttest.CNY(t, "18.00")}, 5)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	add := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("something that should have failed did not")
		}
		errs = append(errs, err)
	}
	_, err = shop.ConfirmCart(ctx, []agent.Line{{ItemID: phone, Quantity: 1}}, address)
	add(err)
	_, err = shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 2}}, address)
	add(err)
	_, err = w.Agent.Shop("did:"+phone, "https://"+phone+"@x", w.Client)
	add(err)
	_, err = w.Buying().Get(w.URL + "/" + phone + "\x7f")
	add(err)
	w.Sell("GET /report/", merchant.Offer{Resource: "r-" + phone, Category: "data/" + phone, Price: acttest.CNY(t, "40.00")}, http.NotFoundHandler())
	_, err = w.Buying().Get(w.URL + "/report/x")
	add(err)
	_, err = w.Verifier.Mandate(ctx, []byte(phone), verifier.MandateExpectation{Agent: phone, Audience: phone})
	add(err)
	for i, err := range errs {
		if text := protocol.AsError(err).Error(); strings.Contains(text, phone) {
			t.Errorf("PRV-04 %d: %s", i, text)
		}
	}
	// What the shop answers to a proof that is none.
	for _, header := range []string{phone, base64.RawURLEncoding.EncodeToString([]byte(`{"` + phone + `":1}`))} {
		r, err := http.NewRequest(http.MethodGet, w.URL+"/report/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Payment-Proof", header)
		resp, err := w.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || strings.Contains(string(body), phone) || resp.StatusCode == http.StatusOK {
			t.Errorf("PRV-04 %s: %s", resp.Status, body)
		}
	}
}
