package server_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// form posts a form as a browser does and returns status and page. It follows
// no redirect.
func (w *world) form(address string, values url.Values, header ...string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(values.Encode()))
	w.must(err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
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

// binding begins a binding request at the ledger and returns its address.
func (w *world) bindingPage(terms payment.BindingTerms) (id, address string) {
	w.t.Helper()
	id = "bind-" + canon.Nonce()
	_, err := w.server.Ledger().BeginBinding(context.Background(), provider.Binding{
		ID: id, Agent: w.Agent.DID(), RequestID: id, Digest: canon.Sum([]byte(id)), Principal: w.Owner, Asked: terms, Expires: w.Now().Add(time.Hour).Truncate(time.Second), State: provider.BindingWaiting,
	})
	w.must(err)
	return id, "https://" + w.server.ID().Host() + "/binding/" + id
}

func (w *world) tokenTerms() payment.BindingTerms {
	return payment.BindingTerms{
		Instrument: payment.BindPaymentToken, Currency: w.CNY("0").Currency(), ValidUntil: w.Now().Add(100 * time.Hour).Truncate(time.Second), Ceiling: w.CNY("40.00"), Merchants: []string{w.Shop.DID()},
	}
}

// TestFormsAreNotBelieved: what a page was not asked to send binds nothing and
// pays nothing.
func TestFormsAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	terms := w.tokenTerms()
	id, address := w.bindingPage(terms)
	asked, err := canon.Marshal(terms)
	w.must(err)
	wide := terms
	wide.Ceiling = w.CNY("41.00")
	wider, err := canon.Marshal(wide)
	w.must(err)
	good := url.Values{"terms": {string(asked)}, "nonce": {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "id": {"AAAA"}, "client_data": {"e30"}, "authenticator_data": {"AAAA"}, "signature": {"AAAA"}}
	with := func(name, value string) url.Values {
		f := url.Values{}
		for k, v := range good {
			f[k] = v
		}
		f.Set(name, value)
		return f
	}
	for _, c := range []struct {
		name, address string
		form          url.Values
		header        []string
		status        int
	}{
		{"PSD-PMT-BND-02 no passkey", address + "/passkey", good, nil, http.StatusConflict},
		{"PSD-PMT-BND-02 wider terms", address + "/passkey", with("terms", string(wider)), nil, http.StatusConflict},
		{"PSD-PMT-BND-02 no terms", address + "/passkey", with("terms", ""), nil, http.StatusBadRequest},
		{"PSD-PMT-BND-02 terms that are none", address + "/passkey", with("terms", `{"instrument":"CARD"}`), nil, http.StatusBadRequest},
		{"PSD-PMT-BND-02 another site", address + "/passkey", good, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"PSD-PMT-BND-02 another site declines", address + "/decline", nil, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"PSD-PMT-BND-02 limits that are none", address + "/limits", url.Values{"ceiling": {"-1"}, "merchant": {w.Shop.DID()}}, nil, http.StatusUnprocessableEntity},
		{"PSD-PMT-BND-02 limits removed", address + "/limits", url.Values{"ceiling": {""}, "merchant": {w.Shop.DID()}}, nil, http.StatusUnprocessableEntity},
		{"PSD-PMT-BND-02 another merchant", address + "/limits", url.Values{"ceiling": {"1"}, "merchant": {w.Tea.DID()}}, nil, http.StatusUnprocessableEntity},
		{"PSD-PMT-BND-02 an unknown binding", address + "x/passkey", good, nil, http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, page := w.form(c.address, c.form, c.header...)
			if status != c.status || strings.Contains(page, "<h1>Allowed") {
				t.Errorf("%d %s", status, page)
			}
		})
	}
	if b, err := w.server.Ledger().Binding(ctx, id); err != nil || b.State != provider.BindingWaiting {
		t.Errorf("PSD-PMT-BND-02: %+v, %v", b, err)
	}
	pending := w.waits(w.Instant(w.token, "18.00"))
	for name, header := range map[string][]string{"no passkey": nil, "another site": {"Sec-Fetch-Site", "cross-site"}} {
		if status, page := w.form(pending.CashierURL+"/passkey", good, header...); status < 400 || strings.Contains(page, "<h1>Paid") {
			t.Errorf("PSD-PAY-INS-03 %s: %d %s", name, status, page)
		}
	}
	if status, _ := w.form(pending.CashierURL+"/cancel", nil, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("PSD-PAY-INS-04: another site cancels: %d", status)
	}
	if w.balance(w.Owner) != 100_00 {
		t.Error("PSD-PAY-INS-03: money moved")
	}
	w.sound()
}

// TestDeskOfPages: what the operator sees and does of passkeys and bindings.
func TestDeskOfPages(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.wantDesk("POST", "/admin/enrolments", `{"principal":"nobody"}`, http.StatusBadRequest, "principal")
	w.wantDesk("POST", "/admin/enrolments", `{"principal":"did:act:home.example/nobody"}`, http.StatusNotFound, "the principal has no account")
	var made struct {
		URL     string `json:"enrolment_url"`
		Expires string `json:"expires_at"`
	}
	w.must(canon.Decode(w.wantDesk("POST", "/admin/enrolments", `{"principal":"`+w.Owner+`"}`, http.StatusOK, "/enrol/"), &made))
	w.must(w.server.Ledger().Invite(ctx, book.Invitation{ID: "link", Principal: w.Owner, Expires: w.Now().Add(time.Hour)}))
	w.must(w.server.Ledger().Enrol(ctx, "link", book.Passkey{ID: "a2V5", Key: []byte{1}}))
	w.wantDesk("GET", "/admin/passkeys", "", http.StatusOK, `"passkey_id":"a2V5"`)
	w.wantDesk("POST", "/admin/passkey-removals", `{"passkey_id":"a2V5"}`, http.StatusOK, "true")
	w.wantDesk("POST", "/admin/passkey-removals", `{"passkey_id":"other"}`, http.StatusNotFound, "key_unknown")
	w.wantDesk("GET", "/admin/passkeys", "", http.StatusOK, `"removed":true`)
	id, _ := w.bindingPage(w.tokenTerms())
	w.wantDesk("GET", "/admin/bindings", "", http.StatusOK, `"state":"waiting"`)
	w.wantDesk("POST", "/admin/binding-declines", `{"binding_id":"`+id+`","code":"replayed"}`, http.StatusBadRequest, "field_invalid")
	w.wantDesk("POST", "/admin/binding-declines", `{"binding_id":"`+id+`","code":"risk_refused"}`, http.StatusOK, "true")
	w.wantDesk("GET", "/admin/bindings", "", http.StatusOK, `"refused_by":"risk_refused"`)
	bound, _ := w.bindingPage(w.tokenTerms())
	g := provider.Grant{Terms: w.tokenTerms(), Token: "tok-of-the-desk", Confirmation: provider.Confirmation{Method: "passkey:a2V5", At: w.Now()}}
	g.Terms.ValidFrom = w.Now().Truncate(time.Second)
	_, err := w.server.Ledger().AcceptBinding(ctx, bound, g)
	w.must(err)
	if list := w.wantDesk("GET", "/admin/bindings", "", http.StatusOK, `"confirmation_method":"passkey:a2V5"`); strings.Contains(string(list), "tok-of-the-desk") {
		t.Error("PSD-PMT-BND-01: the list of bindings has the token")
	}
	if protocol.CodeOf(w.server.RemovePasskey(ctx, "other")) != protocol.CodeKeyUnknown {
		t.Error("an unknown passkey was removed")
	}
	if strings.Contains(w.log.String(), made.URL[strings.LastIndexByte(made.URL, '/')+1:]) {
		t.Error("the log holds a link")
	}
	w.sound()
}
