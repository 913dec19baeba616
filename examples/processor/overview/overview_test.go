package overview_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/overview"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the pages, made with chromium")

const token = "operator-token-of-these-tests-0123456789"

type shelf struct {
	accounts []book.Account
	err      error
	asked    int
	ended    map[string]bool
}

// Use and Lookup are those of a book, as far as nonces go.
func (s *shelf) Use(_ context.Context, scope, nonce string, until time.Time) error {
	if s.ended == nil {
		s.ended = make(map[string]bool)
	}
	s.ended[scope+" "+nonce+" "+until.UTC().String()] = true
	return nil
}

func (s *shelf) Lookup(_ context.Context, r provider.Request) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if s.ended[r.Nonce.Scope+" "+r.Nonce.Value+" "+r.Nonce.Until.UTC().String()] {
		return nil, provider.Replayed()
	}
	return nil, nil
}

func (s *shelf) Accounts(context.Context) ([]book.Account, error) {
	s.asked++
	return s.accounts, s.err
}

func (s *shelf) Instants(context.Context, int) ([]book.Instant, error) {
	return []book.Instant{{Trade: provider.Trade{
		No: "20261123000000000000000000000042", Payee: "did:act:shop.example/coffee", Amount: 1800, Currency: "CNY", State: payment.StateWaitBuyerPay,
		Expires: time.Date(2026, 11, 23, 17, 10, 0, 0, time.UTC),
	}}}, s.err
}

// desk is an overview behind a server, and a browser.
type desk struct {
	*testing.T
	*overview.Overview
	shelf  *shelf
	web    *httptest.Server
	client *http.Client
	now    time.Time
	cookie *http.Cookie
}

func open(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, shelf: &shelf{accounts: []book.Account{
		{Owner: "external", Kind: book.Funding, Currency: "CNY", Balance: -100_00},
		{Owner: "did:act:home.example/ann", Kind: book.Principal, Currency: "CNY", Balance: 82_00},
		{Owner: "did:act:shop.example/coffee", Kind: book.Merchant, Currency: "CNY", Balance: 18_00},
	}}, now: time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)}
	d.Overview = d.again()
	d.web = httptest.NewServer(d)
	t.Cleanup(d.web.Close)
	d.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return d
}

func (d *desk) do(method, path, body string, header ...string) (*http.Response, string) {
	d.Helper()
	r, err := http.NewRequest(method, d.web.URL+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	if d.cookie != nil {
		r.AddCookie(d.cookie)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := d.client.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return resp, string(text)
}

func (d *desk) signIn() {
	d.Helper()
	resp, _ := d.do("POST", overview.Path+"/login", url.Values{"token": {token}}.Encode())
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		d.Fatalf("%d, %v", resp.StatusCode, resp.Cookies())
	}
	d.cookie = resp.Cookies()[0]
}

func (d *desk) page(path string) string {
	d.Helper()
	resp, text := d.do("GET", path, "")
	if resp.StatusCode != http.StatusOK {
		d.Fatalf("%s: %d %s", path, resp.StatusCode, text)
	}
	return text
}

// checks of a payment, as verifier and ledger make them.
func checks(code protocol.Code) (d protocol.Decision) {
	for _, c := range [][2]string{
		{"PSD-PAY-DEL-02", "form"}, {"PSD-PAY-DEL-04", "key of the signer, for this purpose"}, {"PSD-PAY-DEL-04", "signature"},
		{"ADD-IAC-ISS-10", "mandate's signature"}, {"ADD-IAC-LCM-10", "state of the mandate"}, {"CID-CART-CFM-03", "order signed by the merchant"},
		{"PSD-PAY-DEL-06", "single limit"}, {"PSD-PMT-BND-04", "payment token usable"},
	} {
		d.Pass(c[0], c[1])
	}
	if code == "" {
		d.Pass("PSD-PAY-DEL-10", "balance")
	} else {
		d.Fail(code, "PSD-PAY-DEL-10", "balance", "amount", "")
	}
	return d
}

func paid(i int) provider.Verdict {
	t := &provider.Trade{
		No: fmt.Sprintf("trade-%d", i), Agent: "did:act:home.example/agent", RequestID: fmt.Sprintf("request-%d", i), Scenario: payment.ScenarioDEL,
		Payee: "did:act:shop.example/coffee", Order: fmt.Sprintf("order-%d", i), Method: "urn:act:payment:wallet", Amount: 18_00, Currency: "CNY",
		State: payment.StateWaitSellerFulfillment, PaidAt: time.Unix(1, 0), Decision: checks(""), Memo: []byte("secret of a mandate"), Principal: "did:act:home.example/ann",
	}
	return provider.Verdict{Agent: t.Agent, RequestID: t.RequestID, Scenario: t.Scenario, Trade: t, Decision: t.Decision}
}

func refused(i int, code protocol.Code) provider.Verdict {
	return provider.Verdict{Agent: "did:act:home.example/agent", RequestID: fmt.Sprintf("request-%d", i), Scenario: payment.ScenarioAUP, Decision: checks(code)}
}

// TestDoor: nothing is shown to who is not signed in, and what the browser
// keeps says nothing and cannot be made without the token.
func TestDoor(t *testing.T) {
	d := open(t)
	d.Decided(paid(1))
	for _, path := range []string{overview.Path, overview.Path + "/payments/1"} {
		if resp, text := d.do("GET", path, ""); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != overview.Path+"/login" || strings.Contains(text, "trade") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for _, wrong := range []string{"", token[1:], token + "x", strings.Repeat("x", 8<<10)} {
		if resp, text := d.do("POST", overview.Path+"/login", url.Values{"token": {wrong}}.Encode()); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 || wrong != "" && strings.Contains(text, wrong) {
			t.Errorf("%.20q: %d", wrong, resp.StatusCode)
		}
	}
	if resp, _ := d.do("POST", overview.Path+"/login", url.Values{"token": {token}}.Encode(), "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", resp.StatusCode)
	}
	d.signIn()
	c := d.cookie
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") || strings.Contains(c.Value, token) {
		t.Errorf("%+v", c)
	}
	d.page(overview.Path)
	good := c.Value
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		forged := append([]byte{}, raw...)
		forged[i] ^= 1
		d.cookie.Value = base64.RawURLEncoding.EncodeToString(forged)
		if resp, _ := d.do("GET", overview.Path, ""); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("byte %d may be another", i)
		}
	}
	d.cookie.Value = good
	if resp, _ := d.do("POST", overview.Path+"/logout", ""); resp.StatusCode != http.StatusSeeOther || resp.Cookies()[0].MaxAge >= 0 {
		t.Error("signing out does not forget the cookie")
	}
	if resp, _ := d.do("GET", overview.Path, ""); resp.StatusCode != http.StatusSeeOther {
		t.Error("a session that was ended goes on at the server")
	}
	r := httptest.NewRequest("GET", overview.Path, nil)
	r.AddCookie(d.cookie)
	if d.again().SignedIn(r) {
		t.Error("a session that was ended goes on after a restart")
	}
	d.signIn()
	r = httptest.NewRequest("GET", overview.Path, nil)
	r.AddCookie(d.cookie)
	if !d.again().SignedIn(r) {
		t.Error("a session does not survive a restart")
	}
	d.now = d.now.Add(12*time.Hour + time.Second)
	if resp, _ := d.do("GET", overview.Path, ""); resp.StatusCode != http.StatusSeeOther {
		t.Error("the cookie holds for ever")
	}
}

// again is the overview of a process that starts with the same book and token.
func (d *desk) again() *overview.Overview {
	d.Helper()
	o, err := overview.New(overview.Config{
		ID: "did:act:psp.example/psp", Token: token, Book: d.shelf, Ready: func(context.Context) error { return d.shelf.err }, Now: func() time.Time { return d.now },
	})
	if err != nil {
		d.Fatal(err)
	}
	return o
}

func TestFront(t *testing.T) {
	d := open(t)
	d.signIn()
	if text := d.page(overview.Path); !strings.Contains(text, "None yet") || !strings.Contains(text, `http-equiv="refresh"`) {
		t.Errorf("%s", text)
	}
	d.now = d.now.Add(time.Minute)
	d.Decided(paid(1))
	d.Decided(refused(2, protocol.CodeBalanceInsufficient))
	d.Decided(refused(3, protocol.CodeStatusUnavailable))
	waits := paid(4)
	waits.Trade.State, waits.Trade.Scenario = payment.StateWaitBuyerPay, payment.ScenarioINS
	waits.Scenario = payment.ScenarioINS
	d.Decided(waits)
	text := d.page(overview.Path + "?still")
	for _, part := range []string{
		"18.00 CNY", "82.00 CNY", "-100.00 CNY", "did:act:shop.example/coffee", "did:act:home.example/agent", "✓ ready", "… waits",
		"balance_insufficient", "balance (PSD-PAY-DEL-10)", "status_unavailable", "not decided", "not enough money", "did:act:psp.example/psp",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if strings.Contains(text, "http-equiv") {
		t.Error("a page that is held refreshes")
	}
	if strings.Contains(text, "secret of") {
		t.Error("the page shows more than identifiers")
	}
	asked := d.shelf.asked
	for range 20 {
		d.page(overview.Path)
	}
	if d.shelf.asked > asked+1 {
		t.Errorf("the book was read %d times", d.shelf.asked-asked)
	}
	d.shelf.err, d.now = errors.New("secret of the store"), d.now.Add(time.Minute)
	if text := d.page(overview.Path); !strings.Contains(text, "The book does not answer") || !strings.Contains(text, "✗ not ready") || strings.Contains(text, "secret") {
		t.Errorf("%s", text)
	}
}

// TestPicture: the picture has a stop for every check, and says why the payment
// failed; what an agent chose is text there, and nothing else.
func TestPicture(t *testing.T) {
	d := open(t)
	d.signIn()
	hostile := refused(1, protocol.CodeBalanceInsufficient)
	hostile.RequestID = `"><script>alert(1)</script>` + strings.Repeat("x", 300)
	d.Decided(hostile)
	d.Decided(paid(2))
	text := d.page(overview.Path + "/payments/1")
	if got := strings.Count(text, "<circle"); got != 9 {
		t.Errorf("%d stops", got)
	}
	if strings.Contains(text, "<script") || strings.Contains(text, `"><`+"script") {
		t.Error("a name became markup")
	}
	for _, part := range []string{"balance_insufficient in amount: not enough money", "authorisation", "commerce", "instrument", "nothing was made", "PSD-PAY-DEL-10"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if text := d.page(overview.Path + "/payments/2"); !strings.Contains(text, "paid 18.00 CNY") || !strings.Contains(text, "trade-2") || strings.Contains(text, "✗") {
		t.Errorf("%s", text)
	}
	for _, path := range []string{"/payments/3", "/payments/0", "/payments/-1", "/payments/x", "/payments/99999999999999999999"} {
		if resp, _ := d.do("GET", overview.Path+path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// TestPolicy: the browser is told to run nothing and to load nothing, and the
// one style that it may apply is the one that is in the page.
func TestPolicy(t *testing.T) {
	d := open(t)
	d.signIn()
	d.Decided(paid(1))
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	for _, path := range []string{"", "/login", "/payments/1"} {
		resp, text := d.do("GET", overview.Path+path, "")
		policy := resp.Header.Get("Content-Security-Policy")
		found := style.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no style", path)
		}
		sum := sha256.Sum256([]byte(found[1]))
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		if regexp.MustCompile(`(?i)<script|\son\w+=|style="|src=|https?://[^w]`).MatchString(strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")) {
			t.Errorf("%s holds what the policy forbids", path)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// TestBounded: a flood of payments does not grow, and does not push out why the
// last ones were refused.
func TestBounded(t *testing.T) {
	d := open(t)
	d.signIn()
	d.Decided(refused(1, protocol.CodeBalanceInsufficient))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				d.Decided(paid(i))
			}
		})
	}
	wg.Wait()
	text := d.page(overview.Path)
	if !strings.Contains(text, "balance_insufficient") || !strings.Contains(text, "<dd>8000</dd>") {
		t.Error("the refusal is gone, or the sum is wrong")
	}
	if resp, _ := d.do("GET", overview.Path+"/payments/2", ""); resp.StatusCode != http.StatusNotFound {
		t.Error("everything is remembered")
	}
	if got := strings.Count(text, "/desk/payments/"); got != 21 {
		t.Errorf("%d payments are listed", got)
	}
}

func TestConfig(t *testing.T) {
	if _, err := overview.New(overview.Config{ID: "x", Token: "short", Book: new(shelf), Ready: func(context.Context) error { return nil }}); err == nil {
		t.Error("a token that can be guessed")
	}
}

// BenchmarkDecided is what remembering costs a payment.
func BenchmarkDecided(b *testing.B) {
	o, err := overview.New(overview.Config{ID: "x", Token: token, Book: new(shelf), Ready: func(context.Context) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	v := paid(1)
	b.ReportAllocs()
	for b.Loop() {
		o.Decided(v)
	}
}

// TestScreenshots makes pictures of the pages for a person to look at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		return
	}
	d := open(t)
	for i := range 7 {
		d.Decided(paid(i))
	}
	d.Decided(refused(7, protocol.CodeBalanceInsufficient))
	d.Decided(refused(8, protocol.CodeStatusUnavailable))
	waits := paid(9)
	waits.Trade.State, waits.Scenario = payment.StateWaitBuyerPay, payment.ScenarioINS
	d.Decided(waits)
	d.signIn()
	for name, c := range map[string]struct{ path, size string }{
		"login": {"/login", "1200,700"}, "front": {"?still", "1300,1150"}, "paid": {"/payments/1", "1200,1250"}, "refused": {"/payments/8", "1200,1250"}, "phone": {"?still", "500,1800"},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.AddCookie(d.cookie); d.ServeHTTP(w, r) }))
		out, err := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--screenshot="+filepath.Join(*screenshots, name+".png"),
			"--window-size="+c.size, web.URL+overview.Path+c.path).CombinedOutput()
		web.Close()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
