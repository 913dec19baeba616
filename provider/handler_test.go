package provider_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
)

func TestHandler(t *testing.T) {
	var answered []string
	l := newTill(t, nil)
	l.provider = l.with(func(c *provider.Config) {
		c.Answered = func(_ context.Context, path string, err error) {
			answered = append(answered, path+" "+string(protocol.CodeOf(err)))
		}
	})
	server := httptest.NewTLSServer(http.StripPrefix("/act/v1", l.provider.Handler()))
	t.Cleanup(server.Close)
	client := func(s *keys.Signer) *psp.Client {
		c, err := psp.New(psp.Config{ID: acttest.PSPDID, Endpoint: server.URL + "/act/v1", Signer: s, Verifier: l.w.NewVerifier(t),
			HTTP: server.Client(), Now: l.w.Clock.Now})
		l.must(err)
		return c
	}
	t.Run("PSD-PAY-DEL-13 a whole trade over HTTP", func(t *testing.T) {
		buyer, seller := client(l.w.Buyer.Signer(keys.AgentRequest)), client(l.w.Seller.Signer(keys.Seller))
		q := l.request(payment.ScenarioDEL, "18.00")
		first, err := buyer.Pay(ctx, q)
		l.must(err)
		asked, err := buyer.Query(ctx, q)
		l.must(err)
		if asked != first {
			t.Fatalf("%+v", asked)
		}
		_, err = seller.Consume(ctx, first.PaymentProof, "delivery-1")
		l.must(err)
		_, err = seller.ConfirmFulfilment(ctx, first.TradeNo, "delivery-1", l.w.Clock.Now())
		l.must(err)
		over := l.request(payment.ScenarioDEL, "60.01")
		l.mandate(&over, nil)
		_, err = buyer.Pay(ctx, over)
		l.stored(err, over, protocol.CodeBalanceInsufficient)
	})
	t.Run("PSD-PAY-INS-06 an instant payment over HTTP", func(t *testing.T) {
		buyer := client(l.w.Buyer.Signer(keys.AgentRequest))
		q := l.request(payment.ScenarioINS, "1.00")
		_, err := buyer.Pay(ctx, q)
		var waits *payment.AwaitsConfirmation
		if !errors.As(err, &waits) {
			t.Fatal(err)
		}
		_, err = l.provider.Confirm(ctx, waits.Pending.TradeNo, l.confirmation())
		l.must(err)
		_, err = buyer.Query(ctx, q)
		l.must(err)
	})
	t.Run("SPEC.md 6.1 what is no message", func(t *testing.T) {
		answered = nil
		for body, want := range map[string]int{"": 400, "{}": 400, "[]": 400, strings.Repeat(" ", 64<<10+1): 400} {
			for _, path := range []string{"/payments", "/queries", "/consumptions", "/fulfilments"} {
				resp, err := server.Client().Post(server.URL+"/act/v1"+path, "application/json", strings.NewReader(body))
				l.must(err)
				text, err := io.ReadAll(resp.Body)
				l.must(err)
				resp.Body.Close()
				if resp.StatusCode != want || !bytes.Contains(text, []byte(`"code":`)) || resp.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s with %d bytes: %s %s", path, len(body), resp.Status, text)
				}
			}
		}
		for path, want := range map[string]int{"/act/v1/payments": 405, "/act/v1/elsewhere": 404, "/payments": 404} {
			resp, err := server.Client().Get(server.URL + path)
			l.must(err)
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("GET %s: %s", path, resp.Status)
			}
		}
		if len(answered) != 16 {
			t.Errorf("%d answers were told: %q", len(answered), answered)
		}
	})
}

// TestCallerHangsUp: what was received is decided (SPEC.md 6.1).
func TestCallerHangsUp(t *testing.T) {
	l := newTill(t, nil)
	q := l.request(payment.ScenarioAUP, "2.00")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = l.provider.Pay(gone, l.sign(q))
	asked, err := l.query(q)
	l.must(err)
	l.result(q, asked)
}

func TestConfig(t *testing.T) {
	l := newTill(t, nil)
	good := provider.Config{Signer: l.w.PSP.Party.Signer(keys.Proof), Verifier: l.w.Verifier, Ledger: l.ledger, Now: l.w.Clock.Now}
	for name, c := range map[string]struct {
		change func(*provider.Config)
		code   protocol.Code
	}{
		"no signer":            {func(c *provider.Config) { c.Signer = nil }, protocol.CodeFieldMissing},
		"no verifier":          {func(c *provider.Config) { c.Verifier = nil }, protocol.CodeFieldMissing},
		"no ledger":            {func(c *provider.Config) { c.Ledger = nil }, protocol.CodeFieldMissing},
		"a key of a seller":    {func(c *provider.Config) { c.Signer = l.w.Seller.Signer(keys.Seller) }, protocol.CodeKeyPurpose},
		"a document of a shop": {func(c *provider.Config) { c.Document = l.w.Seller.Document }, protocol.CodeClaimsConflict},
		"a document without the key": {func(c *provider.Config) {
			c.Document = &identity.Document{ID: l.w.PSP.Party.DID}
		}, protocol.CodeKeyUnknown},
		"proofs of two days": {func(c *provider.Config) { c.ProofLife = 48 * time.Hour }, protocol.CodeFieldInvalid},
		"proofs of the past": {func(c *provider.Config) { c.ProofLife = -1 }, protocol.CodeFieldInvalid},
		"no time to confirm": {func(c *provider.Config) { c.TimeToConfirm = -1 }, protocol.CodeFieldInvalid},
	} {
		cfg := good
		c.change(&cfg)
		if p, err := provider.New(cfg); p != nil || protocol.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field, change := range map[string]func(*provider.Config){
		"Signer": func(c *provider.Config) { c.Signer = nil }, "Verifier": func(c *provider.Config) { c.Verifier = nil }, "Ledger": func(c *provider.Config) { c.Ledger = nil },
	} {
		cfg := good
		change(&cfg)
		if _, err := provider.New(cfg); err == nil || protocol.AsError(err).Field != field {
			t.Errorf("without %s: %v", field, err)
		}
	}
	if p, err := provider.New(good); err != nil || p.ID() != acttest.PSPDID {
		t.Errorf("%v", err)
	}
}

// TestRetiredKey: a proof outlives the key that signed it being retired, and
// one that a retired key signs afterwards is none.
func TestRetiredKey(t *testing.T) {
	l := newTill(t, nil)
	old := l.w.PSP.Party.Signer(keys.Proof)
	first := l.paid(l.request(payment.ScenarioAUP, "1.00"))
	l.w.Clock.Advance(time.Minute)
	private, err := keys.Generate(keys.EdDSA)
	l.must(err)
	next, err := keys.NewSigner(acttest.PSPDID+"#next", keys.Proof, private)
	l.must(err)
	document := &identity.Document{ID: l.w.PSP.Party.DID, Keys: []identity.Key{
		{ID: old.KeyID(), Public: old.Public(), Purpose: keys.Proof, NotAfter: acttest.Start.Add(30 * time.Second)},
		{ID: next.KeyID(), Public: next.Public(), Purpose: keys.Proof, NotBefore: acttest.Start.Add(30 * time.Second)},
	}}
	retired := l.provider
	l.provider = l.with(func(c *provider.Config) { c.Signer, c.Document = next, document })
	_, err = l.consume(first.PaymentProof, "delivery-1")
	l.must(err)
	l.provider, retired = retired, l.provider
	late := l.request(payment.ScenarioAUP, "1.00")
	a, err := l.send(late)
	l.must(err)
	u, err := payment.ParseResult(a.Body)
	l.must(err)
	l.provider = retired
	_, err = l.consume(u.Result.PaymentProof, "delivery-2")
	l.want(err, protocol.CodeProofInvalid)
}
