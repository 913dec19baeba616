package live_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// broken says what a provider gets wrong; the zero value is honest.
type broken struct {
	ledger func(*provider.MemoryLedger) provider.Ledger
	config func(*verifier.Config)
	front  func(http.Handler) http.Handler
}

// A till is a provider with a desk that is called from Go.
type till struct {
	book     *provider.MemoryLedger
	provider *provider.Provider
	mu       sync.Mutex
	trusted  map[[2]string]bool
}

func (k *till) Trusts(issuer, delegator string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trusted[[2]string{issuer, delegator}]
}

func (k *till) trust(issuer, principal string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trusted[[2]string{issuer, principal}] = true
}

// testPSP starts a provider and returns the scenario for it.
func testPSP(t *testing.T, b broken) *live.Scenario {
	t.Helper()
	local := localTLS(t)
	s := serve(t, local, "psp", keys.Proof)
	k := &till{book: provider.NewMemoryLedger(time.Now), trusted: map[[2]string]bool{}}
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: local.Roots, InsecureAllowLoopback: true})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: local.Roots, InsecureAllowLoopback: true})
	config := verifier.Config{Issuers: k, Keys: resolver, Status: must(t, status, err), Replay: k.book}
	if b.config != nil {
		b.config(&config)
	}
	v, err := verifier.New(config)
	must(t, v, err)
	var ledger provider.Ledger = k.book
	if b.ledger != nil {
		ledger = b.ledger(k.book)
	}
	k.provider, err = provider.New(provider.Config{
		Bindings: k.book, BindingPage: func(_ context.Context, b *provider.Binding) (string, error) {
			return "https://" + s.host + "/bind/" + b.ID, nil
		},
		Signer: s.signer, Verifier: v, Ledger: ledger,
		Cashier: func(_ context.Context, tr *provider.Trade) (string, error) {
			return "https://" + s.host + "/cashier/" + tr.No, nil
		},
	})
	must(t, k.provider, err)
	h := k.provider.Handler()
	if b.front != nil {
		h = b.front(h)
	}
	s.mux.Handle("/act/", http.StripPrefix("/act", h))
	return &live.Scenario{
		Site: site(t, local), Actions: k.desk(),
		PSP: &live.PSPScenario{ID: s.did.String(), Endpoint: "https://" + s.host + "/act", Method: method, Currency: "CNY"},
	}
}

// minor reads an amount of CNY.
func minor(s string) int64 {
	if s == "" {
		return 0
	}
	return money.MustParse(s, "CNY").Minor()
}

func (k *till) desk() map[string]live.Action {
	act := func(do func(v map[string]string) (map[string]string, error)) live.Action {
		return live.Action{Func: func(_ context.Context, v map[string]string) (map[string]string, error) { return do(v) }}
	}
	none := func(err error) (map[string]string, error) { return nil, err }
	bind := act(func(v map[string]string) (map[string]string, error) {
		until, err := time.Parse(time.RFC3339, v["valid_until"])
		if err != nil {
			return nil, err
		}
		token := provider.Token{
			ID: "token-" + canon.Nonce(), Principal: v["principal"], Agent: v["agent"], Currency: v["currency"],
			ValidFrom: time.Now().Add(-time.Minute), ValidUntil: until, Ceiling: minor(v["ceiling"]),
		}
		if v["merchant"] != "" {
			token.Merchants = []string{v["merchant"]}
		}
		return map[string]string{"payment_token": token.ID}, k.book.BindToken(token)
	})
	purse := act(func(v map[string]string) (map[string]string, error) {
		key, err := keys.ParseJWK([]byte(v["key"]))
		if err != nil {
			return nil, err
		}
		id := "sub-" + canon.Nonce()
		return map[string]string{"subaccount_id": id}, k.book.OpenSubAccount(provider.SubAccount{
			ID: id, Principal: v["principal"], Agent: v["agent"], Currency: v["currency"], Key: key,
			Limits: provider.Limits{Single: minor(v["single_limit"]), Total: minor(v["total_limit"])},
		})
	})
	confirm := act(func(v map[string]string) (map[string]string, error) {
		_, err := k.provider.Confirm(context.Background(), v["trade_no"], provider.Confirmation{Method: "test", At: time.Now()})
		return nil, err
	})
	return map[string]live.Action{
		"open_principal": act(func(v map[string]string) (map[string]string, error) {
			k.trust(v["issuer"], v["principal"])
			return none(k.book.OpenPrincipal(v["principal"], v["currency"]))
		}),
		"open_merchant": act(func(v map[string]string) (map[string]string, error) {
			return none(k.book.OpenMerchant(v["merchant"], v["currency"]))
		}),
		"deposit": act(func(v map[string]string) (map[string]string, error) {
			return none(k.book.Deposit(v["principal"], v["currency"], minor(v["amount"])))
		}),
		"bind_token": bind, "bind_limited_token": bind,
		"token_state": act(func(v map[string]string) (map[string]string, error) {
			return none(k.book.SetTokenState(v["payment_token"], provider.TokenState(v["state"])))
		}),
		"open_subaccount": purse, "open_limited_subaccount": purse,
		"top_up": act(func(v map[string]string) (map[string]string, error) {
			return none(k.book.FundSubAccount(v["subaccount_id"], minor(v["amount"])))
		}),
		"subaccount_state": act(func(v map[string]string) (map[string]string, error) {
			return none(k.book.SetSubAccountState(v["subaccount_id"], provider.SubAccountState(v["state"])))
		}),
		"accept_binding": act(func(v map[string]string) (map[string]string, error) {
			id := v["binding_url"][strings.LastIndexByte(v["binding_url"], '/')+1:]
			b, err := k.book.Binding(context.Background(), id)
			if err != nil {
				return nil, err
			}
			_, err = k.provider.AcceptBinding(context.Background(), id, b.Asked, provider.Confirmation{Method: "test", At: time.Now()})
			return nil, err
		}),
		"decline_binding": act(func(v map[string]string) (map[string]string, error) {
			id := v["binding_url"][strings.LastIndexByte(v["binding_url"], '/')+1:]
			return none(k.provider.DeclineBinding(context.Background(), id, protocol.CodeConfirmationFailed))
		}),
		"confirm": confirm,
		"confirm_refused": act(func(v map[string]string) (map[string]string, error) {
			_, _ = confirm.Func(context.Background(), v) // what became of it is asked over HTTP
			return nil, nil
		}),
		"cancel": act(func(v map[string]string) (map[string]string, error) {
			return none(k.provider.Decline(context.Background(), v["trade_no"], protocol.CodeConfirmationFailed))
		}),
	}
}

// An honest provider passes every check that its scenario supports.
func TestHonestPSP(t *testing.T) {
	t.Parallel()
	results := run(t, testPSP(t, broken{}))
	passes(t, results, "live/psp/notification/")
	if len(results) < 100 {
		t.Errorf("%d checks", len(results))
	}
}
