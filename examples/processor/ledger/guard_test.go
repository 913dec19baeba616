package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// tamper opens the file beside the ledger and executes SQL in it.
func tamper(t *testing.T, path, query string) error {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return queryRows(conn, query, nil, noRow)
}

func TestFactsAreAppendOnly(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	furnish(t, l, 100_00)
	bind(t, l, provider.Token{ID: "pt-m", Merchants: []string{shop}})
	if err := l.TrustIssuer(context.Background(), issuer, principal, true); err != nil {
		t.Fatal(err)
	}
	trade := mustPay(t, l, newPayment(18_00))
	everyFact(t, l)
	if _, err := l.Consume(context.Background(), shop, trade.No, "d"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Confirm(context.Background(), shop, trade.No, "d", start); err != nil {
		t.Fatal(err)
	}
	if err := l.Acknowledge(context.Background(), book.Attestation, positionOf(trade.No)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Pay(context.Background(), newPayment(500_00)); err == nil {
		t.Fatal("over the limit")
	}
	columns := map[string]string{
		"accounts": "owner", "moves": "cause_id", "mandates": "total", "tokens": "ceiling",
		"token_merchants": "merchant", "token_states": "state", "payments": "amount", "trade_moves": "state",
		"refusals": "digest", "consumptions": "consumer", "issuers": "trusted",
		"other_events": "type", "event_reports": "at", "names": "name",
		"subaccounts": "agent", "subaccount_states": "state", "devices": "principal", "device_states": "state",
		"waiting": "amount", "confirmations": "method", "declines": "refusal",
	}
	for _, table := range facts {
		for _, query := range []string{"UPDATE " + table + " SET " + columns[table] + " = " + columns[table], "DELETE FROM " + table} {
			if err := tamper(t, path, query); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	if len(columns) != len(facts) {
		t.Error("a table of facts has no case here")
	}
	sound(t, l)
}

func TestTablesRefuseWhatDecisionsForgot(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	furnish(t, l, 100_00)
	mustPay(t, l, newPayment(18_00))
	for name, query := range map[string]string{
		"a balance below zero":   "UPDATE balances SET amount = -1 WHERE funding = 0",
		"a transfer of nothing":  "INSERT INTO moves VALUES (77, 'deposit', 'x', 1, 2, 0, 0, 0, 0)",
		"a transfer to oneself":  "INSERT INTO moves VALUES (77, 'deposit', 'x', 1, 1, 5, 0, 0, 0)",
		"a payment to oneself":   "INSERT INTO payments VALUES (77, 'x', 'r', 'd', 0, 0, 'INS', 'm', 'o', 1, NULL, 1, NULL, 1, 1, 1, 0, 0, 0, 0, 0, 0, x'')",
		"a payment by nothing":   "INSERT INTO payments VALUES (77, 'x', 'r', 'd', 0, 0, 'INS', 'm', 'o', 1, NULL, NULL, NULL, 1, 2, 1, 0, 0, 0, 0, 0, 0, x'')",
		"a payment for nothing":  "INSERT INTO payments VALUES (77, 'x', 'r', 'd', 0, 0, 'INS', 'm', 'o', NULL, NULL, 1, NULL, 1, 2, 1, 0, 0, 0, 0, 0, 0, x'')",
		"a payment twice":        "INSERT INTO payments SELECT * FROM payments",
		"a limit of nothing":     "INSERT INTO subaccounts VALUES (NULL, 's', 1, 1, 'a', x'', 't', 0, NULL, NULL, NULL, NULL, NULL, 0)",
		"an amount that is text": "INSERT INTO moves VALUES (77, 'deposit', 'x', 1, 2, 'much', 0, 0, 0)",
		"a deposit twice":        "INSERT INTO moves SELECT 77, cause, cause_id, payer, payee, amount, 0, 0, 0 FROM moves LIMIT 1",
	} {
		var err error
		for _, part := range strings.Split(query, "; ") {
			conn, open := sqlite.OpenConn(path, sqlite.OpenReadWrite)
			if open != nil {
				t.Fatal(open)
			}
			if err = queryRows(conn, "PRAGMA foreign_keys = ON", nil, noRow); err == nil {
				err = queryRows(conn, part, nil, noRow)
			}
			conn.Close()
		}
		if err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// twice pays a second time for the same request and order.
const twice = "INSERT INTO payments SELECT max(id) + 1, trade_no, request_id, digest, 0, 0, scenario, method, order_number, mandate, NULL, token, NULL, payer, payee, amount, 0, 0, 0, 0, expires, paid_at, memo FROM payments WHERE mandate IS NOT NULL"

func TestAuditFinds(t *testing.T) {
	long(t)
	cases := []struct{ name, query, want string }{
		{"a changed balance", "UPDATE balances SET amount = amount + 1 WHERE funding = 0", "balance is not the sum"},
		{"money from nowhere", "INSERT INTO moves VALUES (77, 'deposit', 'x', 99, 2, 5, 0, 0, 0)", "not between two accounts of one currency"},
		{"money between currencies", "INSERT INTO accounts VALUES (99, 'x', 'funding', 'JPY', 0); INSERT INTO moves VALUES (77, 'deposit', 'x', 99, 2, 5, 0, 0, 0)", "not between two accounts of one currency"},
		{"a transfer out of the order", "DROP TRIGGER moves_no_update; UPDATE moves SET payee_prev = 5", "does not name the one before it"},
		{"a forgotten transfer", "UPDATE balances SET last = 0", "history not that of its transfers"},
		{"a payment that was left out", "DROP TRIGGER payments_no_update; UPDATE payments SET spent_total = spent_total + 1", "does not continue what was spent"},
		{"a changed spent total", "UPDATE mandate_spent SET amount = 0", "spent total"},
		{"a changed token total", "UPDATE token_spent SET amount = 0", "token's spent"},
		{"two answers to a request", twice, "a key does not lead to its fact, or leads to two"},
		{"a trade of another amount", "DROP TRIGGER payments_no_update; UPDATE payments SET amount = amount + 1", "balance is not the sum"},
		{"a trade from another account", "DROP TRIGGER payments_no_update; UPDATE payments SET payer = (SELECT id FROM accounts WHERE kind = 'funding')", "not go from its instrument's account"},
		{"an overspent mandate", "DROP TRIGGER mandates_no_update; UPDATE mandates SET total = 1", "overspent"},
		{"an end without event", "DROP TRIGGER other_events_no_delete; DELETE FROM other_events", "not exactly one event"},
		{"an end with an event of another time", "DROP TRIGGER other_events_no_update; UPDATE other_events SET at = at + 1", "not exactly one event"},
		{"an acknowledged event that is not there", "INSERT INTO event_reports VALUES ('attestation', 7, 0)", "acknowledged that does not exist"},
		{"a fulfilment without consumption", "INSERT INTO trade_moves VALUES ((SELECT min(id) FROM payments), 0, 'FULFILLMENT_CONFIRMED', 'TRADE_FINISHED', 0)", "not consumed"},
		{"a changed total of a sub-account", "UPDATE subaccount_spent SET amount = 1", "sub-account's spent total"},
		{"money in a sub-account from elsewhere", "INSERT INTO moves SELECT 77, 'deposit', 'x', a.id, s.account, 5, 0, 0, 0 FROM accounts a, subaccounts s WHERE a.kind = 'funding'", "money from elsewhere"},
		{"money left in a cancelled sub-account", "INSERT INTO subaccount_states VALUES (1, 9, 'cancelled', 'risk', 0)", "cancelled sub-account has money"},
		{"a sub-account that came back", "INSERT INTO subaccount_states VALUES (1, 8, 'cancelled', 'risk', 0); INSERT INTO subaccount_states VALUES (1, 9, 'active', 'risk', 0)", "changed afterwards"},
		{"a sub-account over its limit", "DROP TRIGGER subaccounts_no_update; UPDATE subaccounts SET single_limit = 1; INSERT INTO payments SELECT 77, 'x', 'x', digest, 0, 0, scenario, method, 'x', mandate, NULL, NULL, 1, payer, payee, 5, 0, 0, 0, 5, expires, paid_at, memo FROM payments LIMIT 1", "limit of its own"},
		{"a sub-account without account", "DROP TRIGGER accounts_no_update; UPDATE accounts SET kind = 'merchant' WHERE kind = 'subaccount'", "not an account of its own"},
		{"a return to nobody", "INSERT INTO moves VALUES (77, 'return', 'sub-none', 1, 2, 5, 0, 0, 0)", "something that does not exist"},
		{"an instant payment without confirmation", "DROP TRIGGER confirmations_no_delete; DELETE FROM confirmations", "paid without confirmation"},
		{"an instant payment after its time", "DROP TRIGGER waiting_no_update; UPDATE waiting SET expires = 1", "after its time"},
		{"an instant payment of another amount", "DROP TRIGGER waiting_no_update; UPDATE waiting SET amount = amount + 1", "otherwise than it was confirmed"},
		{"an instant payment with two ends", "INSERT INTO declines SELECT waiting, x'7b7d', 0 FROM payments WHERE waiting IS NOT NULL", "both closed and paid"},
		{"a confirmation without end", "INSERT INTO confirmations SELECT waiting, 'x', 0 FROM declines; DROP TRIGGER declines_no_delete; DELETE FROM declines", "confirmed and has no end"},
		{"an instant payment without answer", "DROP TRIGGER waiting_no_update; UPDATE waiting SET request_id = 'x'", "a key does not lead to its fact, or leads to two"},
		{"a lost account", "DROP TRIGGER accounts_no_delete; DELETE FROM accounts WHERE kind = 'merchant'", "refers to one that does not exist"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock()
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openAt(t, path, c.now)
			furnish(t, l, 100_00)
			mustPay(t, l, newPayment(18_00))
			everyFact(t, l)
			sound(t, l)
			for part := range strings.SplitSeq(tc.query, "; ") {
				if err := tamper(t, path, part); err != nil {
					t.Fatal(err)
				}
			}
			r, err := l.Audit(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if r.Sound() || !strings.Contains(strings.Join(r.Problems, "\n"), tc.want) {
				t.Errorf("problems: %q, want one with %q", r.Problems, tc.want)
			}
		})
	}
}

func TestOneBrokenJobStaysAlone(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	broken := errors.New("broken")
	results := make(chan error, 3)
	hold, begun := make(chan struct{}), make(chan struct{})
	go func() {
		results <- l.write(ctx, func(*tx) error { close(begun); <-hold; return nil })
	}()
	<-begun // the writer is busy, so the next two share a batch
	good := newPayment(18_00)
	go func() { _, err := l.Pay(ctx, good); results <- err }()
	go func() {
		results <- l.write(ctx, func(t *tx) error {
			if err := t.post("deposit", "half", 1, 2, 5); err != nil {
				return err
			}
			return broken
		})
	}()
	for len(l.jobs) < 2 {
		time.Sleep(time.Millisecond)
	}
	close(hold)
	failed := 0
	for range 3 {
		if err := <-results; err != nil {
			failed++
			wantCode(t, err, protocol.CodeServiceUnavailable)
			if !errors.Is(err, broken) {
				t.Errorf("%v", err)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d jobs failed", failed)
	}
	if r := sound(t, l); r.Trades != 1 || r.Transfers != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAccounts(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	t.Run("opening again does nothing", func(t *testing.T) {
		if err := l.OpenAccount(ctx, principal, book.Principal, "CNY"); err != nil {
			t.Error(err)
		}
		if got := balance(t, l, principal); got != 100_00 {
			t.Errorf("balance %d", got)
		}
	})
	t.Run("another kind", func(t *testing.T) {
		wantCode(t, l.OpenAccount(ctx, principal, book.Merchant, "CNY"), protocol.CodeStateConflict)
	})
	t.Run("nobody opens the world's account", func(t *testing.T) {
		wantCode(t, l.OpenAccount(ctx, book.External, book.Principal, "CNY"), protocol.CodeFieldInvalid)
		wantCode(t, l.OpenAccount(ctx, shop, book.Funding, "CNY"), protocol.CodeFieldInvalid)
	})
	t.Run("deposits", func(t *testing.T) {
		d := book.Deposit{ID: "d-1", Owner: principal, Currency: "CNY", Amount: 100_00}
		if err := l.Deposit(ctx, d); err != nil {
			t.Errorf("the same again: %v", err)
		}
		d.Amount++
		wantCode(t, l.Deposit(ctx, d), protocol.CodeRequestConflict)
		d.ID, d.Amount = "d-2", 1<<63-1
		wantCode(t, l.Deposit(ctx, d), protocol.CodeFieldInvalid)
		d.Amount = -5
		wantCode(t, l.Deposit(ctx, d), protocol.CodeFieldInvalid)
		d.Amount, d.Currency = 5, "JPY"
		wantCode(t, l.Deposit(ctx, d), protocol.CodeInstrumentInvalid)
		d.Owner, d.Currency = book.External, "CNY"
		wantCode(t, l.Deposit(ctx, d), protocol.CodeInstrumentInvalid)
		if got := balance(t, l, principal); got != 100_00 {
			t.Errorf("balance %d", got)
		}
	})
	t.Run("PSD-PMT-BND-05 failed bindings leave no token", func(t *testing.T) {
		k := provider.Token{ID: "pt-x", Principal: shop, Agent: agent, Currency: "CNY", ValidFrom: start, ValidUntil: start.AddDate(0, 0, 1)}
		wantCode(t, l.BindToken(ctx, k), protocol.CodeInstrumentInvalid)
		k.Principal, k.ValidUntil = principal, start
		wantCode(t, l.BindToken(ctx, k), protocol.CodeFieldInvalid)
		k.ID, k.ValidUntil = token, start.AddDate(0, 0, 1)
		wantCode(t, l.BindToken(ctx, k), protocol.CodeStateConflict)
		tokens, err := l.Tokens(ctx)
		if err != nil || len(tokens) != 1 {
			t.Errorf("%+v, %v", tokens, err)
		}
	})
	t.Run("PSD-PMT-BND-04 states of a token", func(t *testing.T) {
		for _, step := range []struct {
			to   provider.TokenState
			want protocol.Code
		}{{provider.TokenFrozen, ""}, {provider.TokenFrozen, ""}, {provider.TokenActive, ""}, {provider.TokenFrozen, ""}, {provider.TokenCancelled, ""}, {provider.TokenActive, protocol.CodeStateConflict}, {"gone", protocol.CodeFieldInvalid}} {
			wantCode(t, l.SetTokenState(ctx, token, step.to), step.want)
		}
		wantCode(t, l.SetTokenState(ctx, "pt-none", provider.TokenFrozen), protocol.CodeInstrumentInvalid)
		tokens, err := l.Tokens(ctx)
		if err != nil || tokens[0].State != provider.TokenCancelled {
			t.Errorf("%+v, %v", tokens, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	_, err := Open(Config{})
	wantCode(t, err, protocol.CodeFieldMissing)
	_, err = Open(Config{Path: filepath.Join(t.TempDir(), "none", "ledger.db")})
	wantCode(t, err, protocol.CodeServiceUnavailable)
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, nil)
	l.Close()
	if err := tamper(t, path, "PRAGMA user_version = 7"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(Config{Path: path})
	if !errors.Is(err, errSchema) || !strings.Contains(booktest.Explain(err), "serve it by that version, or begin with a new file") {
		t.Errorf("%v", err)
	}
}

func TestIssuers(t *testing.T) {
	l, _ := furnished(t)
	ctx := context.Background()
	want := func(n int) {
		t.Helper()
		if trusts, err := l.Issuers(ctx); err != nil || len(trusts) != n {
			t.Errorf("%+v, %v, want %d", trusts, err, n)
		}
	}
	want(0)
	for _, trusted := range []bool{true, true, false, true} {
		if err := l.TrustIssuer(ctx, issuer, principal, trusted); err != nil {
			t.Fatal(err)
		}
	}
	want(1)
	if err := l.TrustIssuer(ctx, principal, principal, true); err != nil {
		t.Fatal(err)
	}
	want(2)
	if err := l.TrustIssuer(ctx, issuer, principal, false); err != nil {
		t.Fatal(err)
	}
	want(1)
	wantCode(t, l.TrustIssuer(ctx, "", principal, true), protocol.CodeFieldMissing)
	for _, trusted := range []bool{true, false} { // ADD-IAC-ISS-10: nobody, and somebody who is no principal
		wantCode(t, l.TrustIssuer(ctx, issuer, "did:act:home.example/nobody", trusted), protocol.CodeInstrumentInvalid)
		wantCode(t, l.TrustIssuer(ctx, issuer, shop, trusted), protocol.CodeInstrumentInvalid)
	}
	want(1)
}

// A book from before principals had to be known may trust an issuer for
// somebody without an account; that can be taken back.
func TestIssuerOfNobody(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	const nobody = "did:act:home.example/nobody"
	if err := tamper(t, path, "INSERT INTO issuers (issuer, principal, seq, trusted, at) VALUES ('"+issuer+"', '"+nobody+"', 0, 1, 0)"); err != nil {
		t.Fatal(err)
	}
	if err := l.TrustIssuer(context.Background(), issuer, nobody, false); err != nil {
		t.Fatal(err)
	}
	if trusts, err := l.Issuers(context.Background()); err != nil || len(trusts) != 0 {
		t.Errorf("%+v, %v", trusts, err)
	}
}

func TestCause(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database, but a secret ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Config{Path: path})
	if got := Cause(err); got != "SQLITE_NOTADB" {
		t.Errorf("%q of %v", got, err)
	}
	for _, err := range []error{nil, context.Canceled, protocol.New(protocol.CodeServiceUnavailable, "", "", "")} {
		if got := Cause(err); got != "" {
			t.Errorf("%q of %v", got, err)
		}
	}
}
