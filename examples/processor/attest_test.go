package main

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/examples/trustchain/chain"
	trustchain "github.com/actprotocol/act-go/examples/trustchain/server"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/verifier"
)

// serveChain serves a trust chain over TLS; while away is true nobody is there.
func serveChain(t *testing.T, away *atomic.Bool, known verifier.StaticKeys) (id identity.DID, roots *x509.CertPool, logs *chain.Chain) {
	t.Helper()
	var handler http.Handler
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	ok(t, err)
	id, err = identity.NewActDID("localhost:"+port, "log")
	ok(t, err)
	private, err := keys.Generate(keys.EdDSA)
	ok(t, err)
	own, err := keys.NewSigner(id.String()+"#log-1", keys.Anchor, private)
	ok(t, err)
	logs, err = chain.Open(t.Context(), chain.Config{
		Path: filepath.Join(t.TempDir(), "logs.db"), Chain: id.Host() + trustchain.Base(id), Signer: own, Channels: []string{"retail"},
	})
	ok(t, err)
	t.Cleanup(func() { ok(t, logs.Close()) })
	handler, err = trustchain.New(trustchain.Config{
		ID: id, Chain: logs, Keys: known, Document: &identity.Document{ID: id, Keys: []identity.Key{{ID: own.KeyID(), Public: own.Public(), Purpose: keys.Anchor}}},
		Admit: func(string, string) bool { return true }, Reader: func(string, string) bool { return false },
	})
	ok(t, err)
	ca, err := localtls.NewCA()
	ok(t, err)
	web.TLS, err = ca.ServerConfig()
	ok(t, err)
	web.StartTLS()
	t.Cleanup(web.Close)
	return id, ca.Pool(), logs
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAttests: a payment is recorded although the chain is away, and its anchor
// is on the chain once that is back, also when another process has to finish it.
func TestAttests(t *testing.T) {
	psp, err := identity.ParseDID("did:act:psp.example/psp")
	ok(t, err)
	f, err := folder.Open(t.TempDir())
	ok(t, err)
	anchor, err := f.Key(anchorKeyFile, psp.String()+"#anchor-1", keys.Anchor)
	ok(t, err)
	sign, err := f.Key(attestationKeyFile, psp.String()+"#attestation-1", keys.Attestation)
	ok(t, err)
	var away atomic.Bool
	away.Store(true)
	id, roots, logs := serveChain(t, &away, verifier.NewStaticKeys(&identity.Document{ID: psp, Keys: []identity.Key{
		{ID: anchor.KeyID(), Public: anchor.Public(), Purpose: keys.Anchor}, {ID: sign.KeyID(), Public: sign.Public(), Purpose: keys.Attestation},
	}}))
	a := attesting{chain: id.String(), channel: "retail"}
	ok(t, a.check())
	start := func() (server.Config, func() error) {
		t.Helper()
		c := server.Config{ID: psp}
		end, err := a.open(&c, f, verifier.NewResolver(verifier.ResolverConfig{RootCAs: roots, InsecureAllowLoopback: true}), roots, true, slog.New(slog.DiscardHandler))
		ok(t, err)
		return c, end
	}
	c, end := start()
	if len(c.OtherKeys) != 2 || c.OtherKeys[0].Purpose != keys.Attestation || c.OtherKeys[1].Purpose != keys.Anchor {
		t.Errorf("the document gets %+v", c.OtherKeys)
	}
	if _, err := a.open(&server.Config{ID: psp}, f, nil, nil, false, nil); err == nil {
		t.Error("two processes attest from one folder")
	}
	cny, err := money.ParseCurrency("CNY")
	ok(t, err)
	amount, err := money.Parse("18.00", cny)
	ok(t, err)
	intent := canon.UUID()
	draft, err := attestation.NewDraft(attestation.Payment{Amount: amount, ProofDigest: canon.Sum([]byte("proof")), Method: "urn:act:payment:balance"},
		time.Now().UTC().Truncate(time.Second), attestation.Links{IntentID: intent, DelegationID: canon.UUID(), MerchantOrderID: "o-1", TradeNo: "T1"},
		attestation.Participant{ID: psp.String(), Role: attestation.PSP},
		attestation.Participant{ID: "did:act:home.example/agent", Role: attestation.PayerAgent},
		attestation.Participant{ID: "did:act:shop.example/coffee", Role: attestation.Merchant})
	ok(t, err)
	began := time.Now()
	ok(t, c.Attest(context.Background(), draft))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("PSD-PAY-A402-24 a chain that is away took %v of the processor's time", took)
	}
	ok(t, end())
	away.Store(false)
	var kept *recorder.Stored
	for until := time.Now().Add(20 * time.Second); kept == nil; {
		_, end := start() // another process, which finds what is left to do
		time.Sleep(200 * time.Millisecond)
		ok(t, end())
		store, err := recorder.OpenFileStore(f.Path(recordsFolder))
		ok(t, err)
		found, err := store.Find(t.Context(), recorder.Query{IntentID: intent})
		ok(t, err)
		ok(t, store.Close())
		if len(found) == 1 {
			if on, _ := found[0].Anchor("retail"); on.Receipt.Place != "" {
				kept = found[0]
			}
		}
		if time.Now().After(until) {
			t.Fatal("PSD-PAY-A402-24 the payment is never attested")
		}
	}
	if _, err := attestation.Parse(kept.Record); err != nil {
		t.Error(err)
	}
	if _, err := logs.Checkpoint("retail"); err != nil {
		t.Error(err)
	}
}

func TestAttestingSettings(t *testing.T) {
	for name, a := range map[string]attesting{
		"a URL": {chain: "https://chain.example/log", channel: "retail"}, "a key": {chain: "did:key:z6Mk", channel: "retail"},
		"no channel": {chain: "did:act:chain.example/log"}, "a wrong channel": {chain: "did:act:chain.example/log", channel: "Retail!"},
		"a wrong witness": {chain: "did:act:chain.example/log", channel: "retail", witnesses: "nonsense"},
	} {
		if a.check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := (&attesting{channel: "retail"}).check(); err != nil {
		t.Errorf("nothing is attested: %v", err)
	}
}
