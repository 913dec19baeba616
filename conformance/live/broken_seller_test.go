package live_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// wrong says what a stall gets wrong.
type wrong struct {
	twice      bool // delivers as often as it is asked
	anyOrder   bool // takes a proof for whatever it was made
	anyBuyer   bool // does not look at who presents a proof
	anyTime    bool // takes a proof whose time is over
	alone      bool // does not ask the provider
	optimist   bool // delivers when the provider does not answer
	unsigned   bool // bills with a signature that is none
	onePrice   bool // believes what a cart says
	forgetsKey bool // makes a fingerprint without the body
}

// A stall is a seller that was written by hand in an afternoon: the least that
// sells one thing by GET, one by POST, and by cart.
type stall struct {
	wrong
	origin   string
	signer   *keys.Signer
	psp      string
	endpoint string
	client   *psp.Client
	resolver *verifier.Resolver

	mu      sync.Mutex
	bills   map[string]payment.Bill
	answers map[string]string // by out_trade_no
	made    int
}

// testStall starts a stall and returns the scenario for it.
func testStall(t *testing.T, w wrong) *live.Scenario {
	t.Helper()
	local := localTLS(t)
	at := site(t, local)
	s := serve(t, local, "stall", keys.Seller)
	pspDID, err := identity.NewActDID(at.Host, "psp")
	x := &stall{
		wrong: w, origin: "https://" + s.host, signer: s.signer, psp: must(t, pspDID, err).String(), endpoint: "https://" + at.Host + "/psp",
		bills: map[string]payment.Bill{}, answers: map[string]string{},
		resolver: verifier.NewResolver(verifier.ResolverConfig{RootCAs: local.Roots, InsecureAllowLoopback: true}),
	}
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: x.resolver})
	v, err2 := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{}, Keys: x.resolver, Status: must(t, status, err), Replay: forgetful{}})
	x.client, err = psp.New(psp.Config{
		ID: x.psp, Endpoint: x.endpoint, Signer: s.signer, Verifier: must(t, v, err2), Timeout: 5 * time.Second,
		HTTP: verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: local.Roots, InsecureAllowLoopback: true, Timeout: 5 * time.Second}),
	})
	must(t, x.client, err)
	for _, pattern := range []string{"GET /report", "GET /map", "POST /print"} {
		s.mux.Handle(pattern, x)
	}
	s.mux.HandleFunc("GET /catalogue", func(w http.ResponseWriter, _ *http.Request) {
		c := commerce.Catalogue{MerchantID: s.did.String(), AsOf: time.Now(), Items: []commerce.Item{{ID: "latte", Name: "Latte", Category: "food", Price: money.MustParse("18.00", "CNY"), Delivery: time.Hour}}}
		data, _ := c.Encode()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data)
	})
	s.mux.HandleFunc("POST /carts", x.cart)
	return &live.Scenario{Site: at, Seller: &live.SellerScenario{
		ID: s.did.String(), Base: x.origin, Method: method, Safe: &live.Resource{Path: "/report"}, Other: &live.Resource{Path: "/map"}, Unsafe: &live.Resource{Path: "/print"},
		Items: &live.Items{Plain: "latte"},
	}}
}

func (s *stall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header, err := payment.Header(r.Header, payment.HeaderProof)
	if header == "" || err != nil {
		s.refuse(w, r, body, protocol.New(protocol.CodeMalformed, "", "", ""), err != nil)
		return
	}
	claims, err := s.check(r, body, header)
	if err != nil {
		s.refuse(w, r, body, protocol.AsError(err), true)
		return
	}
	answer, err := s.deliver(r.Context(), r, claims)
	if err != nil {
		if protocol.AsError(err).Code.Outcome() == protocol.Undetermined {
			s.validate(w, claims, payment.ValidationUnknown, protocol.AsError(err).Code)
			w.Header().Set("Retry-After", "1")
			s.problem(w, http.StatusServiceUnavailable, protocol.AsError(err).Code)
			return
		}
		s.refuse(w, r, body, protocol.AsError(err), true)
		return
	}
	s.validate(w, claims, payment.ValidationValid, "")
	_, _ = io.WriteString(w, answer)
}

// refuse answers with 402 and a new bill.
func (s *stall) refuse(w http.ResponseWriter, r *http.Request, body []byte, e *protocol.Error, presented bool) {
	header, err := payment.SignBill(s.signer, s.bill(r, body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if s.unsigned {
		other, _ := keys.Generate(keys.EdDSA)
		signer, _ := keys.NewSigner(s.signer.KeyID(), keys.Seller, other)
		header, _ = payment.SignBill(signer, s.bill(r, body))
	}
	w.Header().Set(payment.HeaderNeeded, header)
	if presented {
		s.problem(w, http.StatusPaymentRequired, e.Code)
		return
	}
	w.WriteHeader(http.StatusPaymentRequired)
}

func (s *stall) problem(w http.ResponseWriter, status int, code protocol.Code) {
	text, _ := canon.Marshal(map[string]any{"error": map[string]any{"code": code, "outcome": code.Outcome().String()}})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func (s *stall) validate(w http.ResponseWriter, c *payment.ProofClaims, status payment.ValidationStatus, code protocol.Code) {
	v := payment.Validation{
		MethodID: c.MethodID, MethodVersion: payment.MethodVersion, OutTradeNo: c.OutTradeNo, ResourceID: c.ResourceID, TradeNo: c.TradeNo,
		RequestFingerprint: c.RequestFingerprint, Status: status, Delivery: payment.DeliveryDelivered, Fulfillment: payment.FulfillmentPending,
		State: payment.StateWaitBuyerReceipt, ValidatedAt: time.Now(), PSPID: s.psp,
	}
	if status != payment.ValidationValid {
		e := payment.A402ErrorFor(code)
		v.Error, v.Delivery, v.Fulfillment, v.State = &e, payment.DeliveryNotStarted, payment.FulfillmentNotConfirmed, payment.StateWaitSellerFulfillment
	}
	if header, err := v.EncodeHeader(); err == nil {
		w.Header().Set(payment.HeaderValidation, header)
	}
}

func (s *stall) fingerprint(r *http.Request, body []byte) canon.Digest {
	if s.forgetsKey {
		body = nil
	}
	f, _ := payment.Fingerprint(r.Method, s.origin+r.URL.RequestURI(), r.Header.Get("Content-Type"), body)
	return f
}

func (s *stall) bill(r *http.Request, body []byte) payment.Bill {
	b := payment.Bill{
		MethodID: "act:payment/conformance", MethodVersion: payment.MethodVersion, OutTradeNo: "out-" + canon.UUID(), ResourceID: r.URL.Path,
		Amount: money.MustParse("18.00", "CNY"), PayBefore: time.Now().Add(10 * time.Minute).Truncate(time.Second), SellerID: s.signer.DID(),
		RequestMethod: r.Method, RequestFingerprint: s.fingerprint(r, body), ReplayWindow: 24 * time.Hour, PSPID: s.psp, Endpoint: s.endpoint, Category: "data",
	}
	if r.Method == http.MethodPost {
		if b.IdempotencyKey = r.Header.Get("Idempotency-Key"); b.IdempotencyKey == "" {
			b.IdempotencyKey = canon.UUID()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bills[b.OutTradeNo] = b
	return b
}

// check judges a proof as far as the stall does.
func (s *stall) check(r *http.Request, body []byte, header string) (*payment.ProofClaims, error) {
	outer, err := payment.ParseProof(header)
	if err != nil {
		return nil, err
	}
	u, err := payment.ParseProofClaims(outer.Proof.PaymentProof)
	if err != nil {
		return nil, err
	}
	c := &u.Claims
	bad := func(code protocol.Code) error { return protocol.New(code, "", "", "") }
	key, err := s.resolver.Key(r.Context(), u.KeyID(), keys.Proof, time.Now())
	if err != nil || u.SignerDID() != s.psp || u.Verify(key) != nil {
		return nil, bad(protocol.CodeProofInvalid)
	}
	if !s.anyTime && !time.Now().Before(c.Expires) {
		return nil, bad(protocol.CodeProofExpired)
	}
	s.mu.Lock()
	b, known := s.bills[c.OutTradeNo]
	s.mu.Unlock()
	if !s.anyOrder && (!known || b.ResourceID != r.URL.Path || b.Amount.String() != c.Amount.String() || b.RequestFingerprint != s.fingerprint(r, body)) {
		return nil, bad(protocol.CodeProofMismatch)
	}
	if s.anyBuyer {
		return c, nil
	}
	sig, err := httpsig.ParseFor(r, body, s.origin[len("https://"):])
	if err != nil {
		return nil, err
	}
	by, err := s.resolver.Key(r.Context(), sig.Params().KeyID, keys.AgentRequest, time.Now())
	if err != nil || sig.Verify(by) != nil {
		return nil, bad(protocol.CodeSignatureInvalid)
	}
	if by.Thumbprint() != c.Thumbprint {
		return nil, bad(protocol.CodeProofMismatch)
	}
	if !sig.Covers("payment-proof") {
		return nil, bad(protocol.CodeFieldMissing)
	}
	return c, sig.Check(time.Now())
}

// deliver has the proof consumed and makes the goods once.
func (s *stall) deliver(ctx context.Context, r *http.Request, c *payment.ProofClaims) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.answers[c.OutTradeNo]; ok && !s.twice {
		return kept, nil
	}
	if !s.alone {
		proof, err := payment.ParseProof(r.Header.Get(payment.HeaderProof))
		if err != nil {
			return "", err
		}
		result, err := s.client.Consume(ctx, proof.Proof.PaymentProof, "consumer-"+c.OutTradeNo)
		switch {
		case err != nil && s.optimist && protocol.AsError(err).Code.Outcome() == protocol.Undetermined:
		case err != nil:
			return "", err
		case result.TradeState == payment.StateTradeClosed:
			return "", protocol.New(protocol.CodeProofInvalid, "", "", "")
		}
	}
	s.made++
	s.answers[c.OutTradeNo] = fmt.Sprint("copy ", s.made)
	return s.answers[c.OutTradeNo], nil
}

// cart confirms a cart at the price of the catalogue, or of the cart.
func (s *stall) cart(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u, err := commerce.ParseCartRequest(body)
	if err != nil {
		s.problem(w, http.StatusBadRequest, protocol.AsError(err).Code)
		return
	}
	c := u.Request
	price := c.Items[0].UnitPrice
	if price.String() != "18.00" && !s.onePrice {
		s.problem(w, http.StatusConflict, protocol.CodePriceChanged)
		return
	}
	now := time.Now().UTC().Truncate(time.Second)
	token, err := commerce.SignOrder(s.signer, commerce.Order{
		MerchantID: c.MerchantID, BuyerAgentID: c.BuyerAgentID, IssuedAt: now, Expires: now.Add(time.Minute), MerchantOrderID: canon.UUID(), RequestID: c.RequestID,
		IntentID: c.IntentID, PSPID: c.PSPID, PaymentMethod: c.PaymentMethod, Amount: c.Amount, DeliverBy: now.Add(time.Hour),
		Items: []commerce.OrderLine{{ItemID: c.Items[0].ItemID, Name: "Latte", Category: "food", UnitPrice: price, Quantity: c.Items[0].Quantity}},
	})
	if err != nil {
		s.problem(w, http.StatusBadRequest, protocol.AsError(err).Code)
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	_, _ = w.Write(token)
}

// Each defect of a seller is noticed by the checks that should notice it, and by
// none of them when it is not there.
func TestBrokenSeller(t *testing.T) {
	for _, test := range []struct {
		name   string
		wrong  wrong
		notice []string
	}{
		{"delivers twice", wrong{twice: true}, []string{"delivery/001", "delivery/002", "delivery/004"}},
		{"accepts another order's proof", wrong{anyOrder: true}, []string{"proof/010", "proof/014", "proof/016", "proof/017", "proof/018", "proof/019"}},
		{"accepts anybody's proof", wrong{anyBuyer: true}, []string{"proof/020", "proof/021", "proof/022", "proof/023", "delivery/011"}},
		{"accepts expired proofs", wrong{anyTime: true}, []string{"proof/013"}},
		{"does not ask the provider", wrong{alone: true}, []string{"proof/003", "refusal/002", "refusal/003", "refusal/004"}},
		{"delivers while the provider does not answer", wrong{optimist: true}, []string{"refusal/004", "refusal/005"}},
		{"bills without a signature", wrong{unsigned: true}, []string{"bill/001", "bill/002"}},
		{"trusts the agent's sum", wrong{onePrice: true}, []string{"cart/003", "cart/004"}},
		{"does not bind the body", wrong{forgetsKey: true}, []string{"bill/005", "proof/017"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			caught(t, testStall(t, test.wrong), prefixed("live/seller/", test.notice), nil)
			t.Run("and is not found where it is not", func(t *testing.T) {
				caught(t, testStall(t, wrong{}), nil, prefixed("live/seller/", test.notice))
			})
		})
	}
}
