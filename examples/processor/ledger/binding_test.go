package ledger

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// bindings leaves a row in every table of bindingFacts and returns who was bound
// and who was not.
func bindings(t *testing.T, l *Ledger) (bound, refused provider.Binding) {
	t.Helper()
	ctx := context.Background()
	cny := money.MustParse("1.00", "CNY")
	begin := func(id string, terms payment.BindingTerms) provider.Binding {
		b := provider.Binding{
			ID: "bind-" + id, Agent: agent, RequestID: "b-" + id, Digest: "d", Principal: principal, Asked: terms, Expires: start.Add(time.Hour), State: provider.BindingWaiting,
		}
		if terms.Instrument == payment.BindSubAccount {
			b.Key = newKey(t)
		}
		if _, err := l.BeginBinding(ctx, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	bound = begin("1", payment.BindingTerms{Instrument: payment.BindSubAccount, Currency: cny.Currency(), Balance: money.MustParse("20.00", "CNY"), Task: money.MustParse("2.00", "CNY")})
	refused = begin("2", payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: cny.Currency(), ValidUntil: start.Add(time.Hour)})
	if _, err := l.AcceptBinding(ctx, bound.ID, provider.Grant{Terms: bound.Asked, SubAccount: "sub-b", Confirmation: yes}); err != nil {
		t.Fatal(err)
	}
	if err := l.DeclineBinding(ctx, refused.ID, protocol.CodeConfirmationFailed); err != nil {
		t.Fatal(err)
	}
	if err := l.Invite(ctx, book.Invitation{ID: "link", Principal: principal, Expires: start.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Enrol(ctx, "link", book.Passkey{ID: "key", Key: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if err := l.UsePasskey(ctx, book.PasskeyUse{ID: "key", Counter: 1, Nonce: provider.Nonce{Scope: "s", Value: "v", Until: start.Add(time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Secret(ctx, "pages"); err != nil {
		t.Fatal(err)
	}
	return bound, refused
}

func TestBindingFacts(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	furnish(t, l, 100_00)
	bound, refused := bindings(t, l)
	columns := map[string]string{
		"secrets": "secret", "invitations": "principal", "passkeys": "cose", "passkey_states": "state", "passkey_uses": "counter",
		"bindings": "terms", "binding_grants": "method", "binding_refusals": "code",
	}
	for _, table := range bindingFacts {
		for _, query := range []string{"UPDATE " + table + " SET " + columns[table] + " = " + columns[table], "DELETE FROM " + table} {
			if err := tamper(t, path, query); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	if len(columns) != len(bindingFacts) {
		t.Error("a table of facts has no case here")
	}
	list, err := l.ListBindings(context.Background(), 9)
	if err != nil || len(list) != 2 || list[0].ID != refused.ID || list[0].Reason != protocol.CodeConfirmationFailed || list[1].ID != bound.ID || list[1].SubAccount != "sub-b" {
		t.Errorf("%+v, %v", list, err)
	}
	t.Run("PSD-AGT-SUB-06 all the limits that were granted", func(t *testing.T) {
		subs, err := l.SubAccounts(context.Background())
		if err != nil || len(subs) != 1 || subs[0].BalanceLimit != 20_00 || subs[0].TaskLimit != 2_00 || subs[0].Agent != agent {
			t.Fatalf("%+v, %v", subs, err)
		}
		err = l.TopUp(context.Background(), book.TopUp{ID: "t-1", SubAccount: "sub-b", Amount: 20_01})
		if protocol.CodeOf(err) != protocol.CodeSingleLimitExceeded {
			t.Error(err)
		}
	})
	t.Run("PSD-PMT-BND-05 both ends are kept over a restart", func(t *testing.T) {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again := openAt(t, path, c.now)
		b, err := again.Binding(context.Background(), bound.ID)
		if err != nil || b.State != provider.BindingBound || b.SubAccount != "sub-b" || !b.Granted.Equal(bound.Asked) || b.Confirmation.Method != yes.Method {
			t.Errorf("%+v, %v", b, err)
		}
		r, err := again.BeginBinding(context.Background(), refused)
		if err != nil || r.State != provider.BindingRefused {
			t.Errorf("%+v, %v", r, err)
		}
		sound(t, again)
	})
}
