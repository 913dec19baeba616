package alipaytest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/actprotocol/act-go/merchant/alipay"
)

// TB is what is needed of a *testing.T or an acttest.TB.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// Path is where the gateway listens below the server's URL.
const Path = "/gateway.do"

// A Gateway is the double. It is safe for concurrent use.
type Gateway struct {
	Server *httptest.Server
	now    func() time.Time
	key    *rsa.PrivateKey // of the platform

	mu        sync.Mutex
	apps      map[string]app // by app_id
	trades    map[string]*trade
	paid      map[string]bool // seller, out_trade_no
	calls     map[string]int  // by method
	misbehave func(*Answer)
}

type app struct {
	seller string
	key    *rsa.PublicKey
}

type trade struct {
	app       string
	bill      alipay.Bill
	proof     alipay.Proof
	active    bool
	confirmed int
}

// NewKey makes an RSA key of 2048 bits, which takes a moment.
func NewKey(t TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// NewGateway starts a double with a key of its own; nil for now is time.Now. It
// ends with the test.
func NewGateway(t TB, now func() time.Time) *Gateway {
	t.Helper()
	return NewGatewayWith(t, NewKey(t), now)
}

// NewGatewayWith is NewGateway with a key of the platform that the test has
// made.
func NewGatewayWith(t TB, platform *rsa.PrivateKey, now func() time.Time) *Gateway {
	t.Helper()
	if now == nil {
		now = time.Now
	}
	g := &Gateway{
		now: now, key: platform, apps: map[string]app{}, trades: map[string]*trade{}, paid: map[string]bool{}, calls: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, g.serve)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of answers that are cut off on purpose
	server.StartTLS()
	g.Server = server
	t.Cleanup(server.Close)
	return g
}

// PublicKey is the key of the double, in the place of Alipay's.
func (g *Gateway) PublicKey() *rsa.PublicKey { return &g.key.PublicKey }

// Register makes an application known, with the account that its bills pay to
// and its public key.
func (g *Gateway) Register(appID, sellerID string, key *rsa.PublicKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.apps[appID] = app{seller: sellerID, key: key}
}

// Config is what alipay.NewGateway needs to talk to the double. The application
// has to be registered.
func (g *Gateway) Config(appID string, key crypto.Signer) alipay.GatewayConfig {
	return alipay.GatewayConfig{
		URL: g.Server.URL + Path, AppID: appID, Key: key, AlipayKeys: []*rsa.PublicKey{g.PublicKey()},
		HTTP: g.Server.Client(), Now: g.now, Timeout: 5 * time.Second,
	}
}

// Pay does what a buyer's tool does: it reads the value of Payment-Needed,
// checks the seller's signature and the time, pays the order once, and returns
// the value of Payment-Proof.
func (g *Gateway) Pay(needed string) (proof string, err error) {
	u, err := alipay.ParseBill(needed)
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	a, ok := g.apps[u.Bill.AppID]
	if !ok || a.seller != u.Bill.SellerID {
		return "", fmt.Errorf("no such application of this seller")
	}
	bill, err := u.Verify(a.key)
	if err != nil {
		return "", err
	}
	order := bill.SellerID + " " + bill.OutTradeNo
	switch {
	case !g.now().Before(bill.PayBefore):
		return "", fmt.Errorf("the bill's time is over")
	case g.paid[order]:
		return "", fmt.Errorf("the order is paid already")
	}
	g.paid[order] = true
	t := &trade{app: bill.AppID, bill: bill, active: true, proof: alipay.Proof{
		PaymentProof: random(), TradeNo: g.now().UTC().Format("20060102") + random()[:24], ClientSession: random(),
	}}
	g.trades[t.proof.TradeNo] = t
	return t.proof.EncodeHeader()
}

// Deactivate makes the proof of a trade worthless from now on.
func (g *Gateway) Deactivate(tradeNo string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.trades[tradeNo]; t != nil {
		t.active = false
	}
}

// Confirmed is how often the fulfilment of a trade was confirmed.
func (g *Gateway) Confirmed(tradeNo string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.trades[tradeNo]; t != nil {
		return t.confirmed
	}
	return 0
}

// Trades is how many payments were made.
func (g *Gateway) Trades() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.trades)
}

// Calls is how often a method was called with a good signature.
func (g *Gateway) Calls(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[method]
}

// An Answer is what the double is about to send.
type Answer struct {
	Method    string // that was called
	Node      []byte // the value of the member <method>_response; nil leaves it out
	Signature string // the value of sign; "" leaves it out
	Resign    bool   // sign Node anew, after it was changed

	Status      int
	ContentType string
	Body        []byte        // when not nil, this is sent in place of Node and Signature
	Delay       time.Duration // before anything is sent
	Cut         bool          // the connection ends without an answer
}

// Misbehave changes all answers from now on; nil ends it. change is called after
// the call has had its effect, as when an answer is lost on its way.
func (g *Gateway) Misbehave(change func(*Answer)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.misbehave = change
}

// Sign signs as the double does, for answers that a test makes up.
func (g *Gateway) Sign(text []byte) string {
	digest := sha256.Sum256(text)
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, digest[:])
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(signature)
}

func random() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
