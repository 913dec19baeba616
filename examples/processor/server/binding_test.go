package server_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

func (w *world) bind(owner, agent string) string {
	w.t.Helper()
	token, err := w.server.BindToken(context.Background(), server.Binding{
		Principal: owner, Agent: agent, Currency: w.CNY("0").Currency(), ValidUntil: w.Now().Add(time.Hour),
	})
	w.must(err)
	return token
}

func (w *world) tokens() int {
	w.t.Helper()
	tokens, err := w.server.Ledger().Tokens(context.Background())
	w.must(err)
	return len(tokens)
}

func TestBinding(t *testing.T) {
	ctx := context.Background()
	t.Run("PSD-PMT-BND-01 an agent learns nothing of the account", func(t *testing.T) {
		w := newWorld(t)
		if strings.Contains(w.token, "owner") || strings.Contains(w.token, "home.example") || len(w.token) < 22 {
			t.Errorf("a token like %q tells something", w.token)
		}
		good, bad := w.latte("18.00"), w.latte("20.00")
		bad.PaymentToken = "pt-none"
		for _, message := range [][]byte{w.Sign(good), w.query(good), w.Sign(bad), w.query(bad)} {
			path := "/payments"
			if bytes.Contains(message, []byte(`"payment_request_id"`)) {
				path = "/queries"
			}
			_, answer := w.post(path, message)
			for _, secret := range []string{w.Owner, w.token, `"balance"`, "100.00", "82.00"} {
				if bytes.Contains(answer, []byte(secret)) {
					t.Errorf("%s tells %q: %s", path, secret, answer)
				}
			}
		}
	})
	t.Run("PSD-PMT-BND-02 nobody but the operator binds", func(t *testing.T) {
		w := newWorld(t)
		before := w.tokens()
		form := `{"principal":"` + w.Owner + `","agent":"` + w.Stranger.DID() + `","currency":"CNY","valid_until":"` + canon.FormatTime(w.Now().Add(time.Hour)) + `"}`
		if status, _ := w.desk("POST", "/admin/tokens", "Bearer "+w.token, form); status != http.StatusUnauthorized || w.tokens() != before {
			t.Errorf("status %d, %d tokens, before %d", status, w.tokens(), before)
		}
		w.wantDesk("POST", "/admin/tokens", form, http.StatusOK, "payment_token")
	})
	t.Run("PSD-PMT-BND-05 what fails leaves no token and says why", func(t *testing.T) {
		w := newWorld(t)
		before := w.tokens()
		for part, change := range map[string]func(*server.Binding){
			"instrument_invalid": func(b *server.Binding) { b.Principal = "did:act:home.example/nobody" },
			"agent":              func(b *server.Binding) { b.Agent = "agent" },
			"valid_until":        func(b *server.Binding) { b.ValidUntil = w.Now().Add(-time.Hour) },
			"ceiling":            func(b *server.Binding) { b.Ceiling = w.CNY("0") },
		} {
			b := server.Binding{Principal: w.Owner, Agent: w.Agent.DID(), Currency: w.CNY("0").Currency(), ValidUntil: w.Now().Add(time.Hour)}
			change(&b)
			if token, err := w.server.BindToken(ctx, b); err == nil || token != "" || !strings.Contains(err.Error(), part) || w.tokens() != before {
				t.Errorf("%s: %q, %v, %d tokens", part, token, err, w.tokens())
			}
		}
	})
	t.Run("PSD-PMT-BND-04 another agent's token, and nothing about it", func(t *testing.T) {
		w := newWorld(t)
		theirs := w.bind(w.Owner, w.Stranger.DID())
		var told [2]string
		for i := range told {
			q := w.latte("18.00")
			q.PaymentToken = theirs
			_, body := w.post("/payments", w.Sign(q))
			told[i] = strings.Replace(string(body), q.RequestID, "", 1)
			w.must(w.server.SetTokenState(ctx, theirs, provider.TokenFrozen))
		}
		if !strings.Contains(told[0], `"code":"instrument_mismatch"`) || told[0] != told[1] {
			t.Errorf("active: %s\nfrozen: %s", told[0], told[1])
		}
	})
	t.Run("PSD-PAY-DEL-09 another principal's token", func(t *testing.T) {
		w := newWorld(t)
		const other = "did:act:home.example/second"
		w.must(w.server.OpenPrincipal(ctx, other, w.CNY("0").Currency()))
		w.must(w.server.Deposit(ctx, "d-2", other, w.CNY("100")))
		q := w.latte("18.00")
		q.PaymentToken = w.bind(other, w.Agent.DID())
		for range 2 { // stored, although the code is not one of those that Final names
			if r := w.wantRefusal("/payments", w.Sign(q), protocol.CodePrincipalMismatch); r.Error.Payment != q.RequestID {
				t.Errorf("the answer is to %q", r.Error.Payment)
			}
		}
		if w.balance(other) != 100_00 {
			t.Error("one principal's mandate moved another's money")
		}
	})
}
