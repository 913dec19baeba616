package cashier_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

var (
	now   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	terms = cashier.Terms{
		PSPID: "did:act:psp.example/psp", TradeNo: "T-1", Amount: "18.00", Currency: "CNY", Payee: "did:act:shop.example/coffee",
		Method: "urn:act:payment:balance", Expires: "2026-11-23T09:10:00Z",
	}
)

// phoneKey is a key that is always the same.
func phoneKey(t testing.TB) (ed25519.PrivateKey, keys.PublicKey) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, err := keys.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

func wantCode(t testing.TB, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Fatalf("got %v, want %q", err, want)
	}
}

// TestWhatIsSigned pins the bytes, so that a phone in another language can be
// written from the package comment.
func TestWhatIsSigned(t *testing.T) {
	key, public := phoneKey(t)
	raw, err := cashier.Confirmation{Terms: terms, DeviceID: "dev-1"}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cashier.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	message := "act-go/1 cashier-confirmation\n" + `{"amount":"18.00","currency":"CNY","device_id":"dev-1","expires_at":"2026-11-23T09:10:00Z",` +
		`"merchant_id":"did:act:shop.example/coffee","payment_method":"urn:act:payment:balance","psp_id":"did:act:psp.example/psp","trade_no":"T-1"}`
	sig, err := canon.DecodeBase64(c.Signature)
	if err != nil || !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(message), sig) {
		t.Errorf("PSD-PAY-INS-03: %s is not over these bytes: %v", hex.EncodeToString(sig), err)
	}
	if err := c.Verify(public); err != nil || c.Terms != terms {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEveryTermIsSigned(t *testing.T) {
	key, public := phoneKey(t)
	raw, err := cashier.Confirmation{Terms: terms, DeviceID: "dev-1"}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	good, err := cashier.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*cashier.Confirmation){
		"psp_id": func(c *cashier.Confirmation) { c.PSPID += "x" }, "trade_no": func(c *cashier.Confirmation) { c.TradeNo += "x" },
		"amount": func(c *cashier.Confirmation) { c.Amount = "1.00" }, "currency": func(c *cashier.Confirmation) { c.Currency = "USD" },
		"merchant_id": func(c *cashier.Confirmation) { c.Payee += "x" }, "payment_method": func(c *cashier.Confirmation) { c.Method += "x" },
		"expires_at": func(c *cashier.Confirmation) { c.Expires = "2026-11-23T09:11:00Z" }, "device_id": func(c *cashier.Confirmation) { c.DeviceID += "x" },
		"signature": func(c *cashier.Confirmation) { c.Signature = c.Signature[1:43] + c.Signature[:1] + c.Signature[43:] },
	} {
		c := good
		change(&c)
		if err := c.Verify(public); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
			t.Errorf("PSD-PAY-INS-03 another %s: %v", name, err)
		}
	}
	good.Signature += "="
	if err := good.Verify(public); err == nil {
		t.Error("a signature with padding")
	}
}

func TestParseRefuses(t *testing.T) {
	full := `{"amount":"18.00","currency":"CNY","device_id":"d","expires_at":"e","merchant_id":"m","payment_method":"p","psp_id":"i","signature":"AAAA","trade_no":"t"}`
	if _, err := cashier.Parse([]byte(full)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"amount", "currency", "device_id", "expires_at", "merchant_id", "payment_method", "psp_id", "signature", "trade_no"} {
		without, err := canon.Without([]byte(full), name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cashier.Parse(without)
		if e := protocol.AsError(err); e == nil || e.Code != protocol.CodeFieldMissing || e.Field != name {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for text, want := range map[string]protocol.Code{
		"": protocol.CodeMalformed, "[]": protocol.CodeFieldInvalid, "{}": protocol.CodeFieldMissing,
		strings.Replace(full, "{", `{"x":1,`, 1):           protocol.CodeFieldUnknown,
		strings.Replace(full, "{", `{"amount":"1.00",`, 1): protocol.CodeMalformed,
		strings.Replace(full, `"t"`, `null`, 1):            protocol.CodeFieldInvalid,
	} {
		_, err := cashier.Parse([]byte(text))
		if protocol.CodeOf(err) != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	key, public := phoneKey(f)
	raw, err := cashier.Confirmation{Terms: terms, DeviceID: "dev-1"}.Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := cashier.Parse(data)
		if err != nil {
			if protocol.AsError(err).Code == protocol.CodeServiceUnavailable {
				t.Errorf("an error that is none of ours: %v", err)
			}
			return
		}
		if c.Verify(public) == nil && c.Terms != terms {
			t.Errorf("other terms under the same signature: %+v", c)
		}
	})
}

// A book of one payment and one device, which also carries out what was
// decided.
type oneBook struct {
	p       cashier.Payment
	device  cashier.DeviceKey
	fail    error
	decided []string
}

func (b *oneBook) Instant(_ context.Context, no string) (cashier.Payment, error) {
	if no != b.p.TradeNo {
		return cashier.Payment{}, protocol.New(protocol.CodeTradeUnknown, "trade_no", "", "")
	}
	return b.p, b.fail
}

func (b *oneBook) DeviceKey(context.Context, string) (cashier.DeviceKey, error) { return b.device, nil }

func (b *oneBook) Confirm(_ context.Context, no, method string) error {
	b.decided = append(b.decided, "confirm "+no+" "+method)
	b.p.State = cashier.Paid
	return nil
}

func (b *oneBook) Decline(_ context.Context, no string, code protocol.Code) error {
	b.decided = append(b.decided, "decline "+no+" "+string(code))
	b.p.State = cashier.Closed
	return nil
}

func newCashier(t *testing.T, prefix string) (*oneBook, *cashier.Cashier, *httptest.Server) {
	t.Helper()
	_, public := phoneKey(t)
	cny, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	amount, err := money.Parse(terms.Amount, cny)
	if err != nil {
		t.Fatal(err)
	}
	b := &oneBook{device: cashier.DeviceKey{Principal: "did:act:home.example/ann", Key: public}, p: cashier.Payment{
		TradeNo: terms.TradeNo, Principal: "did:act:home.example/ann", Payee: terms.Payee, Amount: amount, Method: terms.Method, Order: "o-1",
		Expires: now.Add(10 * time.Minute), State: cashier.Waiting,
	}}
	var c *cashier.Cashier
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	c, err = cashier.New(cashier.Config{Base: web.URL + prefix, PSPID: terms.PSPID, Book: b, Provider: b, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return b, c, web
}

func TestDecide(t *testing.T) {
	key, _ := phoneKey(t)
	for _, prefix := range []string{"", "/cashier", "/a/b"} {
		b, c, web := newCashier(t, prefix)
		phone := &cashier.Device{ID: "dev-1", Key: key, Client: web.Client(), Cashier: c.Base}
		view, err := phone.Decide(t.Context(), c.URL("T-1"), func(v cashier.View) bool { return v.Terms == terms && v.Order == "o-1" })
		if err != nil || view.State != cashier.Paid || len(b.decided) != 1 || b.decided[0] != "confirm T-1 device:dev-1" {
			t.Errorf("PSD-PAY-INS-03 below %q: %+v, %v, %q", prefix, view, err, b.decided)
		}
		_, err = phone.Decide(t.Context(), c.URL("T-2"), func(cashier.View) bool { return true })
		wantCode(t, err, protocol.CodeTradeUnknown)
	}
	b, c, web := newCashier(t, "/cashier")
	phone := &cashier.Device{ID: "dev-1", Key: key, Client: web.Client(), Cashier: c.Base}
	if view, err := phone.Decide(t.Context(), c.URL("T-1"), func(cashier.View) bool { return false }); err != nil || view.State != cashier.Closed || b.decided[0] != "decline T-1 confirmation_failed" {
		t.Errorf("PSD-PAY-INS-04: %+v, %v, %q", view, err, b.decided)
	}
	for _, url := range []string{"", "http://psp.example/cashier/T-1", "https://%zz"} {
		_, err := phone.Decide(t.Context(), url, func(cashier.View) bool { return true })
		wantCode(t, err, protocol.CodeFieldInvalid)
	}
	b.fail = protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger did not answer")
	_, err := phone.Decide(t.Context(), c.URL("T-1"), func(cashier.View) bool { return true })
	wantCode(t, err, protocol.CodeServiceUnavailable)
	web.Close()
	_, err = phone.Decide(t.Context(), c.URL("T-1"), func(cashier.View) bool { return true })
	wantCode(t, err, protocol.CodeServiceUnavailable)
}

func TestOverIsClosed(t *testing.T) {
	key, _ := phoneKey(t)
	b, c, web := newCashier(t, "/cashier")
	b.p.Expires = now
	phone := &cashier.Device{ID: "dev-1", Key: key, Client: web.Client(), Cashier: c.Base}
	_, err := phone.Decide(t.Context(), c.URL("T-1"), func(cashier.View) bool { return true })
	wantCode(t, err, protocol.CodeStateConflict)
	if len(b.decided) != 0 {
		t.Errorf("%q", b.decided)
	}
}

func TestNewRefuses(t *testing.T) {
	b := new(oneBook)
	good := cashier.Config{Base: "https://psp.example/cashier", PSPID: terms.PSPID, Book: b, Provider: b, Now: time.Now}
	if _, err := cashier.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*cashier.Config){
		"http": func(c *cashier.Config) { c.Base = "http://psp.example" }, "a slash": func(c *cashier.Config) { c.Base += "/" },
		"no provider": func(c *cashier.Config) { c.Provider = nil }, "no book": func(c *cashier.Config) { c.Book = nil },
		"no clock": func(c *cashier.Config) { c.Now = nil }, "no id": func(c *cashier.Config) { c.PSPID = "" },
	} {
		c := good
		change(&c)
		if _, err := cashier.New(c); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cashier.Confirmation{Terms: terms, DeviceID: "d"}.Sign(private)
	wantCode(t, err, protocol.CodeAlgorithmRefused)
}
