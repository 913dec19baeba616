package merchant_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// A till is a World with one paid resource, and the means to pay by hand, so
// that tests can present proofs that no honest agent would.
type till struct {
	*acttest.World
	t       testing.TB
	mandate string
	id      string // delegation id
	psp     *psp.Client
	served  atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
}

const (
	answerText = "forty-two"
	reportPath = "/report?year=2026"
)

func newTill(t testing.TB, o acttest.Options) *till {
	t.Helper()
	l := &till{World: acttest.NewWorldWith(t, o), t: t}
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", "handler")
		_, _ = io.WriteString(w, answerText)
	})
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.served.Add(1)
		(*l.handler.Load())(w, r)
	})
	offer := merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "2.50")}
	l.Sell("/report", offer, serve)
	l.Sell("/other", merchant.Offer{Resource: "other-1", Category: "data/report", Price: acttest.CNY(t, "2.50")}, serve)
	raw := l.Issue(t, nil)
	parsed, err := delegation.ParseMandate(raw)
	must(t, err)
	l.mandate, l.id = string(raw), parsed.Claims().ID
	l.psp, err = psp.New(psp.Config{
		ID: acttest.PSPDID, Endpoint: l.PSP.Server.URL, Signer: l.Buyer.Signer(keys.AgentRequest),
		Verifier: l.Verifier, HTTP: l.PSP.Server.Client(), Now: l.Clock.Now,
	})
	must(t, err)
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *till) handle(f http.HandlerFunc) { l.handler.Store(&f) }

// A reply is an answer that has been read.
type reply struct {
	status     int
	header     http.Header
	body       string
	bill       *payment.UnverifiedBill
	validation *payment.Validation
}

func (l *till) request(method, path, body string, edit ...func(*http.Request)) *http.Request {
	l.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, l.URL+path, r)
	must(l.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range edit {
		f(req)
	}
	return req
}

func (l *till) do(req *http.Request) reply {
	l.t.Helper()
	resp, err := l.Client.Do(req)
	must(l.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(l.t, err)
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if h := resp.Header.Get(payment.HeaderNeeded); h != "" {
		out.bill, err = payment.ParseBill(h)
		must(l.t, err)
		must(l.t, out.bill.Verify(l.Seller.Signer(keys.Seller).Public()))
	}
	if h := resp.Header.Get(payment.HeaderValidation); h != "" {
		v, err := payment.ParseValidation(h)
		must(l.t, err)
		must(l.t, v.CheckProfile())
		out.validation = &v.Validation
	}
	return out
}

// pay pays a bill as it stands and returns the proof.
func (l *till) pay(bill *payment.UnverifiedBill) string {
	l.t.Helper()
	b := bill.Bill
	result, err := l.psp.Pay(context.Background(), payment.Request{
		Scenario: payment.ScenarioAUP, RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID,
		MerchantID: b.SellerID, DelegationID: l.id, IAC: l.mandate, MerchantOrderID: b.OutTradeNo, Amount: b.Amount,
		PaymentMethod: acttest.Method, PaymentToken: l.PSP.Token, Bill: bill.Header(),
	})
	must(l.t, err)
	return result.PaymentProof
}

// proven adds a proof and signs the request with a key.
func (l *till) proven(proof string, s *keys.Signer) func(*http.Request) {
	return func(req *http.Request) {
		l.t.Helper()
		claims, err := payment.ParseProofClaims(proof)
		must(l.t, err)
		header, err := claims.Proof().EncodeHeader()
		must(l.t, err)
		req.Header.Set(payment.HeaderProof, header)
		l.sign(req, s)
	}
}

func (l *till) sign(req *http.Request, s *keys.Signer) {
	l.t.Helper()
	var body []byte
	if req.GetBody != nil {
		r, err := req.GetBody()
		must(l.t, err)
		body, err = io.ReadAll(r)
		must(l.t, err)
	}
	must(l.t, httpsig.Sign(req, body, s, l.Clock.Now(), time.Minute, "payment-proof"))
}

func (l *till) buyer() *keys.Signer { return l.Buyer.Signer(keys.AgentRequest) }

// wantServed checks how often the paid handler has run.
func (l *till) wantServed(n int64) {
	l.t.Helper()
	if got := l.served.Load(); got != n {
		l.t.Fatalf("the handler ran %d times, want %d", got, n)
	}
}

func (r reply) want(t testing.TB, status int, v payment.ValidationStatus, d payment.DeliveryStatus) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if v == "" {
		if r.validation != nil {
			t.Fatalf("validation %+v, want none", r.validation)
		}
		return
	}
	if r.validation == nil || r.validation.Status != v || r.validation.Delivery != d {
		t.Fatalf("validation %+v, want %s and %s", r.validation, v, d)
	}
}

func TestPaywallBills(t *testing.T) {
	l := newTill(t, acttest.Options{})
	t.Run("PSD-PAY-A402-02 PSD-PAY-A402-20 a request without proof is billed", func(t *testing.T) {
		got := l.do(l.request("GET", reportPath, ""))
		got.want(t, http.StatusPaymentRequired, "", "")
		want, err := payment.Fingerprint("GET", l.URL+reportPath, "", nil)
		must(t, err)
		b := got.bill.Bill
		if b.RequestFingerprint != want || b.ResourceID != "report-7" || b.Amount != acttest.CNY(t, "2.50") ||
			b.SellerID != acttest.ShopDID || b.PSPID != acttest.PSPDID || b.Category != "data/report" || b.IdempotencyKey != "" ||
			!b.PayBefore.Equal(acttest.Start.Add(10*time.Minute)) || b.MethodID != "act:payment/test-wallet" {
			t.Fatalf("bill %+v", b)
		}
		if got.header.Get("Cache-Control") != "no-store" {
			t.Fatal("a bill may be cached")
		}
	})
	t.Run("PSD-PAY-A402-01 PSD-PAY-A402-14 each bill has a number of its own", func(t *testing.T) {
		seen := map[string]bool{}
		for range 20 {
			no := l.do(l.request("GET", reportPath, "")).bill.Bill.OutTradeNo
			if seen[no] {
				t.Fatal("a number was used twice")
			}
			seen[no] = true
		}
	})
	t.Run("PSD-PAY-A402-16 a method that changes something has an idempotency key", func(t *testing.T) {
		if l.do(l.request("POST", "/report", "{}")).bill.Bill.IdempotencyKey == "" {
			t.Fatal("no key was made")
		}
		keyed := func(r *http.Request) { r.Header.Set("Idempotency-Key", "order-1") }
		if got := l.do(l.request("POST", "/report", "{}", keyed)).bill.Bill.IdempotencyKey; got != "order-1" {
			t.Fatalf("key %q", got)
		}
		if got := l.do(l.request("GET", "/report", "", keyed)).bill.Bill.IdempotencyKey; got != "" {
			t.Fatalf("key %q for GET", got)
		}
		bad := func(r *http.Request) { r.Header.Set("Idempotency-Key", "two words") }
		l.do(l.request("POST", "/report", "{}", bad)).want(t, http.StatusBadRequest, "", "")
		twice := func(r *http.Request) { r.Header["Idempotency-Key"] = []string{"a", "b"} }
		l.do(l.request("POST", "/report", "{}", twice)).want(t, http.StatusBadRequest, "", "")
	})
	t.Run("forwarding headers and Host are not trusted", func(t *testing.T) {
		want := l.do(l.request("GET", reportPath, "")).bill.Bill.RequestFingerprint
		got := l.do(l.request("GET", reportPath, "", func(r *http.Request) {
			r.Host = "evil.test"
			r.Header.Set("X-Forwarded-Host", "evil.test")
			r.Header.Set("X-Forwarded-Proto", "http")
			r.Header.Set("Forwarded", "host=evil.test")
		})).bill.Bill.RequestFingerprint
		if got != want {
			t.Fatal("a header of the request changed the origin")
		}
	})
	t.Run("a body over the limit is refused", func(t *testing.T) {
		l.do(l.request("POST", "/report", strings.Repeat("x", 1<<20+1))).want(t, http.StatusRequestEntityTooLarge, "", "")
	})
	l.wantServed(0)
}

// TestOfferCheck: what Check passes can be billed, and what it refuses stops the
// program at its start.
func TestOfferCheck(t *testing.T) {
	l := newTill(t, acttest.Options{})
	good := merchant.Offer{Resource: strings.Repeat("r", 256), Category: "data/" + strings.Repeat("c", 200), Price: money.MustParse("9223372036854775807", "JPY")}
	for name, c := range map[string]struct {
		change func(*merchant.Offer)
		field  string
	}{
		"good":                 {func(*merchant.Offer) {}, ""},
		"no resource":          {func(o *merchant.Offer) { o.Resource = "" }, "resource"},
		"resource with spaces": {func(o *merchant.Offer) { o.Resource = "a b" }, "resource"},
		"resource too long":    {func(o *merchant.Offer) { o.Resource += "r" }, "resource"},
		"no category":          {func(o *merchant.Offer) { o.Category = "" }, "category"},
		"empty segment":        {func(o *merchant.Offer) { o.Category = "data//report" }, "category"},
		"no price":             {func(o *merchant.Offer) { o.Price = money.Amount{} }, "price"},
		"price of nothing":     {func(o *merchant.Offer) { o.Price = money.MustParse("0", "CNY") }, "price"},
	} {
		t.Run("PSD-PAY-A402-01 "+name, func(t *testing.T) {
			o := good
			c.change(&o)
			defer func() {
				err, _ := recover().(error)
				if field := o.Check(); c.field != "" && (err == nil || err.Error() != field.Error() || protocol.AsError(err).Field != c.field) {
					t.Errorf("recovered %v, Check says %v, want the field %s", err, field, c.field)
				} else if c.field == "" && (err != nil || field != nil) {
					t.Errorf("refused: %v, %v", err, field)
				}
			}()
			wall := l.Shop.Paywall(o, http.NotFoundHandler())
			w := httptest.NewRecorder()
			wall.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			if w.Code != http.StatusPaymentRequired {
				t.Errorf("passed the check and cannot be billed: %d %s", w.Code, w.Body)
			}
		})
	}
	defer func() {
		if recover() == nil {
			t.Error("a paywall with nothing behind it")
		}
	}()
	l.Shop.Paywall(good, nil)
}

func TestPaywallDelivers(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			l := newTill(t, acttest.Options{Algorithm: alg})
			l.handle(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				must(t, err)
				p, ok := merchant.PurchaseFrom(r.Context())
				if !ok || p.Buyer != acttest.AgentDID || p.Amount != acttest.CNY(t, "2.50") || p.OutTradeNo == "" || p.TradeNo == "" {
					t.Errorf("purchase %+v, %v", p, ok)
				}
				if r.Header.Get(payment.HeaderProof) != "" {
					t.Error("the handler sees the proof")
				}
				w.WriteHeader(http.StatusCreated)
				_, _ = w.Write(append([]byte("echo "), body...))
			})
			bill := l.do(l.request("POST", reportPath, `{"n":1}`)).bill
			proof := l.pay(bill)
			got := l.do(l.request("POST", reportPath, `{"n":1}`, l.proven(proof, l.buyer())))
			got.want(t, http.StatusCreated, payment.ValidationValid, payment.DeliveryDelivered)
			if got.body != `echo {"n":1}` {
				t.Fatalf("PSD-PAY-A402-19: body %q", got.body)
			}
			v := got.validation
			if v.OutTradeNo != bill.Bill.OutTradeNo || v.RequestFingerprint != bill.Bill.RequestFingerprint ||
				v.Fulfillment != payment.FulfillmentPending || v.State != payment.StateWaitBuyerReceipt || v.Error != nil {
				t.Fatalf("PSD-PAY-A402-22: validation %+v", v)
			}
			must(t, l.Shop.Flush(context.Background()))
			if _, confirmed := l.PSP.Trades(); confirmed != 1 {
				t.Fatal("PSD-PAY-A402-10: the provider was not told")
			}
			again := l.do(l.request("POST", reportPath, `{"n":1}`, l.proven(proof, l.buyer())))
			again.want(t, http.StatusCreated, payment.ValidationValid, payment.DeliveryDelivered)
			if again.body != got.body || again.validation.Fulfillment != payment.FulfillmentConfirmed || again.validation.State != payment.StateTradeFinished {
				t.Fatalf("PSD-PAY-A402-15: %q, %+v", again.body, again.validation)
			}
			l.wantServed(1)
		})
	}
}

// TestOneProofOneDelivery presents one proof 200 times at once.
func TestOneProofOneDelivery(t *testing.T) {
	l := newTill(t, acttest.Options{})
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(w, answerText)
	})
	proof := l.pay(l.do(l.request("POST", "/report", "{}")).bill)
	var requests []*http.Request
	for range 200 {
		requests = append(requests, l.request("POST", "/report", "{}", l.proven(proof, l.buyer())))
	}
	var answered atomic.Int64
	var wg sync.WaitGroup
	for _, req := range requests {
		wg.Go(func() {
			resp, err := l.Client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == http.StatusOK && string(body) == answerText {
				answered.Add(1)
			} else {
				t.Errorf("%s %s", resp.Status, body)
			}
		})
	}
	wg.Wait()
	l.wantServed(1)
	if answered.Load() != 200 {
		t.Fatalf("PSD-PAY-A402-15: %d of 200 got the answer", answered.Load())
	}
	if paid, _ := l.PSP.Trades(); paid != 1 {
		t.Fatalf("%d trades", paid)
	}
}

func TestPaywallRefuses(t *testing.T) {
	l := newTill(t, acttest.Options{})
	stranger := acttest.NewParty(t, "did:act:agents.test/stranger", keys.AgentRequest)
	l.Directory.Add(stranger)
	second := acttest.NewParty(t, acttest.AgentDID, keys.AgentRequest) // not in the directory
	pay := func() string { return l.pay(l.do(l.request("GET", reportPath, "")).bill) }
	reheader := func(edit func(*payment.Proof)) func(*http.Request) {
		return func(r *http.Request) {
			claims, err := payment.ParseProofClaims(pay())
			must(t, err)
			p := claims.Proof()
			edit(&p)
			header, err := p.EncodeHeader()
			must(t, err)
			r.Header.Set(payment.HeaderProof, header)
			l.sign(r, l.buyer())
		}
	}
	for _, c := range []struct {
		name string
		path string
		edit func(*http.Request)
		code protocol.Code // in Payment-Validation; "" when the proof does not name its trade
	}{
		{"PSD-PAY-A402-03 not a header", reportPath, func(r *http.Request) { r.Header.Set(payment.HeaderProof, "e30") }, ""},
		{"PSD-PAY-A402-03 two headers", reportPath, func(r *http.Request) {
			l.proven(pay(), l.buyer())(r)
			r.Header.Add(payment.HeaderProof, "e30")
		}, ""},
		{"PSD-PAY-A402-08 another resource", "/other", func(r *http.Request) { l.proven(pay(), l.buyer())(r) }, protocol.CodeProofMismatch},
		{"PSD-PAY-A402-16 another query", "/report?year=2025", func(r *http.Request) { l.proven(pay(), l.buyer())(r) }, protocol.CodeProofMismatch},
		{"PSD-PAY-A402-21 another trade outside than inside", reportPath, reheader(func(p *payment.Proof) { p.TradeNo = "another" }), protocol.CodeClaimsConflict},
		{"PSD-PAY-A402-21 another fingerprint outside", reportPath, reheader(func(p *payment.Proof) { p.RequestFingerprint = canon.Sum(nil) }), protocol.CodeClaimsConflict},
		{"PSD-PAY-A402-08 no signature of the buyer", reportPath, func(r *http.Request) {
			l.proven(pay(), l.buyer())(r)
			r.Header.Del("Signature")
			r.Header.Del("Signature-Input")
		}, protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-08 a signature that does not cover the proof", reportPath, func(r *http.Request) {
			l.proven(pay(), l.buyer())(r)
			must(t, httpsig.Sign(r, nil, l.buyer(), l.Clock.Now(), time.Minute))
		}, protocol.CodeFieldMissing},
		{"PSD-PAY-A402-08 presented by a stranger", reportPath, func(r *http.Request) { l.proven(pay(), stranger.Signer(keys.AgentRequest))(r) }, protocol.CodeProofMismatch},
		{"PSD-PAY-A402-08 presented by another key of the buyer's", reportPath, func(r *http.Request) {
			l.proven(pay(), second.Signer(keys.AgentRequest))(r)
		}, protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-07 an old signature of the request", reportPath, func(r *http.Request) {
			l.proven(pay(), l.buyer())(r)
			l.Clock.Advance(2 * time.Minute)
		}, protocol.CodeRequestExpired},
		{"PSD-PAY-A402-07 an expired proof", reportPath, func(r *http.Request) {
			proof := pay()
			l.Clock.Advance(acttest.ProofLife)
			l.proven(proof, l.buyer())(r)
		}, protocol.CodeProofExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := l.do(l.request("GET", c.path, "", c.edit))
			if c.code == "" {
				got.want(t, http.StatusPaymentRequired, "", "")
			} else {
				got.want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
				if code := got.validation.Error.Code(); code != c.code {
					t.Fatalf("code %s, want %s", code, c.code)
				}
				if got.validation.Error.Phase != payment.PhaseProofValidation {
					t.Fatalf("PSD-PAY-A402-23: phase %s", got.validation.Error.Phase)
				}
			}
			if got.bill == nil {
				t.Fatal("PSD-PAY-A402-09: no new bill")
			}
		})
	}
	l.wantServed(0)
}

func TestPaywallRefusesAnotherRequest(t *testing.T) {
	l := newTill(t, acttest.Options{})
	t.Run("PSD-PAY-A402-16 another body", func(t *testing.T) {
		proof := l.pay(l.do(l.request("POST", "/report", `{"n":1}`)).bill)
		l.do(l.request("POST", "/report", `{"n":2}`, l.proven(proof, l.buyer()))).want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
	})
	t.Run("PSD-PAY-A402-16 another idempotency key", func(t *testing.T) {
		key := func(k string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Idempotency-Key", k) }
		}
		proof := l.pay(l.do(l.request("POST", "/report", "{}", key("1"))).bill)
		l.do(l.request("POST", "/report", "{}", key("2"), l.proven(proof, l.buyer()))).want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
	})
	l.wantServed(0)
}

func TestForeignBill(t *testing.T) {
	l := newTill(t, acttest.Options{})
	// The shop's own key signs a bill whose number it never issued: as if the
	// terms had been changed after the number was made.
	good := l.do(l.request("GET", reportPath, "")).bill.Bill
	for name, edit := range map[string]func(*payment.Bill){
		"a cheaper one":         func(b *payment.Bill) { b.Amount = acttest.CNY(t, "0.01") },
		"no number of the shop": func(b *payment.Bill) { b.OutTradeNo = "12345" },
		"another tag":           func(b *payment.Bill) { b.OutTradeNo = b.OutTradeNo[:36] + strings.Repeat("a", 24) },
	} {
		t.Run("PSD-PAY-A402-08 "+name, func(t *testing.T) {
			b := good
			edit(&b)
			header, err := payment.SignBill(l.Seller.Signer(keys.Seller), b)
			must(t, err)
			bill, err := payment.ParseBill(header)
			must(t, err)
			got := l.do(l.request("GET", reportPath, "", l.proven(l.pay(bill), l.buyer())))
			got.want(t, http.StatusPaymentRequired, payment.ValidationInvalid, payment.DeliveryNotStarted)
		})
	}
	l.wantServed(0)
}

func TestPaywallUndecided(t *testing.T) {
	l := newTill(t, acttest.Options{})
	proof := l.pay(l.do(l.request("GET", reportPath, "")).bill)
	undecided := func(t *testing.T) {
		t.Helper()
		got := l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
		got.want(t, http.StatusServiceUnavailable, payment.ValidationUnknown, payment.DeliveryNotStarted)
		if got.bill != nil || got.header.Get("Retry-After") == "" || got.validation.Error == nil {
			t.Fatalf("PSD-PAY-A402-23: bill %v, Retry-After %q", got.bill, got.header.Get("Retry-After"))
		}
	}
	t.Run("keys cannot be fetched", func(t *testing.T) {
		l.Directory.SetDown(true)
		defer l.Directory.SetDown(false)
		undecided(t)
	})
	t.Run("the provider does not answer", func(t *testing.T) {
		l.PSP.Fail("/consumptions", acttest.Unavailable)
		undecided(t)
		l.PSP.Fail("/consumptions", acttest.LoseRequest)
		undecided(t)
	})
	l.wantServed(0)
	t.Run("PSD-PAY-A402-08 an answer that was lost is asked for again", func(t *testing.T) {
		l.PSP.Fail("/consumptions", acttest.LoseAnswer)
		undecided(t)
		l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	})
	l.wantServed(1)
}

func TestPaywallHandlerFails(t *testing.T) {
	fail := func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }
	panics := func(w http.ResponseWriter, r *http.Request) { panic("a bug in the handler") }
	endless := func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte("x"), 1<<16)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	good := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answerText) }
	for name, bad := range map[string]http.HandlerFunc{"5xx": fail, "panic": panics, "too long": endless} {
		t.Run("a safe method may try again after "+name, func(t *testing.T) {
			l := newTill(t, acttest.Options{})
			proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
			l.handle(bad)
			resp, err := l.Client.Do(l.request("GET", "/report", "", l.proven(proof, l.buyer())))
			if name == "panic" {
				if err == nil {
					t.Fatal("the panic did not reach the server")
				}
			} else if must(t, err); resp.StatusCode != http.StatusInternalServerError {
				t.Fatal(resp.Status)
			}
			l.handle(good)
			l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
		})
		t.Run("PSD-PAY-A402-15 an unsafe method is unknown after "+name, func(t *testing.T) {
			l := newTill(t, acttest.Options{})
			bill := l.do(l.request("POST", "/report", "{}")).bill
			proof := l.pay(bill)
			l.handle(bad)
			resp, err := l.Client.Do(l.request("POST", "/report", "{}", l.proven(proof, l.buyer())))
			if err == nil {
				resp.Body.Close()
			}
			l.handle(good)
			served := l.served.Load()
			got := l.do(l.request("POST", "/report", "{}", l.proven(proof, l.buyer())))
			got.want(t, http.StatusServiceUnavailable, payment.ValidationValid, payment.DeliveryUnknown)
			if got.bill != nil {
				t.Fatal("billed anew for what is paid")
			}
			l.wantServed(served)
			must(t, l.Shop.Reopen(context.Background(), bill.Bill.OutTradeNo))
			l.do(l.request("POST", "/report", "{}", l.proven(proof, l.buyer()))).want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
		})
	}
}

func TestBuyerHangsUp(t *testing.T) {
	l := newTill(t, acttest.Options{})
	begun, finish := make(chan struct{}), make(chan struct{})
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		if r.Context().Err() != nil {
			t.Error("the work was cancelled")
		}
		_, _ = io.WriteString(w, answerText)
	})
	proof := l.pay(l.do(l.request("POST", "/report", "{}")).bill)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := l.Client.Do(l.request("POST", "/report", "{}", l.proven(proof, l.buyer())).WithContext(ctx))
		done <- err
	}()
	<-begun
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(finish)
	got := l.do(l.request("POST", "/report", "{}", l.proven(proof, l.buyer())))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
	l.wantServed(1)
}

func TestBearer(t *testing.T) {
	l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) { c.InsecureBearerProofs = true }})
	proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
	got := l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer()), func(r *http.Request) {
		r.Header.Del("Signature")
		r.Header.Del("Signature-Input")
	}))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
}
