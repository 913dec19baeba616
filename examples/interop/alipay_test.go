package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestAlipayJavaScript sells through package alipay to a buyer and a gateway
// that were written in JavaScript from the product's public documentation:
// RSA2, the signed texts, the forms and encodings are those of another program
// (SPEC.md 6.9).
func TestAlipayJavaScript(t *testing.T) {
	node := plainNode(t)
	app, platform := rsaKey(t), rsaKey(t)
	g := &nodeGateway{t: t, node: node, app: spki(t, app), platform: pkcs8(t, platform)}
	server := httptest.NewTLSServer(g)
	defer server.Close()

	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) {
		gateway, err := alipay.NewGateway(alipay.GatewayConfig{
			URL: server.URL + "/gateway.do", AppID: "2021000000000001", Key: app, AlipayKeys: []*rsa.PublicKey{&platform.PublicKey},
			HTTP: server.Client(), Now: c.Now, Timeout: 30 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		rail, err := alipay.New(alipay.Config{
			Gateway: gateway, SellerID: "2088000000000001", SellerName: "报告商店",
			Services: map[string]alipay.Service{"/report": {ID: "API_1", Name: "市场报告 + 表格 = 100%"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.PSP, c.Method, c.Rail, c.InsecureBearerProofs = nil, "", rail, true
	}})
	w.Sell("GET /report", merchant.Offer{Resource: "/report", Category: "data", Price: acttest.CNY(t, "2.50")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report") }))

	answer, err := w.Client.Get(w.URL + "/report")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	g.run(map[string]any{"do": "bill", "header": answer.Header.Get(payment.HeaderNeeded), "key": g.app}, &g.bill)
	if !g.bill.Good || g.bill.Amount != "2.50" || g.bill.ResourceID != "/report" {
		t.Fatalf("PSD-PAY-A402-01: our bill, read there: %+v", g.bill)
	}
	var proof struct {
		Header string `json:"header"`
	}
	g.run(map[string]any{"do": "proof", "payment_proof": "p>?~凭", "trade_no": "2026090100000001", "client_session": "s"}, &proof)
	if got := present(t, w, proof.Header); got != http.StatusPaymentRequired {
		t.Fatalf("PSD-PAY-A402-07: a proof in Chinese: %d", got)
	}
	g.run(map[string]any{"do": "proof", "payment_proof": "p>?~&=+%", "trade_no": "2026090100000001", "client_session": "s"}, &proof)
	if got := present(t, w, proof.Header); got != http.StatusOK {
		t.Fatalf("PSD-PAY-A402-08: their proof, taken here: %d", got)
	}
	if err := w.Shop.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Join(g.calls, " ") != "alipay.aipay.agent.payment.verify alipay.aipay.agent.fulfillment.confirm" {
		t.Fatalf("PSD-PAY-A402-10: %q", g.calls)
	}
}

func present(t *testing.T, w *acttest.World, proof string) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/report", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set(payment.HeaderProof, proof)
	answer, err := w.Client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// A nodeGateway has each call checked and each answer signed by the script.
// Calls come one after the other.
type nodeGateway struct {
	t             *testing.T
	node          *nodeProgram
	app, platform string // keys
	bill          struct {
		Good       bool   `json:"good"`
		OutTradeNo string `json:"out_trade_no"`
		Amount     string `json:"amount"`
		ResourceID string `json:"resource_id"`
	}
	calls []string
}

func (g *nodeGateway) run(request map[string]any, answer any) {
	if err := g.node.run(g.t, "alipay.mjs", request, answer); err != nil {
		g.t.Error(err)
	}
}

func (g *nodeGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
		return
	}
	var call struct {
		Good      bool              `json:"good"`
		Method    string            `json:"method"`
		Timestamp string            `json:"timestamp"`
		Content   map[string]string `json:"content"`
	}
	g.run(map[string]any{"do": "call", "form": string(form), "key": g.app}, &call)
	at, err := time.Parse("2006-01-02 15:04:05 -0700", call.Timestamp+" +0800")
	if err != nil || !call.Good || !at.Equal(acttest.Start) || call.Content["trade_no"] != "2026090100000001" {
		g.t.Errorf("our call, read there: %+v %v", call, err)
		return
	}
	g.calls = append(g.calls, call.Method)
	facts := map[string]any{"code": "10000", "msg": "成功", "trade_no": call.Content["trade_no"]}
	if call.Method == "alipay.aipay.agent.payment.verify" {
		if call.Content["payment_proof"] != "p>?~&=+%" || call.Content["client_session"] != "s" {
			g.t.Errorf("our call, read there: %+v", call)
		}
		facts["active"], facts["amount"], facts["out_trade_no"], facts["resource_id"] = true, "2.50", g.bill.OutTradeNo, g.bill.ResourceID
	}
	var answer struct {
		Body string `json:"body"`
	}
	g.run(map[string]any{"do": "answer", "method": call.Method, "node": facts, "key": g.platform}, &answer)
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	_, _ = io.WriteString(w, answer.Body)
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func spki(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func pkcs8(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}
