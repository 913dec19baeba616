package provider_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

func TestMemoryLedgerIsAReplayStore(t *testing.T) {
	verifiertest.ReplayStore(t, func(_ *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return provider.NewMemoryLedger(now), true
	})
}

// TestMemoryLedgerDesk: what an operator gets wrong leaves nothing behind.
func TestMemoryLedgerDesk(t *testing.T) {
	l := newTill(t, nil)
	b := l.ledger
	good := provider.Token{ID: "pt-2", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY", ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(1)}
	token := func(change func(*provider.Token)) error { k := good; change(&k); return b.BindToken(k) }
	sub := func(change func(*provider.SubAccount)) error {
		s := provider.SubAccount{ID: "sub-2", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY", Key: l.sub.Public()}
		change(&s)
		return b.OpenSubAccount(s)
	}
	for name, c := range map[string]struct {
		err  error
		code protocol.Code
	}{
		"PSD-PMT-BND-02 an account of nobody":            {b.OpenPrincipal("", "CNY"), protocol.CodeFieldMissing},
		"an account in nothing":                          {b.OpenMerchant(acttest.ShopDID, ""), protocol.CodeFieldMissing},
		"a principal that is a merchant":                 {b.OpenPrincipal(acttest.ShopDID, "CNY"), protocol.CodeStateConflict},
		"the same account again":                         {b.OpenPrincipal(acttest.PrincipalDID, "CNY"), ""},
		"a deposit of nothing":                           {b.Deposit(acttest.PrincipalDID, "CNY", 0), protocol.CodeFieldInvalid},
		"a deposit of more than there is":                {b.Deposit(acttest.PrincipalDID, "CNY", math.MaxInt64), protocol.CodeFieldInvalid},
		"a deposit to a merchant":                        {b.Deposit(acttest.ShopDID, "CNY", 1), protocol.CodeInstrumentInvalid},
		"a deposit to nobody":                            {b.Deposit("did:act:nobody.example/n", "CNY", 1), protocol.CodeInstrumentInvalid},
		"PSD-PMT-BND-05 a token of nobody":               {token(func(k *provider.Token) { k.Principal = "did:act:nobody.example/n" }), protocol.CodeInstrumentInvalid},
		"PSD-PMT-BND-05 a token of a merchant":           {token(func(k *provider.Token) { k.Principal = acttest.ShopDID }), protocol.CodeInstrumentInvalid},
		"PSD-PMT-BND-03 a token of no agent":             {token(func(k *provider.Token) { k.Agent = "" }), protocol.CodeFieldMissing},
		"PSD-PMT-BND-03 a token that is over":            {token(func(k *provider.Token) { k.ValidUntil = k.ValidFrom }), protocol.CodeFieldInvalid},
		"PSD-PMT-BND-03 a ceiling below zero":            {token(func(k *provider.Token) { k.Ceiling = -1 }), protocol.CodeFieldInvalid},
		"PSD-PMT-BND-05 a token that is bound":           {token(func(k *provider.Token) { k.ID = "pt-1" }), protocol.CodeStateConflict},
		"no state of a token":                            {b.SetTokenState("pt-1", "sleeping"), protocol.CodeFieldInvalid},
		"the state of an unknown token":                  {b.SetTokenState("pt-2", provider.TokenFrozen), protocol.CodeInstrumentInvalid},
		"PSD-AGT-SUB-01 a sub-account of no agent":       {sub(func(s *provider.SubAccount) { s.Agent = "" }), protocol.CodeFieldMissing},
		"PSD-AGT-SUB-01 a sub-account of nobody":         {sub(func(s *provider.SubAccount) { s.Principal = "did:act:nobody.example/n" }), protocol.CodeInstrumentInvalid},
		"PSD-AGT-SUB-01 a sub-account that is open":      {sub(func(s *provider.SubAccount) { s.ID = subID }), protocol.CodeStateConflict},
		"PSD-AGT-SUB-06 a limit within no period":        {sub(func(s *provider.SubAccount) { s.Limits.Within = 1 }), protocol.CodeFieldInvalid},
		"PSD-AGT-SUB-06 a limit below zero":              {sub(func(s *provider.SubAccount) { s.Limits.Total = -1 }), protocol.CodeFieldInvalid},
		"PSD-AGT-SUB-02 funds for an unknown one":        {b.FundSubAccount("sub-2", 1), protocol.CodeSubAccountUnknown},
		"PSD-AGT-SUB-02 funds of nothing":                {b.FundSubAccount(subID, 0), protocol.CodeFieldInvalid},
		"PSD-AGT-SUB-02 more funds than there are":       {b.FundSubAccount(subID, balance), protocol.CodeBalanceInsufficient},
		"no state of a sub-account":                      {b.SetSubAccountState(subID, "sleeping"), protocol.CodeFieldInvalid},
		"the state of an unknown sub-account":            {b.SetSubAccountState("sub-2", provider.SubAccountFrozen), protocol.CodeSubAccountUnknown},
		"the key of an unknown sub-account":              {b.SetSubAccountKey("sub-2", l.sub.Public()), protocol.CodeSubAccountUnknown},
		"PSD-AGT-SUB-02 a sub-account that is cancelled": {b.SetSubAccountState(subID, provider.SubAccountCancelled), ""},
	} {
		if got := protocol.CodeOf(c.err); c.err == nil && c.code != "" || c.err != nil && got != c.code {
			t.Errorf("%s: got %v, want %q", name, c.err, c.code)
		}
	}
	l.want(b.SetSubAccountState(subID, provider.SubAccountActive), protocol.CodeStateConflict)
	l.want(b.FundSubAccount(subID, 1), protocol.CodeFieldInvalid)
	l.must(b.SetTokenState("pt-1", provider.TokenCancelled))
	l.want(b.SetTokenState("pt-1", provider.TokenActive), protocol.CodeStateConflict)
	if b.Balance(acttest.PrincipalDID, "CNY") != balance {
		t.Error("PSD-AGT-SUB-02 what a cancelled sub-account held is not the principal's")
	}
}

// TestFactsRefuse: facts that were not gathered allow nothing, and a state that
// is not known here pays nothing.
func TestFactsRefuse(t *testing.T) {
	p := provider.Payment{
		Request: provider.Request{Agent: "a"}, Mandate: provider.Mandate{Issuer: "i", Delegator: "d", Total: 10}, Token: "t", Amount: 1, Currency: "CNY",
		Expires: acttest.Start.Add(time.Hour),
	}
	var none provider.Facts
	for _, d := range []protocol.Decision{none.Judge(&p, acttest.Start), none.JudgeBegin(&p, acttest.Start)} {
		if d.Allowed() {
			t.Error("nothing is known, and allowed")
		}
	}
	p.Token, p.SubAccount = "", "s"
	f := provider.Facts{Payee: true, Balance: 10, SubAccount: &provider.SubAccount{Agent: "a", Principal: "d", Currency: "CNY", State: "sleeping"}}
	err := f.Judge(&p, acttest.Start).Err()
	if protocol.CodeOf(err) != protocol.CodeSubAccountFrozen {
		t.Errorf("PSD-AGT-SUB-03: %v", err)
	}
	f.SubAccount.State = provider.SubAccountActive // and it has no key, as the payment names none
	if err := f.Judge(&p, acttest.Start).Err(); protocol.CodeOf(err) != protocol.CodeSubAccountKey {
		t.Errorf("PSD-AGT-SUB-04: %v", err)
	}
}

// TestTradeNo: numbers keep the order of time, are visible ASCII, and do not
// repeat.
func TestTradeNo(t *testing.T) {
	seen, last := make(map[string]bool), ""
	for i := range 1000 {
		no := provider.TradeNo(acttest.Start.Add(time.Duration(i) * time.Millisecond))
		if len(no) != 26 || seen[no] || no <= last {
			t.Fatalf("%q after %q", no, last)
		}
		seen[no], last = true, no
	}
	if no := provider.TradeNo(time.Time{}); len(no) != 26 {
		t.Errorf("%q", no)
	}
}

func TestRefuseNothing(t *testing.T) {
	l := newTill(t, nil)
	_, err := l.ledger.Refuse(context.Background(), provider.Request{}, nil)
	var refusal *payment.Refusal
	if protocol.CodeOf(err) != protocol.CodeFieldMissing || errors.As(err, &refusal) {
		t.Error(err)
	}
}
