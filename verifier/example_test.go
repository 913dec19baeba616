package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A provider's verifier: keys and states over the network, and a policy that
// says who may issue mandates for whom.
func ExampleNew() {
	resolver := verifier.NewResolver(verifier.ResolverConfig{})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver})
	if err != nil {
		panic(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{"did:act:bank.example/mandates": {"did:act:bank.example/ann"}},
		Keys:    resolver,
		Status:  status,
		Replay:  verifier.NewMemoryReplay(0, nil),
	})
	if err != nil {
		panic(err)
	}
	_, err = v.Mandate(context.Background(), []byte("eyJhbGciOiJub25lIn0.e30."), verifier.MandateExpectation{
		Agent: "did:act:agents.example/buyer", Audience: "did:act:psp.example/pay",
	})
	fmt.Println(err)
	fmt.Println("undetermined:", errors.Is(err, protocol.ErrUndetermined))
	// Output:
	// act: field_missing: header.kid: a required member is absent or empty (ADD-IAC-ISS-04)
	// undetermined: false
}

// What a provider does with a payment request, and what its ledger then does.
func ExampleVerifier_PaymentRequest() {
	pay := func(ctx context.Context, v *verifier.Verifier, body []byte) error {
		request, err := v.PaymentRequest(ctx, body, verifier.PaymentExpectation{PSP: "did:act:psp.example/pay"})
		if err != nil {
			return err
		}
		if err := request.UseNonce(ctx); err != nil { // or TakeNonce, for a ledger that stores it itself
			return err
		}
		// Here: the earlier answer for (agent, request_id), by ContentDigest.
		authorized, err := request.Authorize(ctx)
		if err != nil {
			return err
		}
		// Here, in one transaction: PayloadDigest pinned for (Issuer,
		// DelegationID), spent plus Amount within Total, (Payee, OrderNumber)
		// paid once, the token's principal is Delegator, debit.
		_ = authorized.Total()
		return nil
	}
	_ = pay
}

// A payment from a sub-account: the verifier judges what the authorization says,
// and the provider brings the key that it registered when the sub-account was
// opened.
func ExampleAuthorizedPayment_VerifySubAccount() {
	registered := map[string]keys.PublicKey{} // by sub-account, in the provider's book
	judge := func(p *verifier.AuthorizedPayment) error {
		id, ok := p.SubAccount()
		if !ok {
			return nil // from a payment token
		}
		key, opened := registered[id]
		if !opened {
			return protocol.New(protocol.CodeSubAccountUnknown, "subaccount_id", "PSD-AGT-SUB-05", "")
		}
		return p.VerifySubAccount(key)
	}
	// Nothing that was not verified is from anywhere:
	fmt.Println(judge(&verifier.AuthorizedPayment{}))
	fmt.Println(new(verifier.AuthorizedPayment).VerifySubAccount(keys.PublicKey{}))
	// Output:
	// <nil>
	// act: subaccount_key_invalid: subaccount_authorization: the payment is from no sub-account (PSD-AGT-SUB-04)
}

// The whole way over real HTTPS: an issuer serves its document and its status
// list, and a verifier that knows only the issuer's name follows.
func TestNetwork(t *testing.T) {
	ctx := context.Background()
	var handler http.Handler
	pool, host := newTLSServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	did, err := identity.NewActDID(host, "mandates")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, keys.EdDSA)
	iss, err := issuer.New(issuer.Config{
		DID: did, Signer: w.signer(did.String()+"#issue", keys.IssueAuthorization), StatusSigner: w.signer(did.String()+"#status", keys.Status),
		ListURI: "https://" + host + "/status/1", Store: issuer.NewMemoryStore(), TTL: time.Second, Now: w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler = iss.Handler()
	confirmed, err := delegation.ConfirmedISR(&delegation.ISR{
		ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "a latte"}}, IntentID: "intent-1",
		DelegationMode: delegation.Specified, ValidityStart: epoch, ValidityEnd: epoch.Add(time.Hour), MaxTotalAmount: "20", Currency: "CNY",
		AgentID: agentDID, UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: epoch,
		Ext: &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{shopDID}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := iss.Issue(ctx, issuer.Grant{Confirmed: confirmed, Delegator: annDID, Audience: pspDID, Holder: w.signers[agentDID+"#k1"].Public()})
	if err != nil {
		t.Fatal(err)
	}
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: pool, InsecureAllowLoopback: true, Now: w.clock})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: pool, InsecureAllowLoopback: true, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{did.String(): {annDID}}, Keys: resolver, Status: status, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	m, err := v.Mandate(ctx, raw, expectation)
	if err != nil {
		t.Fatal(err)
	}
	step := func(name string, change func(context.Context, string, delegation.Actor) error, want protocol.Code) {
		t.Helper()
		if err := change(ctx, m.Claims().ID, delegation.ActorPrincipal); err != nil {
			t.Fatal(name, err)
		}
		w.pass(time.Second) // the list's ttl
		_, err := v.Mandate(ctx, raw, expectation)
		if protocol.CodeOf(err) != want {
			t.Errorf("ADD-IAC-LCM-07 after %s: %v, want %q", name, err, want)
		}
	}
	step("suspension", iss.Suspend, protocol.CodeMandateSuspended)
	step("resumption", iss.Resume, "")
	step("revocation", iss.Revoke, protocol.CodeMandateRevoked)
}
