package merchant_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pickyPSP refuses some fulfilments, for a reason that is not final.
type pickyPSP struct {
	merchant.PSP
	mu   sync.Mutex
	told map[string]int
}

func (p *pickyPSP) ConfirmFulfilment(_ context.Context, tradeNo, _ string, at time.Time) (payment.FulfilmentResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[tradeNo]++
	if strings.HasPrefix(tradeNo, "odd") {
		return payment.FulfilmentResult{}, protocol.New(protocol.CodeFieldInvalid, "delivered_at", "PSD-PAY-A402-10", "")
	}
	return payment.FulfilmentResult{TradeNo: tradeNo, TradeState: payment.StateTradeFinished, ConfirmedAt: at}, nil
}

func (*pickyPSP) ID() string { return acttest.PSPDID }

// TestRefusedConfirmationsBlockNobody: deliveries whose confirmation is refused
// again and again, after a jump of the clock for example, stay in the queue, and
// everything younger is confirmed all the same, however many they are.
func TestRefusedConfirmationsBlockNobody(t *testing.T) {
	const odd = 200
	w := acttest.NewWorld(t)
	ctx := context.Background()
	orders := new(merchant.MemoryOrders)
	add := func(tradeNo string, at time.Time) {
		d := merchant.Delivery{
			OutTradeNo: "o-" + tradeNo, TradeNo: tradeNo, Consumer: "o-" + tradeNo, Binding: canon.Sum([]byte(tradeNo)),
			Lease: "l", LeaseUntil: at.Add(time.Minute),
		}
		_, _, err := orders.Claim(ctx, d, at)
		must(t, err)
		must(t, orders.Deliver(ctx, d.OutTradeNo, "l", merchant.Answer{Status: http.StatusOK}, at))
	}
	for i := range odd {
		add("odd-"+strconv.Itoa(i), acttest.Start)
	}
	add("good", acttest.Start.Add(time.Second))
	provider := &pickyPSP{told: make(map[string]int)}
	shop, err := merchant.New(merchant.Config{
		Signer: w.Seller.Signer(keys.Seller), Verifier: w.Verifier, PSP: provider, Orders: orders, Method: acttest.Method,
		Origin: w.URL, BillKey: make([]byte, 32), Now: w.Clock.Now, ConfirmPause: time.Millisecond,
	})
	must(t, err)
	until := time.Now().Add(10 * time.Second)
	for {
		d, err := orders.Delivery(ctx, "o-good")
		must(t, err)
		if d.State == merchant.Confirmed {
			break
		}
		if time.Now().After(until) {
			t.Fatal("PSD-PAY-A402-10: a delivery behind refused ones is never confirmed")
		}
		time.Sleep(5 * time.Millisecond)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := shop.Close(ended); protocol.CodeOf(err) != protocol.CodeServiceUnavailable {
		t.Fatalf("PSD-PAY-A402-10: closed with %v, and %d are not confirmed", err, odd)
	}
	left, err := orders.Unconfirmed(ctx, 2*odd)
	must(t, err)
	if len(left) != odd {
		t.Fatalf("PSD-PAY-A402-10: %d wait, want the %d that were refused", len(left), odd)
	}
	if provider.told["good"] != 1 {
		t.Fatalf("told %d times of one delivery", provider.told["good"])
	}
}

// raw sends bytes over a connection of its own, as no http.Client would, and
// returns everything that comes back.
func (l *till) raw(text string) string {
	l.t.Helper()
	transport := l.Client.Transport.(*http.Transport)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(l.URL, "https://"), &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, NextProtos: []string{"http/1.1"}})
	must(l.t, err)
	defer conn.Close()
	must(l.t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = io.WriteString(conn, text)
	must(l.t, err)
	answer, err := io.ReadAll(conn)
	must(l.t, err)
	return string(answer)
}

// lines writes a header for raw.
func lines(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // a Builder never fails
	return b.String()
}

// TestSpellingsOfATarget presents a proof with every other way to write the
// request it was paid for. Whatever the handler would make of it, it is another
// request: nothing is served, the proof is not used up, and serves its own
// request afterwards.
func TestSpellingsOfATarget(t *testing.T) {
	l := newTill(t, acttest.Options{})
	paid := l.request("GET", reportPath, "")
	proof := l.pay(l.do(paid).bill)
	l.proven(proof, l.buyer())(paid)
	header, host := lines(paid.Header), strings.TrimPrefix(l.URL, "https://")
	for _, c := range []struct{ name, start, host, more string }{
		{"a double slash", "GET //report?year=2026", host, ""},
		{"a dot segment", "GET /./report?year=2026", host, ""},
		{"a way up", "GET /x/../report?year=2026", host, ""},
		{"an encoded letter", "GET /%72eport?year=2026", host, ""},
		{"an encoded dot segment", "GET /%2e/report?year=2026", host, ""},
		{"a path parameter", "GET /report;a=b?year=2026", host, ""},
		{"a slash at the end", "GET /report/?year=2026", host, ""},
		{"another case", "GET /REPORT?year=2026", host, ""},
		{"an encoded query", "GET /report?year=%32026", host, ""},
		{"one more member", "GET /report?year=2026&year=2025", host, ""},
		{"an ampersand at the end", "GET /report?year=2026&", host, ""},
		{"a fragment", "GET /report?year=2026#x", host, ""},
		{"the absolute form", "GET " + l.URL + "/report?year=2026", host, ""},
		{"the absolute form of another host", "GET https://evil.test/report?year=2026", host, ""},
		{"another method", "HEAD /report?year=2026", host, ""},
		{"a method that changes something", "POST /report?year=2026", host, "Content-Length: 0\r\n"},
		{"a method in small letters", "get /report?year=2026", host, ""},
		{"a body", "GET /report?year=2026", host, "Content-Length: 2\r\n"},
		{"a media type", "GET /report?year=2026", host, "Content-Type: text/plain\r\n"},
		{"two proofs", "GET /report?year=2026", host, "Payment-Proof: e30\r\n"},
		{"two signatures", "GET /report?year=2026", host, "Signature: act=:AAAA:\r\n"},
	} {
		t.Run("PSD-PAY-A402-16 "+c.name, func(t *testing.T) {
			answer := l.raw(c.start + " HTTP/1.1\r\nHost: " + c.host + "\r\nConnection: close\r\n" + c.more + header + "\r\n{}")
			if strings.Contains(answer, answerText) || strings.HasPrefix(answer, "HTTP/1.1 2") {
				t.Errorf("served: %.80q", answer)
			}
			l.wantServed(0)
		})
	}
	t.Run("PSD-PAY-A402-16 a method override is no method", func(t *testing.T) {
		over := "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: /other\r\nX-Rewrite-URL: /other\r\nX-Forwarded-Host: evil.test\r\n"
		l.handle(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
		})
		answer := l.raw("GET /report?year=2026 HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n" + over + header + "\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200") || !strings.HasSuffix(answer, "GET /report") {
			t.Errorf("not what was paid for: %.300q", answer)
		}
		l.wantServed(1)
	})
	if paid, _ := l.PSP.Trades(); paid != 1 {
		t.Fatalf("%d trades", paid)
	}
}

// TestFragmentInATarget: a client sends no fragment, and a fingerprint has none.
// A server that is sent one all the same takes it for a part of path or query,
// so that it must not be left out there: the buyer would get what it has not
// paid for. The signature of a request has no such target either, so that only
// a shop of bearer proofs has to look itself.
func TestFragmentInATarget(t *testing.T) {
	l := newTill(t, acttest.Options{Merchant: func(c *merchant.Config) { c.InsecureBearerProofs = true }})
	l.handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.RawQuery) })
	paid := l.request("GET", reportPath, "")
	l.proven(l.pay(l.do(paid).bill), l.buyer())(paid)
	bearer := func(r *http.Request) { r.Header.Set(payment.HeaderProof, paid.Header.Get(payment.HeaderProof)) }
	other := func(r *http.Request) { r.URL.RawQuery = "year=2026#&year=2025" }
	l.do(l.request("GET", "/report", "", bearer, other)).want(t, http.StatusBadRequest, "", "")
	l.wantServed(0)
	got := l.do(l.request("GET", reportPath, "", bearer))
	got.want(t, http.StatusOK, payment.ValidationValid, payment.DeliveryDelivered)
}

// TestProofInTheWrongPlace: a proof counts in the header, not in a trailer, a
// query or a cookie.
func TestProofInTheWrongPlace(t *testing.T) {
	l := newTill(t, acttest.Options{})
	bill := l.do(l.request("POST", "/report", "{}")).bill
	paid := l.request("POST", "/report", "{}", l.proven(l.pay(bill), l.buyer()))
	host, head := strings.TrimPrefix(l.URL, "https://"), paid.Header.Clone()
	proof := head.Get(payment.HeaderProof)
	head.Del(payment.HeaderProof)
	start := " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for name, text := range map[string]string{
		"trailer": "POST /report" + start + lines(head) + "Trailer: Payment-Proof\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nPayment-Proof: " + proof + "\r\n\r\n",
		"cookie":  "POST /report" + start + lines(head) + "Cookie: Payment-Proof=" + proof + "\r\nContent-Length: 2\r\n\r\n{}",
		"query":   "POST /report?Payment-Proof=" + proof + start + lines(head) + "Content-Length: 2\r\n\r\n{}",
	} {
		if answer := l.raw(text); !strings.HasPrefix(answer, "HTTP/1.1 402") {
			t.Errorf("%s: %.80q", name, answer)
		}
	}
	l.wantServed(0)
	chunked := "POST /report" + start + lines(paid.Header) + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
	if answer := l.raw(chunked); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Errorf("PSD-PAY-A402-06: the same body in pieces: %.200q", answer)
	}
	l.wantServed(1)
}

// TestHeaderBombs: long, many and deep values cost an answer of 4xx and no
// delivery.
func TestHeaderBombs(t *testing.T) {
	l := newTill(t, acttest.Options{})
	deep := canon.EncodeBase64([]byte(strings.Repeat("[", 3000) + strings.Repeat("]", 3000)))
	for name, h := range map[string]http.Header{
		"8 KiB and one":   {"Payment-Proof": {strings.Repeat("A", payment.MaxHeaderRead+1)}},
		"900 KiB":         {"Payment-Proof": {strings.Repeat("A", 900<<10)}},
		"deep":            {"Payment-Proof": {deep}},
		"a thousand":      {"Payment-Proof": make([]string, 1000)},
		"not base64":      {"Payment-Proof": {"\xff\xfe[31m"}},
		"an empty object": {"Payment-Proof": {"e30"}, "Signature-Input": {strings.Repeat("act=(),", 20000)}, "Signature": {"act=::"}},
	} {
		got := l.do(l.request("GET", "/report", "", func(r *http.Request) {
			for k, v := range h {
				r.Header[k] = v
			}
		}))
		if got.status < 400 || got.status >= 500 || strings.Contains(got.body, "[31m") {
			t.Errorf("PSD-PAY-A402-03 %s: %d %.100s", name, got.status, got.body)
		}
	}
	l.wantServed(0)
	if l.PSP.Calls("/consumptions") != 0 {
		t.Error("the provider was asked")
	}
}

// TestWritersTricks: what a handler does to its http.ResponseWriter beside
// answering reaches neither the buyer nor the kept answer.
func TestWritersTricks(t *testing.T) {
	l := newTill(t, acttest.Options{})
	proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(payment.HeaderProof) != "" {
			t.Error("the handler is shown the proof")
		}
		c := http.NewResponseController(w)
		if _, _, err := c.Hijack(); err == nil {
			t.Error("hijacked")
		}
		if c.Flush() == nil {
			t.Error("flushed")
		}
		w.Header().Set(payment.HeaderNeeded, "another bill")
		w.Header().Set(payment.HeaderValidation, "another word")
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Transfer-Encoding", "chunked")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusSwitchingProtocols)
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusInternalServerError)
		w.Header().Set("X-Late", "too late")
		_, _ = io.WriteString(w, answerText)
	})
	for range 2 {
		got := l.do(l.request("GET", "/report", "", l.proven(proof, l.buyer())))
		got.want(t, http.StatusCreated, payment.ValidationValid, payment.DeliveryDelivered)
		if got.body != answerText || got.bill != nil || got.header.Get("X-Late") != "" || got.header.Get("Cache-Control") != "private" {
			t.Errorf("%q %v", got.body, got.header)
		}
	}
	l.wantServed(1)
}

// TestPartsOfADelivery: whoever asks for a part, or only for what is new, has
// bought that answer. The same proof never collects the parts one by one.
func TestPartsOfADelivery(t *testing.T) {
	l := newTill(t, acttest.Options{})
	l.handle(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "report.txt", acttest.Start, strings.NewReader(answerText))
	})
	proof := l.pay(l.do(l.request("GET", "/report", "")).bill)
	part := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	first := l.do(l.request("GET", "/report", "", part("Range", "bytes=0-4"), l.proven(proof, l.buyer())))
	if first.status != http.StatusPartialContent || first.body != answerText[:5] {
		t.Fatalf("%d %q", first.status, first.body)
	}
	for _, edit := range []func(*http.Request){
		part("Range", "bytes=5-"), part("If-Modified-Since", acttest.Start.Format(http.TimeFormat)), part("If-None-Match", "*"), func(*http.Request) {},
	} {
		again := l.do(l.request("GET", "/report", "", edit, l.proven(proof, l.buyer())))
		if again.status != first.status || again.body != first.body {
			t.Errorf("PSD-PAY-A402-15: another answer for one proof: %d %q", again.status, again.body)
		}
	}
	l.wantServed(1)
}
