package trustlog_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/trustlog/trustlogtest"
)

const (
	chainName = "chain.example/log"
	channel   = "retail"
	shopDID   = "did:act:shop.example/coffee"
)

// world is a chain, a server that can be pointed at another one, and a client.
type world struct {
	testing.TB
	chain  *trustlogtest.Chain
	served http.Handler
	url    string
	store  trustlog.MemoryStore
	client *trustlog.Client
	signer *keys.Signer
}

func newWorld(t testing.TB, change ...func(*trustlogtest.Chain)) *world {
	t.Helper()
	chain, err := trustlogtest.New(chainName)
	must(t, err)
	for _, c := range change {
		c(chain)
	}
	w := &world{TB: t, chain: chain, served: chain, signer: newSigner(t, shopDID+"#anchor-1")}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.served.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = w.newClient(&w.store, chain.Trust())
	return w
}

func (w *world) newClient(store trustlog.Store, trust trustlog.Trust) *trustlog.Client {
	w.Helper()
	c, err := trustlog.New(trustlog.Config{
		Trust: trust, URL: w.url, Store: store, HTTP: &http.Client{}, InsecureAllowHTTP: true, Timeout: 5 * time.Second,
		Readers: w.chain.Readers,
	})
	must(w, err)
	return c
}

// anchor signs the anchor of a record with a number.
func (w *world) anchor(n int, change ...func(*attestation.Record)) []byte {
	w.Helper()
	return anchorOf(w, w.signer, n, change...)
}

func anchorOf(t testing.TB, s *keys.Signer, n int, change ...func(*attestation.Record)) []byte {
	t.Helper()
	r := attestation.Record{
		Version: attestation.Version, ID: recordID(n), Type: attestation.FulfillmentCompleted,
		EventTime: time.Date(2026, 4, 19, 8, 9, 0, 0, time.UTC), HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32),
		Links: attestation.Links{
			IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", DelegationID: "urn:uuid:6fa459ea-ee8a-4ca4-894e-db77e160355e",
			MerchantOrderID: "order-1", TradeNo: "trade-1",
		},
	}
	for _, c := range change {
		c(&r)
	}
	token, err := attestation.SignAnchor(s, &r, channel, time.Now())
	must(t, err)
	return token
}

func recordID(n int) string { return fmt.Sprintf("%s#rec-%032x", shopDID, n) }

// fill submits so many anchors.
func (w *world) fill(c *trustlog.Client, from, n int) (last *trustlog.Place) {
	w.Helper()
	for i := range n {
		var err error
		last, err = c.Submit(context.Background(), w.anchor(from+i))
		must(w, err)
	}
	return last
}

func newSigner(t testing.TB, keyID string) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	s, err := keys.NewSigner(keyID, keys.Anchor, private)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
