package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

const wallet = "urn:act:payment:example-wallet"

// From package acttest to real processes: a bank, an agent and a shop of one's
// own, with documents that are published and fetched, against the reference
// processor as a process of its own. What is kept in memory here is kept on a
// disk in earnest, keys above all.
func Example() {
	s := openStreet()
	defer s.close()
	bank, ann, buyer, seller := s.did("bank"), s.did("ann"), s.did("agent"), s.did("shop")

	// Keys, and the documents in which others find them.
	agentKey, shopKey := newKey(buyer, keys.AgentRequest), newKey(seller, keys.Seller)
	s.mux.Handle("/.well-known/", must(identity.Handler(document(buyer, agentKey), document(seller, shopKey))))
	mandates := must(issuer.New(issuer.Config{
		DID: bank, Signer: newKey(bank, keys.IssueAuthorization), StatusSigner: newKey(bank, keys.Status),
		ListURI: s.url + "/status/1", Store: issuer.NewMemoryStore(),
	}))
	s.mux.Handle("/.well-known/act/bank/", mandates.Handler())
	s.mux.Handle("/status/1", mandates.Handler())

	// The operator of the processor knows Ann, and who may sign for her.
	s.desk("principals", map[string]any{"owner": ann, "currency": "CNY", "issuers": []any{bank}})
	s.desk("merchants", map[string]any{"owner": seller, "currency": "CNY"})
	s.desk("deposits", map[string]any{"deposit_id": "d-1", "owner": ann, "amount": "100.00", "currency": "CNY"})
	bound := s.desk("tokens", map[string]any{"principal": ann, "agent": buyer, "currency": "CNY", "valid_until": "2100-01-01T00:00:00Z"})

	// The shop: one page for 2.50.
	v := s.verifier(bank, ann)
	billKey := make([]byte, 32)
	rand.Read(billKey)
	shop := must(merchant.New(merchant.Config{
		Signer: shopKey, Verifier: v, PSP: s.provider(shopKey, v), Orders: new(merchant.MemoryOrders),
		Method: wallet, Origin: s.url, BillKey: billKey,
	}))
	defer shop.Close(context.Background())
	s.mux.Handle("GET /report", shop.Paywall(
		merchant.Offer{Resource: "report-7", Category: "data/report", Price: money.MustParse("2.50", "CNY")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "all is well") })))

	// Ann confirms what she wants, the bank signs it, the agent buys.
	mandate := must(mandates.Issue(context.Background(), issuer.Grant{
		Confirmed: confirmed(buyer), Delegator: ann.String(), Audience: s.psp.String(), Holder: agentKey.Public(),
	}))
	v = s.verifier(bank, ann)
	held := agent.NewWallet(agentKey)
	must(held.Add(mandate))
	shopper := must(agent.New(agent.Config{
		Signer: agentKey, Wallet: held, Verifier: v, Spent: new(agent.MemorySpend),
		Instruments: []agent.Instrument{{PSP: s.provider(agentKey, v), Method: wallet, Token: bound.Token}},
	}))
	client := &http.Client{Transport: shopper.Transport(s.client.Transport)}
	resp := must(client.Get(s.url + "/report"))
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, string(must(io.ReadAll(resp.Body))))
	// Output: 200 all is well
}

// confirmed is what Ann wants, after she has read it.
func confirmed(buyer identity.DID) *delegation.Confirmed {
	now := time.Now().UTC().Truncate(time.Second)
	c := delegation.NewCapture(delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "read the report"}})
	err := c.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID = delegation.Bounded, buyer.String()
		i.ValidityStart, i.ValidityEnd = now, now.Add(time.Hour)
		i.MaxTotalAmount, i.Currency = "20", "CNY"
		i.AllowedPaymentMethods = []string{wallet}
	})
	must(0, err)
	_ = c.Summary(delegation.English) // shown to Ann
	return must(c.Confirm("FINGERPRINT", now))
}

// A street is a server for bank, agent and shop, the processor beside it, and a
// client that trusts both.
type street struct {
	dir       string
	host, url string
	mux       *http.ServeMux
	server    *http.Server
	processor *exec.Cmd
	psp       identity.DID
	roots     *x509.CertPool
	client    *http.Client
}

func openStreet() *street {
	s := &street{dir: must(os.MkdirTemp("", "street")), mux: http.NewServeMux()}
	ca := must(localtls.NewCA()) // or a certificate from the README's first command
	s.server = &http.Server{Handler: s.mux, TLSConfig: must(ca.ServerConfig())}
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	s.host = "localhost:" + port(l)
	s.url = "https://" + s.host
	go func() { _ = s.server.ServeTLS(l, "", "") }()

	// go run ./examples/processor -addr 127.0.0.1:... -insecure-allow-loopback -roots roots.pem
	free := must(net.Listen("tcp", "127.0.0.1:0"))
	at := port(free)
	free.Close()
	s.psp = must(identity.NewActDID("localhost:"+at, "psp"))
	roots := filepath.Join(s.dir, "roots.pem")
	must(0, os.WriteFile(roots, ca.CertificatePEM(), 0o600))
	s.processor = exec.Command(os.Args[0], "-addr", "127.0.0.1:"+at, "-data", s.data(""), "-insecure-allow-loopback", "-roots", roots)
	s.processor.Env = append(os.Environ(), "TEST_AS_PROCESSOR=1") // makes the test binary be the program
	must(0, s.processor.Start())
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if pem, err := os.ReadFile(s.data("ca.pem")); err == nil {
			s.roots = ca.Pool()
			s.roots.AppendCertsFromPEM(pem)
			s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}}
			if resp, err := s.client.Get(must(s.psp.DocumentURL())); err == nil {
				resp.Body.Close()
				return s
			}
		}
		if time.Now().After(end) {
			panic("the processor does not serve")
		}
	}
}

func (s *street) close() {
	_ = s.processor.Process.Kill()
	_ = s.processor.Wait()
	_ = s.server.Close()
	_ = os.RemoveAll(s.dir)
}

func (s *street) data(name string) string { return filepath.Join(s.dir, "processor-data", name) }

func (s *street) did(name string) identity.DID { return must(identity.NewActDID(s.host, name)) }

// An answer of the desk, as far as it matters here.
type answer struct {
	Token string `json:"payment_token"`
}

// desk is the operator.
func (s *street) desk(path string, body map[string]any) (a answer) {
	text := must(canon.Marshal(body))
	r := must(http.NewRequest("POST", "https://"+s.psp.Host()+"/admin/"+path, bytes.NewReader(text)))
	token := must(os.ReadFile(s.data("operator-token")))
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp := must(s.client.Do(r))
	defer resp.Body.Close()
	text = must(io.ReadAll(resp.Body))
	if resp.StatusCode != http.StatusOK {
		panic(path + ": " + string(text))
	}
	must(0, canon.DecodeOpen(text, &a))
	return a
}

// verifier makes one: each party has its own.
func (s *street) verifier(bank, principal identity.DID) *verifier.Verifier {
	found := verifier.NewResolver(verifier.ResolverConfig{RootCAs: s.roots, InsecureAllowLoopback: true})
	status := must(verifier.NewStatusClient(verifier.StatusConfig{Keys: found, RootCAs: s.roots, InsecureAllowLoopback: true}))
	return must(verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{bank.String(): {principal.String()}},
		Keys:    found, Status: status, Replay: verifier.NewMemoryReplay(0, nil),
	}))
}

// provider is the processor, as an agent or a shop talks to it.
func (s *street) provider(key *keys.Signer, v *verifier.Verifier) *psp.Client {
	return must(psp.New(psp.Config{
		ID: s.psp.String(), Endpoint: "https://" + s.psp.Host() + "/act/v1", Signer: key, Verifier: v, HTTP: s.client,
	}))
}

func newKey(did identity.DID, purpose keys.Purpose) *keys.Signer {
	return must(keys.NewSigner(did.String()+"#"+string(purpose), purpose, must(keys.Generate(keys.EdDSA))))
}

func document(did identity.DID, key *keys.Signer) *identity.Document {
	return &identity.Document{ID: did, Keys: []identity.Key{{ID: key.KeyID(), Purpose: key.Purpose(), Public: key.Public()}}}
}

func port(l net.Listener) string {
	_, p, err := net.SplitHostPort(l.Addr().String())
	return must(p, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
