package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A market is a World with a paid resource that counts.
type market struct {
	*acttest.World
	t      testing.TB
	served atomic.Int64
}

func newMarket(t testing.TB, o acttest.Options) *market {
	t.Helper()
	m := &market{World: acttest.NewWorldWith(t, o), t: t}
	m.Sell("/report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "2.50")},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.served.Add(1)
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, "report "+string(body))
		}))
	return m
}

func (m *market) get(path string) (string, error) {
	m.t.Helper()
	return read(m.Buying().Get(m.URL + path))
}

func read(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	return string(body), err
}

func wantCode(t testing.TB, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// wantPaid checks the provider's account: the number of trades and what they
// cost, in fen.
func (m *market) wantPaid(trades int, cost int64) {
	m.t.Helper()
	if paid, _ := m.PSP.Trades(); paid != trades || m.PSP.Balance() != acttest.Balance-cost {
		m.t.Fatalf("%d trades for %d, want %d for %d", paid, acttest.Balance-m.PSP.Balance(), trades, cost)
	}
}

func (m *market) wantSpent(mandate agent.Mandate, decimal string) {
	m.t.Helper()
	got, err := m.Agent.Spent(context.Background(), mandate)
	must(m.t, err)
	if got != acttest.CNY(m.t, decimal) {
		m.t.Fatalf("own record %s, want %s", got, decimal)
	}
}

func specified(isr *delegation.ISR) {
	isr.DelegationMode = delegation.Specified
	isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
}

func behavior(b delegation.AgentBehavior) func(*delegation.ISR) {
	return func(isr *delegation.ISR) { isr.Ext = &delegation.Ext{AgentBehavior: &b} }
}

func TestTransportPays(t *testing.T) {
	for name, grant := range map[string]func(*delegation.ISR){
		"PSD-PAY-AUP-01 autonomous, BOUNDED": nil,
		"PSD-PAY-DEL-12 directed, SPECIFIED": specified,
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			mandate := m.Grant(t, grant)
			got, err := m.get("/report")
			must(t, err)
			if got != "report " {
				t.Fatal(got)
			}
			m.wantPaid(1, 250)
			m.wantSpent(mandate, "2.50")
		})
	}
	t.Run("PSD-PAY-A402-06 with a body, each way it may come", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		m.Grant(t, nil)
		for name, body := range map[string]io.Reader{"can be had again": strings.NewReader("abc"), "only once": io.MultiReader(strings.NewReader("abc"))} {
			got, err := read(m.Buying().Post(m.URL+"/report", "text/plain", body))
			must(t, err)
			if got != "report abc" {
				t.Fatalf("%s: %q", name, got)
			}
		}
		m.wantPaid(2, 500)
	})
	t.Run("what costs nothing passes through", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		m.Serve("/free", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
		got, err := read(m.Buying().Post(m.URL+"/free", "text/plain", strings.NewReader("abc")))
		if must(t, err); got != "abc" {
			t.Fatal(got)
		}
		m.Serve("/teapot", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusPaymentRequired) }))
		resp, err := m.Buying().Get(m.URL + "/teapot")
		must(t, err)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusPaymentRequired {
			t.Fatal("PSD-PAY-A402-04: 402 without the header is the answer itself")
		}
	})
}

func TestTransportRefusesBigBodies(t *testing.T) {
	var sent atomic.Int64
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.MaxBody = 10 }})
	m.Serve("/count", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sent.Add(1) }))
	m.Grant(t, nil)
	_, err := m.Buying().Post(m.URL+"/count", "text/plain", io.MultiReader(strings.NewReader("more than ten bytes")))
	wantCode(t, err, protocol.CodeTooLarge)
	if sent.Load() != 0 {
		t.Fatal("sent before it was known that it can be sent again")
	}
	_, err = m.Buying().Post(m.URL+"/report", "text/plain", strings.NewReader("more than ten bytes"))
	wantCode(t, err, protocol.CodeTooLarge)
	m.wantPaid(0, 0)
}

func TestSelfCheck(t *testing.T) {
	commerce := func(c delegation.Commerce) func(*delegation.ISR) {
		return func(isr *delegation.ISR) { isr.Ext = &delegation.Ext{Commerce: &c} }
	}
	for _, c := range []struct {
		name  string
		grant func(*delegation.ISR)
		after func(*market, agent.Mandate)
		code  protocol.Code
	}{
		{"PSD-PAY-AUP-02 total", func(i *delegation.ISR) { i.MaxTotalAmount = "2.49" }, nil, protocol.CodeTotalLimitExceeded},
		{"PSD-PAY-AUP-02 single", commerce(delegation.Commerce{MaxSingleAmount: "2.49"}), nil, protocol.CodeSingleLimitExceeded},
		{"PSD-PAY-AUP-02 minimum", commerce(delegation.Commerce{MinSingleAmount: "2.51"}), nil, protocol.CodeBelowMinimum},
		{"PSD-PAY-AUP-02 counterparty", commerce(delegation.Commerce{AllowedMerchants: []string{"did:act:shop.test/other"}}), nil, protocol.CodeMerchantNotAllowed},
		{"PSD-PAY-AUP-02 service type", commerce(delegation.Commerce{AllowedCategories: []string{"data/rep"}}), nil, protocol.CodeCategoryNotAllowed},
		{"PSD-PAY-AUP-02 method", func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{"urn:act:payment:other"} }, nil, protocol.CodeMethodNotAllowed},
		{"PSD-PAY-DEL-01 currency", func(i *delegation.ISR) { i.Currency = "USD" }, nil, protocol.CodeCurrencyMismatch},
		{"PSD-PAY-AUP-02 window", nil, func(m *market, _ agent.Mandate) { m.Clock.Advance(24 * time.Hour) }, protocol.CodeMandateExpired},
		{"PSD-PAY-DEL-01 suspended", nil, func(m *market, a agent.Mandate) { m.Statuses.Set(*a.Claims().Status, delegation.StatusSuspended) }, protocol.CodeMandateSuspended},
		{"PSD-PAY-DEL-01 revoked", nil, func(m *market, a agent.Mandate) { m.Statuses.Set(*a.Claims().Status, delegation.StatusRevoked) }, protocol.CodeMandateRevoked},
		{"PSD-PAY-A402-05 state not known", nil, func(m *market, _ agent.Mandate) { m.Statuses.SetDown(true) }, protocol.CodeStatusUnavailable},
		{"PSD-PAY-A402-05 no mandate", nil, func(m *market, a agent.Mandate) { m.Agent.Wallet().Remove(a.Key()) }, protocol.CodePolicyRefused},
		{"ADD-INT-ICS-15 price moved", behavior(delegation.AgentBehavior{PriceDeviationTolerance: "10"}), func(m *market, _ agent.Mandate) {
			m.Agent.RecordPrice(acttest.ShopDID, "report-7", acttest.CNY(m.t, "2.20"))
		}, protocol.CodePriceDeviation},
		{"ADD-INT-ICS-15 price not known", behavior(delegation.AgentBehavior{PriceDeviationTolerance: "10"}), nil, protocol.CodeFactMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			mandate := m.Grant(t, c.grant)
			if c.after != nil {
				c.after(m, mandate)
			}
			_, err := m.get("/report")
			var e *protocol.Error
			if !errors.As(err, &e) || e.Code != c.code || len(e.Checks) == 0 {
				t.Fatalf("got %v, want %s with its checks", err, c.code)
			}
			if errors.Is(err, protocol.ErrUndetermined) != (c.code.Outcome() == protocol.Undetermined) {
				t.Fatal("denied and undetermined are mixed up")
			}
			if n := m.PSP.Calls("/payments"); n != 0 {
				t.Fatalf("PSD-PAY-DEL-01: %d payment requests were sent", n)
			}
			r := m.Agent.Refusals()
			if len(r) != 1 || r[0].Decision.Allowed() || r[0].Policy != delegation.PauseAndNotify {
				t.Fatalf("CID-CART-CFM-02: refusals %+v", r)
			}
		})
	}
	t.Run("ADD-INT-ICS-15 price within tolerance", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		m.Grant(t, behavior(delegation.AgentBehavior{PriceDeviationTolerance: "10"}))
		m.Agent.RecordPrice(acttest.ShopDID, "report-7", acttest.CNY(t, "2.30"))
		_, err := m.get("/report")
		must(t, err)
	})
	t.Run("the mandate that allows it is taken", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		poor := m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
		rich := m.Grant(t, nil)
		_, err := m.get("/report")
		must(t, err)
		m.wantSpent(poor, "0.00")
		m.wantSpent(rich, "2.50")
	})
}

func TestPolicy(t *testing.T) {
	t.Run("CID-CART-CFM-02 PAUSE_AND_NOTIFY waits for the principal", func(t *testing.T) {
		var m *market
		var asked []agent.Refusal
		m = newMarket(t, acttest.Options{Agent: func(c *agent.Config) {
			c.Refused = func(_ context.Context, r agent.Refusal) error {
				asked = append(asked, r)
				m.Grant(t, nil) // the principal gives a wider mandate
				return nil
			}
		}})
		m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
		_, err := m.get("/report")
		must(t, err)
		if len(asked) != 1 || asked[0].Policy != delegation.PauseAndNotify || asked[0].Purchase.Amount != acttest.CNY(t, "2.50") {
			t.Fatalf("asked %+v", asked)
		}
	})
	for name, answer := range map[string]error{"says nothing new": nil, "says no": errors.New("no")} {
		t.Run("CID-CART-CFM-02 the principal "+name, func(t *testing.T) {
			asked := 0
			m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) {
				c.Refused = func(context.Context, agent.Refusal) error { asked++; return answer }
			}})
			m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
			_, err := m.get("/report")
			wantCode(t, err, protocol.CodeTotalLimitExceeded)
			if asked == 0 || asked > 2 {
				t.Fatalf("asked %d times", asked)
			}
			m.wantPaid(0, 0)
		})
	}
	t.Run("CID-CART-CFM-02 AUTO_CANCEL ends it and records why", func(t *testing.T) {
		asked := 0
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) {
			c.Refused = func(context.Context, agent.Refusal) error { asked++; return nil }
		}})
		m.Grant(t, func(i *delegation.ISR) {
			i.MaxTotalAmount = "1"
			behavior(delegation.AgentBehavior{PriceDeviationAction: delegation.AutoCancel})(i)
		})
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeTotalLimitExceeded)
		r := m.Agent.Refusals()
		if asked != 1 || len(r) != 1 || r[0].Policy != delegation.AutoCancel || protocol.CodeOf(r[0].Decision.Err()) != protocol.CodeTotalLimitExceeded {
			t.Fatalf("asked %d, refusals %+v", asked, r)
		}
	})
}

// TestHostileBills lets a seller bill what it likes.
func TestHostileBills(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, nil)
	other := acttest.NewParty(t, "did:act:shop.test/other", keys.Seller)
	wrong := acttest.NewParty(t, "did:act:shop.test/wrong", keys.Proof)
	m.Directory.Add(other)
	m.Directory.Add(wrong)
	var header atomic.Value
	var visits atomic.Int64
	m.Serve("/hostile", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		w.Header().Set(payment.HeaderNeeded, header.Load().(string))
		w.WriteHeader(http.StatusPaymentRequired)
	}))
	fingerprint, err := payment.Fingerprint("GET", m.URL+"/hostile", "", nil)
	must(t, err)
	good := payment.Bill{
		MethodID: "act:payment/test-wallet", MethodVersion: payment.MethodVersion, OutTradeNo: "1", ResourceID: "r",
		Amount: acttest.CNY(t, "1.00"), PayBefore: acttest.Start.Add(time.Minute), SellerID: acttest.ShopDID,
		RequestMethod: "GET", RequestFingerprint: fingerprint, ReplayWindow: time.Minute, PSPID: acttest.PSPDID,
		Endpoint: m.PSP.Server.URL, Category: "data",
	}
	sign := func(edit func(*payment.Bill), s *keys.Signer) string {
		b := good
		edit(&b)
		h, err := payment.SignBill(s, b)
		must(t, err)
		return h
	}
	mine := m.Seller.Signer(keys.Seller)
	for _, c := range []struct {
		name, header string
		code         protocol.Code
	}{
		{"PSD-PAY-A402-16 for another request", sign(func(b *payment.Bill) { b.RequestFingerprint = canon.Sum(nil) }, mine), protocol.CodeOrderMismatch},
		{"PSD-PAY-A402-17 an unknown method", sign(func(b *payment.Bill) { b.MethodID = "act:payment/other" }, mine), protocol.CodeMethodNotAllowed},
		{"PSD-PAY-A402-17 through another provider", sign(func(b *payment.Bill) { b.PSPID = "did:act:psp.test/other" }, mine), protocol.CodeAudienceMismatch},
		{"PSD-PAY-A402-18 too late", sign(func(b *payment.Bill) { b.PayBefore = acttest.Start }, mine), protocol.CodeOrderExpired},
		{"PSD-PAY-A402-20 for another agent", sign(func(b *payment.Bill) { b.BuyerID = "did:act:agents.test/other" }, mine), protocol.CodeAgentMismatch},
		{"PSD-PAY-A402-20 a name that is not the signer's", resign(t, good, other), protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-20 not a header", "e30", protocol.CodeFieldMissing},
		{"PSD-PAY-A402-03 empty", "", protocol.CodeMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			header.Store(c.header)
			visits.Store(0)
			_, err := m.get("/hostile")
			wantCode(t, err, c.code)
			if c.code == protocol.CodeOrderExpired && visits.Load() != 2 {
				t.Fatalf("PSD-PAY-A402-18: %d visits; a new bill is fetched once", visits.Load())
			}
		})
	}
	if n := m.PSP.Calls("/payments"); n != 0 {
		t.Fatalf("%d payment requests were sent", n)
	}
	t.Run("PSD-PAY-A402-23 a seller that takes the money and delivers nothing", func(t *testing.T) {
		header.Store(sign(func(*payment.Bill) {}, mine))
		for range 3 {
			_, err := m.get("/hostile")
			wantCode(t, err, protocol.CodeProofInvalid)
		}
		m.wantPaid(1, 100)
		h, err := m.Spent.History(context.Background(), "", string(fingerprint))
		must(t, err)
		must(t, m.Agent.Abandon(context.Background(), h.Open.RequestID))
		header.Store(sign(func(b *payment.Bill) { b.OutTradeNo = "2" }, mine))
		_, err = m.get("/hostile")
		wantCode(t, err, protocol.CodeProofInvalid)
		m.wantPaid(2, 200)
	})
}

// resign makes a bill in the name of one seller with the key of another.
func resign(t *testing.T, b payment.Bill, forger *acttest.Party) string {
	t.Helper()
	b.SellerID = forger.DID.String()
	header, err := payment.SignBill(forger.Signer(keys.Seller), b)
	must(t, err)
	raw, err := canon.DecodeBase64(header)
	must(t, err)
	return canon.EncodeBase64([]byte(strings.ReplaceAll(string(raw), b.SellerID, acttest.ShopDID)))
}

func TestRedirectsCarryNoProof(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, nil)
	var seen http.Header
	m.Serve("/elsewhere", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	m.Sell("/moved", merchant.Offer{Resource: "moved", Category: "data", Price: acttest.CNY(t, "1.00")},
		http.RedirectHandler("/elsewhere", http.StatusFound))
	_, err := m.get("/moved")
	must(t, err)
	for _, name := range []string{payment.HeaderProof, "Signature", "Signature-Input"} {
		if seen.Get(name) != "" {
			t.Errorf("%s went to another address", name)
		}
	}
	m.wantPaid(1, 100)
}

func TestPaymentIsNotDoubled(t *testing.T) {
	retry := behavior(delegation.AgentBehavior{OnPaymentFailure: delegation.AutoRetry})
	for _, c := range []struct {
		name   string
		grant  func(*delegation.ISR)
		faults []acttest.Fault
		query  []acttest.Fault
		code   protocol.Code // of the first attempt
	}{
		{"the answer is lost, and asked for", nil, []acttest.Fault{acttest.LoseAnswer}, nil, ""},
		{"the request is lost, and sent again", retry, []acttest.Fault{acttest.LoseRequest}, nil, ""},
		{"refused undecided, and sent again", retry, []acttest.Fault{acttest.Unavailable}, nil, ""},
		{"the request is lost, and the mandate allows no second try", nil, []acttest.Fault{acttest.LoseRequest}, nil, protocol.CodeOutcomeUnknown},
		{"the answer is lost, and so is the next", nil, []acttest.Fault{acttest.LoseAnswer}, []acttest.Fault{acttest.LoseAnswer}, protocol.CodeOutcomeUnknown},
		{"the answer is lost, and nobody can be asked", retry, []acttest.Fault{acttest.LoseAnswer}, []acttest.Fault{acttest.Unavailable}, protocol.CodeOutcomeUnknown},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			mandate := m.Grant(t, c.grant)
			m.PSP.Fail("/payments", c.faults...)
			m.PSP.Fail("/queries", c.query...)
			_, err := m.get("/report")
			if c.code == "" {
				must(t, err)
			} else {
				wantCode(t, err, c.code)
				m.wantSpent(mandate, "2.50") // held until it is known
				calls := m.PSP.Calls("/payments")
				if paid, _ := m.PSP.Trades(); paid == 0 {
					_, err = m.get("/report") // it may still arrive
					wantCode(t, err, protocol.CodeOutcomeUnknown)
					if m.PSP.Calls("/payments") != calls {
						t.Fatal("paid again before the first was resolved")
					}
					m.Clock.Advance(8 * time.Minute) // now it cannot
				}
				_, err = m.get("/report")
				must(t, err)
			}
			m.wantPaid(1, 250)
			m.wantSpent(mandate, "2.50")
			if m.served.Load() != 1 {
				t.Fatalf("delivered %d times", m.served.Load())
			}
		})
	}
	t.Run("PSD-PAY-DEL-10 a refusal gives the headroom back", func(t *testing.T) {
		m := newMarket(t, acttest.Options{Agent: badToken})
		mandate := m.Grant(t, nil)
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeInstrumentInvalid)
		m.wantSpent(mandate, "0.00")
	})
	t.Run("ADD-INT-ICS-15 attempts are counted", func(t *testing.T) {
		one := 1
		m := newMarket(t, acttest.Options{Agent: badToken})
		m.Grant(t, behavior(delegation.AgentBehavior{OnPaymentFailure: delegation.AutoRetry, MaxRetryCount: &one}))
		for _, code := range []protocol.Code{protocol.CodeInstrumentInvalid, protocol.CodeInstrumentInvalid, protocol.CodeRetriesExhausted} {
			_, err := m.get("/report")
			wantCode(t, err, code)
		}
	})
	t.Run("a restarted agent asks about what it had begun", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		mandate := m.Grant(t, nil)
		m.PSP.Fail("/payments", acttest.LoseAnswer)
		m.PSP.Fail("/queries", acttest.LoseRequest)
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		again := m.NewAgent(t, nil)
		_, err = again.Wallet().Add([]byte(mandate.Raw()))
		must(t, err)
		client := &http.Client{Transport: again.Transport(m.Client.Transport)}
		_, err = read(client.Get(m.URL + "/report"))
		must(t, err)
		m.wantPaid(1, 250)
	})
}

func TestProofIsPresentedAgain(t *testing.T) {
	t.Run("PSD-PAY-A402-23 the seller cannot check it now", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		m.Grant(t, nil)
		m.PSP.Fail("/consumptions", acttest.LoseAnswer)
		_, err := m.get("/report")
		must(t, err)
		m.wantPaid(1, 250)
	})
	t.Run("PSD-PAY-A402-23 the patience ends", func(t *testing.T) {
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Patience = time.Millisecond }})
		m.Grant(t, nil)
		m.PSP.Fail("/consumptions", acttest.Unavailable, acttest.Unavailable)
		for range 2 {
			_, err := m.get("/report")
			wantCode(t, err, protocol.CodeOutcomeUnknown)
		}
		_, err := m.get("/report")
		must(t, err)
		m.wantPaid(1, 250)
	})
	t.Run("PSD-PAY-A402-06 not after it has expired", func(t *testing.T) {
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Patience = time.Millisecond }})
		m.Grant(t, nil)
		m.PSP.Fail("/consumptions", acttest.Unavailable)
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		m.Clock.Advance(acttest.ProofLife)
		_, err = m.get("/report")
		wantCode(t, err, protocol.CodeProofExpired)
		m.wantPaid(1, 250)
	})
	t.Run("PSD-PAY-A402-15 the delivery failed and is tried again", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		m.Grant(t, nil)
		var broken atomic.Bool
		broken.Store(true)
		m.Sell("/flaky", merchant.Offer{Resource: "flaky", Category: "data", Price: acttest.CNY(t, "1.00")},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken.Load() {
					w.WriteHeader(http.StatusBadGateway)
				}
			}))
		if _, err := m.get("/flaky"); err == nil || err.Error() != "502 Bad Gateway" {
			t.Fatal(err)
		}
		broken.Store(false)
		_, err := m.get("/flaky")
		must(t, err)
		m.wantPaid(1, 100)
	})
}

// TestLastYuan lets 200 goroutines spend a budget of one report.
func TestLastYuan(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "2.50" })
	client := m.Buying()
	var won, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			req, err := http.NewRequest("POST", m.URL+"/report", bytes.NewReader([]byte{byte('a' + i%5)}))
			if err != nil {
				t.Error(err)
				return
			}
			_, err = read(client.Do(req))
			switch protocol.CodeOf(err) {
			case protocol.CodeTotalLimitExceeded:
				refused.Add(1)
			case "":
				if err != nil {
					t.Error(err)
				}
				won.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || refused.Load() != 199 {
		t.Fatalf("PSD-PAY-DEL-01: %d bought, %d refused", won.Load(), refused.Load())
	}
	m.wantPaid(1, 250)
}

// cancelling is a SpendStore whose caller gives up while it reserves.
type cancelling struct {
	agent.SpendStore
	cancel context.CancelFunc
}

func (c cancelling) Reserve(ctx context.Context, p agent.Payment, l agent.Limits) error {
	defer c.cancel()
	return c.SpendStore.Reserve(ctx, p, l)
}

func TestGivenUpBeforeSending(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Spent = cancelling{c.Spent, cancel} }})
	mandate := m.Grant(t, nil)
	req, err := http.NewRequestWithContext(ctx, "GET", m.URL+"/report", nil)
	must(t, err)
	_, err = m.Agent.Transport(m.Client.Transport).RoundTrip(req)
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if m.PSP.Calls("/payments") != 0 {
		t.Fatal("sent")
	}
	m.wantSpent(mandate, "0.00")
}

func TestSameRequestTwice(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, nil)
	client := m.Buying()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := read(client.Get(m.URL + "/report")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m.wantPaid(4, 1000) // four requests, four purchases
	if m.served.Load() != 4 {
		t.Fatalf("delivered %d times", m.served.Load())
	}
}
