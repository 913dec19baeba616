package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

var yes = provider.Confirmation{Method: "device:test", At: start}

// bindToOther gives a payment a principal, an agent and a token of its own.
func bindToOther(t testing.TB, s *Store, p *provider.Payment) {
	t.Helper()
	ctx := context.Background()
	other := owner + "-" + p.Token
	must(t, s.OpenAccount(ctx, other, book.Principal, "CNY"), s.Deposit(ctx, book.Deposit{ID: "d-" + p.Token, Owner: other, Currency: "CNY", Amount: 1000}),
		s.BindToken(ctx, provider.Token{ID: p.Token, Principal: other, Agent: p.Request.Agent, Currency: "CNY", ValidFrom: start.AddDate(-1, 0, 0), ValidUntil: start.AddDate(9, 0, 0)}))
	p.Mandate.Delegator = other
}

// full is a sound book with a row in every table.
func full(t testing.TB, c *pgcluster.Cluster) *Store {
	t.Helper()
	s := openAt(t, c, func() time.Time { return start })
	furnish(t, s, 1000_00)
	ctx := context.Background()
	key := newKey(t)
	must(t, s.Name(ctx, shop, "Coffee"), s.TrustIssuer(ctx, issuer, owner, true), s.PairDevice(ctx, book.Device{ID: "phone", Principal: owner, Key: newKey(t)}), s.RemoveDevice(ctx, "phone"),
		s.OpenSubAccount(ctx, book.SubAccount{SubAccount: provider.SubAccount{ID: "sub-1", Principal: owner, Agent: agentDID, Currency: "CNY", Key: key}, TaskLimit: 100_00}),
		s.TopUp(ctx, book.TopUp{ID: "t-1", SubAccount: "sub-1", Amount: 100_00}), s.SetReceiver(ctx, shop, "https://shop.example/told"))
	trade := mustPay(t, s, newPayment(10_00))
	p := newPayment(5_00)
	p.Token, p.SubAccount, p.SubAccountKey = "", "sub-1", key.Thumbprint()
	fromSub := mustPay(t, s, p)
	for _, end := range []string{"waits", "paid", "closed"} {
		w, err := s.Begin(ctx, newInstant(1_00))
		must(t, err)
		switch end {
		case "paid":
			_, err = s.Settle(ctx, w.No, yes)
		case "closed":
			err = s.Decline(ctx, w.No, protocol.CodeConfirmationFailed)
		}
		must(t, err)
	}
	_, err := s.Pay(ctx, newPayment(1<<50)) // over the total
	wantCode(t, err, protocol.CodeTotalLimitExceeded)
	for _, amount := range []int64{1_00, 500_00} {
		_, err = s.Refund(ctx, provider.RefundRequest{Merchant: shop, ID: fmt.Sprint("f-", amount), Digest: "d", TradeNo: fromSub.No, Amount: amount, Currency: "CNY", Reason: payment.RefundDefective})
	}
	wantCode(t, err, protocol.CodeRefundExceeded)
	_, err = s.Consume(ctx, shop, trade.No, "c")
	must(t, err)
	_, err = s.Confirm(ctx, shop, trade.No, "c", start)
	must(t, err)
	n, err := s.Distribute(ctx, 100)
	if must(t, err); n == 0 {
		t.Fatal("nothing was distributed")
	}
	must(t, s.Noticed(ctx, shop, 1))
	fullBindings(t, s)
	must(t, s.SetTokenState(ctx, tokenID, provider.TokenFrozen), s.SetSubAccountState(ctx, "sub-1", provider.SubAccountFrozen, book.ForRisk))
	checked(t, s)
	return s
}

// fullBindings leaves a row in every table of passkeys and binding requests.
func fullBindings(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	for i, id := range []string{"bound", "refused"} {
		b := provider.Binding{
			ID: "bind-" + id, Agent: agentDID, RequestID: "b-" + id, Digest: "d", Principal: owner, Expires: start.Add(time.Hour), State: provider.BindingWaiting,
			Asked: payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: money.MustParse("1.00", "CNY").Currency(), ValidUntil: start.Add(time.Hour)},
		}
		_, err := s.BeginBinding(ctx, b)
		must(t, err)
		if i == 1 {
			must(t, s.DeclineBinding(ctx, b.ID, protocol.CodeConfirmationFailed))
			continue
		}
		terms := b.Asked
		terms.ValidFrom = start
		_, err = s.AcceptBinding(ctx, b.ID, provider.Grant{Terms: terms, Token: "tok-" + id, Confirmation: yes})
		must(t, err)
	}
	must(t, s.Invite(ctx, book.Invitation{ID: "link", Principal: owner, Expires: start.Add(time.Hour)}), s.Enrol(ctx, "link", book.Passkey{ID: "key", Key: []byte{1}}),
		s.UsePasskey(ctx, book.PasskeyUse{ID: "key", Counter: 1, Nonce: newNonce()}), s.RemovePasskey(ctx, "key"))
	_, err := s.Secret(ctx, "pages")
	must(t, err)
}

// TestFactsAreAppendOnly: whoever wants to change or delete a fact is refused,
// in every table that has any; and no table was forgotten.
func TestFactsAreAppendOnly(t *testing.T) {
	s := full(t, pgcluster.ForTest(t))
	projections := []string{"meta", "nonces", "balances", "budgets", "token_now", "subaccount_now", "binding_asks"}
	tables := texts(t, s, "SELECT tablename, '' FROM pg_tables WHERE schemaname = current_schema()")
	for table := range tables {
		if !slices.Contains(facts, table) && !slices.Contains(projections, table) {
			t.Errorf("%s is neither a table of facts nor a projection", table)
		}
	}
	for _, table := range facts {
		if _, ok := tables[table]; !ok {
			t.Errorf("%s is no table", table)
			continue
		}
		var rows int
		_, err := s.one(context.Background(), "SELECT count(*) FROM "+table, nil, &rows)
		if must(t, err); rows == 0 {
			t.Errorf("%s has no row to try", table)
		}
		column := ""
		_, err = s.one(context.Background(), "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'NO' LIMIT 1", []any{table}, &column)
		must(t, err)
		for _, change := range []string{"UPDATE " + table + " SET " + column + " = " + column, "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			_, err := s.pool.Exec(context.Background(), change)
			var said *pgconn.PgError
			if !errors.As(err, &said) || said.Code != "23001" {
				t.Errorf("%s: %v", change, err)
			}
		}
	}
}

// sabotages are changes that no function makes, each with the problem that the
// audit finds.
var sabotages = map[string]string{
	"UPDATE balances SET amount = amount + 1 WHERE lane = 0 AND NOT signed":                                                      "balance is not the sum",
	"UPDATE balances SET amount = amount + 1 WHERE lane = 3":                                                                     "balance is not the sum",
	"INSERT INTO balances VALUES (999, 0, 0, false)":                                                                             "a balance has no account",
	"UPDATE budgets SET spent = spent - 1":                                                                                       "mandate's spent total",
	"UPDATE mandates SET total = 1":                                                                                              "overspent",
	"UPDATE token_now SET spent = spent + 1":                                                                                     "token's spent total",
	"UPDATE tokens SET ceiling = 1":                                                                                              "token's spent total",
	"UPDATE token_now SET state = 'active' WHERE state = 'frozen'":                                                               "token's state is not its last",
	"UPDATE subaccount_now SET spent = spent + 1":                                                                                "sub-account's spent total",
	"UPDATE subaccounts SET task_limit = 1":                                                                                      "over a limit of its own",
	"UPDATE subaccount_now SET state = 'active'":                                                                                 "sub-account's state",
	"UPDATE transfers SET cause = 'return' WHERE cause = 'top-up'":                                                               "money from elsewhere",
	"UPDATE accounts SET kind = 'subaccount' WHERE kind = 'principal'":                                                           "not an account of its own",
	"INSERT INTO subaccount_states SELECT id, 9, 'cancelled', 'risk', now() FROM subaccounts":                                    "cancelled sub-account has money",
	"UPDATE transfers SET amount = amount + 1 WHERE cause = 'payment'":                                                           "not one transfer of its amount",
	"UPDATE transfers SET credit = debit, debit = credit WHERE cause = 'payment'":                                                "not one transfer of its amount",
	"UPDATE transfers SET credit = -1 WHERE cause = 'deposit'":                                                                   "account that does not exist",
	"INSERT INTO transfers SELECT 7, 'payment', 'no trade', debit, credit, 1, at FROM transfers WHERE cause = 'payment' LIMIT 1": "payment transfer has no trade",
	"INSERT INTO transfers SELECT 7, 'gift', 'g', debit, credit, 1, at FROM transfers WHERE cause = 'payment' LIMIT 1":           "something that does not exist",
	"UPDATE trades SET request_id = 'another'":                                                                                   "exactly its own request",
	"UPDATE requests SET trade = -trade WHERE trade IS NOT NULL":                                                                 "refers to nothing",
	"UPDATE trades SET order_number = 'another'":                                                                                 "another key than its own",
	"UPDATE waiting SET request_id = 'another'":                                                                                  "instant payment is not the answer",
	"UPDATE trades SET amount = amount + 1 WHERE waiting IS NOT NULL":                                                            "otherwise than it was confirmed",
	"DELETE FROM confirmations":                                                                                                  "without confirmation",
	"INSERT INTO declines SELECT waiting, '', now() FROM trades WHERE waiting IS NOT NULL":                                       "both closed and paid",
	"INSERT INTO confirmations SELECT id, 'm', now() FROM waiting ON CONFLICT DO NOTHING; DELETE FROM declines":                  "has no end",
	"DELETE FROM events WHERE refund IS NULL AND trade IS NOT NULL":                                                              "one event of its payment",
	"INSERT INTO events SELECT id + 7, type, trade, NULL, NULL, at FROM events WHERE id = trade":                                 "nothing that happened",
	"DELETE FROM consumptions":                                                                                                   "fulfilled and not consumed",
	"UPDATE refunds SET total = total + 1":                                                                                       "totals of refunds",
	"UPDATE transfers SET credit = (SELECT id FROM accounts WHERE kind = 'funding') WHERE cause = 'refund'":                      "a refund is not one transfer",
	"DELETE FROM refund_requests":                                                                                                "exactly one request of the payee",
	"DELETE FROM events WHERE refund IS NOT NULL":                                                                                "refund has not exactly one event",
	"DELETE FROM events WHERE waiting IS NOT NULL":                                                                               "closed has not exactly one event",
	"DELETE FROM notices WHERE sequence = 2":                                                                                     "have a gap",
	"UPDATE notices SET merchant = 'another'":                                                                                    "another merchant than the event's",
	"INSERT INTO trade_moves SELECT id, 9, 'e', 'TRADE_CLOSED', now() FROM trades":                                               "closed and not given back",
	"INSERT INTO binding_refusals SELECT binding, 'risk_refused', now() FROM binding_grants":                                     "both granted and refused",
	"UPDATE bindings SET agent = 'another'":                                                                                      "another agent or principal",
	"UPDATE bindings SET expires = '2000-01-01'":                                                                                 "granted after its time",
	"UPDATE passkey_uses SET counter = 0; UPDATE passkeys SET counter = 5":                                                       "counter did not go up",
	"DELETE FROM requests WHERE refusal IS NULL":                                                                                 "exactly its own request",

	// Of somebody who leaves every sum right.
	stolen("deposit", "x", owner, shop):                      "a transfer does not go the way that its cause says",
	stolen("top-up", "x", owner, shop):                       "does not go the way that its cause says",
	stolen("return", "sub-1", owner, shop):                   "does not go the way that its cause",
	stolen("return", "sub-1", owner, book.External):          "does not go the way that its",
	"DROP TRIGGER append_only ON refunds":                    "facts can be changed: 1 triggers are missing",
	"ALTER TABLE refunds DISABLE TRIGGER append_only":        "facts can be changed: 1 triggers are",
	"ALTER TABLE refunds ENABLE REPLICA TRIGGER append_only": "facts can be changed: 1 triggers",
	"DROP TRIGGER append_only ON trades; CREATE TRIGGER append_only AFTER INSERT ON trades EXECUTE FUNCTION append_only()":    "facts can be changed: 1",
	"CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL;END -- RAISE EXCEPTION'": "facts can be changed",
	"UPDATE trades SET expires = paid_at WHERE waiting IS NULL":                                                               "after its end",
	"UPDATE tokens SET valid_from = valid_until - interval '1s'":                                                              "outside its time",
	"UPDATE tokens SET merchants = '{did:act:shop.example/other}'":                                                            "to a merchant that it is not for",
	"UPDATE tokens SET account = (SELECT id FROM accounts WHERE kind = 'merchant') WHERE token = 'tok-bound'":                 "not for the account of a principal",
	"UPDATE tokens SET agent = 'another' WHERE token = 'pt-owner'":                                                            "another agent's than its instrument",
	"UPDATE tokens SET valid_until = '2099-01-01' WHERE token = 'tok-bound'":                                                  "not what its principal agreed to",
	"UPDATE subaccounts SET jwk = (SELECT jwk FROM devices)":                                                                  "not the one that was registered",
}

// stolen moves five fen from one account to another and keeps every balance
// right, as somebody would who may write the database.
func stolen(cause, id, from, to string) string {
	account := func(owner string) string { return "(SELECT id FROM accounts WHERE owner = '" + owner + "')" }
	return "INSERT INTO transfers SELECT 7, '" + cause + "', '" + id + "', " + account(from) + ", " + account(to) + ", 5, '2026-01-01'; " +
		"UPDATE balances SET amount = amount - 5 WHERE lane = 0 AND account = " + account(from) + "; " +
		"UPDATE balances SET amount = amount + 5 WHERE lane = 0 AND account = " + account(to)
}

// TestAuditFinds: every kind of damage is found, and named without naming
// anybody.
func TestAuditFinds(t *testing.T) {
	s := full(t, pgcluster.ForTest(t))
	ctx := context.Background()
	for damage, want := range sabotages {
		t.Run(want, func(t *testing.T) {
			var r report
			err := pgx.BeginFunc(ctx, s.pool, func(c pgx.Tx) error {
				if _, err := c.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil { // no triggers, no foreign keys
					return err
				}
				for _, statement := range strings.Split(damage, "; ") {
					tag, err := c.Exec(ctx, statement)
					if err != nil || tag.RowsAffected() == 0 && (tag.Insert() || tag.Update() || tag.Delete()) {
						return fmt.Errorf("%s: %d rows, %w", statement, tag.RowsAffected(), err)
					}
				}
				if err := r.all(ctx, c); err != nil {
					return err
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.Problems, func(p string) bool { return strings.Contains(p, want) }) {
				t.Errorf("not found: %v", r.Problems)
			}
			for _, p := range r.Problems {
				if strings.Contains(p, owner) || strings.Contains(p, shop) || strings.Contains(p, "did:") {
					t.Errorf("names somebody: %s", p)
				}
			}
		})
	}
	checked(t, s)
}

var errUndo = errors.New("undo")

// TestOpen: what cannot be relied on is refused, and several that start at once
// make one book.
func TestOpen(t *testing.T) {
	c := pgcluster.ForTest(t)
	ctx := context.Background()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(ctx, Config{DSN: c.DSN(), Schema: "at_once", Connections: 2})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := openIn(t, c, "at_once", nil)
	must(t, execute(s, "UPDATE meta SET version = 999"), s.Close(), s.Close())
	_, err := Open(ctx, Config{DSN: c.DSN(), Schema: "at_once"})
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if !errors.Is(err, errVersion) {
		t.Errorf("another version: %v", err)
	}
	for _, schema := range []string{"Act", "a b", "a;b", strings.Repeat("a", 60), "1a", `a"`} {
		_, err := Open(ctx, Config{DSN: c.DSN(), Schema: schema})
		wantCode(t, err, protocol.CodeFieldInvalid)
	}
	_, err = Open(ctx, Config{DSN: "host=/nowhere user='secret"})
	wantCode(t, err, protocol.CodeFieldInvalid)
	if strings.Contains(fmt.Sprint(err, errors.Unwrap(err)), "secret") {
		t.Errorf("the error quotes: %v", err)
	}
	_, err = Open(ctx, Config{DSN: "host=/nowhere/at/all user=u"})
	wantCode(t, err, protocol.CodeServiceUnavailable)
	_, err = s.Pay(ctx, newPayment(1))
	wantCode(t, err, protocol.CodeServiceUnavailable) // closed
	_, err = s.Lookup(ctx, newPayment(1).Request)
	wantCode(t, err, protocol.CodeServiceUnavailable)
	_, err = s.Accounts(ctx)
	wantCode(t, err, protocol.CodeServiceUnavailable)
	wantCode(t, s.UseNonce(ctx, newNonce()), protocol.CodeServiceUnavailable)
	_, err = s.Begin(ctx, newInstant(1))
	wantCode(t, err, protocol.CodeServiceUnavailable)
	wantCode(t, s.SetTokenState(ctx, tokenID, provider.TokenFrozen), protocol.CodeServiceUnavailable)
}

// TestWritable: a database that can only be read is not ready, although it
// answers.
func TestWritable(t *testing.T) {
	c := pgcluster.ForTest(t)
	s := openAt(t, c, nil)
	ctx := context.Background()
	must(t, s.Writable(ctx), execute(s, "ALTER SYSTEM SET default_transaction_read_only = on"), execute(s, "SELECT pg_reload_conf()"))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err := s.Writable(ctx); err != nil {
			wantCode(t, err, protocol.CodeServiceUnavailable)
			break
		}
		if time.Now().After(end) {
			t.Fatal("a database that can only be read is ready")
		}
	}
	if _, err := s.Accounts(ctx); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	wantCode(t, s.Writable(ctx), protocol.CodeServiceUnavailable)
}

// TestGone: a caller who has gone before anything was begun is told that nothing
// was; and what was not even sent is no open question.
func TestGone(t *testing.T) {
	s := openAt(t, pgcluster.ForTest(t), nil)
	furnish(t, s, 1000)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, pay := s.Pay(gone, newPayment(1))
	_, begin := s.Begin(gone, newInstant(1))
	for _, err := range []error{pay, begin, s.UseNonce(gone, newNonce()), s.SetTokenState(gone, tokenID, provider.TokenFrozen)} {
		wantCode(t, err, protocol.CodeServiceUnavailable)
	}
	for err, want := range map[error]protocol.Code{
		&pgconn.PgError{Code: "53100"}: protocol.CodeServiceUnavailable, &pgconn.PgError{Code: "57P01"}: protocol.CodeOutcomeUnknown,
		&pgconn.PgError{Code: "57P02"}: protocol.CodeOutcomeUnknown, &pgconn.PgError{Code: "40P01"}: protocol.CodeServiceUnavailable,
		&pgconn.ConnectError{}: protocol.CodeServiceUnavailable, errors.New("reset"): protocol.CodeOutcomeUnknown,
		&pgconn.PgError{Code: "22021"}: protocol.CodeFieldInvalid,
	} {
		wantCode(t, unknown(err), want)
	}
	if Cause(unknown(&pgconn.PgError{Code: "53100", Message: "a secret"})) != "SQLSTATE 53100" || Cause(errUndo) != "" {
		t.Error("the cause is not the database's code alone")
	}
}

// TestNotDurable: a server that does not keep what it has committed is refused.
func TestNotDurable(t *testing.T) {
	c := pgcluster.ForTest(t, "fsync=off")
	if _, err := Open(context.Background(), Config{DSN: c.DSN()}); !errors.Is(err, errFsync) {
		t.Errorf("fsync is off: %v", err)
	}
}

// TestLost: while the server is away every answer is undetermined, nothing is
// told as a refusal, and when it is back the store goes on by itself.
func TestLost(t *testing.T) {
	c := pgcluster.ForTest(t)
	s := openAt(t, c, nil)
	furnish(t, s, 1000)
	ctx := context.Background()
	first := newPayment(1)
	trade := mustPay(t, s, first)
	must(t, c.Abort())
	for range 3 {
		_, pay := s.Pay(ctx, newPayment(1))
		_, look := s.Lookup(ctx, newPayment(1).Request)
		_, refuse := s.Refuse(ctx, newPayment(1).Request, protocol.New(protocol.CodeRiskRefused, "", "", ""))
		_, accounts := s.Accounts(ctx)
		for _, err := range []error{pay, look, refuse, accounts, s.UseNonce(ctx, newNonce()), s.SetTokenState(ctx, tokenID, provider.TokenFrozen)} {
			if !errors.Is(err, protocol.ErrUndetermined) {
				t.Errorf("without a server: %v", err)
			}
		}
	}
	must(t, c.Start(ctx))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		first.Request.Nonce = newNonce()
		again, err := s.Pay(ctx, first)
		if err == nil {
			if again.No != trade.No {
				t.Errorf("asked again: %s and then %s", trade.No, again.No)
			}
			break
		}
		if !errors.Is(err, protocol.ErrUndetermined) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	mustPay(t, s, newPayment(1))
	checked(t, s)
}

// TestNoncesAreForgotten: those whose time is over, and no others.
func TestNoncesAreForgotten(t *testing.T) {
	now := start
	s := openAt(t, pgcluster.ForTest(t), func() time.Time { return now })
	ctx := context.Background()
	short, long := newNonce(), newNonce()
	short.Until, long.Until = start.Add(time.Minute), start.Add(time.Hour)
	must(t, s.UseNonce(ctx, short), s.UseNonce(ctx, long))
	now = start.Add(time.Minute)
	n, err := s.forget(ctx)
	if must(t, err); n != 1 {
		t.Errorf("%d nonces were forgotten", n)
	}
	wantCode(t, s.UseNonce(ctx, long), protocol.CodeReplayed)
	must(t, s.UseNonce(ctx, short))
}

// TestKeys: the program and the audit call names by the same keys, and no two
// names run together.
func TestKeys(t *testing.T) {
	s := openAt(t, pgcluster.ForTest(t), nil)
	for _, parts := range [][]string{{"request", "a", "b"}, {"order", "", "ü"}, {"order", "a:1", "b"}, {"x"}} {
		var k key
		_, err := s.one(context.Background(), "SELECT name_key(VARIADIC $1::text[])", []any{parts}, &k)
		if must(t, err); k != keyOf(parts[0], parts[1:]...) {
			t.Errorf("%q has two keys", parts)
		}
	}
	if keyOf("a", "b", "c") == keyOf("a", "bc") || keyOf("a", "b:c") == keyOf("a", "b", "c") || keyOf("a", "1:b") == keyOf("a", "", "b") {
		t.Error("two names have one key")
	}
}

// TestHostileText: what a database cannot keep is refused, and quotes nothing.
func TestHostileText(t *testing.T) {
	s := openAt(t, pgcluster.ForTest(t), nil)
	furnish(t, s, 1000)
	ctx := context.Background()
	for _, text := range []string{"a\x00b", "\xff\xfe", "'; DROP TABLE trades; --", strings.Repeat("x", 5000)} {
		p := newPayment(1)
		p.Order, p.Request.ID = text, text
		if _, err := s.Pay(ctx, p); err != nil && (protocol.CodeOf(err) != protocol.CodeFieldInvalid || strings.Contains(err.Error(), text)) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	mustPay(t, s, newPayment(1))
	checked(t, s)
}
