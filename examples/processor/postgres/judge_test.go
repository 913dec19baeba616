package postgres

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// drawn is a payment with the facts that it meets, and what the function in the
// database gets of them.
type drawn struct {
	p  provider.Payment
	f  position
	at time.Time
}

// near draws a number around another, and around nothing.
func near(r *rapid.T, name string, n int64) int64 {
	return rapid.SampledFrom([]int64{n, n - 1, n + 1, 0, 1, n / 2, 2 * n, 1 << 62}).Draw(r, name)
}

// mostly draws the first of two values nine times out of ten.
func mostly[T any](r *rapid.T, name string, usual, other T) T {
	if rapid.IntRange(0, 9).Draw(r, name) == 0 {
		return other
	}
	return usual
}

func draw(r *rapid.T, one, two keys.PublicKey) drawn {
	var d drawn
	d.at = start
	amount := rapid.Int64Range(1, 1000).Draw(r, "amount")
	d.p = newPayment(amount)
	d.p.Expires = mostly(r, "expires", start.Add(time.Microsecond), start)
	if rapid.IntRange(0, 9).Draw(r, "made before") == 0 {
		d.p.Made.Fail(protocol.CodeRiskRefused, "", "before", "", "")
	} else {
		d.p.Made.Pass("", "before")
	}
	spent := max(0, near(r, "spent", amount)) >> 1
	d.f.Spent, d.p.Mandate.Total = spent, max(0, mostly(r, "total", 1<<62, near(r, "total near", spent+amount)))
	d.f.Pinned = mostly(r, "pinned", d.p.Mandate.Digest, rapid.SampledFrom([]canon.Digest{"", "another"}).Draw(r, "other pinned"))
	d.f.OrderPaid, d.f.Payee = mostly(r, "order paid", false, true), mostly(r, "payee", true, false)
	d.f.Taken = max(0, near(r, "taken", amount)) >> 1
	d.f.Balance = max(0, mostly(r, "balance", 1<<40, near(r, "balance near", amount)))
	kind := rapid.SampledFrom([]string{"token", "sub-account", "instant"}).Draw(r, "kind")
	if kind == "sub-account" {
		d.drawSubAccount(r, amount, one, two)
		return d
	}
	if kind == "instant" {
		d.p.Mandate, d.p.Scenario, d.f.Pinned, d.f.Spent = provider.Mandate{}, payment.ScenarioINS, "", 0
	}
	k := &provider.Token{
		ID: tokenID, Principal: mostly(r, "principal", owner, "another"), Agent: mostly(r, "agent", agentDID, "another"), Currency: mostly(r, "currency", "CNY", "USD"),
		ValidFrom: start.Add(time.Duration(rapid.IntRange(-9, 1).Draw(r, "from")) * time.Second), ValidUntil: start.Add(time.Duration(rapid.IntRange(0, 9).Draw(r, "until")) * time.Second),
		Ceiling: max(0, mostly(r, "ceiling", 0, near(r, "ceiling near", d.f.Taken+amount))), State: mostly(r, "state", provider.TokenActive, rapid.SampledFrom([]provider.TokenState{"frozen", "cancelled", "odd"}).Draw(r, "other state")),
		Merchants: mostly(r, "merchants", nil, rapid.SampledFrom([][]string{{shop}, {"another"}, {"another", shop}}).Draw(r, "which")),
	}
	if d.f.Token = mostly(r, "known", k, nil); d.f.Token == nil {
		d.f.Taken, d.f.Balance = 0, 0
	}
	return d
}

func (d *drawn) drawSubAccount(r *rapid.T, amount int64, one, two keys.PublicKey) {
	d.p.Token, d.p.SubAccount, d.p.SubAccountKey = "", "sub-1", one.Thumbprint()
	limit := func(name string, used int64) int64 {
		return max(0, mostly(r, name, 0, near(r, name+" near", used+amount)))
	}
	d.f.Within, d.f.task = d.f.Taken/2, d.f.Taken/3
	s := &provider.SubAccount{
		ID: "sub-1", Principal: mostly(r, "principal", owner, "another"), Agent: mostly(r, "agent", agentDID, "another"), Currency: mostly(r, "currency", "CNY", "USD"),
		Key: mostly(r, "key", one, two), State: mostly(r, "state", provider.SubAccountActive, rapid.SampledFrom([]provider.SubAccountState{"frozen", "cancelled", "odd"}).Draw(r, "other state")),
		Limits: provider.Limits{Single: limit("single", 0), Total: limit("total of sub", d.f.Taken), Within: limit("within", d.f.Within), Period: time.Hour},
	}
	d.f.taskLimit = limit("task", d.f.task)
	if d.f.SubAccount = mostly(r, "known", s, nil); d.f.SubAccount == nil {
		d.f.Taken, d.f.Within, d.f.task, d.f.taskLimit, d.f.Balance = 0, 0, 0, 0, 0
	}
}

// null is nil for the zero value.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

const permitsCall = `SELECT permits(ROW($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::text, $8::text, $9::text, $10::text, $11::uuid, $12::timestamptz, $13::bigint, $14::text, $15::boolean)::payment,
	ROW($16::bigint, $17::text, $18::bigint, $19::boolean, $20::bigint, $21::bigint, $22::bigint, $23::text, $24::text, $25::text, $26::text, $27::timestamptz, $28::timestamptz, $29::bigint, $30::text[],
	$31::bytea, $32::text, $33::bigint, $34::bigint, $35::bigint, $36::bigint, $37::bigint, $38::bigint, $39::bigint, $40::bigint, $41::bigint)::facts, $42, $43)`

// args are what permits() gets: what gather() would have read.
func (d *drawn) args(debit bool) []any {
	p, f := &d.p, &d.f
	one := int64(1)
	issuerOf, delegation, digest, delegator, total := null(p.Mandate.Issuer), null(p.Mandate.DelegationID), null(string(p.Mandate.Digest)), null(p.Mandate.Delegator), &p.Mandate.Total
	mandate, spent := &one, &f.Spent
	if p.Instant() {
		issuerOf, delegation, digest, delegator, total, mandate, spent = nil, nil, nil, nil, nil, nil, nil
	}
	var payee, instrument *int64
	if f.Payee {
		payee = &one
	}
	var principal, agent, currency, state, thumbprint *string
	var from, until *time.Time
	var ceiling, single, all, within, period, taskLimit, taken, sumWithin, balance, task *int64
	var merchants []string
	if k := f.Token; k != nil {
		state0 := string(k.State)
		instrument, principal, agent, currency, state, from, until, ceiling, taken, balance = &one, &k.Principal, &k.Agent, &k.Currency, &state0, &k.ValidFrom, &k.ValidUntil, &k.Ceiling, &f.Taken, &f.Balance
		merchants = append([]string{}, k.Merchants...)
	}
	if s := f.SubAccount; s != nil {
		state0, print, seconds := string(s.State), s.Key.Thumbprint(), int64(s.Limits.Period/time.Second)
		instrument, principal, agent, currency, state, thumbprint, taken, balance = &one, &s.Principal, &s.Agent, &s.Currency, &state0, &print, &f.Taken, &f.Balance
		single, all, within, period, taskLimit, sumWithin, task = &s.Limits.Single, &s.Limits.Total, &s.Limits.Within, &seconds, &f.taskLimit, &f.Within, &f.task
	}
	return []any{p.Request.Agent, issuerOf, delegation, digest, delegator, total, null(p.Token), null(p.SubAccount), null(p.SubAccountKey), p.Payee, orderKey(p.Payee, p.Order), p.Expires, p.Amount, p.Currency, sound(p),
		mandate, null(string(f.Pinned)), spent, f.OrderPaid, payee, instrument, instrument, principal, agent, currency, state, from, until, ceiling, merchants,
		nil, thumbprint, single, all, within, period, taskLimit, taken, sumWithin, balance, task, d.at, debit}
}

// TestTheJudgesAgree compares permits() in the database with Facts.Judge and
// JudgeBegin over arbitrary payments and facts, most of them near a limit: the
// function decides, and the other says why, so that they may never differ
// (PSD-PAY-DEL-05, PSD-PAY-DEL-07, PSD-AGT-SUB-06).
func TestTheJudgesAgree(t *testing.T) {
	s := openAt(t, pgcluster.ForTest(t), nil)
	one, two := newKey(t), newKey(t)
	allowed := 0
	rapid.Check(t, func(r *rapid.T) {
		for range 20 {
			d := draw(r, one, two)
			for _, debit := range []bool{true, false} {
				if !debit && !d.p.Instant() {
					continue
				}
				decision := d.f.judge(&d.p, d.at)
				if !debit {
					decision = d.f.JudgeBegin(&d.p, d.at)
				}
				var permits bool
				if err := s.pool.QueryRow(context.Background(), permitsCall, d.args(debit)...).Scan(&permits); err != nil {
					r.Fatal(err)
				}
				if permits != (decision.Err() == nil) {
					r.Fatalf("the database says %v, the judge %v\n%+v\n%+v", permits, decision.Err(), d.p, d.f)
				}
				if permits {
					allowed++
				}
			}
		}
	})
	if allowed == 0 {
		t.Error("nothing was ever allowed")
	}
}
