package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// desk asks the operator's desk.
func (w *world) desk(method, path, token, body string) (int, []byte) {
	w.t.Helper()
	r, err := http.NewRequest(method, "https://"+w.server.ID().Host()+path, strings.NewReader(body))
	w.must(err)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	resp, err := w.client.Do(r)
	w.must(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, answer
}

func (w *world) wantDesk(method, path, body string, status int, part string) []byte {
	w.t.Helper()
	got, answer := w.desk(method, path, "Bearer "+operatorToken, body)
	if got != status || !bytes.Contains(answer, []byte(part)) || !bytes.HasSuffix(answer, []byte("}\n")) {
		w.t.Fatalf("%s %s: %d %s, want %d and %s", method, path, got, answer, status, part)
	}
	return answer
}

func TestDeskNeedsTheToken(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/admin/accounts", "/admin/audit", "/admin/none"} {
		for _, token := range []string{"", operatorToken, "Bearer ", "Bearer " + operatorToken[1:], "Basic " + operatorToken, "bearer " + operatorToken} {
			status, answer := w.desk("GET", path, token, "")
			if status != http.StatusUnauthorized || bytes.Contains(answer, []byte("balance")) {
				t.Errorf("%s with %q: %d %s", path, token, status, answer)
			}
		}
	}
	if status, _ := w.desk("GET", "/admin/audit", "Bearer "+operatorToken, ""); status != http.StatusOK {
		t.Errorf("with the token: %d", status)
	}
}

// TestDesk walks the whole way of an operator, over HTTP, and lets the agent
// pay with what came of it.
func TestDesk(t *testing.T) {
	w := newWorld(t)
	const owner = "did:act:home.example/second"
	post := func(path, body, part string) []byte {
		t.Helper()
		return w.wantDesk("POST", path, body, http.StatusOK, part)
	}
	post("/admin/principals", `{"owner":"`+owner+`","currency":"CNY","issuers":["`+w.Issue.DID()+`"]}`, `"done":true`)
	post("/admin/merchants", `{"owner":"`+w.Tea.DID()+`","currency":"CNY"}`, `"done":true`)
	deposit := `{"deposit_id":"d-7","owner":"` + owner + `","amount":"40.00","currency":"CNY"}`
	post("/admin/deposits", deposit, `"done":true`)
	post("/admin/deposits", deposit, `"done":true`)
	w.wantDesk("POST", "/admin/deposits", strings.Replace(deposit, "40", "41", 1), http.StatusConflict, `"field":"deposit_id"`)
	w.wantDesk("POST", "/admin/principals", `{"owner":"`+owner+`","currency":"CNY","issuers":["me"]}`, http.StatusBadRequest, `"field":"issuers"`)
	w.wantDesk("POST", "/admin/token-states", `{"payment_token":"pt-none","state":"frozen"}`, http.StatusNotFound, `"field":"payment_token"`)

	until := canon.FormatTime(w.Now().Add(time.Hour))
	answer := post("/admin/tokens", `{"principal":"`+owner+`","agent":"`+w.Agent.DID()+`","currency":"CNY","valid_until":"`+until+
		`","ceiling":"30.00","merchants":["`+w.Shop.DID()+`"]}`, "payment_token")
	var bound struct {
		Token string `json:"payment_token"`
	}
	w.must(canon.Decode(answer, &bound))
	w.Owner = owner
	q := w.latte("18.00")
	q.PaymentToken = bound.Token
	w.pay(w.Sign(q))
	q = w.latte("18.00")
	q.PaymentToken = bound.Token
	w.wantRefusal("/payments", w.Sign(q), protocol.CodeInstrumentInvalid) // PSD-PMT-BND-03: over the ceiling

	post("/admin/token-states", `{"payment_token":"`+bound.Token+`","state":"frozen"}`, `"done":true`)
	q = w.latte("1.00")
	q.PaymentToken = bound.Token
	w.wantRefusal("/payments", w.Sign(q), protocol.CodeInstrumentInvalid)

	get := func(path, part string) {
		t.Helper()
		w.wantDesk("GET", path, "", http.StatusOK, part)
	}
	get("/admin/accounts", `{"balance":"22.00","currency":"CNY","kind":"principal","owner":"`+owner+`"}`)
	get("/admin/accounts", `"balance":"-140.00"`)
	get("/admin/entries?currency=CNY&owner="+strings.ReplaceAll(owner, ":", "%3A"), `"amount":"-18.00"`)
	get("/admin/tokens", `"ceiling":"30.00"`)
	get("/admin/tokens", `"state":"frozen"`)
	get("/admin/audit", `"sound":true`)
	get("/admin/audit", `"deposited":"140.00"`)

	post("/admin/issuers", `{"issuer":"`+w.Issue.DID()+`","principal":"`+owner+`","trusted":false}`, `"done":true`)
	w.wantRefusal("/payments", w.Sign(w.latte("1.00")), protocol.CodeIssuerUntrusted)
	w.sound()
}

func TestDeskRefuses(t *testing.T) {
	w := newWorld(t)
	for _, tc := range []struct {
		path, body, part string
		status           int
	}{
		{"/admin/principals", `{"owner":"ann","currency":"CNY"}`, "owner", http.StatusBadRequest},
		{"/admin/principals", `{"owner":"did:act:home.example/x","currency":"XXX"}`, "currency", http.StatusBadRequest},
		{"/admin/principals", `{"owner":"did:act:home.example/x","currency":"CNY","colour":"red"}`, "field_unknown", http.StatusBadRequest},
		{"/admin/principals", `{"owner":"did:act:home.example/x","currency":null}`, "error", http.StatusBadRequest},
		{"/admin/merchants", `{"owner":"` + w.Tea.DID() + `","currency":"CNY","issuers":[]}`, "issuers", http.StatusBadRequest},
		{"/admin/merchants", `{"owner":"` + w.Owner + `","currency":"CNY"}`, "state_conflict", http.StatusConflict},
		{"/admin/deposits", `{"deposit_id":"d-9","owner":"` + w.Owner + `","amount":"1.001","currency":"CNY"}`, "amount", http.StatusBadRequest},
		{"/admin/deposits", `{"deposit_id":"d-9","owner":"` + w.Owner + `","amount":"-1.00","currency":"CNY"}`, "amount", http.StatusBadRequest},
		{"/admin/deposits", `{"deposit_id":"d 9","owner":"` + w.Owner + `","amount":"1.00","currency":"CNY"}`, "deposit_id", http.StatusBadRequest},
		{"/admin/deposits", `{"deposit_id":"d-9","owner":"did:act:home.example/none","amount":"1.00","currency":"CNY"}`, "owner", http.StatusNotFound},
		{"/admin/tokens", `{"principal":"` + w.Owner + `","agent":"` + w.Agent.DID() + `","currency":"CNY","valid_until":"tomorrow"}`, "valid_until", http.StatusBadRequest},
		{"/admin/tokens", `{"principal":"` + w.Owner + `","agent":"` + w.Agent.DID() + `","currency":"CNY","valid_until":"2020-01-01T00:00:00Z"}`, "valid_until", http.StatusBadRequest},
		{"/admin/tokens", `{"principal":"` + w.Owner + `","agent":"` + w.Agent.DID() + `","currency":"CNY","valid_until":"2099-01-01T00:00:00Z","merchants":[]}`, "merchants", http.StatusBadRequest},
		{"/admin/tokens", `{"principal":"` + w.Owner + `","agent":"` + w.Agent.DID() + `","currency":"CNY","valid_until":"2099-01-01T00:00:00Z","ceiling":"0.00"}`, "ceiling", http.StatusBadRequest},
		{"/admin/issuers", `{"issuer":"` + w.Issue.DID() + `","principal":"did:act:home.example/none","trusted":true}`, "principal", http.StatusNotFound},
		{"/admin/issuers", `{"issuer":"` + w.Issue.DID() + `","principal":"did:act:home.example/none","trusted":false}`, "principal", http.StatusNotFound},
		{"/admin/issuers", `{"issuer":"` + w.Issue.DID() + `","principal":"` + w.Shop.DID() + `","trusted":true}`, "principal", http.StatusNotFound}, // a merchant
		{"/admin/tokens", `{"principal":"` + w.Shop.DID() + `","agent":"` + w.Agent.DID() + `","currency":"CNY","valid_until":"2099-01-01T00:00:00Z"}`, "principal", http.StatusNotFound},
		{"/admin/token-states", `{"payment_token":"pt-none","state":"frozen"}`, "instrument_invalid", http.StatusNotFound},
		{"/admin/token-states", `{"payment_token":"` + w.token + `","state":"gone"}`, "state", http.StatusBadRequest},
	} {
		w.wantDesk("POST", tc.path, tc.body, tc.status, tc.part)
	}
	w.wantDesk("GET", "/admin/entries?currency=CNY", "", http.StatusBadRequest, `"field":"owner"`)
	// What the book does not know is not there, and not empty.
	for _, path := range []string{"/admin/entries?currency=CNY&owner=", "/admin/entries?currency=JPY&owner=" + w.Shop.DID() + "&", "/admin/bills?principal=", "/admin/bill.html?principal="} {
		if strings.HasSuffix(path, "=") {
			path += "did:act:home.example/none"
		}
		w.wantDesk("GET", path, "", http.StatusNotFound, `"code":"unknown"`)
	}
	w.wantDesk("GET", "/admin/entries?currency=CNY&owner="+w.Shop.DID(), "", http.StatusOK, `"entries":[]`)
	w.wantDesk("GET", "/admin/bills?principal="+w.Owner, "", http.StatusOK, `"tasks":[]`)
	w.wantDesk("GET", "/admin/entries?owner="+strings.ReplaceAll(w.Owner, ":", "%3A"), "", http.StatusBadRequest, `"field":"currency"`)
	tokens, err := w.server.Ledger().Tokens(context.Background())
	if err != nil || len(tokens) != 1 {
		t.Errorf("PSD-PMT-BND-05: %+v, %v", tokens, err)
	}
	w.sound()
}

// TestDeskLists: the desk says what it has, to its operator only, and points
// there from everywhere else.
func TestDeskLists(t *testing.T) {
	w := newWorld(t)
	type route struct {
		Method string `json:"method"`
		Path   string `json:"path"`
		Does   string `json:"does"`
	}
	var list struct {
		Routes []route `json:"routes"`
	}
	for _, path := range []string{"/admin", "/admin/"} {
		w.must(canon.Decode(w.wantDesk("GET", path, "", http.StatusOK, "/admin/principals"), &list))
		if status, answer := w.desk("GET", path, "", ""); status != http.StatusUnauthorized || bytes.Contains(answer, []byte("principals")) {
			t.Errorf("%s without a token: %d %s", path, status, answer)
		}
	}
	if len(list.Routes) < 25 {
		t.Errorf("%d routes", len(list.Routes))
	}
	for _, r := range list.Routes {
		if status, answer := w.desk(r.Method, r.Path, "Bearer "+operatorToken, ""); status == http.StatusNotFound || status == http.StatusMethodNotAllowed || r.Does == "" {
			t.Errorf("%s %s (%s): %d %s", r.Method, r.Path, r.Does, status, answer)
		}
	}
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/admin/nope", http.StatusNotFound},
		{"POST", "/admin/nope", http.StatusNotFound},
		{"GET", "/admin/accounts/more", http.StatusNotFound},
		{"GET", "/admin/principals", http.StatusMethodNotAllowed},
		{"DELETE", "/admin/tokens", http.StatusMethodNotAllowed},
	} {
		w.wantDesk(tc.method, tc.path, "", tc.status, "GET /admin/ lists them")
	}
	w.sound()
}

// TestDocument resolves the processor's DID as everybody else does.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	want := w.server.Document().Keys[0]
	got, err := w.resolver().Key(context.Background(), want.ID, keys.Proof, w.Now())
	if err != nil || !got.Equal(want.Public) {
		t.Errorf("IDN-02: %v", err)
	}
	if _, err := w.resolver().Key(context.Background(), want.ID, keys.IssueAuthorization, w.Now()); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
		t.Errorf("ADD-IAC-ISS-12: %v", err)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]int{"/act/v1/payments": http.StatusMethodNotAllowed, "/act/v1/withdrawals": http.StatusNotFound, "/act": http.StatusNotFound} {
		resp, err := w.client.Get("https://" + w.server.ID().Host() + path)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	good := server.Config{
		ID: w.server.ID(), Ledger: w.server.Ledger(), Keys: verifier.NewStaticKeys(), Status: w.status,
	}
	private, err := keys.Generate(keys.EdDSA)
	w.must(err)
	good.Signer, err = keys.NewSigner(w.PSP+"#proof-1", keys.Proof, private)
	w.must(err)
	wrong, err := keys.NewSigner(w.PSP+"#seller-1", keys.Seller, private)
	w.must(err)
	for name, change := range map[string]func(*server.Config){
		"no ledger":             func(c *server.Config) { c.Ledger = nil },
		"no keys":               func(c *server.Config) { c.Keys = nil },
		"no status":             func(c *server.Config) { c.Status = nil },
		"no signer":             func(c *server.Config) { c.Signer = nil },
		"a key for selling":     func(c *server.Config) { c.Signer = wrong },
		"somebody else's key":   func(c *server.Config) { c.Signer = w.Shop },
		"a short token":         func(c *server.Config) { c.OperatorToken = "secret" },
		"a life below zero":     func(c *server.Config) { c.ProofLife = -time.Second },
		"a life over a day":     func(c *server.Config) { c.ProofLife = 24*time.Hour + 1 },
		"a path without slash":  func(c *server.Config) { c.BasePath = "act" },
		"a closed ledger":       func(c *server.Config) { c.Ledger = closed(t) },
		"nothing wrong with it": func(*server.Config) {},
	} {
		c := good
		change(&c)
		_, err := server.New(context.Background(), c)
		if (err == nil) != (name == "nothing wrong with it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func closed(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(ledger.Config{Path: t.TempDir() + "/ledger.db"})
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNoDesk: without a token there is no desk at all.
func TestNoDesk(t *testing.T) {
	w := newWorld(t)
	private, err := keys.Generate(keys.EdDSA)
	w.must(err)
	signer, err := keys.NewSigner(w.PSP+"#proof-1", keys.Proof, private)
	w.must(err)
	w.server, err = server.New(context.Background(), server.Config{
		ID: w.server.ID(), Signer: signer, Ledger: w.server.Ledger(), Keys: verifier.NewStaticKeys(), Status: w.status,
	})
	w.must(err)
	w.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()}}} // the document has a desk
	defer w.client.CloseIdleConnections()
	if status, _ := w.desk("GET", "/admin/audit", "Bearer ", ""); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}
