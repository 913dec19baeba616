package stage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

// till is a world in which somebody stands at a counter, phone in hand.
func till(t *testing.T) (*stage.World, *stage.Phone, *stage.Checkout, *agent.Order) {
	t.Helper()
	ctx := t.Context()
	w, err := stage.New(ctx, &stage.Narrator{Out: io.Discard})
	t.Cleanup(func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	must(t, err)
	person, err := w.NewPerson(ctx, "principal", stage.Yuan("100.00"))
	must(t, err)
	phone, err := person.PairPhone(ctx, "phone")
	must(t, err)
	key, err := w.NewAgentKey("agent")
	must(t, err)
	buyer, err := w.NewBuyer(ctx, "agent", key, person, nil)
	must(t, err)
	store, err := w.NewStore(ctx, "shop", nil)
	must(t, err)
	must(t, store.Stock(ctx, commerce.Item{ID: "pen", Name: "Pen", Category: "office", Price: stage.Yuan("12.50")}, 3))
	confirmed, err := person.Confirm(buyer, "A pen.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, "20"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{store.ID}}}
	})
	must(t, err)
	checkout, err := buyer.Checkout(confirmed)
	must(t, err)
	shop, err := checkout.Shop(store)
	must(t, err)
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "pen", Quantity: 1}}, commerce.Fulfilment{})
	must(t, err)
	return w, phone, checkout, order
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckout(t *testing.T) {
	ctx := t.Context()
	w, phone, checkout, order := till(t)
	another := *order
	another.Confirmation.MerchantOrderID += "x"
	if _, err := checkout.Pay(ctx, order, phone.Agree(&another)); err == nil || !strings.Contains(err.Error(), "something else than the order") {
		t.Errorf("PSD-PAY-INS-02: %v", err)
	}
	err := w.Unmoved(ctx, func(ctx context.Context) error {
		_, err := checkout.Pay(ctx, order, phone.Refuse)
		return w.Expect("psp", err, protocol.CodeConfirmationFailed)
	})
	if err != nil {
		t.Errorf("PSD-PAY-INS-04: %v", err)
	}
	var paid *agent.Payment
	err = w.Unmoved(ctx, func(ctx context.Context) (err error) {
		paid, err = checkout.Pay(ctx, order, phone.Agree(order))
		return err
	})
	if err == nil || paid == nil || paid.Amount != stage.Yuan("12.50") {
		t.Errorf("PSD-PAY-INS-06 paid %v, and money moved: %v", paid, err)
	}
	visited := false
	if _, err := checkout.Pay(ctx, order, func(context.Context, payment.Pending) error { visited = true; return nil }); visited {
		t.Errorf("taken to the cashier for an order that is paid: %v", err)
	}
}

func TestShows(t *testing.T) {
	order := commerce.Order{MerchantID: "did:act:shop.example/pen", MerchantOrderID: "o-1", Amount: stage.Yuan("12.50")}
	good := cashier.View{Terms: cashier.Terms{Amount: "12.50", Currency: "CNY", Payee: order.MerchantID, Method: stage.Method}, Order: "o-1"}
	if !stage.Shows(good, order) {
		t.Error("not recognised")
	}
	for name, change := range map[string]func(*cashier.View){
		"amount": func(v *cashier.View) { v.Amount = "125.00" }, "currency": func(v *cashier.View) { v.Currency = "USD" },
		"payee": func(v *cashier.View) { v.Payee += "s" }, "method": func(v *cashier.View) { v.Method += "2" }, "order": func(v *cashier.View) { v.Order = "o-2" },
	} {
		v := good
		if change(&v); stage.Shows(v, order) {
			t.Errorf("PSD-PAY-INS-02 another %s is not noticed", name)
		}
	}
}

// TestTold: a wiretap finds what was sent also inside of tokens inside of
// messages, and nothing else.
func TestTold(t *testing.T) {
	const secret = "街角茶馆, second floor"
	nest := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"a":"` + s + `"}`)) }
	var tap stage.Wiretap
	tap.Story = &stage.Narrator{Out: io.Discard}
	client := &http.Client{Transport: tap.Over(nobody{})}
	for host, body := range map[string]string{
		"plain": secret, "token": `{"t":"e30.` + nest(secret) + `.sig"}`, "nested": "e30." + nest("x."+nest(secret)) + ".s",
		"std": base64.StdEncoding.EncodeToString([]byte(secret)), "silent": nest("nothing of it"),
	} {
		response, err := client.Post("https://"+host+".example/", "", strings.NewReader(body))
		must(t, err)
		response.Body.Close()
		if got, want := tap.Told(host+".example", []byte(secret)), host != "silent"; got != want {
			t.Errorf("%s: told %t", host, got)
		}
	}
	request, err := http.NewRequest(http.MethodGet, "https://header.example/", nil)
	must(t, err)
	request.Header.Set("Payment-Proof", nest(secret))
	response, err := client.Do(request)
	must(t, err)
	response.Body.Close()
	if !tap.Told("header.example", []byte(secret)) || !tap.Told("", []byte(secret)) || tap.Told("", []byte("third floor")) || tap.Told("elsewhere", []byte(secret)) {
		t.Error("headers, or everybody")
	}
	if n, size := tap.Volume(); n != 6 || size < 6*len("GET https://") {
		t.Errorf("%d requests, %d bytes", n, size)
	}
}

// nobody answers everything with nothing.
type nobody struct{}

func (nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(new(bytes.Buffer)), Request: r}, nil
}
