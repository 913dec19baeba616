package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/examples/processor/internal/fixture"
	"github.com/actprotocol/act-go/examples/processor/internal/judge"
	"github.com/actprotocol/act-go/examples/processor/openapi"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

var kills = flag.Int("kills", 5, "how often TestKill kills the processor")

// asProcessor in the environment makes the test binary be the program.
const asProcessor = "TEST_AS_PROCESSOR"

func TestMain(m *testing.M) {
	if os.Getenv(asProcessor) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is the processor as a process of its own, and everybody else.
type program struct {
	*fixture.Parties
	t     *testing.T
	args  []string
	data  string
	host  string
	cmd   *exec.Cmd
	out   *bytes.Buffer
	http  *http.Client // of which every exchange is as documented
	trust *tls.Config
	token string // payment token
	sub   string // sub-account, whose key is
	key   *keys.Signer
	phone *cashier.Device
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{t: t, data: filepath.Join(t.TempDir(), "data")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	p.must(err)
	p.must(listener.Close())
	p.host = "localhost:" + port
	id, err := identity.NewActDID(p.host, "psp")
	p.must(err)

	// The others' documents come from another server, with a CA of its own.
	ca, err := localtls.NewCA()
	p.must(err)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.Handler().ServeHTTP(w, r) }))
	web.TLS, err = ca.ServerConfig()
	p.must(err)
	_, othersPort, err := net.SplitHostPort(web.Listener.Addr().String())
	p.must(err)
	p.Parties = fixture.New(t, "localhost:"+othersPort, id.String(), time.Now)
	web.StartTLS()
	t.Cleanup(web.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	p.must(os.WriteFile(roots, ca.CertificatePEM(), 0o600))
	p.args = []string{"-addr", "127.0.0.1:" + port, "-data", p.data, "-roots", roots, "-insecure-allow-loopback"}
	t.Cleanup(p.kill)
	return p
}

func (p *program) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// start runs the program and waits until it serves.
func (p *program) start() {
	p.t.Helper()
	p.cmd, p.out = exec.Command(os.Args[0], p.args...), new(bytes.Buffer)
	p.cmd.Env = append(os.Environ(), asProcessor+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.must(p.cmd.Start())
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := p.connect(); err == nil {
			return
		} else if time.Now().After(end) {
			p.kill()
			p.t.Fatalf("the processor does not serve: %v\n%s", err, p.out)
		}
	}
}

func (p *program) connect() error {
	certificate, err := os.ReadFile(filepath.Join(p.data, localtls.CertificateFile))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificate) {
		return errors.New("no certificate yet")
	}
	p.trust = &tls.Config{RootCAs: pool}
	p.http = &http.Client{Timeout: 10 * time.Second, Transport: judge.New(p.t, openapi.Document(), &http.Transport{TLSClientConfig: p.trust, MaxIdleConnsPerHost: 64})}
	resp, err := p.http.Get("https://" + p.host + "/.well-known/act/psp/did.json")
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// kill is kill -9.
func (p *program) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
	if p.http != nil {
		p.http.CloseIdleConnections()
	}
}

func (p *program) do(method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, "https://"+p.host+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if strings.HasPrefix(path, "/admin/") {
		operator, err := os.ReadFile(filepath.Join(p.data, tokenFile))
		if err != nil {
			return 0, nil, err
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(operator)))
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

func (p *program) admin(method, path, body string) []byte {
	p.t.Helper()
	status, answer, err := p.do(method, path, body)
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("%s: %d, %v: %s", path, status, err, answer)
	}
	return answer
}

func (p *program) furnish() {
	p.t.Helper()
	p.admin("POST", "/admin/principals", `{"owner":"`+p.Owner+`","currency":"CNY","issuers":["`+p.Issue.DID()+`"]}`)
	p.admin("POST", "/admin/merchants", `{"owner":"`+p.Shop.DID()+`","currency":"CNY"}`)
	p.admin("POST", "/admin/deposits", `{"deposit_id":"d-1","owner":"`+p.Owner+`","amount":"1000.00","currency":"CNY"}`)
	var bound struct {
		Token string `json:"payment_token"`
	}
	p.must(canon.Decode(p.admin("POST", "/admin/tokens", `{"principal":"`+p.Owner+`","agent":"`+p.Agent.DID()+
		`","currency":"CNY","valid_until":"`+canon.FormatTime(time.Now().Add(time.Hour))+`"}`), &bound))
	p.token = bound.Token
	p.furnishMore()
}

// furnishMore opens a sub-account and pairs a phone.
func (p *program) furnishMore() {
	p.t.Helper()
	p.key = p.SubAccountKey()
	var opened struct {
		ID string `json:"subaccount_id"`
	}
	p.must(canon.Decode(p.admin("POST", "/admin/subaccounts", `{"principal":"`+p.Owner+`","agent":"`+p.Agent.DID()+
		`","currency":"CNY","key":`+string(p.key.Public().JWK())+`}`), &opened))
	p.sub = opened.ID
	p.admin("POST", "/admin/topups", `{"topup_id":"t-1","subaccount_id":"`+p.sub+`","amount":"400.00","currency":"CNY"}`)
	private, err := keys.Generate(keys.EdDSA)
	p.must(err)
	public, err := keys.NewPublicKey(private.Public())
	p.must(err)
	var paired struct {
		ID      string `json:"device_id"`
		Cashier string `json:"cashier"`
	}
	p.must(canon.Decode(p.admin("POST", "/admin/devices", `{"principal":"`+p.Owner+`","key":`+string(public.JWK())+`}`), &paired))
	p.phone = &cashier.Device{ID: paired.ID, Key: private, Cashier: paired.Cashier}
}

// attempt makes one attempt at a payment and returns the result, or nil when
// nobody knows. What the principal has to confirm is confirmed with the phone,
// and asked for again.
func (p *program) attempt(q payment.Request) ([]byte, error) {
	for range 2 {
		status, answer, err := p.do("POST", "/act/v1/payments", string(p.signed(q)))
		if err != nil {
			return nil, nil // no answer: nobody knows
		}
		if status == http.StatusOK {
			return answer, nil
		}
		if status != http.StatusAccepted || q.Scenario != payment.ScenarioINS {
			return nil, fmt.Errorf("%d %s", status, answer)
		}
		u, err := payment.ParsePending(answer)
		if err != nil {
			return nil, err
		}
		phone := *p.phone
		phone.Client = p.http
		_, err = phone.Decide(context.Background(), u.Pending.CashierURL, func(v cashier.View) bool { return v.TradeNo == u.Pending.TradeNo })
		if err != nil && !errors.Is(err, protocol.ErrUndetermined) {
			return nil, err
		}
		if err != nil {
			return nil, nil
		}
	}
	return nil, errors.New("confirmed, and still waiting")
}

// signed is one transmission, with the sub-account's word when it has no token.
func (p *program) signed(q payment.Request) []byte {
	if q.PaymentToken == "" {
		return p.SignFrom(p.key, p.sub, q)
	}
	return p.Sign(q)
}

// some is one of the three kinds of payment.
func (p *program) some(i int, id, iac string) payment.Request {
	switch i % 4 {
	case 0:
		return p.Instant(p.token, "0.01")
	case 1:
		return p.Request(id, iac, "", "0.01") // from the sub-account
	default:
		return p.Request(id, iac, p.token, "0.01")
	}
}

// TestKill loads the program over HTTPS, kills it at random moments, starts it
// again and looks: every answered payment is answered again with the same
// bytes; every payment that was begun can be brought to its end by asking
// again; and when all are, the shop has exactly the sum of them.
func TestKill(t *testing.T) {
	p := newProgram(t)
	p.start()
	p.furnish()
	id, iac := p.Mandate(delegation.Specified, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "1000" })
	answers := map[string][]byte{} // by request id
	var begun []payment.Request
	for range *kills {
		round := make([]payment.Request, 400)
		for i := range round {
			round[i] = p.some(i, id, iac)
		}
		begun = append(begun, p.loadAndKill(round, answers)...)
		p.start()
		p.checkAudit()
	}
	if len(answers) == 0 || len(answers) == len(begun) {
		t.Logf("%d of %d were answered: no kill fell into a payment", len(answers), len(begun))
	}
	for _, q := range begun {
		answer, err := p.attempt(q)
		if err != nil || answer == nil {
			t.Fatalf("asked again: %v", err)
		}
		if first := answers[q.RequestID]; first != nil && !bytes.Equal(first, answer) {
			t.Fatalf("first %s\nthen %s", first, answer)
		}
	}
	p.checkAudit()
	want := fmt.Sprintf(`"balance":"%d.%02d","currency":"CNY","kind":"merchant"`, len(begun)/100, len(begun)%100)
	if got := p.admin("GET", "/admin/accounts", ""); !bytes.Contains(got, []byte(want)) {
		t.Errorf("%d payments, and the accounts are %s", len(begun), got)
	}
	// PSD-PAY-A402-24: the audit finds exactly one event a trade, and nobody has
	// asked for them yet.
	events := fmt.Sprintf(`"trades":%d,"transfers":%d,"unreported_events":%d,"waiting_payments":0}`, len(begun), len(begun)+2, len(begun))
	if report := p.admin("GET", "/admin/audit", ""); !bytes.Contains(report, []byte(events)) {
		t.Errorf("%d payments, and the audit says %s", len(begun), report)
	}
	t.Logf("%d kills, %d payments begun, %d answered before a kill", *kills, len(begun), len(answers))
}

// loadAndKill sends payments from many sides at once and kills the program
// while they come. It returns those that were begun, and adds what was answered.
func (p *program) loadAndKill(round []payment.Request, answers map[string][]byte) []payment.Request {
	p.t.Helper()
	var mu sync.Mutex
	var begun []payment.Request
	stop := make(chan struct{})
	work := make(chan payment.Request)
	go func() {
		defer close(work)
		for _, q := range round {
			select {
			case work <- q:
			case <-stop:
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for q := range work {
				mu.Lock()
				begun = append(begun, q)
				mu.Unlock()
				answer, err := p.attempt(q)
				if err != nil {
					p.t.Error(err)
				}
				if answer != nil {
					mu.Lock()
					answers[q.RequestID] = answer
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(time.Duration(20+rand.IntN(250)) * time.Millisecond)
	_ = p.cmd.Process.Kill()
	close(stop)
	wg.Wait()
	p.kill()
	return begun
}

func (p *program) checkAudit() {
	p.t.Helper()
	if report := p.admin("GET", "/admin/audit", ""); !bytes.Contains(report, []byte(`"sound":true`)) {
		p.t.Fatalf("%s", report)
	}
}

// TestProgram runs the program in this process, from the first start to the
// audit.
func TestProgram(t *testing.T) {
	p := newProgram(t)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, p.args, &out, io.Discard) }()
	for end := time.Now().Add(20 * time.Second); p.connect() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not serve")
		}
	}
	p.furnish()
	id, iac := p.Mandate(delegation.Specified, nil)
	if answer, err := p.attempt(p.Request(id, iac, p.token, "18.00")); err != nil || answer == nil {
		t.Fatalf("%s, %v", answer, err)
	}
	var beside bytes.Buffer // an operator audits while the program serves
	p.must(run(context.Background(), []string{"audit", "-data", p.data}, &beside, io.Discard))
	if !strings.Contains(beside.String(), "the ledger is sound") {
		t.Errorf("audit beside a serving process: %s", beside.String())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"https://" + p.host + "/act/v1", p.PSP + "#proof-1", "insecure", "/cashier/{trade_no}", "the ledger is closed"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("it did not say %q:\n%s", part, out.String())
		}
	}
	operator, err := os.ReadFile(filepath.Join(p.data, tokenFile))
	p.must(err)
	if strings.Contains(out.String(), strings.TrimSpace(string(operator))) {
		t.Error("the operator's token was printed")
	}
	for _, name := range []string{ledgerFile, keyFile, tokenFile, localtls.KeyFile} {
		info, err := os.Stat(filepath.Join(p.data, name))
		p.must(err)
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	out.Reset()
	p.must(run(context.Background(), []string{"audit", "-data", p.data}, &out, io.Discard))
	if !strings.Contains(out.String(), "1 trades") || !strings.Contains(out.String(), "1 events not reported") || !strings.Contains(out.String(), "the ledger is sound") {
		t.Errorf("audit: %s", out.String())
	}
}

func TestArguments(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.MkdirAll(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, keyFile), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-colour"}, {"word"}, {"-time-to-confirm", "0s"}, {"-time-to-confirm", "soon"}, {"-tls-cert", "x"}, {"-tls-key", "x"},
		{"-data", filepath.Join(dir, "a"), "-roots", filepath.Join(dir, "none")},
		{"-data", filepath.Join(dir, "b"), "-addr", "127.0.0.1:none"},
		{"-data", filepath.Join(dir, "c"), "-addr", "127.0.0.1:0", "-name", "Not A Name"},
		{"audit", "-data", filepath.Join(dir, "d")},
		{"-data", broken, "-addr", "127.0.0.1:0"},
		{"-data", filepath.Join(broken, keyFile)},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := run(ctx, args, io.Discard, io.Discard); err == nil || ctx.Err() != nil {
			t.Errorf("%q: %v", args, err)
		}
		cancel()
	}
	if _, err := os.Stat(filepath.Join(dir, "d")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an audit of a folder that there is not made it: %v", err)
	}
}

// A ledger that cannot be used is explained to whoever starts the program.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ledgerFile), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-data", dir, "-addr", "127.0.0.1:0"}, io.Discard, io.Discard)
	if err == nil {
		t.Fatal("a file that is no ledger was opened")
	}
	if text := explain(err); !strings.HasPrefix(text, err.Error()) || !strings.Contains(text, "not a database") {
		t.Errorf("explained as %q", text)
	}
	err = run(t.Context(), []string{"-data", dir, "-addr", "127.0.0.1:0", "-postgres", "no address"}, io.Discard, io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "-postgres is neither") {
		t.Errorf("a database that has no address: %v", err)
	}
	if text := explain(errors.New("plain")); text != "plain" {
		t.Errorf("explained as %q", text)
	}
}
