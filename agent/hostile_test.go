package agent_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// getSoon is get by a buyer who counts on not being held by a seller when there
// is nothing to wait for.
func (m *market) getSoon(path string) (string, error) {
	m.t.Helper()
	client, begun := m.Buying(), time.Now()
	client.Timeout = 8 * time.Second // so that the test ends
	body, err := read(client.Get(m.URL + path))
	if took := time.Since(begun); took > 4*time.Second {
		m.t.Errorf("the seller held the buyer for %s", took)
	}
	return body, err
}

// billed signs a bill of the shop for a GET of path.
func (m *market) billed(path string, edit func(*payment.Bill)) string {
	m.t.Helper()
	fingerprint, err := payment.Fingerprint("GET", m.URL+path, "", nil)
	must(m.t, err)
	b := payment.Bill{
		MethodID: "act:payment/test-wallet", MethodVersion: payment.MethodVersion, OutTradeNo: canon.UUID(), ResourceID: "r",
		Amount: acttest.CNY(m.t, "1.00"), PayBefore: acttest.Start.Add(time.Minute), SellerID: acttest.ShopDID,
		RequestMethod: "GET", RequestFingerprint: fingerprint, ReplayWindow: time.Minute, PSPID: acttest.PSPDID,
		Endpoint: m.PSP.Server.URL, Category: "data",
	}
	if edit != nil {
		edit(&b)
	}
	header, err := payment.SignBill(m.Seller.Signer(keys.Seller), b)
	must(m.t, err)
	return header
}

// TestBodiesThatNeverEnd: the bodies of answers that nobody wants to read come a
// byte at a time, without end, or grow a thousandfold when they are unpacked.
// The buyer leaves them, pays, and is not held beyond its patience.
func TestBodiesThatNeverEnd(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, ".")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	silent := func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.CopyN(z, zeros{}, 64<<20)
	must(t, err)
	must(t, z.Close())
	bomb := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed.Bytes()) }
	for name, body := range map[string]http.HandlerFunc{"drip": drip, "silent": silent, "bomb": bomb} {
		t.Run("PSD-PAY-A402-04 a bill with "+name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			m.Grant(t, nil)
			bill := m.billed("/hostile", nil)
			m.Serve("/hostile", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(payment.HeaderProof) != "" {
					_, _ = io.WriteString(w, "delivered")
					return
				}
				w.Header().Set(payment.HeaderNeeded, bill)
				if name == "bomb" {
					w.Header().Set("Content-Encoding", "gzip")
				}
				w.WriteHeader(http.StatusPaymentRequired)
				body(w, r)
			}))
			if got, err := m.getSoon("/hostile"); err != nil || got != "delivered" {
				t.Errorf("%q, %v", got, err)
			}
			m.wantPaid(1, 100)
		})
		t.Run("PSD-PAY-A402-23 not now with "+name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Patience = 50 * time.Millisecond }})
			m.Grant(t, nil)
			bill := m.billed("/hostile", nil)
			m.Serve("/hostile", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(payment.HeaderProof) == "" {
					w.Header().Set(payment.HeaderNeeded, bill)
					w.WriteHeader(http.StatusPaymentRequired)
					return
				}
				if name == "bomb" {
					w.Header().Set("Content-Encoding", "gzip")
				}
				w.WriteHeader(http.StatusServiceUnavailable)
				body(w, r)
			}))
			_, err := m.getSoon("/hostile")
			if protocol.CodeOf(err) != protocol.CodeOutcomeUnknown {
				t.Errorf("%v", err)
			}
			m.wantPaid(1, 100)
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestBillsInTheWrongPlace: a bill counts in the header of a 402, and nowhere
// else.
func TestBillsInTheWrongPlace(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, nil)
	for path, serve := range map[string]func(http.ResponseWriter, string){
		"/hint": func(w http.ResponseWriter, bill string) {
			w.Header().Set(payment.HeaderNeeded, bill)
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del(payment.HeaderNeeded)
			w.WriteHeader(http.StatusPaymentRequired)
		},
		"/trailer": func(w http.ResponseWriter, bill string) {
			w.Header().Set("Trailer", payment.HeaderNeeded)
			w.WriteHeader(http.StatusPaymentRequired)
			_, _ = io.WriteString(w, "pay")
			w.Header().Set(payment.HeaderNeeded, bill)
		},
		"/body": func(w http.ResponseWriter, bill string) {
			w.WriteHeader(http.StatusPaymentRequired)
			_, _ = io.WriteString(w, payment.HeaderNeeded+": "+bill)
		},
		"/free": func(w http.ResponseWriter, bill string) { w.Header().Set(payment.HeaderNeeded, bill) },
		"/gone": func(w http.ResponseWriter, bill string) {
			w.Header().Set(payment.HeaderNeeded, bill)
			w.WriteHeader(http.StatusForbidden)
		},
	} {
		bill := m.billed(path, nil)
		m.Serve(path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serve(w, bill) }))
		resp, err := m.Buying().Get(m.URL + path)
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if n := m.PSP.Calls("/payments"); n != 0 {
			t.Fatalf("%s: %d payment requests", path, n)
		}
	}
	two := m.billed("/two", nil)
	m.Serve("/two", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()[payment.HeaderNeeded] = []string{two, m.billed("/two", func(b *payment.Bill) { b.Amount = acttest.CNY(t, "9.00") })}
		w.WriteHeader(http.StatusPaymentRequired)
	}))
	_, err := m.get("/two")
	wantCode(t, err, protocol.CodeMalformed)
	m.wantPaid(0, 0)
}

// TestRelayedBill: somebody in the middle passes on the honest bill of another
// seller, whose money it would be, or asks for the proof of what was bought
// there. The bill is for another address, so it is not paid, and the proof is
// shown to nobody.
func TestRelayedBill(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	m.Grant(t, nil)
	var proofs atomic.Int64
	m.Serve("/relay", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(payment.HeaderProof) != "" {
			proofs.Add(1)
		}
		honest, err := m.Client.Get(m.URL + "/report")
		must(t, err)
		defer honest.Body.Close()
		w.Header().Set(payment.HeaderNeeded, honest.Header.Get(payment.HeaderNeeded))
		w.WriteHeader(http.StatusPaymentRequired)
	}))
	_, err := m.get("/relay")
	wantCode(t, err, protocol.CodeOrderMismatch)
	_, err = m.get("/report")
	must(t, err)
	_, err = m.get("/relay")
	wantCode(t, err, protocol.CodeOrderMismatch)
	m.wantPaid(1, 250)
	if proofs.Load() != 0 {
		t.Fatal("PSD-PAY-A402-06: a proof went to another address")
	}
}

// TestRedirectChainStaysInBounds: what was paid for leads on to the next thing
// to pay for, as http.Client follows redirects. Each is a purchase of its own
// and is judged as one: the chain ends where the mandate does.
func TestRedirectChainStaysInBounds(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	mandate := m.Grant(t, nil)
	price := acttest.CNY(t, "30.00")
	fits := mandate.Bounds().Total().Minor() / price.Minor()
	for i := range 9 {
		here, next := "/chain"+strings.Repeat("x", i), "/chain"+strings.Repeat("x", i+1)
		m.Sell(here, merchant.Offer{Resource: "c" + strings.Repeat("x", i), Category: "data", Price: price}, http.RedirectHandler(next, http.StatusFound))
	}
	_, err := m.get("/chain")
	wantCode(t, err, protocol.CodeTotalLimitExceeded)
	m.wantPaid(int(fits), fits*price.Minor())
}
