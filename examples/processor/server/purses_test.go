package server_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// purse opens a sub-account of the owner for the agent, with money in it.
func (w *world) purse(money string, limits server.Limits) (id string, key *keys.Signer) {
	w.t.Helper()
	ctx := context.Background()
	key = w.SubAccountKey()
	id, err := w.server.OpenSubAccount(ctx, server.Opening{
		Principal: w.Owner, Agent: w.Agent.DID(), Currency: w.CNY("0").Currency(), Key: key.Public(), Limits: limits,
	})
	w.must(err)
	w.must(w.server.TopUp(ctx, "topup-"+canon.Nonce(), id, w.CNY(money)))
	return id, key
}

func TestSubAccountPays(t *testing.T) {
	w := newWorld(t)
	id, key := w.purse("40.00", server.Limits{})
	q := w.latte("18.00")
	paid := w.pay(w.SignFrom(key, id, q))
	if paid.Amount != q.Amount || w.balance(id) != 22_00 || w.balance(w.Owner) != 60_00 || w.balance(w.Shop.DID()) != 18_00 {
		t.Errorf("PSD-PAY-DEL-08: %+v, purse %d, account %d", paid, w.balance(id), w.balance(w.Owner))
	}
	if again := w.pay(w.SignFrom(key, id, q)); again.TradeNo != paid.TradeNo || w.balance(id) != 22_00 {
		t.Error("PSD-PAY-DEL-04: another authorization of the same request is another payment")
	}
	w.must(w.server.SetSubAccountState(context.Background(), id, provider.SubAccountCancelled, book.ByPrincipal))
	if w.balance(id) != 0 || w.balance(w.Owner) != 82_00 {
		t.Errorf("PSD-AGT-SUB-02: cancelled, purse %d, account %d", w.balance(id), w.balance(w.Owner))
	}
	w.sound()
}

// TestSubAccountRefusals: each failure has a code of its own (PSD-AGT-SUB-05).
func TestSubAccountRefusals(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	id, key := w.purse("40.00", server.Limits{Single: w.CNY("20.00")})
	other, otherKey := w.purse("5.00", server.Limits{})
	request := func(amount string) payment.Request { return w.latte(amount) }
	w.wantRefusal("/payments", w.SignFrom(key, "sub-none", request("1.00")), protocol.CodeSubAccountUnknown)
	w.wantRefusal("/payments", w.SignFrom(otherKey, other, request("5.01")), protocol.CodeBalanceInsufficient)
	w.wantRefusal("/payments", w.SignFrom(key, id, request("20.01")), protocol.CodeSingleLimitExceeded)
	w.wantRefusal("/payments", w.SignFrom(otherKey, id, request("1.00")), protocol.CodeSubAccountKey)
	w.wantRefusal("/payments", w.SignFrom(w.SubAccountKey(), id, request("1.00")), protocol.CodeSubAccountKey)
	t.Run("PSD-AGT-SUB-04 the right key may follow the wrong one", func(t *testing.T) {
		q := request("1.00")
		if r := w.wantRefusal("/payments", w.SignFrom(otherKey, id, q), protocol.CodeSubAccountKey); r.Error.Payment != "" {
			t.Error("it is the stored answer")
		}
		w.pay(w.SignFrom(key, id, q))
	})
	t.Run("PSD-AGT-SUB-04 another agent's", func(t *testing.T) {
		theirs := w.SubAccountKey()
		foreign, err := w.server.OpenSubAccount(ctx, server.Opening{Principal: w.Owner, Agent: w.Stranger.DID(), Currency: w.CNY("0").Currency(), Key: theirs.Public()})
		w.must(err)
		w.wantRefusal("/payments", w.SignFrom(theirs, foreign, request("1.00")), protocol.CodeInstrumentMismatch)
	})
	t.Run("PSD-PAY-DEL-09 another principal's", func(t *testing.T) {
		w.must(w.server.OpenPrincipal(ctx, "did:act:home.example/neighbour", w.CNY("0").Currency()))
		theirs := w.SubAccountKey()
		foreign, err := w.server.OpenSubAccount(ctx, server.Opening{Principal: "did:act:home.example/neighbour", Agent: w.Agent.DID(), Currency: w.CNY("0").Currency(), Key: theirs.Public()})
		w.must(err)
		w.wantRefusal("/payments", w.SignFrom(theirs, foreign, request("1.00")), protocol.CodePrincipalMismatch)
	})
	for _, step := range []struct {
		to   provider.SubAccountState
		want protocol.Code
	}{
		{provider.SubAccountFrozen, protocol.CodeSubAccountFrozen}, {provider.SubAccountActive, ""}, {provider.SubAccountCancelled, protocol.CodeSubAccountCancelled},
	} {
		w.must(w.server.SetSubAccountState(ctx, id, step.to, book.ForRisk))
		if raw := w.SignFrom(key, id, request("1.00")); step.want != "" {
			w.wantRefusal("/payments", raw, step.want)
		} else {
			w.pay(raw)
		}
	}
	w.sound()
}

func TestSubAccountUntilItIsEmpty(t *testing.T) {
	w := newWorld(t)
	id, key := w.purse("7.00", server.Limits{Within: w.CNY("5.00"), Period: time.Minute})
	mandate, iac := w.Mandate(delegation.Specified, nil)
	buy := func(amount string) []byte { return w.SignFrom(key, id, w.Request(mandate, iac, "", amount)) }
	w.pay(buy("5.00"))
	w.wantRefusal("/payments", buy("1.00"), protocol.CodeTotalLimitExceeded)
	w.add(time.Minute + time.Second) // the book keeps whole seconds
	w.pay(buy("2.00"))
	w.wantRefusal("/payments", buy("0.01"), protocol.CodeBalanceInsufficient)
	if w.balance(w.Owner) != 93_00 {
		t.Errorf("the account beside it has %d", w.balance(w.Owner))
	}
	w.sound()
}

// TestDeskSubAccounts walks the operator's way over HTTP.
func TestDeskSubAccounts(t *testing.T) {
	w := newWorld(t)
	key := w.SubAccountKey()
	open := func(more string) string {
		return `{"principal":"` + w.Owner + `","agent":"` + w.Agent.DID() + `","currency":"CNY","key":` + string(w.SubAccountKey().Public().JWK()) + more + `}`
	}
	var opened struct {
		ID string `json:"subaccount_id"`
	}
	w.must(canon.Decode(w.wantDesk("POST", "/admin/subaccounts", `{"principal":"`+w.Owner+`","agent":"`+w.Agent.DID()+`","currency":"CNY","key":`+string(key.Public().JWK())+
		`,"single_limit":"20.00","period_limit":"30.00","period_seconds":86400}`, http.StatusOK, "sub-"), &opened))
	for more, want := range map[string]string{
		`,"single_limit":"0.00"`:     "field_invalid",
		`,"single_limit":"1.001"`:    "field_invalid",
		`,"period_limit":"1.00"`:     `"field":"period_seconds"`,
		`,"period_seconds":-1`:       "field_invalid",
		`,"period_seconds":99999999`: "field_invalid",
		`,"colour":"red"`:            "field_unknown",
	} {
		w.wantDesk("POST", "/admin/subaccounts", open(more), http.StatusBadRequest, want)
	}
	at := `"subaccount_id":"` + opened.ID + `"`
	w.wantDesk("POST", "/admin/topups", `{"topup_id":"t-1",`+at+`,"amount":"40.00","currency":"CNY"}`, http.StatusOK, "true")
	if fresh := w.wantDesk("GET", "/admin/subaccounts", "", http.StatusOK, `"state":"active"`); bytes.Contains(fresh, []byte(`"cause"`)) || bytes.Contains(fresh, []byte(`"frozen_by"`)) {
		t.Errorf("nobody has changed its state: %s", fresh)
	}
	w.wantDesk("POST", "/admin/topups", `{"topup_id":"t-1",`+at+`,"amount":"41.00","currency":"CNY"}`, http.StatusConflict, `"field":"topup_id"`)
	w.wantDesk("POST", "/admin/topups", `{"topup_id":"t-2",`+at+`,"amount":"40","currency":"JPY"}`, http.StatusBadRequest, "the sub-account has another currency")
	w.pay(w.SignFrom(key, opened.ID, w.latte("18.00")))
	w.wantDesk("GET", "/admin/subaccounts", "", http.StatusOK, `"balance":"22.00"`)
	w.wantDesk("POST", "/admin/subaccount-states", `{"agent":"`+w.Agent.DID()+`","state":"frozen","cause":"identity"}`, http.StatusOK, `"subaccounts":1`)
	w.wantDesk("POST", "/admin/subaccount-states", `{`+at+`,"state":"frozen","cause":"risk"}`, http.StatusOK, "true")
	w.wantDesk("GET", "/admin/subaccounts", "", http.StatusOK, `"frozen_by":["identity","risk"]`)
	w.wantDesk("POST", "/admin/subaccount-states", `{`+at+`,"state":"active","cause":"risk"}`, http.StatusOK, "true")
	w.wantDesk("GET", "/admin/subaccounts", "", http.StatusOK, `"frozen_by":["identity"]`)
	w.wantRefusal("/payments", w.SignFrom(key, opened.ID, w.latte("1.00")), protocol.CodeSubAccountFrozen)
	w.wantDesk("POST", "/admin/subaccount-states", `{`+at+`,"state":"active","cause":"principal"}`, http.StatusConflict, "actor_refused")
	w.wantDesk("POST", "/admin/subaccount-states", `{"state":"active","cause":"principal"}`, http.StatusBadRequest, "field_missing")
	w.wantDesk("POST", "/admin/subaccount-states", `{`+at+`,"state":"active","cause":"identity"}`, http.StatusOK, "true")
	w.wantDesk("POST", "/admin/subaccount-states", `{`+at+`,"state":"cancelled","cause":"principal"}`, http.StatusOK, "true")
	w.wantDesk("GET", "/admin/subaccounts", "", http.StatusOK, `"state":"cancelled"`)
	w.wantDesk("GET", "/admin/audit", "", http.StatusOK, `"sound":true,"subaccounts":1`)
	t.Run("devices and names", func(t *testing.T) {
		_, public := w.key()
		var paired struct {
			ID      string `json:"device_id"`
			Cashier string `json:"cashier"`
		}
		w.must(canon.Decode(w.wantDesk("POST", "/admin/devices", `{"principal":"`+w.Owner+`","key":`+string(public.JWK())+`}`, http.StatusOK, "dev-"), &paired))
		private, err := keys.Generate(keys.ES256)
		w.must(err)
		p256, err := keys.NewPublicKey(private.Public())
		w.must(err)
		w.wantDesk("POST", "/admin/devices", `{"principal":"`+w.Owner+`","key":`+string(p256.JWK())+`}`, http.StatusBadRequest, "algorithm_refused")
		w.wantDesk("POST", "/admin/devices", `{"principal":"nobody","key":`+string(public.JWK())+`}`, http.StatusBadRequest, "principal")
		w.wantDesk("POST", "/admin/device-removals", `{"device_id":"`+paired.ID+`"}`, http.StatusOK, "true")
		w.wantDesk("GET", "/admin/devices", "", http.StatusOK, `"removed":true`)
		w.wantDesk("POST", "/admin/names", `{"merchant":"`+w.Shop.DID()+`","name":"Coffee"}`, http.StatusOK, "true")
		for _, name := range []string{"", " Coffee", "a\\u202eb", "a\\nb", "\\u3164", "Coffee\\ufe0f", "Cof\\u034ffee", "\\u2800"} {
			w.wantDesk("POST", "/admin/names", `{"merchant":"`+w.Shop.DID()+`","name":"`+name+`"}`, http.StatusBadRequest, "name")
		}
	})
	w.sound()
}
