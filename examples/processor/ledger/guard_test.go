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
	if err := l.Acknowledge(context.Background(), book.Attestation, 1); err != nil {
		t.Fatal(err)
	}
	columns := map[string]string{
		"accounts": "owner", "transfers": "cause_id", "entries": "amount", "mandates": "total", "tokens": "ceiling",
		"token_merchants": "merchant", "token_states": "state", "trades": "amount", "trade_moves": "state",
		"requests": "digest", "consumptions": "consumer", "issuers": "trusted",
		"events": "type", "event_reports": "at", "names": "name",
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
	for name, query := range map[string]string{
		"a balance below zero":     "UPDATE balances SET amount = -1 WHERE funding = 0",
		"an entry without account": "PRAGMA foreign_keys = ON; INSERT INTO entries VALUES (99, 1, 5)",
		"an entry of nothing":      "INSERT INTO entries VALUES (1, 77, 0)",
		"a payment by nothing":     "INSERT INTO trades VALUES (NULL, 'x', 'a', 'r', 'INS', 'm', 'p', 'o', 1, NULL, NULL, NULL, 1, 'CNY', 0, 0, 0, x'')",
		"a payment for nothing":    "INSERT INTO trades VALUES (NULL, 'x', 'a', 'r', 'INS', 'm', 'p', 'o', NULL, NULL, 1, NULL, 1, 'CNY', 0, 0, 0, x'')",
		"a limit of nothing":       "INSERT INTO subaccounts VALUES (NULL, 's', 1, 1, 'a', x'', 't', 0, NULL, NULL, NULL, NULL, NULL, 0)",
		"an amount that is text":   "INSERT INTO entries VALUES (1, 78, 'much')",
		"a refusal and a trade":    "INSERT INTO requests VALUES ('a', 'r', 'd', 1, x'00', NULL, 0)",
		"neither of the two":       "INSERT INTO requests VALUES ('a', 'r', 'd', NULL, NULL, NULL, 0)",
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

func TestAuditFinds(t *testing.T) {
	cases := []struct{ name, query, want string }{
		{"a changed balance", "UPDATE balances SET amount = amount + 1 WHERE funding = 0", "balance is not the sum"},
		{"money from nowhere", "INSERT INTO entries VALUES (2, (SELECT max(id) FROM transfers) , 5) ON CONFLICT DO NOTHING; INSERT INTO transfers (cause, cause_id, at) VALUES ('deposit', 'x', 0); INSERT INTO entries VALUES (2, (SELECT max(id) FROM transfers), 5)", "does not sum to zero"},
		{"a changed spent total", "UPDATE mandate_spent SET amount = 0", "spent total"},
		{"a changed token total", "UPDATE token_spent SET amount = 0", "token's spent"},
		{"a transfer without trade", "INSERT INTO transfers (cause, cause_id, at) VALUES ('payment', 'x', 0)", "has no trade"},
		{"a trade without answer", "DROP TRIGGER requests_no_delete; DELETE FROM requests", "answer to exactly its own request"},
		{"a trade of another amount", "DROP TRIGGER trades_no_update; UPDATE trades SET amount = amount + 1", "not one transfer of its amount"},
		{"an overspent mandate", "DROP TRIGGER mandates_no_update; UPDATE mandates SET total = 1", "overspent"},
		{"a trade without event", "DROP TRIGGER events_no_delete; DELETE FROM events", "not exactly one event"},
		{"a trade with an event of another time", "DROP TRIGGER events_no_update; UPDATE events SET at = at + 1", "not exactly one event"},
		{"an acknowledged event that is not there", "INSERT INTO event_reports VALUES ('attestation', 7, 0)", "refers to one that does not exist"},
		{"a fulfilment without consumption", "INSERT INTO trade_moves VALUES (1, 0, 'FULFILLMENT_CONFIRMED', 'TRADE_FINISHED', 0)", "not consumed"},
		{"a changed total of a sub-account", "UPDATE subaccount_spent SET amount = 1", "sub-account's spent total"},
		{"money in a sub-account from elsewhere", "INSERT INTO transfers (cause, cause_id, at) VALUES ('deposit', 'x', 0); INSERT INTO entries SELECT account, (SELECT max(id) FROM transfers), 5 FROM subaccounts; INSERT INTO entries SELECT id, (SELECT max(id) FROM transfers), -5 FROM accounts WHERE kind = 'funding'", "money from elsewhere"},
		{"money left in a cancelled sub-account", "INSERT INTO subaccount_states VALUES (1, 9, 'cancelled', 'risk', 0)", "cancelled sub-account has money"},
		{"a sub-account that came back", "INSERT INTO subaccount_states VALUES (1, 8, 'cancelled', 'risk', 0); INSERT INTO subaccount_states VALUES (1, 9, 'active', 'risk', 0)", "changed afterwards"},
		{"a sub-account over its limit", "DROP TRIGGER subaccounts_no_update; UPDATE subaccounts SET single_limit = 1; INSERT INTO trades SELECT NULL, 'x', agent, 'x', scenario, method, payee, 'x', 1, NULL, NULL, 1, 5, currency, 5, expires, paid_at, memo FROM trades LIMIT 1", "limit of its own"},
		{"a sub-account without account", "DROP TRIGGER accounts_no_update; UPDATE accounts SET kind = 'merchant' WHERE kind = 'subaccount'", "not an account of its own"},
		{"a return to nobody", "INSERT INTO transfers (cause, cause_id, at) VALUES ('return', 'sub-none', 0)", "something that does not exist"},
		{"an instant payment without confirmation", "DROP TRIGGER confirmations_no_delete; DELETE FROM confirmations", "paid without confirmation"},
		{"an instant payment after its time", "DROP TRIGGER waiting_no_update; UPDATE waiting SET expires = 1", "after its time"},
		{"an instant payment of another amount", "DROP TRIGGER waiting_no_update; UPDATE waiting SET amount = amount + 1", "otherwise than it was confirmed"},
		{"an instant payment with two ends", "INSERT INTO declines VALUES (1, x'7b7d', 0)", "both closed and paid"},
		{"a confirmation without end", "INSERT INTO confirmations VALUES (2, 'x', 0); DROP TRIGGER declines_no_delete; DELETE FROM declines", "confirmed and has no end"},
		{"an instant payment without answer", "DROP TRIGGER requests_no_delete; DELETE FROM requests WHERE waiting IS NOT NULL", "instant payment is not the answer"},
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
			if err := t.exec("INSERT INTO transfers (cause, cause_id, at) VALUES ('deposit', 'half', 0)"); err != nil {
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
	if !errors.Is(err, errSchema) {
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
