package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/actprotocol/act-go/examples/internal/service"
	"github.com/actprotocol/act-go/examples/processor/internal/judge"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/examples/processor/overview"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// code is that of a failed answer.
func code(answer []byte) protocol.Code {
	var r struct {
		Error struct {
			Code protocol.Code `json:"code"`
		} `json:"error"`
	}
	_ = canon.DecodeOpen(answer, &r)
	return r.Error.Code
}

// question is a signed query about a payment that there is not.
func (p *program) question(agent *keys.Signer, by *keys.Signer) string {
	p.t.Helper()
	q := payment.Query{RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: p.Now(), PSPID: p.PSP, BuyerAgentID: agent.DID(), PaymentRequestID: canon.UUID()}
	message, err := payment.SignQuery(by, q)
	p.must(err)
	return string(message)
}

// TestFloodFromOneAgent: an agent sends more than its share. What is too much is
// refused before anything is kept of it, so that the same message is good later;
// others are served meanwhile; and who writes the agent's name without its key
// takes nothing from its share.
func TestFloodFromOneAgent(t *testing.T) {
	p := newProgram(t)
	stop := p.inProcess(append([]string{"-rate-agent", "5"}, p.args...))
	p.furnish()
	send := func(path, message string) (int, protocol.Code) {
		t.Helper()
		status, answer, err := p.do("POST", "/act/v1"+path, message)
		p.must(err)
		return status, code(answer)
	}
	private, err := keys.Generate(keys.EdDSA)
	p.must(err)
	forger, err := keys.NewSigner(p.Agent.KeyID(), keys.AgentRequest, private)
	p.must(err)
	for range 100 {
		if status, code := send("/queries", p.question(p.Agent, forger)); status != http.StatusUnauthorized || code != protocol.CodeSignatureInvalid {
			t.Fatalf("forged: %d %s", status, code)
		}
	}
	tooMany, known := 0, 0
	for i := range 60 {
		switch status, code := send("/queries", p.question(p.Agent, p.Agent)); {
		case status == http.StatusTooManyRequests && code == protocol.CodeTooManyRequests:
			tooMany++
		case code == protocol.CodeTradeUnknown:
			known++
		default:
			t.Fatalf("%d %s", status, code)
		}
		if i%10 != 0 {
			continue
		}
		if _, code := send("/queries", p.question(p.Stranger, p.Stranger)); code != protocol.CodeTradeUnknown {
			t.Errorf("another agent got %s meanwhile", code)
		}
	}
	if known < 10 || tooMany < 20 {
		t.Errorf("%d were answered, %d were too many", known, tooMany)
	}
	id, iac := p.Mandate(delegation.Specified, nil)
	message := string(p.signed(p.Request(id, iac, p.token, "18.00")))
	refused := 0
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		status, code := send("/payments", message)
		if status == http.StatusOK {
			break
		}
		if refused++; code != protocol.CodeTooManyRequests || time.Now().After(end) {
			t.Fatalf("the same message, later: %d %s", status, code)
		}
	}
	if refused == 0 {
		t.Log("the first transmission was already admitted")
	}
	if log, err := stop(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
}

// TestReplayAcrossRestart: PSD-PAY-DEL-04 what was taken before a kill is a
// replay after it, of a payment and of a query.
func TestReplayAcrossRestart(t *testing.T) {
	p := newProgram(t)
	p.start()
	p.furnish()
	id, iac := p.Mandate(delegation.Specified, nil)
	paid, asked := string(p.signed(p.Request(id, iac, p.token, "18.00"))), p.question(p.Agent, p.Agent)
	if status, answer, err := p.do("POST", "/act/v1/payments", paid); status != http.StatusOK {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	if _, answer, _ := p.do("POST", "/act/v1/queries", asked); code(answer) != protocol.CodeTradeUnknown {
		t.Fatalf("%s", answer)
	}
	for range 2 {
		p.kill()
		p.start()
		for path, message := range map[string]string{"/act/v1/payments": paid, "/act/v1/queries": asked} {
			if status, answer, err := p.do("POST", path, message); status != http.StatusConflict || code(answer) != protocol.CodeReplayed {
				t.Errorf("%s again: %d %s %v", path, status, answer, err)
			}
		}
	}
	p.checkAudit()
}

// TestHealthAndMetrics: what an operator's machines ask, and what strangers do
// not get to see.
func TestHealthAndMetrics(t *testing.T) {
	p := newProgram(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	at := free.Addr().String()
	p.must(free.Close())
	stop := p.inProcess(append([]string{"-metrics-addr", at, "-v", "-log-format", "json"}, p.args...))
	p.furnish()
	id, iac := p.Mandate(delegation.Specified, nil)
	if answer, err := p.attempt(p.Request(id, iac, p.token, "18.00")); err != nil || answer == nil {
		t.Fatalf("%s, %v", answer, err)
	}
	_, _, _ = p.do("POST", "/act/v1/payments", "{}")
	for path, want := range map[string]int{service.LivePath: 200, service.ReadyPath: 200, metricsPath: 401, "/admin/accounts?": 200} {
		if status, _, err := p.do("GET", path, ""); status != want || err != nil {
			t.Errorf("%s: %d, %v", path, status, err)
		}
	}
	resp, err := http.Get("http://" + at + metricsPath)
	p.must(err)
	text, err := io.ReadAll(resp.Body)
	p.must(err)
	resp.Body.Close()
	for _, secret := range []string{p.token, p.Owner, p.Agent.DID(), p.Shop.DID(), id} {
		if bytes.Contains(text, []byte(secret)) {
			t.Error("the metrics name somebody")
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	p.must(err)
	for name, want := range map[string]float64{
		`act_answers_total{path="/payments",code="ok"}`: 1, `act_answers_total{path="/payments",code="field_missing"}`: 1,
		`act_payments_total{scenario="DEL",became="paid"}`: 1, `act_answers_total{path="/admin/deposits",code="ok"}`: 1, `act_ready`: 1,
	} {
		if !bytes.Contains(text, fmt.Appendf(nil, "\n%s %v\n", name, want)) {
			t.Errorf("no %s %v", name, want)
		}
	}
	if n := families["act_connections_open"].GetMetric()[0].GetGauge().GetValue(); n < 1 {
		t.Errorf("%v connections are open", n)
	}
	if log, err := stop(); err != nil || !strings.Contains(log, `"msg":"answered"`) {
		t.Fatalf("%v\n%s", err, log)
	}
	if _, err := http.Get("http://" + at + metricsPath); err == nil {
		t.Error("metrics are served after the end")
	}
}

// TestOverviewOfProgram: the operator's token opens the overview, and what the
// browser then has reads the desk and changes nothing.
func TestOverviewOfProgram(t *testing.T) {
	p := newProgram(t)
	stop := p.inProcess(p.args)
	p.furnish()
	id, iac := p.Mandate(delegation.Specified, nil)
	if answer, err := p.attempt(p.Request(id, iac, p.token, "18.00")); err != nil || answer == nil {
		t.Fatalf("%s, %v", answer, err)
	}
	token, err := os.ReadFile(filepath.Join(p.data, tokenFile))
	p.must(err)
	client := *p.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base := "https://" + p.host
	resp, err := client.PostForm(base+overview.Path+"/login", url.Values{"token": {string(token)}})
	p.must(err)
	resp.Body.Close()
	if len(resp.Cookies()) != 1 {
		t.Fatalf("%d, no cookie", resp.StatusCode)
	}
	cookie := resp.Cookies()[0]
	do := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		p.must(err)
		r.AddCookie(cookie)
		resp, err := client.Do(r)
		p.must(err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		p.must(err)
		return resp.StatusCode, string(text)
	}
	if status, text := do("GET", overview.Path, ""); status != http.StatusOK || !strings.Contains(text, "18.00 CNY") || !strings.Contains(text, p.Shop.DID()) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := do("GET", overview.Path+"/payments/1", ""); status != http.StatusOK || strings.Count(text, "<circle") < 15 {
		t.Errorf("%d, %d checks", status, strings.Count(text, "<circle"))
	}
	if status, _ := do("GET", "/admin/accounts", ""); status != http.StatusOK {
		t.Errorf("reading the desk: %d", status)
	}
	deposit := `{"deposit_id":"d-2","owner":"` + p.Owner + `","amount":"1.00","currency":"CNY"}`
	if status, _ := do("POST", "/admin/deposits", deposit); status != http.StatusUnauthorized {
		t.Errorf("changing something with a cookie: %d", status)
	}
	p.everyOperation(string(token), do)
	if _, err := stop(); err != nil {
		t.Fatal(err)
	}
}

// everyOperation asks for what the program serves around the processor, and then
// holds the document against it: nothing is documented there that is not served.
func (p *program) everyOperation(token string, signedIn func(method, path, body string) (int, string)) {
	p.t.Helper()
	for _, path := range []string{"/", service.LivePath, service.ReadyPath, openapi.Path, overview.Path, overview.Path + "/payments/1", overview.Path + "/login"} {
		client := *p.http
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := client.Get("https://" + p.host + path)
		p.must(err)
		resp.Body.Close()
	}
	for _, path := range []string{metricsPath, profilePath + "?seconds=1"} {
		r, err := http.NewRequest("GET", "https://"+p.host+path, nil)
		p.must(err)
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		resp, err := p.http.Do(r)
		p.must(err)
		resp.Body.Close()
	}
	if status, _ := signedIn("POST", overview.Path+"/logout", ""); status != http.StatusSeeOther {
		p.t.Errorf("signing out: %d", status)
	}
	// The session has ended at the server, and not only in this browser.
	if status, _ := signedIn("GET", overview.Path, ""); status != http.StatusSeeOther {
		p.t.Errorf("a cookie of a session that was ended: %d", status)
	}
	if status, _ := signedIn("GET", "/admin/accounts", ""); status != http.StatusUnauthorized {
		p.t.Errorf("the desk by such a cookie: %d", status)
	}
	documented, err := judge.Read(openapi.Document())
	p.must(err)
	seen := p.http.Transport.(*judge.Judge).Seen()
	around := regexp.MustCompile(`^[A-Z]+ /((desk|healthz|readyz|metrics|openapi\.json|debug)(/\S*)?)? (200|303)$`)
	for _, s := range documented.Served() {
		if around.MatchString(s) && !slices.Contains(seen, s) {
			p.t.Errorf("OpenAPI: nobody was answered %s", s)
		}
	}
}

// TestHTTP2Strangers: the same limits hold where many requests share one
// connection: a slow body, a header beyond measure, more requests than are
// allowed at once.
func TestHTTP2Strangers(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the program's own time limits")
	}
	p := newProgram(t)
	stop := p.inProcess(p.args)
	config := p.trust.Clone()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	url := "https://" + p.host + "/act/v1/payments"
	slow, drip := io.Pipe()
	go func() {
		for {
			if _, err := drip.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	begun := time.Now()
	resp, err := client.Post(url, "application/json", slow)
	if err == nil {
		if resp.ProtoMajor != 2 || resp.StatusCode < 400 {
			t.Errorf("%s %d", resp.Proto, resp.StatusCode)
		}
		resp.Body.Close()
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("a slow body was read for %v", took)
	}
	_ = drip.Close()
	r, err := http.NewRequest("GET", "https://"+p.host+service.LivePath, nil)
	p.must(err)
	for i := range 200 {
		r.Header.Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1<<10))
	}
	if resp, err := client.Do(r); err == nil {
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("a header of 200 KiB was answered with %d", resp.StatusCode)
		}
	}
	if status, _, err := p.do("GET", service.LivePath, ""); status != http.StatusOK {
		t.Errorf("meanwhile: %d, %v", status, err)
	}
	if max := streams(t, config, p.args[1]); max == 0 || max > 200 {
		t.Errorf("%d requests at once on one connection", max)
	}
	if log, err := stop(); err != nil || strings.Contains(log, "xxxx") {
		t.Errorf("%v, log: %.500s", err, log)
	}
}

// streams is how many requests at once the server's first frame of HTTP/2
// allows (RFC 9113, section 6.5.2).
func streams(t *testing.T, config *tls.Config, address string) uint32 {
	t.Helper()
	config = config.Clone()
	config.NextProtos, config.ServerName = []string{"h2"}, "localhost"
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	head := make([]byte, 9)
	if _, err := io.ReadFull(c, head); err != nil || head[3] != 4 {
		t.Fatalf("no settings: %x, %v", head, err)
	}
	settings := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(c, settings); err != nil {
		t.Fatal(err)
	}
	for ; len(settings) >= 6; settings = settings[6:] {
		if binary.BigEndian.Uint16(settings) == 3 {
			return binary.BigEndian.Uint32(settings[2:])
		}
	}
	return 0
}

// TestHugeBody: a body without end is refused at its limit, not read to its end.
func TestHugeBody(t *testing.T) {
	p := newProgram(t)
	stop := p.inProcess(p.args)
	for _, path := range []string{"/act/v1/payments", "/act/v1/queries", "/cashier/x/confirm", "/desk/login"} {
		var sent counter
		r, err := http.NewRequest("POST", "https://"+p.host+path, &sent)
		p.must(err)
		r.ContentLength = 1 << 40
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := p.http.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode < 400 {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
		if n := sent.Load(); n > 32<<20 {
			t.Errorf("%s: %d bytes were taken", path, n)
		}
	}
	if _, err := stop(); err != nil {
		t.Fatal(err)
	}
}

// counter is a body of x without end that tells how much was taken. The
// transport may still read when there is an answer.
type counter struct{ atomic.Int64 }

// Read implements io.Reader.
func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	c.Add(int64(len(b)))
	return len(b), nil
}

// TestConfiguration: the environment counts, the command line wins, and the
// program says what it runs with.
func TestConfiguration(t *testing.T) {
	t.Setenv("ACT_PROCESSOR_RATE_AGENT", "7")
	t.Setenv("ACT_PROCESSOR_NAME", "from-environment")
	t.Setenv("ACT_PROCESSOR_RATE_AGNET", "8")
	var out bytes.Buffer
	if err := run(context.Background(), []string{"config", "-name", "from-flag"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		fields[f[0]] = strings.Join(f[1:], " ")
	}
	for name, want := range map[string]string{"rate-agent": "7 environment", "name": "from-flag flag", "max-connections": "4096 default", "addr": "127.0.0.1:8443 default"} {
		if fields[name] != want {
			t.Errorf("%s is %q", name, fields[name])
		}
	}
	t.Setenv("ACT_PROCESSOR_NAME", "")
	p := newProgram(t)
	if log, err := p.inProcess(p.args)(); err != nil || !strings.Contains(log, "ACT_PROCESSOR_RATE_AGNET") {
		t.Errorf("a variable with a typing error passed in silence: %v %s", err, log)
	}
	for _, args := range [][]string{
		{"sell"}, {"serve", "-metrics-addr", "0.0.0.0:1"}, {"-metrics-addr", "localhost:1"}, {"-rate-agent", "-1"}, {"-max-connections", "2000000"},
		{"-shutdown-notice", "1h"}, {"-acme"}, {"-acme", "-host", "a.example", "-tls-cert", "a", "-tls-key", "b"}, {"-log-format", "xml"}, {"config", "more"},
	} {
		if err := run(context.Background(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
