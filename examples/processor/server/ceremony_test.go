package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/softkey"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// newKey is a passkey for the pages of the processor.
func (w *world) newKey() *softkey.Key {
	w.t.Helper()
	k, err := softkey.New("https://" + w.server.ID().Host())
	w.must(err)
	return k
}

// answer is the form that a page sends when a passkey was used.
func (w *world) answer(k *softkey.Key, page string) url.Values {
	w.t.Helper()
	form, err := k.Answer(page)
	w.must(err)
	return form
}

// browse opens an address as a browser does, without following it elsewhere.
func (w *world) browse(method, address string, form url.Values) (int, string) {
	w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = "https://" + w.server.ID().Host() + address
	}
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	w.must(err)
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	client := *w.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(text)
}

func (w *world) want(status int, method, address string, form url.Values) string {
	w.t.Helper()
	got, text := w.browse(method, address, form)
	if got != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, address, got, status, text)
	}
	return text
}

// enrolled is the principal's passkey, made at a one-time link.
func (w *world) enrolled() *softkey.Key {
	w.t.Helper()
	var made struct {
		URL string `json:"enrolment_url"`
	}
	w.must(canon.DecodeOpen([]byte(w.admin("POST", "/admin/enrolments", `{"principal":"`+w.Owner+`"}`)), &made))
	key := w.newKey()
	form := w.answer(key, w.want(http.StatusOK, "GET", made.URL, nil))
	w.want(http.StatusSeeOther, "POST", made.URL, form)
	if status, _ := w.browse("POST", made.URL, form); status < 400 {
		w.t.Errorf("PSD-PMT-BND-02: a one-time link was used twice: %d", status)
	}
	return key
}

// bindingOf asks for a payment token.
func (w *world) binding(q payment.BindingRequest) (int, []byte) {
	w.t.Helper()
	q.Nonce, q.Timestamp = canon.Nonce(), w.Now()
	message, err := payment.SignBindingRequest(w.Agent, nil, q)
	w.must(err)
	return w.post("/bindings", message)
}

func (w *world) wantsToken() payment.BindingRequest {
	return payment.BindingRequest{
		RequestID: canon.UUID(), PSPID: w.PSP, BuyerAgentID: w.Agent.DID(), PrincipalID: w.Owner,
		Terms: payment.BindingTerms{
			Instrument: payment.BindPaymentToken, Currency: w.CNY("0").Currency(), Ceiling: w.CNY("50.00"), ValidUntil: w.Now().Add(48 * time.Hour).Truncate(time.Second),
		},
	}
}

// asked is a binding request that waits, and the path of its page.
func (w *world) asked(q payment.BindingRequest) string {
	w.t.Helper()
	status, body := w.binding(q)
	if status != http.StatusAccepted {
		w.t.Fatalf("%d %s", status, body)
	}
	u, err := payment.ParseBindingPending(body)
	w.must(err)
	return u.Pending.BindingURL
}

// TestPasskeyCeremonies goes the principal's way without a browser: a passkey is
// enrolled (PSD-PMT-BND-02), limits are lowered and a binding accepted
// (PSD-PMT-BND-03), a payment confirmed (PSD-PAY-INS-03); each word counts once,
// and a binding can be declined.
func TestPasskeyCeremonies(t *testing.T) {
	w := newWorld(t)
	w.clock.Store(time.Now().Truncate(time.Second).UnixNano())
	key := w.enrolled()
	q := w.wantsToken()
	at := w.asked(q)
	w.want(http.StatusOK, "GET", at+"/limits?lang=zh", nil)
	w.want(http.StatusUnprocessableEntity, "POST", at+"/limits", url.Values{"ceiling": {"60.00"}, "end": {"1d"}})
	page := w.want(http.StatusOK, "POST", at+"/limits", url.Values{"ceiling": {"20.00"}, "end": {"1d"}})
	form := w.answer(key, page)
	stranger := w.newKey()
	if status, _ := w.browse("POST", at+"/passkey", w.answer(stranger, page)); status < 400 {
		t.Errorf("somebody else's passkey: %d", status)
	}
	w.want(http.StatusSeeOther, "POST", at+"/passkey", form)
	w.want(http.StatusOK, "GET", at, nil)
	w.want(http.StatusSeeOther, "GET", at+"/limits", nil)
	w.want(http.StatusSeeOther, "POST", at+"/limits", url.Values{"ceiling": {"20.00"}})
	status, body := w.binding(q)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	bound, err := payment.ParseBindingResult(body)
	w.must(err)
	if got := bound.Result.Terms.Ceiling.String(); got != "20.00" || bound.Result.PaymentToken == "" {
		t.Errorf("PSD-PMT-BND-03: bound with a ceiling of %s", got)
	}
	status, body = w.post("/payments", w.Sign(w.Instant(bound.Result.PaymentToken, "18.00")))
	if status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	pending, err := payment.ParsePending(body)
	w.must(err)
	till := pending.Pending.CashierURL
	if status, body = w.post("/queries", w.query(payment.Request{BuyerAgentID: w.Agent.DID(), RequestID: pending.Pending.RequestID})); status != http.StatusAccepted {
		t.Errorf("PSD-PAY-INS-02: asked about a payment that waits, the answer is %d %s", status, body)
	}
	form = w.answer(key, w.want(http.StatusOK, "GET", till, nil))
	other, body := w.post("/payments", w.Sign(w.Instant(bound.Result.PaymentToken, "2.00")))
	if other != http.StatusAccepted {
		t.Fatalf("%d %s", other, body)
	}
	second, err := payment.ParsePending(body)
	w.must(err)
	if status, _ := w.browse("POST", second.Pending.CashierURL+"/passkey", form); status < 400 {
		t.Errorf("PSD-PAY-INS-03: the word for one payment confirmed another: %d", status)
	}
	w.want(http.StatusSeeOther, "POST", till+"/passkey", form)
	if got := w.balance(w.Owner); got != 82_00 {
		t.Errorf("balance %d", got)
	}
	w.want(http.StatusSeeOther, "POST", second.Pending.CashierURL+"/cancel", nil)
	w.want(http.StatusSeeOther, "POST", w.asked(w.wantsToken())+"/decline", nil)
	w.endings(key.ID())
	w.sound()
}

// endings are what the desk does about bindings and passkeys.
func (w *world) endings(passkey string) {
	w.t.Helper()
	id := w.asked(w.wantsToken())
	id = id[strings.LastIndex(id, "/")+1:]
	w.admin("POST", "/admin/binding-declines", `{"binding_id":"`+id+`","code":"risk_refused"}`)
	for _, part := range []string{"bound", "refused", `"refused_by":"risk_refused"`, `"ceiling":"20.00"`} {
		if list := w.admin("GET", "/admin/bindings", ""); !strings.Contains(list, part) {
			w.t.Errorf("no %s in %s", part, list)
		}
	}
	if list := w.admin("GET", "/admin/passkeys", ""); !strings.Contains(list, passkey) {
		w.t.Errorf("%s", list)
	}
	w.admin("POST", "/admin/passkey-removals", `{"passkey_id":"`+passkey+`"}`)
}

// TestTradeQueried: SPEC.md 6.13 a merchant asks about its trade, and everybody
// reads the processor's document.
func TestTradeQueried(t *testing.T) {
	w := newWorld(t)
	paid := w.pay(w.Sign(w.latte("18.00")))
	message, err := payment.SignTradeQuery(w.Shop, payment.TradeQuery{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, MerchantID: w.Shop.DID(), TradeNo: paid.TradeNo,
	})
	w.must(err)
	if status, body := w.post("/trades", message); status != http.StatusOK || !bytes.Contains(body, []byte(`"amount":"18.00"`)) {
		t.Errorf("%d %s", status, body)
	}
	document, err := w.server.ID().DocumentURL()
	w.must(err)
	resp, err := w.client.Get(document)
	w.must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%d", resp.StatusCode)
	}
}
