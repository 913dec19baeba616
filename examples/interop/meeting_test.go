package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// These tests meet what the official repository's JavaScript sample of A402
// serves and looks for: a seller whose bill nobody can verify, and an inspector
// of bills. Both are written anew in the folder js.

// plainNode runs scripts that need no packages.
func plainNode(t *testing.T) *nodeProgram {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node is needed")
		}
		t.Skip("node is needed to meet the JavaScript samples")
	}
	dir, err := filepath.Abs("js")
	if err != nil {
		t.Fatal(err)
	}
	return &nodeProgram{dir: dir}
}

// serve starts a script that is a server, until the end of the test, and
// returns its address.
func (n *nodeProgram) serve(t *testing.T, script string, options any) string {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(n.dir, script), string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// fetched is the status and body of an address that needs no payment.
func fetched(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// otherBills are bills that look better and better, none of which may be paid.
func otherBills(t *testing.T, now time.Time) map[string]struct {
	bill string
	code protocol.Code
} {
	t.Helper()
	stranger := acttest.NewParty(t, "did:act:stranger.test/shop", keys.Seller)
	forger := acttest.NewParty(t, acttest.ShopDID, keys.Seller)
	signed := func(by *acttest.Party) string {
		b := payment.Bill{
			MethodID: "act:payment/test-wallet", MethodVersion: payment.MethodVersion, OutTradeNo: "o-1", ResourceID: "sample-data",
			Amount: yuan(t, 1), PayBefore: now.Add(10 * time.Minute), SellerID: by.DID.String(), RequestMethod: "GET",
			RequestFingerprint: canon.Sum(nil), ReplayWindow: 10 * time.Minute, PSPID: acttest.PSPDID,
			Endpoint: "https://psp.test/act", Category: "data",
		}
		header, err := payment.SignBill(by.Signer(keys.Seller), b)
		if err != nil {
			t.Fatal(err)
		}
		return header
	}
	product, err := alipay.SignBill(alipaytest.NewKey(t), alipay.Bill{
		OutTradeNo: "ORDER_1", Amount: yuan(t, 1), ResourceID: "sample-data", PayBefore: now.Add(time.Minute), SellerID: "2088000000000001",
		SellerName: "s", AppID: "2021", GoodsName: "g", ServiceID: "API_1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]struct {
		bill string
		code protocol.Code
	}{
		"a bill of Alipay's product":                  {product, protocol.CodeFieldUnknown},
		"signed by a seller that cannot be looked up": {signed(stranger), protocol.CodeKeyUnavailable},
		"signed in a known seller's name by a forger": {signed(forger), protocol.CodeSignatureInvalid},
		"not base64url":      {"{}", protocol.CodeMalformed},
		"without its method": {canon.EncodeBase64([]byte(`{"protocol":{}}`)), protocol.CodeFieldMissing},
		"with a member of protocol that nobody knows":  {canon.EncodeBase64([]byte(`{"protocol":{"discount":"1"},"method":{"psp_id":"x"}}`)), protocol.CodeFieldUnknown},
		"with one amount for people, one for machines": {canon.EncodeBase64([]byte(`{"protocol":{"amount":"0.01","amount":"100.00"},"method":{}}`)), protocol.CodeMalformed},
	}
}

// TestBuyerMeetsTheSampleServer: a bill that cannot be verified is refused with
// its reason, nothing is paid and no proof is made up (PSD-PAY-A402-17).
func TestBuyerMeetsTheSampleServer(t *testing.T) {
	node := plainNode(t)
	others := otherBills(t, acttest.Start)
	bills := map[string]string{}
	for name, c := range others {
		bills[name] = c.bill
	}
	base := node.serve(t, "a402server.mjs", map[string]any{"bills": bills})
	meet := func(t *testing.T, target string, want protocol.Code) *protocol.Error {
		w := acttest.NewWorld(t)
		w.Grant(t, nil)
		client := &http.Client{Transport: w.Agent.Transport(nil)}
		answer, err := client.Get(base + target)
		var e *protocol.Error
		if err == nil || !errors.As(err, &e) || e.Code != want || e.Requirement == "" || e.Detail == "" && e.Field == "" {
			t.Fatalf("%v %v, want %s and its reason", answer, err, want)
		}
		if w.PSP.Balance() != acttest.Balance {
			t.Fatal("something was paid")
		}
		if seen := fetched(t, base+"/seen"); strings.Contains(seen, `"proof":true`) || strings.Count(seen, "target") != 1 {
			t.Fatalf("the seller saw %s", seen)
		}
		return e
	}
	t.Run("PSD-PAY-A402-17 the sample's own bill", func(t *testing.T) {
		e := meet(t, "/paid-resource", protocol.CodeFieldMissing) // it has no category, and no DIDs either
		if !strings.HasPrefix(e.Field, "protocol.") && !strings.HasPrefix(e.Field, "method.") {
			t.Fatalf("%v does not say where", e)
		}
	})
	for name, c := range others {
		t.Run("PSD-PAY-A402-17 "+name, func(t *testing.T) { meet(t, "/paid-resource?as="+url.QueryEscape(name), c.code) })
	}
}

// TestInspectorMeetsOurSeller: what our paywall serves passes the official
// schema and the inspector's checks, on the wire; the sample's own bill passes
// them as well, which shows what they do not look at.
func TestInspectorMeetsOurSeller(t *testing.T) {
	node := plainNode(t)
	type report struct {
		Error   string            `json:"error"`
		Summary map[string]string `json:"summary"`
	}
	inspect := func(t *testing.T, status int, header string) (r report) {
		t.Helper()
		if err := node.run(t, "a402inspect.mjs", map[string]any{"status": status, "header": header}, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	w := acttest.NewWorld(t)
	for _, pattern := range []string{"GET /report", "POST /report"} {
		w.Sell(pattern, merchant.Offer{Resource: "report-7", Category: "data", Price: acttest.CNY(t, "2.50")}, http.NotFoundHandler())
	}
	for _, method := range []string{"GET", "POST"} {
		q, err := http.NewRequestWithContext(t.Context(), method, w.URL+"/report?q=1", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		for _, proof := range []string{"", "bm90IGEgcHJvb2Y"} { // without a proof, and with one made up
			if q.Header.Del(payment.HeaderProof); proof != "" {
				q.Header.Set(payment.HeaderProof, proof)
			}
			answer, err := w.Client.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			header := answer.Header.Get(payment.HeaderNeeded)
			t.Run("PSD-PAY-A402-02 "+method+" inspected", func(t *testing.T) {
				r := inspect(t, answer.StatusCode, header)
				if r.Error != "" || r.Summary["amount"] != "2.50" || r.Summary["resource_id"] != "report-7" || r.Summary["psp_id"] != acttest.PSPDID {
					t.Fatalf("%+v", r)
				}
			})
			t.Run("PSD-PAY-A402-20 "+method+" by the official schema", func(t *testing.T) {
				if err := schemaAccepts(t, a402Schemas(t)["payment-needed"], decodeHeader(t, header)); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	base := node.serve(t, "a402server.mjs", map[string]any{})
	answer, err := http.Get(base + "/paid-resource")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if r := inspect(t, answer.StatusCode, answer.Header.Get(payment.HeaderNeeded)); r.Error != "" {
		t.Fatalf("the inspector and the sample are of two minds: %+v", r)
	}
	if r := inspect(t, 200, ""); r.Error == "" {
		t.Fatal("the inspector passes everything")
	}
	if err := schemaAccepts(t, a402Schemas(t)["payment-needed"], decodeHeader(t, answer.Header.Get(payment.HeaderNeeded))); err != nil {
		t.Fatalf("the sample's bill is of another form than the official schema: %v", err)
	}
}
