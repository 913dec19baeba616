package spec

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// The functions below are the Go of README.md, so that it compiles;
// TestReadmeCode compares the texts.

func readmeAgent(signer *keys.Signer, mandate []byte, v *verifier.Verifier, provider *psp.Client, token string) error {
	wallet := agent.NewWallet(signer)
	if _, err := wallet.Add(mandate); err != nil {
		return err
	}
	buyer, err := agent.New(agent.Config{
		Signer: signer, Wallet: wallet, Verifier: v, Spent: new(agent.MemorySpend),
		Instruments: []agent.Instrument{{PSP: provider, Method: "urn:act:payment:example-wallet", Token: token}},
	})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: buyer.Transport(nil)}
	resp, err := client.Get("https://shop.example/report") // 402, own check, payment, proof, 200
	if err != nil {
		return err // a *protocol.Error inside says which limit, by requirement id
	}
	return resp.Body.Close()
}

func readmeMerchant(mux *http.ServeMux, report http.Handler, price money.Amount,
	signer *keys.Signer, v *verifier.Verifier, provider *psp.Client, orders merchant.OrderStore, billKey []byte) error {
	shop, err := merchant.New(merchant.Config{
		Signer: signer, Verifier: v, PSP: provider, Orders: orders, BillKey: billKey,
		Method: "urn:act:payment:example-wallet", Origin: "https://shop.example",
	})
	if err != nil {
		return err
	}
	offer := merchant.Offer{Resource: "report-7", Category: "data/report", Price: price}
	mux.Handle("GET /report", shop.Paywall(offer, report))
	return nil
}

func readmeVerifier(ctx context.Context, v *verifier.Verifier, raw []byte, me, agentID string, purchase delegation.Purchase) error {
	mandate, err := v.Mandate(ctx, raw, verifier.MandateExpectation{Agent: agentID, Audience: me})
	if errors.Is(err, protocol.ErrUndetermined) {
		return err // could not decide, a key or a state was not to be had: never allowed
	}
	if err != nil {
		return err // wrong: the code, the field and the requirement are in it
	}
	decision := mandate.Bounds().Decide(delegation.RolePSP, purchase, nil)
	for _, c := range decision.Checks() {
		fmt.Println(c.Outcome, c.Requirement, c.Name, c.Code)
	}
	return decision.Err() // nil only when every check was met
}

func readmeTest(t *testing.T, handler http.Handler) {
	world := acttest.NewWorld(t) // an agent, a shop and a provider over real TLS
	world.Grant(t, nil)          // a mandate over 100 yuan
	offer := merchant.Offer{Resource: "job", Category: "compute", Price: acttest.CNY(t, "9.00")}
	world.Sell("POST /jobs", offer, handler)
	resp, err := world.Buying().Post(world.URL+"/jobs", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// What needs the network of the README's reader is compiled and not run.
var _ = []any{readmeAgent, readmeMerchant, readmeVerifier}

// TestReadmeRuns runs what can be run of the README's code.
func TestReadmeRuns(t *testing.T) {
	served := false
	readmeTest(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
	if !served {
		t.Error("the paid handler did not run")
	}
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestReadmeCode: all Go code of README.md stands in this file.
func TestReadmeCode(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	compiled := strings.ReplaceAll(string(self), "\n\t", "\n")
	blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 4 {
		t.Errorf("README.md has %d blocks of Go, 4 or more are expected", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(compiled, b[1]) {
			t.Errorf("this code of README.md is not compiled here:\n%s", b[1])
		}
	}
	head := strings.Join(strings.SplitN(string(readme), "\n", 31)[:30], "\n")
	if !strings.Contains(head, "```go") || !strings.Contains(head, "go run ./examples/coffee") {
		t.Error("README.md shows neither Go code nor the run command before line 30")
	}
}
