package verifier_test

import (
	"context"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

const (
	bankDID   = "did:act:bank.example/mandates"
	annDID    = "did:act:bank.example/ann"
	bobDID    = "did:act:bank.example/bob"
	agentDID  = "did:act:agents.example/buyer"
	agent2DID = "did:act:agents.example/other"
	pspDID    = "did:act:psp.example/pay"
	shopDID   = "did:act:shop.example/coffee"
	shop2DID  = "did:act:shop.example/tea"
	listURI   = "https://bank.example/status/1"
	methodURN = "urn:act:payment:wallet"
	methodID  = "act:payment/wallet"
)

var epoch = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// A world has all parties with real keys, their documents, a status that a
// test sets, and a clock that it moves.
type world struct {
	t       testing.TB
	alg     keys.Algorithm
	docs    verifier.StaticKeys
	signers map[string]*keys.Signer // by key id
	v       *verifier.Verifier
	policy  verifier.IssuerMap
	made    int // keys

	mu     sync.Mutex
	now    time.Time
	status delegation.Status
	broken error // of the status source
	asked  int   // status queries
}

func newWorld(t testing.TB, alg keys.Algorithm) *world {
	t.Helper()
	w := &world{t: t, alg: alg, docs: verifier.StaticKeys{}, signers: map[string]*keys.Signer{}, now: epoch,
		policy: verifier.IssuerMap{bankDID: {annDID}}}
	w.key(bankDID, "issue", keys.IssueAuthorization)
	w.key(bankDID, "status", keys.Status)
	w.key(agentDID, "k1", keys.AgentRequest)
	w.key(agentDID, "k2", keys.AgentRequest)
	w.key(agent2DID, "k1", keys.AgentRequest)
	w.key(pspDID, "proof", keys.Proof)
	w.key(shopDID, "sell", keys.Seller)
	w.key(shop2DID, "sell", keys.Seller)
	w.v = w.verifier(func(*verifier.Config) {})
	return w
}

func (w *world) verifier(change func(*verifier.Config)) *verifier.Verifier {
	w.t.Helper()
	c := verifier.Config{Issuers: w.policy, Keys: w.docs, Status: w, Replay: verifier.NewMemoryReplay(0, w.clock), Now: w.clock}
	change(&c)
	v, err := verifier.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Status implements verifier.StatusSource.
func (w *world) Status(_ context.Context, _ delegation.StatusReference, _ string, _ time.Time) (delegation.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.status, w.broken
}

func parseDID(t testing.TB, s string) identity.DID {
	t.Helper()
	d, err := identity.ParseDID(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// key makes a key and puts it into its owner's document.
func (w *world) key(did, fragment string, purpose keys.Purpose) *keys.Signer {
	w.t.Helper()
	s := w.signer(did+"#"+fragment, purpose)
	id := parseDID(w.t, did)
	if w.docs[id] == nil {
		w.docs[id] = &identity.Document{ID: id}
	}
	w.docs[id].Keys = append(w.docs[id].Keys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: purpose})
	w.signers[s.KeyID()] = s
	return s
}

// edit changes the entry of a key in its document.
func (w *world) edit(keyID string, change func(*identity.Key)) {
	w.t.Helper()
	for _, doc := range w.docs {
		for i := range doc.Keys {
			if doc.Keys[i].ID == keyID {
				change(&doc.Keys[i])
				return
			}
		}
	}
	w.t.Fatalf("no key %s", keyID)
}

// signer makes a key that is in no document.
func (w *world) signer(keyID string, purpose keys.Purpose) *keys.Signer {
	w.t.Helper()
	private, err := keys.Generate(w.alg)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.alg == keys.EdDSA { // the same in every process, for the fuzzer's workers
		w.made++
		seed := sha256.Sum256(fmt.Append(nil, keyID, w.made))
		private = ed25519.NewKeyFromSeed(seed[:])
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func amount(t testing.TB, text string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency("CNY")
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(text, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// authorization is Ann's: up to 20 yuan at the coffee shop, within the hour.
func authorization() *delegation.Authorization {
	return &delegation.Authorization{
		DelegationID: "urn:uuid:7b0c2f1e-0d1c-4b7a-9a55-1f1f6f1c1d11", IntentID: "intent-1", DelegatorIdentity: annDID, AgentID: agentDID,
		DelegationMode: delegation.Specified, ValidityStart: epoch, ValidityEnd: epoch.Add(time.Hour),
		MaxTotalAmount: "20", Currency: "CNY", AllowedPaymentMethods: []string{methodURN},
		UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: epoch,
		Ext: &delegation.Ext{Commerce: &delegation.Commerce{
			MaxSingleAmount: "20", AllowedMerchants: []string{shopDID}, AllowedCategories: []string{"food/drink"},
		}},
	}
}

func (w *world) claims(a *delegation.Authorization) delegation.Claims {
	return delegation.NewClaims(a, bankDID, pspDID, w.signers[agentDID+"#k1"].Public(),
		&delegation.StatusReference{Index: 3, URI: listURI}, epoch)
}

func (w *world) issue(c delegation.Claims) []byte {
	w.t.Helper()
	raw, err := delegation.Issue(w.signers[bankDID+"#issue"], c)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// mandate is a good one.
func (w *world) mandate() []byte { return w.issue(w.claims(authorization())) }

// payload returns the payload of a good mandate, for forgers.
func (w *world) payload() string {
	w.t.Helper()
	m, err := delegation.ParseMandate(w.mandate())
	if err != nil {
		w.t.Fatal(err)
	}
	return string(m.Payload())
}

// token signs any header and payload, however wrong, with a key.
func (w *world) token(s *keys.Signer, header, payload string) []byte {
	w.t.Helper()
	enc := base64.RawURLEncoding
	input := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(payload))
	sig, err := s.Sign(s.Purpose(), []byte(input))
	if err != nil {
		w.t.Fatal(err)
	}
	return []byte(input + "." + enc.EncodeToString(sig))
}

func (w *world) header(keyID string) string {
	return `{"alg":"` + string(w.alg) + `","kid":"` + keyID + `","typ":"vc+jwt"}`
}

func (w *world) order() commerce.Order {
	return commerce.Order{
		MerchantID: shopDID, BuyerAgentID: agentDID, IssuedAt: w.clock(), Expires: w.clock().Add(10 * time.Minute),
		MerchantOrderID: "order-1", RequestID: "cart-1", IntentID: "intent-1",
		DelegationID: authorization().DelegationID, PSPID: pspDID, PaymentMethod: methodURN,
		Items: []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food/drink/coffee",
			UnitPrice: amount(w.t, "18.00"), Quantity: 1}},
		Amount: amount(w.t, "18.00"), DeliverBy: w.clock().Add(30 * time.Minute),
	}
}

func (w *world) signOrder(o commerce.Order) string {
	w.t.Helper()
	raw, err := commerce.SignOrder(w.signers[o.MerchantID+"#sell"], o)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

func (w *world) bill() payment.Bill {
	print, err := payment.Fingerprint("GET", "https://shop.example/report", "", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return payment.Bill{
		MethodID: methodID, MethodVersion: payment.MethodVersion, OutTradeNo: "trade-1", ResourceID: "report-7",
		Amount: amount(w.t, "0.50"), PayBefore: w.clock().Add(10 * time.Minute), SellerID: shopDID,
		RequestMethod: "GET", RequestFingerprint: print, ReplayWindow: 10 * time.Minute,
		PSPID: pspDID, Endpoint: "https://psp.example/act", Category: "food/drink",
	}
}

func (w *world) signBill(b payment.Bill) string {
	w.t.Helper()
	header, err := payment.SignBill(w.signers[b.SellerID+"#sell"], b)
	if err != nil {
		w.t.Fatal(err)
	}
	return header
}

// request is a good request for directed payment.
func (w *world) request() payment.Request {
	return payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: "pay-1", Nonce: canon.Nonce(), Timestamp: w.clock(),
		PSPID: pspDID, BuyerAgentID: agentDID, MerchantID: shopDID, DelegationID: authorization().DelegationID,
		IAC: string(w.mandate()), MerchantOrderID: "order-1", Amount: amount(w.t, "18.00"),
		PaymentMethod: methodURN, PaymentToken: "token-1", Order: w.signOrder(w.order()),
	}
}

func (w *world) signRequest(q payment.Request) []byte {
	w.t.Helper()
	raw, err := payment.SignRequest(w.signers[q.BuyerAgentID+"#k1"], q)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// pay does what a provider does.
func (w *world) pay(raw []byte) (*verifier.AuthorizedPayment, error) {
	ctx := context.Background()
	r, err := w.v.PaymentRequest(ctx, raw, verifier.PaymentExpectation{PSP: pspDID})
	if err != nil {
		return nil, err
	}
	if err := r.UseNonce(ctx); err != nil {
		return nil, err
	}
	return r.Authorize(ctx)
}

// replaceOnce is for forgers: the text must be there exactly once.
func replaceOnce(t testing.TB, s, old, new string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%q is %d times in the payload", old, strings.Count(s, old))
	}
	return strings.Replace(s, old, new, 1)
}

// noLeak checks that an error repeats nothing of what was sent.
func noLeak(t testing.TB, err error) {
	t.Helper()
	for _, secret := range []string{"did:act:", "did:key:z", "agents.example", "shop.example", "intent-1", "token-1", "order-1", "bank.example", "7b0c2f1e"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats input: %v", err)
		}
		for _, c := range protocol.AsError(err).Checks {
			if strings.Contains(c.Detail+c.Field+c.Name, secret) {
				t.Errorf("a check repeats input: %+v", c)
			}
		}
	}
}

// negateS returns the other valid signature with the same r: s becomes n-s.
func negateS(sig []byte) []byte {
	n := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(sig[32:])
	return append(append([]byte{}, sig[:32]...), s.Sub(n, s).FillBytes(make([]byte, 32))...)
}
