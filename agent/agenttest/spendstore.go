// Package agenttest has the contracts of agent.SpendStore, agent.IntentStore and
// agent.PSP as tests, so that whoever writes another one, over a database for
// example, can show that an agent may rely on it.
package agenttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// SpendStore runs the contract of agent.SpendStore. open is called once a
// subtest and returns an empty store.
func SpendStore(t *testing.T, open func(t *testing.T) agent.SpendStore) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, agent.SpendStore){
		"PSD-PAY-DEL-01 the total holds":                testTotal,
		"PSD-PAY-DEL-01 the total holds concurrently":   testConcurrentTotal,
		"PSD-PAY-DEL-10 the confirmed amount counts":    testConfirmed,
		"PSD-PAY-A402-23 an open subject is not repaid": testOpenSubject,
		"PSD-PAY-A402-23 one winner a subject":          testConcurrentSubject,
		"release gives headroom back once":              testRelease,
		"commit after release fails":                    testCommitAfterRelease,
		"release after commit fails":                    testReleaseAfterCommit,
		"PSD-PAY-A402-05 payments to one seller":        testPayments,
		"PSD-PAY-A402-05 one seller concurrently":       testConcurrentPayments,
		"PSD-PAY-AUP-05 every payment is listed":        testList,
		"close":                                         testClose,
		"a request id is used once":                     testRequestID,
		"currencies are kept apart":                     testCurrency,
		"commit and release race to one outcome":        testCommitReleaseRace,
		"what is not known is an error":                 testUnknown,
		"incomplete payments are refused":               testIncomplete,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func currency(t *testing.T, code string) money.Currency {
	t.Helper()
	c, err := money.ParseCurrency(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func cny(t *testing.T, decimal string) money.Amount {
	t.Helper()
	a, err := money.Parse(decimal, currency(t, "CNY"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func upTo(t *testing.T, decimal string) agent.Limits {
	t.Helper()
	return agent.Limits{Total: cny(t, decimal)}
}

func pay(id, subject string, amount money.Amount) agent.Payment {
	return agent.Payment{RequestID: id, Mandate: "m", Subject: subject, Amount: amount}
}

func want(t *testing.T, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code {
		t.Fatalf("got %v, want code %q", err, code)
	}
	if code == "" && err != nil {
		t.Fatal(err)
	}
}

func wantSpent(t *testing.T, s agent.SpendStore, decimal string) {
	t.Helper()
	got, err := s.Spent(context.Background(), "m", currency(t, "CNY"))
	if err != nil {
		t.Fatal(err)
	}
	if got != cny(t, decimal) {
		t.Fatalf("spent %s, want %s", got, decimal)
	}
}

func testTotal(t *testing.T, s agent.SpendStore) {
	ctx, total := context.Background(), upTo(t, "10.00")
	wantSpent(t, s, "0.00")
	want(t, s.Reserve(ctx, pay("1", "a", cny(t, "6.00")), total), "")
	want(t, s.Reserve(ctx, pay("2", "b", cny(t, "4.01")), total), protocol.CodeTotalLimitExceeded)
	wantSpent(t, s, "6.00")
	want(t, s.Reserve(ctx, pay("3", "b", cny(t, "4.00")), total), "")
	wantSpent(t, s, "10.00")
	other := pay("4", "c", cny(t, "10.00"))
	other.Mandate = "another mandate"
	want(t, s.Reserve(ctx, other, total), "")
	wantSpent(t, s, "10.00")
}

func testConcurrentTotal(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			if s.Reserve(ctx, pay(id, id, one), total) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 10 {
		t.Fatalf("%d reservations of 1.00 fitted into 10.00", won.Load())
	}
	wantSpent(t, s, "10.00")
}

func testConfirmed(t *testing.T, s agent.SpendStore) {
	ctx, total := context.Background(), upTo(t, "10.00")
	want(t, s.Reserve(ctx, pay("1", "a", cny(t, "6.00")), total), "")
	want(t, s.Commit(ctx, "1", cny(t, "5.00"), "proof"), "")
	wantSpent(t, s, "5.00")
	want(t, s.Commit(ctx, "1", cny(t, "5.00"), "proof"), "")
	want(t, s.Commit(ctx, "1", cny(t, "5.00"), "other"), protocol.CodeStateConflict)
	want(t, s.Commit(ctx, "1", cny(t, "6.00"), "proof"), protocol.CodeStateConflict)
	wantSpent(t, s, "5.00")
	want(t, s.Reserve(ctx, pay("2", "b", cny(t, "5.00")), total), "")
	want(t, s.Commit(ctx, "2", cny(t, "7.00"), "proof"), "")
	wantSpent(t, s, "12.00")
	want(t, s.Reserve(ctx, pay("3", "c", cny(t, "0.01")), total), protocol.CodeTotalLimitExceeded)
}

func testOpenSubject(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	want(t, s.Reserve(ctx, pay("1", "a", one), total), "")
	want(t, s.Reserve(ctx, pay("2", "a", one), total), protocol.CodeOutcomeUnknown)
	other := pay("2", "a", one)
	other.Mandate = "another mandate"
	want(t, s.Reserve(ctx, other, total), protocol.CodeOutcomeUnknown)
	want(t, s.Commit(ctx, "1", one, "proof"), "")
	want(t, s.Reserve(ctx, pay("2", "a", one), total), protocol.CodeOutcomeUnknown)
	h, err := s.History(ctx, "m", "a")
	want(t, err, "")
	if h.Open == nil || h.Open.RequestID != "1" || h.Open.State != agent.Paid || h.Open.Proof != "proof" || h.Open.Amount != one {
		t.Fatalf("history %+v", h)
	}
	want(t, s.Close(ctx, "1"), "")
	want(t, s.Reserve(ctx, pay("2", "a", one), total), "")
	wantSpent(t, s, "2.00")
}

func testConcurrentSubject(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "1000.00"), cny(t, "1.00")
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if s.Reserve(ctx, pay(fmt.Sprint(i), "same", one), total) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d payments for one subject", won.Load())
	}
}

func testRelease(t *testing.T, s agent.SpendStore) {
	ctx, total := context.Background(), upTo(t, "10.00")
	want(t, s.Reserve(ctx, pay("1", "a", cny(t, "3.00")), total), "")
	want(t, s.Reserve(ctx, pay("2", "b", cny(t, "3.00")), total), "")
	want(t, s.Release(ctx, "1"), "")
	want(t, s.Release(ctx, "1"), "")
	wantSpent(t, s, "3.00")
	h, err := s.History(ctx, "m", "a")
	want(t, err, "")
	if h.Open != nil || h.Failed != 1 {
		t.Fatalf("history %+v", h)
	}
	want(t, s.Reserve(ctx, pay("3", "a", cny(t, "7.00")), total), "")
}

func testCommitAfterRelease(t *testing.T, s agent.SpendStore) {
	ctx := context.Background()
	want(t, s.Reserve(ctx, pay("1", "a", cny(t, "3.00")), upTo(t, "10.00")), "")
	want(t, s.Release(ctx, "1"), "")
	want(t, s.Commit(ctx, "1", cny(t, "3.00"), "proof"), protocol.CodeStateConflict)
	wantSpent(t, s, "0.00")
}

func testReleaseAfterCommit(t *testing.T, s agent.SpendStore) {
	ctx := context.Background()
	want(t, s.Reserve(ctx, pay("1", "a", cny(t, "3.00")), upTo(t, "10.00")), "")
	want(t, s.Commit(ctx, "1", cny(t, "3.00"), "proof"), "")
	want(t, s.Release(ctx, "1"), protocol.CodeStateConflict)
	want(t, s.Close(ctx, "1"), "")
	want(t, s.Release(ctx, "1"), protocol.CodeStateConflict)
	wantSpent(t, s, "3.00")
}

// to is a payment to a merchant.
func to(merchant, id string, amount money.Amount) agent.Payment {
	p := pay(id, id, amount)
	p.Merchant = merchant
	return p
}

func testPayments(t *testing.T, s agent.SpendStore) {
	ctx, two, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	two.Payments = 2
	want(t, s.Reserve(ctx, to("a", "1", one), two), "")
	want(t, s.Reserve(ctx, to("a", "2", one), two), "")
	want(t, s.Reserve(ctx, to("a", "3", one), two), protocol.CodePolicyRefused)
	want(t, s.Reserve(ctx, to("b", "3", one), two), "")
	want(t, s.Commit(ctx, "1", one, "proof"), "")
	want(t, s.Close(ctx, "1"), "")
	want(t, s.Reserve(ctx, to("a", "4", one), two), protocol.CodePolicyRefused)
	want(t, s.Release(ctx, "2"), "")
	want(t, s.Release(ctx, "2"), "")
	want(t, s.Reserve(ctx, to("a", "5", one), two), "")
	want(t, s.Reserve(ctx, to("a", "6", one), two), protocol.CodePolicyRefused)
	want(t, s.Reserve(ctx, to("a", "6", one), upTo(t, "10.00")), "")
	wantSpent(t, s, "4.00")
	other := to("a", "7", one)
	other.Mandate = "another mandate"
	want(t, s.Reserve(ctx, other, two), "")
}

func testConcurrentPayments(t *testing.T, s agent.SpendStore) {
	ctx, limits, one := context.Background(), upTo(t, "1000.00"), cny(t, "1.00")
	limits.Payments = 7
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if s.Reserve(ctx, to("a", fmt.Sprint(i), one), limits) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 7 {
		t.Fatalf("%d payments to a seller who may have 7", won.Load())
	}
}

func testList(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	at := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	first := agent.Payment{
		RequestID: "1", Mandate: "m", Subject: "a", Amount: one, Merchant: "did:act:shop.test/a", PSP: "did:act:psp.test/p", OrderNo: "order-1",
		Scenario: "AUP", At: at, What: "two lattes", DelegationID: "d", Bill: "b", PayBefore: at.Add(time.Hour), FinalAfter: at.Add(time.Minute),
	}
	want(t, s.Reserve(ctx, first, total), "")
	want(t, s.Reserve(ctx, pay("2", "b", one), total), "")
	other := pay("3", "c", one)
	other.Mandate = "another mandate"
	want(t, s.Reserve(ctx, other, total), "")
	want(t, s.Commit(ctx, "1", cny(t, "0.90"), "proof"), "")
	want(t, s.Release(ctx, "2"), "")
	first.State, first.Amount, first.Proof = agent.Paid, cny(t, "0.90"), "proof"
	for range 2 {
		got, err := s.Payments(ctx, "m")
		want(t, err, "")
		if len(got) != 2 || got[1].RequestID != "2" || got[1].State != agent.Released {
			t.Fatalf("payments %+v", got)
		}
		if !got[0].At.Equal(at) || !got[0].FinalAfter.Equal(first.FinalAfter) || !got[0].PayBefore.Equal(first.PayBefore) {
			t.Fatalf("times %s, %s, %s", got[0].At, got[0].PayBefore, got[0].FinalAfter)
		}
		got[0].At, got[0].FinalAfter, got[0].PayBefore = first.At, first.FinalAfter, first.PayBefore
		if got[0] != first {
			t.Fatalf("got %+v, want %+v", got[0], first)
		}
		got[0].Amount = money.Amount{} // the caller's own copy
	}
	none, err := s.Payments(ctx, "unknown")
	want(t, err, "")
	if len(none) != 0 {
		t.Fatalf("payments of a mandate that is not known: %+v", none)
	}
}

func testClose(t *testing.T, s agent.SpendStore) {
	ctx, three := context.Background(), cny(t, "3.00")
	want(t, s.Reserve(ctx, pay("1", "a", three), upTo(t, "10.00")), "")
	want(t, s.Close(ctx, "1"), protocol.CodeStateConflict)
	want(t, s.Commit(ctx, "1", three, "proof"), "")
	want(t, s.Close(ctx, "1"), "")
	want(t, s.Close(ctx, "1"), "")
	want(t, s.Commit(ctx, "1", three, "proof"), "")
	wantSpent(t, s, "3.00")
}

func testRequestID(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	want(t, s.Reserve(ctx, pay("1", "a", one), total), "")
	want(t, s.Reserve(ctx, pay("1", "b", one), total), protocol.CodeRequestConflict)
	want(t, s.Release(ctx, "1"), "")
	want(t, s.Reserve(ctx, pay("1", "a", one), total), protocol.CodeRequestConflict)
}

func testCurrency(t *testing.T, s agent.SpendStore) {
	ctx := context.Background()
	yen, err := money.Parse("5", currency(t, "JPY"))
	want(t, err, "")
	want(t, s.Reserve(ctx, pay("1", "a", yen), upTo(t, "10.00")), protocol.CodeCurrencyMismatch)
	want(t, s.Reserve(ctx, pay("2", "a", cny(t, "5.00")), upTo(t, "10.00")), "")
	want(t, s.Commit(ctx, "2", yen, "proof"), protocol.CodeCurrencyMismatch)
	wantSpent(t, s, "5.00")
	_, err = s.Spent(ctx, "m", currency(t, "JPY"))
	want(t, err, protocol.CodeCurrencyMismatch)
}

func testCommitReleaseRace(t *testing.T, s agent.SpendStore) {
	ctx, one := context.Background(), cny(t, "1.00")
	for i := range 50 {
		id := fmt.Sprint(i)
		want(t, s.Reserve(ctx, pay(id, id, one), upTo(t, "100.00")), "")
		var won atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			if s.Commit(ctx, id, one, "proof") == nil {
				won.Add(1)
			}
		})
		wg.Go(func() {
			if s.Release(ctx, id) == nil {
				won.Add(1)
			}
		})
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of commit and release succeeded", won.Load())
		}
	}
}

func testUnknown(t *testing.T, s agent.SpendStore) {
	ctx := context.Background()
	want(t, s.Commit(ctx, "1", cny(t, "1.00"), "proof"), protocol.CodeTradeUnknown)
	want(t, s.Release(ctx, "1"), protocol.CodeTradeUnknown)
	want(t, s.Close(ctx, "1"), protocol.CodeTradeUnknown)
	h, err := s.History(ctx, "m", "a")
	want(t, err, "")
	if h.Open != nil || h.Failed != 0 {
		t.Fatalf("history %+v", h)
	}
}

func testIncomplete(t *testing.T, s agent.SpendStore) {
	ctx, total, one := context.Background(), upTo(t, "10.00"), cny(t, "1.00")
	want(t, s.Reserve(ctx, pay("", "a", one), total), protocol.CodeFieldMissing)
	want(t, s.Reserve(ctx, pay("1", "", one), total), protocol.CodeFieldMissing)
	p := pay("1", "a", one)
	p.Mandate = ""
	want(t, s.Reserve(ctx, p, total), protocol.CodeFieldMissing)
	want(t, s.Reserve(ctx, pay("1", "a", money.Amount{}), total), protocol.CodeFieldInvalid)
	wantSpent(t, s, "0.00")
}
