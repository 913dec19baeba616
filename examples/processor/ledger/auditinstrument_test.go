package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// granted leaves a token and a sub-account that a principal has agreed to, and a
// passkey that was used.
func granted(t *testing.T, l *Ledger) {
	t.Helper()
	ctx := context.Background()
	cny := money.MustParse("9.00", "CNY")
	for i, asked := range []payment.BindingTerms{
		{Instrument: payment.BindPaymentToken, Currency: cny.Currency(), ValidUntil: start.Add(time.Hour), Ceiling: cny, Merchants: []string{shop}},
		{Instrument: payment.BindSubAccount, Currency: cny.Currency(), Total: cny},
	} {
		b := provider.Binding{
			ID: fmt.Sprint("bind-", i), Agent: agent, RequestID: fmt.Sprint("b-", i), Digest: "d", Principal: principal, Expires: start.Add(time.Hour),
			State: provider.BindingWaiting, Asked: asked,
		}
		g := provider.Grant{Terms: asked, Confirmation: yes}
		if asked.Instrument == payment.BindSubAccount {
			b.Key, g.SubAccount = newKey(t), "sub-granted"
		} else {
			g.Token, g.Terms.ValidFrom = "tok-granted", start
		}
		if _, err := l.BeginBinding(ctx, b); err != nil {
			t.Fatal(err)
		}
		if _, err := l.AcceptBinding(ctx, b.ID, g); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		l.Invite(ctx, book.Invitation{ID: "link", Principal: principal, Expires: start.Add(time.Hour)}),
		l.Enrol(ctx, "link", book.Passkey{ID: "key", Key: []byte{1}}),
		l.UsePasskey(ctx, book.PasskeyUse{ID: "key", Counter: 1, Nonce: provider.Nonce{Scope: "passkey", Value: "n", Until: start.Add(time.Hour)}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// stolen moves five fen from one account to another and keeps every balance and
// every history right, as somebody would who may write the file.
func stolen(cause, id, from, to string) string {
	account := func(owner string) string { return "(SELECT id FROM accounts WHERE owner = '" + owner + "')" }
	last := func(owner string) string {
		return "(SELECT last FROM balances WHERE account = " + account(owner) + ")"
	}
	const next = "(SELECT max(id) FROM moves)"
	return "INSERT INTO moves SELECT (SELECT max(id) FROM transfers) + 1, '" + cause + "', '" + id + "', " + account(from) + ", " + account(to) + ", 5, " + last(from) + ", " + last(to) + ", 0; " +
		"UPDATE balances SET amount = amount - 5, last = " + next + " WHERE account = " + account(from) + "; " +
		"UPDATE balances SET amount = amount + 5, last = " + next + " WHERE account = " + account(to)
}

// TestAuditFindsThieves: who may write the file, and leaves every sum right, is
// found all the same.
func TestAuditFindsThieves(t *testing.T) {
	long(t)
	const noGuard = "DROP TRIGGER %s_no_update; "
	for _, tc := range []struct{ name, query, want string }{
		{"a deposit out of another's account", stolen("deposit", "x", principal, shop), "not go the way"},
		{"a top-up of a merchant", stolen("top-up", "x", principal, shop), "not go the way"},
		{"a return to a merchant", stolen("return", sub, principal, shop), "not go the way"},
		{"money that leaves the book", stolen("return", sub, principal, book.External), "not go the way"},
		{"a trigger that is gone", "DROP TRIGGER refunds_no_delete", "facts can be changed: 1 "},
		{"a trigger that does nothing", "DROP TRIGGER moves_no_update; CREATE TRIGGER moves_no_update BEFORE UPDATE ON moves BEGIN SELECT 1; END", "facts can be changed: 1 "},
		{"a trade number of nothing", fmt.Sprintf(noGuard, "payments") + "UPDATE payments SET trade_no = 'x' WHERE waiting IS NULL", "trade number does not lead"},
		{"a payment after its end", fmt.Sprintf(noGuard, "payments") + "UPDATE payments SET expires = paid_at * 1000000", "after its end"},
		{"a token of before", fmt.Sprintf(noGuard, "tokens") + "UPDATE tokens SET valid_from = valid_until - 1", "outside its time"},
		{"a token for others", "INSERT INTO token_merchants SELECT id, 'did:act:shop.example/other' FROM tokens WHERE token = '" + token + "'", "not for"},
		{"a merchant's token", fmt.Sprintf(noGuard, "tokens") + "UPDATE tokens SET account = (SELECT id FROM accounts WHERE kind = 'merchant') WHERE token = 'tok-granted'", "not for the account of a principal"},
		{"a wider token", fmt.Sprintf(noGuard, "tokens") + "UPDATE tokens SET ceiling = 99999 WHERE token = 'tok-granted'", "not what its principal agreed to"},
		{"a token without merchants", "DROP TRIGGER token_merchants_no_delete; DELETE FROM token_merchants", "not what its principal agreed to"},
		{"a wider sub-account", fmt.Sprintf(noGuard, "subaccounts") + "UPDATE subaccounts SET total_limit = NULL WHERE subaccount = 'sub-granted'", "not what its principal agreed to"},
		{"a wider grant", fmt.Sprintf(noGuard, "binding_grants") + fmt.Sprintf(noGuard, "tokens") + `UPDATE binding_grants SET terms = CAST(replace(CAST(terms AS TEXT), '"9.00"', '"9.01"') AS BLOB) WHERE token IS NOT NULL; UPDATE tokens SET ceiling = 901 WHERE token = 'tok-granted'`, "not what its principal agreed to"},
		{"another agent's token", fmt.Sprintf(noGuard, "bindings") + "UPDATE bindings SET agent = 'another'", "another agent or principal"},
		{"a grant that was refused", "INSERT INTO binding_refusals SELECT binding, 'risk_refused', 0 FROM binding_grants", "both granted and refused"},
		{"a grant that was late", fmt.Sprintf(noGuard, "bindings") + "UPDATE bindings SET expires = 1", "granted after its time"},
		{"another key", fmt.Sprintf(noGuard, "subaccounts") + "UPDATE subaccounts SET jwk = (SELECT jwk FROM devices) WHERE subaccount = '" + sub + "'", "not the one that was registered"},
		{"a counter that went back", fmt.Sprintf(noGuard, "passkey_uses") + fmt.Sprintf(noGuard, "passkeys") + "UPDATE passkey_uses SET counter = 0; UPDATE passkeys SET counter = 5", "counter did not go up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock()
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openAt(t, path, c.now)
			furnish(t, l, 100_00)
			mustPay(t, l, newPayment(18_00))
			everyFact(t, l)
			granted(t, l)
			sound(t, l)
			for part := range strings.SplitSeq(tc.query, "; ") {
				if strings.HasPrefix(part, "END") {
					continue
				}
				if strings.HasPrefix(part, "CREATE TRIGGER") {
					part += "; END"
				}
				if err := tamper(t, path, part); err != nil {
					t.Fatalf("%s: %v", part, err)
				}
			}
			r, err := l.Audit(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(r.Problems, "\n"), tc.want) {
				t.Errorf("problems: %q, want one with %q", r.Problems, tc.want)
			}
		})
	}
}
