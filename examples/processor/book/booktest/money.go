package booktest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Money runs the contract of book.Notices and book.Statements, and what a book
// adds to the refunds of provider.Refunds: the limit on what a sub-account may
// hold, and the events. open returns a fresh, empty book that reads the given
// clock.
func Money(t *testing.T, open func(t *testing.T, now func() time.Time) book.Book) {
	for name, run := range map[string]func(*till){
		"PSD-PAY-DEL-13 a merchant is told of its trades in order":           noticesInOrder,
		"PSD-PAY-INS-06 an instant payment is told of when it has an end":    noticesOfInstants,
		"PSD-PAY-DEL-13 who is told, and who is not":                         noticesToReceivers,
		"PSD-PAY-DEL-13 many distribute at once, and nothing is told twice":  noticesConcurrent,
		"PSD-PAY-DEL-13 addresses":                                           receiverForms,
		"PSD-PAY-A402-24 attestation takes payments alone":                   eventsOfConsumers,
		"PSD-AGT-SUB-06 a refund that does not fit goes to the main account": refundOverLimit,
		"PSD-PAY-AUP-05 a bill gathers payments by task":                     billByTask,
		"PSD-PAY-AUP-05 bill and settlement are the entries":                 statementsAddUp,
	} {
		t.Run(name, func(t *testing.T) {
			k := &till{T: t}
			k.at.Store(passkeyStart.UnixNano())
			k.Book = open(t, k.now)
			for _, did := range []string{ann, ben} {
				k.must(k.OpenAccount(k.Context(), did, book.Principal, "CNY"))
				k.must(k.Deposit(k.Context(), book.Deposit{ID: did, Owner: did, Currency: "CNY", Amount: 1000_00}))
				k.must(k.BindToken(k.Context(), provider.Token{
					ID: "pt-" + did, Principal: did, Agent: shopper, Currency: "CNY", ValidFrom: passkeyStart.Add(-time.Hour), ValidUntil: passkeyStart.Add(1000 * time.Hour),
				}))
			}
			for _, did := range []string{mall, kiosk} {
				k.must(k.OpenAccount(k.Context(), did, book.Merchant, "CNY"))
			}
			run(k)
		})
	}
}

const (
	kiosk   = "did:act:shop.example/kiosk"
	shopper = "did:act:home.example/shopper"
	bank    = "did:act:bank.example/mandates"
)

// A till is a book with two principals and two merchants.
type till struct {
	*testing.T
	book.Book
	at     atomic.Int64
	serial atomic.Int64
}

func (k *till) now() time.Time        { return time.Unix(0, k.at.Load()).UTC() }
func (k *till) later(d time.Duration) { k.at.Add(int64(d)) }

func (k *till) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatalf("unexpected: %v", err)
	}
}

func (k *till) want(err error, code protocol.Code) {
	k.Helper()
	if got := protocol.CodeOf(err); got != code {
		k.Fatalf("got %v, want %q", err, code)
	}
}

// payment is a new one under the mandate m of a principal.
func (k *till) payment(principal, merchant, m string, amount int64) provider.Payment {
	n := k.serial.Add(1)
	return provider.Payment{
		Request: provider.Request{Agent: shopper, ID: fmt.Sprintf("r-%d", n), Digest: canon.Digest(fmt.Sprintf("d-%d", n)),
			Nonce: provider.Nonce{Scope: "pay", Value: fmt.Sprintf("n-%d", n), Until: k.now().Add(10 * time.Minute)}},
		Mandate:  provider.Mandate{Issuer: bank, DelegationID: m, Digest: canon.Digest("payload " + m), Delegator: principal, Total: 500_00},
		Scenario: payment.ScenarioAUP, Method: "urn:act:payment:balance", Token: "pt-" + principal, Payee: merchant, Order: fmt.Sprintf("o-%d", n),
		Expires: k.now().Add(time.Hour), Amount: amount, Currency: "CNY", Memo: []byte("{}"),
	}
}

func (k *till) instant(principal, merchant string, amount int64) provider.Payment {
	p := k.payment(principal, merchant, "", amount)
	p.Mandate, p.Scenario = provider.Mandate{}, payment.ScenarioINS
	return p
}

func (k *till) pay(p provider.Payment) *provider.Trade {
	k.Helper()
	t, err := k.Pay(k.Context(), p)
	k.must(err)
	return t
}

func (k *till) refund(t *provider.Trade, amount int64) *provider.Refund {
	k.Helper()
	n := k.serial.Add(1)
	r, err := k.Refund(k.Context(), provider.RefundRequest{
		Merchant: t.Payee, ID: fmt.Sprintf("f-%d", n), Digest: canon.Digest(fmt.Sprintf("fd-%d", n)), TradeNo: t.No, Amount: amount, Currency: "CNY", Reason: payment.RefundOther,
	})
	k.must(err)
	return r
}

// distribute gives out all events, a few at a time.
func (k *till) distribute() {
	k.Helper()
	for {
		n, err := k.Distribute(k.Context(), 3)
		k.must(err)
		if n < 3 {
			return
		}
	}
}

func (k *till) notices(merchant string) []book.Notice {
	k.Helper()
	n, err := k.Notices(k.Context(), merchant, 1000)
	k.must(err)
	return n
}

func (k *till) receive(merchants ...string) {
	k.Helper()
	for _, m := range merchants {
		k.must(k.SetReceiver(k.Context(), m, "https://shop.example/told"))
	}
}

func noticesInOrder(k *till) {
	k.receive(mall, kiosk)
	a := k.pay(k.payment(ann, mall, "m-1", 10_00))
	k.pay(k.payment(ann, kiosk, "m-1", 1_00))
	k.later(time.Minute)
	r := k.refund(a, 4_00)
	last := k.refund(a, 6_00)
	k.distribute()
	got := k.notices(mall)
	want := []book.Notice{
		{Merchant: mall, Sequence: 1, Event: payment.NotifyCompleted, TradeNo: a.No, Order: a.Order, Amount: 10_00, Currency: "CNY", State: payment.StateWaitSellerFulfillment, At: passkeyStart},
		{Merchant: mall, Sequence: 2, Event: payment.NotifyRefunded, TradeNo: a.No, Order: a.Order, Amount: 10_00, Currency: "CNY", State: payment.StateWaitSellerFulfillment,
			At: passkeyStart.Add(time.Minute), RefundNo: r.No, RefundRequestID: r.RequestID, RefundAmount: 4_00, RefundedTotal: 4_00},
		{Merchant: mall, Sequence: 3, Event: payment.NotifyRefunded, TradeNo: a.No, Order: a.Order, Amount: 10_00, Currency: "CNY", State: payment.StateTradeClosed,
			At: passkeyStart.Add(time.Minute), RefundNo: last.No, RefundRequestID: last.RequestID, RefundAmount: 6_00, RefundedTotal: 10_00},
	}
	if len(got) != len(want) {
		k.Fatalf("%d notices: %+v", len(got), got)
	}
	for i := range want {
		if got[i] != want[i] {
			k.Errorf("notice %d is %+v, want %+v", i+1, got[i], want[i])
		}
	}
	if other := k.notices(kiosk); len(other) != 1 || other[0].Sequence != 1 {
		k.Errorf("the other merchant is told %+v", other)
	}
	k.must(k.Noticed(k.Context(), mall, 2))
	k.must(k.Noticed(k.Context(), mall, 1)) // an earlier one changes nothing
	k.want(k.Noticed(k.Context(), mall, 4), protocol.CodeFieldInvalid)
	k.want(k.Noticed(k.Context(), kiosk, 2), protocol.CodeFieldInvalid)
	if left := k.notices(mall); len(left) != 1 || left[0].Sequence != 3 {
		k.Errorf("left: %+v", left)
	}
	if one, err := k.Notices(k.Context(), kiosk, 1); err != nil || len(one) != 1 {
		k.Errorf("%+v, %v", one, err)
	}
	k.pay(k.payment(ann, mall, "m-1", 1_00))
	k.distribute()
	k.distribute()
	if left := k.notices(mall); len(left) != 2 || left[1].Sequence != 4 {
		k.Errorf("after another payment: %+v", left)
	}
}

func noticesOfInstants(k *till) {
	k.receive(mall)
	var begun [3]*provider.Trade
	for i := range begun {
		var err error
		begun[i], err = k.Begin(k.Context(), k.instant(ann, mall, int64(i+1)))
		k.must(err)
	}
	k.distribute()
	if got := k.notices(mall); len(got) != 0 {
		k.Fatalf("told of what waits: %+v", got)
	}
	_, err := k.Settle(k.Context(), begun[1].No, provider.Confirmation{Method: "test", At: k.now()})
	k.must(err)
	k.must(k.Decline(k.Context(), begun[0].No, protocol.CodeConfirmationFailed))
	k.must(k.Decline(k.Context(), begun[0].No, protocol.CodeConfirmationFailed)) // told once
	k.later(2 * time.Hour)
	late, err := k.Trade(k.Context(), begun[2].No)
	k.must(err)
	k.distribute()
	got := k.notices(mall)
	if len(got) != 3 || late.State != payment.StateTradeClosed {
		k.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		no    string
		event payment.NotificationEvent
		state payment.State
	}{
		{begun[1].No, payment.NotifyCompleted, payment.StateWaitSellerFulfillment},
		{begun[0].No, payment.NotifyClosed, payment.StateTradeClosed}, {begun[2].No, payment.NotifyClosed, payment.StateTradeClosed},
	} {
		if n := got[i]; n.TradeNo != want.no || n.Event != want.event || n.State != want.state || n.RefundNo != "" || n.Amount == 0 || n.Order == "" || n.Currency != "CNY" {
			k.Errorf("notice %d is %+v", i+1, n)
		}
	}
}

func noticesToReceivers(k *till) {
	k.pay(k.payment(ann, mall, "m-1", 1_00))
	k.distribute() // to nobody
	k.receive(mall)
	k.distribute()
	if got := k.notices(mall); len(got) != 0 {
		k.Errorf("told of what came before: %+v", got)
	}
	second := k.pay(k.payment(ann, mall, "m-1", 2_00))
	k.pay(k.payment(ann, kiosk, "m-1", 3_00))
	k.distribute()
	k.must(k.SetReceiver(k.Context(), mall, ""))
	k.pay(k.payment(ann, mall, "m-1", 4_00))
	k.distribute()
	k.must(k.SetReceiver(k.Context(), mall, "https://shop.example/other"))
	fourth := k.pay(k.payment(ann, mall, "m-1", 5_00))
	k.distribute()
	got := k.notices(mall)
	if len(got) != 2 || got[0].TradeNo != second.No || got[1].TradeNo != fourth.No || got[1].Sequence != 2 {
		k.Errorf("%+v", got)
	}
	if got := k.notices(kiosk); len(got) != 0 {
		k.Errorf("who is not told is told %+v", got)
	}
	k.must(k.Noticed(k.Context(), mall, 1))
	list, err := k.Receivers(k.Context())
	k.must(err)
	if len(list) != 1 || list[0].Merchant != mall || list[0].URL != "https://shop.example/other" || list[0].Last != 2 || list[0].Noticed != 1 || !list[0].Since.Equal(passkeyStart) {
		k.Errorf("%+v", list)
	}
}

func noticesConcurrent(k *till) {
	k.receive(mall)
	const payments = 40
	var all sync.WaitGroup
	for range payments {
		p := k.payment(ann, mall, "m-1", 1)
		all.Go(func() {
			if _, err := k.Pay(k.Context(), p); err != nil {
				k.Error(err)
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 20 {
				if _, err := k.Distribute(k.Context(), 2); err != nil {
					k.Error(err)
				}
			}
		})
	}
	all.Wait()
	k.distribute()
	got, told := k.notices(mall), map[string]bool{}
	for i, n := range got {
		if n.Sequence != int64(i+1) || told[n.TradeNo] {
			k.Fatalf("notice %d has sequence %d, told before: %v", i+1, n.Sequence, told[n.TradeNo])
		}
		told[n.TradeNo] = true
	}
	if len(got) != payments {
		k.Errorf("%d of %d are told", len(got), payments)
	}
}

func receiverForms(k *till) {
	for address, code := range map[string]protocol.Code{
		"http://shop.example/": protocol.CodeFieldInvalid, "https://u:p@shop.example/": protocol.CodeFieldInvalid, "https://shop.example/#x": protocol.CodeFieldInvalid,
		"https:///x": protocol.CodeFieldInvalid, "shop.example": protocol.CodeFieldInvalid,
	} {
		k.want(k.SetReceiver(k.Context(), mall, address), code)
	}
	k.want(k.SetReceiver(k.Context(), "", "https://shop.example/"), protocol.CodeFieldMissing)
	k.want(k.SetReceiver(k.Context(), "did:act:shop.example/none", "https://shop.example/"), protocol.CodeMerchantNotAllowed)
	k.want(k.SetReceiver(k.Context(), ann, "https://shop.example/"), protocol.CodeMerchantNotAllowed)
	list, err := k.Receivers(k.Context())
	k.must(err)
	if len(list) != 0 {
		k.Errorf("%+v", list)
	}
}

func eventsOfConsumers(k *till) {
	t := k.pay(k.payment(ann, mall, "m-1", 10_00))
	r := k.refund(t, 1_00)
	w, err := k.Begin(k.Context(), k.instant(ann, mall, 1))
	k.must(err)
	k.must(k.Decline(k.Context(), w.No, protocol.CodeConfirmationFailed))
	u := k.pay(k.payment(ann, mall, "m-1", 1_00))
	paid, err := k.Unreported(k.Context(), book.Attestation, 10)
	k.must(err)
	if len(paid) != 2 || paid[0].TradeNo != t.No || paid[1].TradeNo != u.No || paid[0].Type != book.TransactionCompleted || paid[0].DelegationID != "m-1" {
		k.Fatalf("to attest: %+v", paid)
	}
	all, err := k.Unreported(k.Context(), book.Notification, 10)
	k.must(err)
	var types []string
	for _, e := range all {
		types = append(types, e.Type)
	}
	if len(all) != 4 || all[1].Type != book.Refunded || all[1].RefundNo != r.No || all[1].TradeNo != t.No || all[2].Type != book.Closed || all[2].TradeNo != w.No || all[2].Order != w.Order {
		k.Fatalf("events %v: %+v", types, all)
	}
	k.must(k.Acknowledge(k.Context(), book.Attestation, paid[1].ID))
	if left, err := k.Unreported(k.Context(), book.Attestation, 10); err != nil || len(left) != 0 {
		k.Errorf("%+v, %v", left, err)
	}
	k.distribute()
	if left, err := k.Unreported(k.Context(), book.Notification, 10); err != nil || len(left) != 0 {
		k.Errorf("%+v, %v", left, err)
	}
}

// balance is what an account holds.
func (k *till) balance(owner string) int64 {
	k.Helper()
	accounts, err := k.Accounts(k.Context())
	k.must(err)
	for _, a := range accounts {
		if a.Owner == owner {
			return a.Balance
		}
	}
	return 0
}

func refundOverLimit(k *till) {
	private, err := keys.Generate(keys.EdDSA)
	k.must(err)
	signer, err := keys.NewSigner(shopper+"#sub", keys.SubAccount, private)
	k.must(err)
	k.must(k.OpenSubAccount(k.Context(), book.SubAccount{BalanceLimit: 30_00, SubAccount: provider.SubAccount{ID: "sub-1", Principal: ann, Agent: shopper, Currency: "CNY", Key: signer.Public()}}))
	k.must(k.TopUp(k.Context(), book.TopUp{ID: "t-1", SubAccount: "sub-1", Amount: 30_00}))
	p := k.payment(ann, mall, "m-1", 20_00)
	p.Token, p.SubAccount, p.SubAccountKey = "", "sub-1", signer.Public().Thumbprint()
	t := k.pay(p)
	k.refund(t, 5_00)
	if sub, main := k.balance("sub-1"), k.balance(ann); sub != 15_00 || main != 970_00 {
		k.Fatalf("the sub-account has %d, its principal %d", sub, main)
	}
	k.must(k.TopUp(k.Context(), book.TopUp{ID: "t-2", SubAccount: "sub-1", Amount: 10_00}))
	k.refund(t, 5_01) // 30.01 would lie in it
	if sub, main := k.balance("sub-1"), k.balance(ann); sub != 25_00 || main != 965_01 {
		k.Fatalf("the sub-account has %d, its principal %d", sub, main)
	}
	k.refund(t, 5_00)
	if sub, main := k.balance("sub-1"), k.balance(ann); sub != 30_00 || main != 965_01 {
		k.Fatalf("the sub-account has %d, its principal %d", sub, main)
	}
}

func billByTask(k *till) {
	k.must(k.Name(k.Context(), mall, "The mall"))
	a := k.pay(k.payment(ann, mall, "m-1", 100_00))
	k.pay(k.payment(ben, mall, "m-9", 7_00))
	k.later(time.Hour)
	b := k.pay(k.payment(ann, kiosk, "m-2", 20_00))
	w, err := k.Begin(k.Context(), k.instant(ann, kiosk, 5_00))
	k.must(err)
	_, err = k.Settle(k.Context(), w.No, provider.Confirmation{Method: "test", At: k.now()})
	k.must(err)
	c := k.pay(k.payment(ann, kiosk, "m-1", 300_00))
	k.refund(a, 40_00)
	bill, err := k.TaskBill(k.Context(), ann, time.Time{}, time.Time{})
	k.must(err)
	if len(bill) != 3 {
		k.Fatalf("%d tasks: %+v", len(bill), bill)
	}
	one, two, confirmed := bill[0], bill[1], bill[2]
	if one.Issuer != bank || one.DelegationID != "m-1" || one.Currency != "CNY" || one.Total != 500_00 || one.Spent != 400_00 || one.Paid != 400_00 || one.Refunded != 40_00 || !one.NearLimit() {
		k.Errorf("the first task: %+v", one)
	}
	if len(one.Payments) != 2 || one.Payments[0].TradeNo != a.No || one.Payments[0].PayeeName != "The mall" || one.Payments[0].Refunded != 40_00 ||
		one.Payments[1].TradeNo != c.No || one.Payments[1].State != payment.StateWaitSellerFulfillment || one.Payments[1].PayeeName != "" {
		k.Errorf("its payments: %+v", one.Payments)
	}
	if two.DelegationID != "m-2" || len(two.Payments) != 1 || two.Payments[0].TradeNo != b.No || two.NearLimit() {
		k.Errorf("the second: %+v", two)
	}
	if confirmed.DelegationID != "" || confirmed.Total != 0 || confirmed.Paid != 5_00 || confirmed.Payments[0].Scenario != payment.ScenarioINS || confirmed.NearLimit() {
		k.Errorf("what was confirmed: %+v", confirmed)
	}
	first, err := k.TaskBill(k.Context(), ann, passkeyStart, passkeyStart.Add(time.Hour))
	k.must(err)
	if len(first) != 1 || first[0].Paid != 100_00 || first[0].Spent != 400_00 || len(first[0].Payments) != 1 {
		k.Errorf("of the first hour: %+v", first)
	}
	_, err = k.TaskBill(k.Context(), "did:act:home.example/nobody", time.Time{}, time.Time{})
	k.want(err, protocol.CodeInstrumentInvalid) // nobody, and not somebody who paid nothing
	_, err = k.TaskBill(k.Context(), ann, passkeyStart, passkeyStart)
	k.want(err, protocol.CodeFieldInvalid)
	_, err = k.Settlement(k.Context(), passkeyStart, passkeyStart)
	k.want(err, protocol.CodeFieldInvalid)
}

// statementsAddUp pays and gives back at random, and compares what the reports
// say with the accounts.
func statementsAddUp(k *till) {
	random := rand.New(rand.NewPCG(1, 2))
	var trades []*provider.Trade
	left := map[string]int64{}
	days := 4
	for range days {
		for range 15 {
			merchant, principal := []string{mall, kiosk}[random.IntN(2)], []string{ann, ben}[random.IntN(2)]
			t := k.pay(k.payment(principal, merchant, fmt.Sprintf("m-%s-%d", principal[len(principal)-3:], random.IntN(2)), 1+random.Int64N(9_00)))
			trades, left[t.No] = append(trades, t), t.Amount
			if back := trades[random.IntN(len(trades))]; left[back.No] > 0 {
				amount := 1 + random.Int64N(left[back.No])
				k.refund(back, amount)
				left[back.No] -= amount
			}
		}
		k.later(24 * time.Hour)
	}
	sum := map[string]book.Settlement{}
	for day := range days {
		from := passkeyStart.Add(time.Duration(day) * 24 * time.Hour)
		list, err := k.Settlement(k.Context(), from, from.Add(24*time.Hour))
		k.must(err)
		for _, s := range list {
			if s.Net != s.Gross-s.Refunded || s.Currency != "CNY" {
				k.Errorf("%+v", s)
			}
			all := sum[s.Merchant]
			all.Payments, all.Refunds, all.Net = all.Payments+s.Payments, all.Refunds+s.Refunds, all.Net+s.Net
			sum[s.Merchant] = all
		}
	}
	for _, m := range []string{mall, kiosk} {
		if sum[m].Net != k.balance(m) {
			k.Errorf("%s was settled %d and has %d", m, sum[m].Net, k.balance(m))
		}
	}
	if n := sum[mall].Payments + sum[kiosk].Payments; n != int64(len(trades)) {
		k.Errorf("%d payments are settled, %d were made", n, len(trades))
	}
	for _, p := range []string{ann, ben} {
		bill, err := k.TaskBill(k.Context(), p, time.Time{}, time.Time{})
		k.must(err)
		net := int64(0)
		for _, task := range bill {
			if task.Spent != task.Paid {
				k.Errorf("a task has %d spent and %d on its bill", task.Spent, task.Paid)
			}
			net += task.Paid - task.Refunded
		}
		if 1000_00-net != k.balance(p) {
			k.Errorf("%s was billed %d and has %d", p, net, k.balance(p))
		}
	}
	report, err := k.Audit(k.Context())
	k.must(err)
	for _, problem := range report.Problems {
		k.Errorf("audit: %s", problem)
	}
}
