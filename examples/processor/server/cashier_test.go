package server_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// device pairs a phone with a principal.
func (w *world) device(principal string) *cashier.Device {
	w.t.Helper()
	key, public := w.key()
	id, err := w.server.PairDevice(context.Background(), principal, public)
	w.must(err)
	return &cashier.Device{ID: id, Key: key, Client: w.client, Cashier: w.server.Cashier()}
}

func (w *world) key() (crypto.Signer, keys.PublicKey) {
	w.t.Helper()
	key, err := keys.Generate(keys.EdDSA)
	w.must(err)
	public, err := keys.NewPublicKey(key.Public())
	w.must(err)
	return key, public
}

// waits begins an instant payment, as an agent does.
func (w *world) waits(q payment.Request) payment.Pending {
	w.t.Helper()
	agent, _ := w.clients()
	_, err := agent.Pay(context.Background(), q)
	var waits *payment.AwaitsConfirmation
	if !errors.As(err, &waits) {
		w.t.Fatalf("PSD-PAY-INS-03: %v", err)
	}
	return waits.Pending
}

func agrees(cashier.View) bool { return true }

func TestInstantWholeWay(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	agent, shop := w.clients()
	w.must(w.server.NameMerchant(ctx, w.Shop.DID(), "Coffee on the corner"))
	phone := w.device(w.Owner)
	q := w.Instant(w.token, "18.00")
	pending := w.waits(q)
	if again := w.waits(q); again != pending {
		t.Errorf("PSD-PAY-INS-06: a repeat got %+v, first %+v", again, pending)
	}
	if w.balance(w.Owner) != 100_00 {
		t.Error("PSD-PAY-INS-04: money moved before the confirmation")
	}
	var shown cashier.View
	view, err := phone.Decide(ctx, pending.CashierURL, func(v cashier.View) bool { shown = v; return true })
	w.must(err)
	want := cashier.View{
		Terms: cashier.Terms{PSPID: w.PSP, TradeNo: pending.TradeNo, Amount: "18.00", Currency: "CNY", Payee: w.Shop.DID(),
			Method: q.PaymentMethod, Expires: canon.FormatTime(pending.ExpiresAt)},
		State: cashier.Waiting, PayeeName: "Coffee on the corner", Order: q.MerchantOrderID,
	}
	if shown != want {
		t.Errorf("PSD-PAY-INS-02: shown %+v, want %+v", shown, want)
	}
	if want.State = cashier.Paid; view != want {
		t.Errorf("then %+v", view)
	}
	paid, err := agent.Query(ctx, q)
	w.must(err)
	if paid.TradeNo != pending.TradeNo || paid.DelegationID != "" || paid.Amount != q.Amount || w.balance(w.Owner) != 82_00 || w.balance(w.Shop.DID()) != 18_00 {
		t.Errorf("PSD-PAY-INS-06: %+v", paid)
	}
	trade, err := w.server.Ledger().Trade(ctx, paid.TradeNo)
	w.must(err)
	if trade.Confirmation.Method != "device:"+phone.ID || !trade.Confirmation.At.Equal(w.Now().Truncate(time.Microsecond)) {
		t.Errorf("PSD-PAY-INS-03: recorded %+v", trade.Confirmation)
	}
	_, err = shop.Consume(ctx, paid.PaymentProof, "delivery-1")
	w.must(err)
	_, err = shop.ConfirmFulfilment(ctx, paid.TradeNo, "delivery-1", w.Now())
	w.must(err)
	_, err = phone.Decide(ctx, pending.CashierURL, agrees)
	if protocol.CodeOf(err) != protocol.CodeStateConflict {
		t.Errorf("a second confirmation: %v", err)
	}
	if w.waiting() != 1 {
		t.Errorf("PSD-PAY-A402-24: %d events", w.waiting())
	}
	w.sound()
}

func TestInstantWithoutYes(t *testing.T) {
	ends := map[string]func(*world, payment.Pending){
		"PSD-PAY-INS-04 cancelled": func(w *world, p payment.Pending) {
			view, err := w.device(w.Owner).Decide(context.Background(), p.CashierURL, func(cashier.View) bool { return false })
			if w.must(err); view.State != cashier.Closed {
				w.t.Errorf("%+v", view)
			}
		},
		"PSD-PAY-INS-04 too late": func(w *world, p payment.Pending) { w.add(p.ExpiresAt.Sub(w.Now())) },
		"PSD-PAY-INS-03 declined at the desk": func(w *world, p payment.Pending) {
			w.wantDesk("POST", "/admin/declines", `{"trade_no":"`+p.TradeNo+`","code":"confirmation_failed"}`, http.StatusOK, "true")
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ctx := context.Background()
			agent, _ := w.clients()
			phone := w.device(w.Owner)
			q := w.Instant(w.token, "18.00")
			pending := w.waits(q)
			end(w, pending)
			_, err := agent.Query(ctx, q)
			var stored *payment.Refusal
			if !errors.As(err, &stored) || stored.Reason.Code != protocol.CodeConfirmationFailed {
				t.Fatalf("%v", err)
			}
			if _, err := phone.Decide(ctx, pending.CashierURL, agrees); protocol.CodeOf(err) != protocol.CodeStateConflict {
				t.Errorf("confirmed afterwards: %v", err)
			}
			q.RequestID = canon.UUID() // nothing was held: the same order can still be paid
			q.Order = w.Order(q.MerchantOrderID, "18.00", nil)
			if again := w.waits(q); again.TradeNo == pending.TradeNo {
				t.Error("the old trade")
			}
			if w.balance(w.Owner) != 100_00 || w.balance(w.Shop.DID()) != 0 {
				t.Error("money moved")
			}
			w.wantDesk("GET", "/admin/instants", "", http.StatusOK, `"closed_by":"confirmation_failed"`)
			w.sound()
		})
	}
}

func TestInstantNeverReachesTheCashier(t *testing.T) {
	w := newWorld(t)
	bad := w.Instant("pt-none", "18.00")
	w.wantRefusal("/payments", w.Sign(bad), protocol.CodeInstrumentInvalid)
	late := w.Instant(w.token, "18.00")
	raw := w.Sign(late)
	w.add(6 * time.Minute)
	w.wantRefusal("/payments", raw, protocol.CodeRequestExpired)
	list, err := w.server.Ledger().Instants(context.Background(), 10)
	if w.must(err); len(list) != 0 {
		t.Errorf("PSD-PAY-INS-01: %+v", list)
	}
	paid := w.pay(w.Sign(w.latte("18.00")))
	resp, err := w.client.Get("https://" + w.server.ID().Host() + "/cashier/" + paid.TradeNo)
	w.must(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the cashier shows a payment that nobody has to confirm: %d", resp.StatusCode)
	}
}

// TestForgedConfirmations: whatever is not this principal's device over exactly
// this payment leaves it waiting.
func TestForgedConfirmations(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	phone := w.device(w.Owner)
	w.must(w.server.OpenPrincipal(ctx, "did:act:home.example/neighbour", w.CNY("0").Currency()))
	neighbour, gone := w.device("did:act:home.example/neighbour"), w.device(w.Owner)
	w.must(w.server.RemoveDevice(ctx, gone.ID))
	mine, other := w.waits(w.Instant(w.token, "18.00")), w.waits(w.Instant(w.token, "1.00"))
	terms := func(p payment.Pending) cashier.Terms {
		return cashier.Terms{PSPID: p.PSPID, TradeNo: p.TradeNo, Amount: p.Amount.String(), Currency: "CNY", Payee: p.MerchantID,
			Method: "urn:act:payment:balance", Expires: canon.FormatTime(p.ExpiresAt)}
	}
	sign := func(d *cashier.Device, t cashier.Terms) string {
		raw, err := cashier.Confirmation{Terms: t, DeviceID: d.ID}.Sign(d.Key)
		w.must(err)
		return string(raw)
	}
	cheap, dear, elsewhere, longer := terms(mine), terms(mine), terms(mine), terms(mine)
	cheap.Amount, dear.Amount, elsewhere.Payee, longer.Expires = "1.00", "18.000", w.Tea.DID(), canon.FormatTime(mine.ExpiresAt.Add(time.Hour))
	foreign := terms(mine)
	foreign.PSPID = "did:act:other.example/psp"
	good := sign(phone, terms(mine))
	for name, tc := range map[string]struct {
		body string
		want protocol.Code
	}{
		"nothing":                    {"", protocol.CodeMalformed},
		"no signature":               {strings.Replace(good, `"signature":"`, `"signature":"AAAA`, 1), protocol.CodeSignatureInvalid},
		"another amount in transit":  {strings.Replace(good, "18.00", "17.00", 1), protocol.CodeSignatureInvalid},
		"an unknown member":          {strings.Replace(good, "{", `{"x":"y",`, 1), protocol.CodeFieldUnknown},
		"a cheaper payment":          {sign(phone, cheap), protocol.CodeOrderMismatch},
		"another spelling":           {sign(phone, dear), protocol.CodeOrderMismatch},
		"another payee":              {sign(phone, elsewhere), protocol.CodeOrderMismatch},
		"a later end":                {sign(phone, longer), protocol.CodeOrderMismatch},
		"another provider":           {sign(phone, foreign), protocol.CodeOrderMismatch},
		"another payment":            {sign(phone, terms(other)), protocol.CodeOrderMismatch},
		"the neighbour's device":     {sign(neighbour, terms(mine)), protocol.CodePrincipalMismatch},
		"a device that was removed":  {sign(gone, terms(mine)), protocol.CodeKeyUnknown},
		"the name of another device": {strings.Replace(good, phone.ID, neighbour.ID, 1), protocol.CodeSignatureInvalid},
		"a device of nobody":         {strings.Replace(good, phone.ID, "dev-none", 1), protocol.CodeKeyUnknown},
		"too large":                  {good + strings.Repeat(" ", 5000), protocol.CodeTooLarge},
	} {
		t.Run("PSD-PAY-INS-03 "+name, func(t *testing.T) {
			resp, err := w.client.Post(mine.CashierURL+"/confirm", "application/json", strings.NewReader(tc.body))
			w.must(err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			w.must(err)
			if !strings.Contains(string(body), `"code":"`+string(tc.want)+`"`) || resp.StatusCode != payment.HTTPStatus(tc.want) {
				t.Errorf("%d %s, want %q", resp.StatusCode, body, tc.want)
			}
			if w.balance(w.Owner) != 100_00 {
				t.Fatal("money moved")
			}
		})
	}
	_, err := phone.Decide(ctx, mine.CashierURL, agrees)
	w.must(err)
	w.sound()
}

// TestPage: what a person sees in a browser, in each state.
func TestPage(t *testing.T) {
	w := newWorld(t)
	w.must(w.server.NameMerchant(context.Background(), w.Shop.DID(), `<b>Coffee & "Co"</b>`))
	get := func(url string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest("GET", url, nil)
		w.must(err)
		r.Header.Set("Accept", "text/html,application/xhtml+xml")
		resp, err := w.client.Do(r)
		w.must(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		w.must(err)
		return resp, strings.ReplaceAll(string(body), "<wbr>", "")
	}
	pending := w.waits(w.Instant(w.token, "18.00"))
	resp, page := get(pending.CashierURL)
	for _, part := range []string{"18.00 CNY", "&lt;b&gt;Coffee &amp; &#34;Co&#34;&lt;/b&gt;", w.Shop.DID(), "urn:act:payment:balance", "width=device-width", `method="post"`, "/cancel"} {
		if !strings.Contains(page, part) {
			t.Errorf("PSD-PAY-INS-02: no %q in %s", part, page)
		}
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") ||
		!strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "unsafe") || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("header %v", resp.Header)
	}
	r, err := http.NewRequest("POST", pending.CashierURL+"/cancel", nil)
	w.must(err)
	r.Header.Set("Accept", "text/html")
	cancelled, err := w.client.Do(r)
	w.must(err)
	body, err := io.ReadAll(cancelled.Body)
	cancelled.Body.Close()
	if w.must(err); cancelled.StatusCode != http.StatusOK || !strings.Contains(string(body), "Nothing was moved") {
		t.Errorf("PSD-PAY-INS-04: %d %s", cancelled.StatusCode, body)
	}
	if _, page := get(pending.CashierURL); strings.Contains(page, "<form") || !strings.Contains(page, "<h1>Cancelled</h1>") {
		t.Errorf("%s", page)
	}
	confirmed := w.waits(w.Instant(w.token, "1.00"))
	_, err = w.device(w.Owner).Decide(context.Background(), confirmed.CashierURL, agrees)
	w.must(err)
	if _, page := get(confirmed.CashierURL); strings.Contains(page, "<form") || !strings.Contains(page, "<h1>Paid</h1>") {
		t.Errorf("%s", page)
	}
	if resp, page := get(strings.TrimSuffix(pending.CashierURL, pending.TradeNo) + "none"); resp.StatusCode != http.StatusNotFound || !strings.Contains(page, "There is no such payment here.") {
		t.Errorf("%d %s", resp.StatusCode, page)
	}
}

// TestCashierRace: the phone confirms, the browser cancels, the agent asks, all
// at once; everybody hears the same end.
func TestCashierRace(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	agent, _ := w.clients()
	phone := w.device(w.Owner)
	paid := 0
	for range 8 {
		q := w.Instant(w.token, "2.00")
		pending := w.waits(q)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = phone.Decide(ctx, pending.CashierURL, agrees) })
		wg.Go(func() { _, _ = phone.Decide(ctx, pending.CashierURL, func(cashier.View) bool { return false }) })
		wg.Go(func() { _, _ = agent.Query(ctx, q) })
		wg.Wait()
		result, err := agent.Query(ctx, q)
		switch {
		case err == nil && result.TradeNo == pending.TradeNo:
			paid++
		case protocol.CodeOf(err) != protocol.CodeConfirmationFailed:
			t.Errorf("%+v, %v", result, err)
		}
	}
	if got := w.balance(w.Shop.DID()); got != int64(paid)*2_00 {
		t.Errorf("%d were paid, the shop has %d", paid, got)
	}
	w.sound()
}
