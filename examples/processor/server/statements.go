package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// statementRoutes are the desk's part for what principals and merchants are
// shown of their money, and for telling merchants.
func (s *Server) statementRoutes() []route {
	return []route{
		{"GET", "/admin/trades", "show one trade with its refunds: ?trade_no=, or ?merchant= and &order=, or ?agent= and &request_id=", s.adminTrade},
		{"GET", "/admin/bills", "gather what was paid for ?principal= by task, optionally &from= and &until=; /admin/bill.html is the same for printing", s.adminBill},
		{"GET", "/admin/settlements", "sum up payments and refunds of every merchant on ?day=, optionally &zone=+08:00; /admin/settlement.csv is the same for spreadsheets", s.adminSettlement},
		{"POST", "/admin/receivers", "set the https URL at which a merchant is told of its trades; empty to end it", with(s.adminReceiver)},
		{"GET", "/admin/receivers", "list the merchants that are told, and what waits for them", s.adminReceivers},
	}
}

type refundView struct {
	No        string               `json:"refund_no"`
	RequestID string               `json:"request_id"`
	Amount    string               `json:"amount"`
	Reason    payment.RefundReason `json:"reason"`
	At        string               `json:"refunded_at"`
}

type tradeView struct {
	No           string           `json:"trade_no"`
	Scenario     payment.Scenario `json:"scenario"`
	State        payment.State    `json:"trade_state"`
	Agent        string           `json:"buyer_agent_id"`
	RequestID    string           `json:"request_id"`
	Merchant     string           `json:"merchant_id"`
	Order        string           `json:"merchant_order_id"`
	Principal    string           `json:"principal"`
	DelegationID string           `json:"delegation_id,omitzero"`
	SubAccount   string           `json:"subaccount_id,omitzero"`
	Amount       string           `json:"amount"`
	Currency     string           `json:"currency"`
	Refunded     string           `json:"refunded_total"`
	PaidAt       string           `json:"paid_at,omitzero"`
	ConsumedAt   string           `json:"consumed_at,omitzero"`
	ConfirmedAt  string           `json:"confirmed_at,omitzero"`
	ConfirmedBy  string           `json:"confirmed_by,omitzero"` // method, of an instant payment
	Refunds      []refundView     `json:"refunds"`
}

func (s *Server) adminTrade(r *http.Request, _ []byte) (any, error) {
	q := r.URL.Query()
	key := provider.TradeKey{TradeNo: q.Get("trade_no"), Merchant: q.Get("merchant"), Order: q.Get("order")}
	if id := q.Get("request_id"); id != "" && key == (provider.TradeKey{}) {
		t, err := s.ledger.Query(r.Context(), q.Get("agent"), id)
		if err != nil {
			return nil, err // a refusal that was stored, or trade_unknown
		}
		key.TradeNo = t.No
	}
	t, refunds, err := s.ledger.Find(r.Context(), key)
	if err != nil {
		return nil, err
	}
	v := tradeView{
		No: t.No, Scenario: t.Scenario, State: t.State, Agent: t.Agent, RequestID: t.RequestID, Merchant: t.Payee, Order: t.Order,
		Principal: t.Principal, DelegationID: t.DelegationID, SubAccount: t.SubAccount, Amount: signed(t.Amount, t.Currency), Currency: t.Currency,
		PaidAt: wire.FormatTime(t.PaidAt), ConsumedAt: wire.FormatTime(t.ConsumedAt), ConfirmedAt: wire.FormatTime(t.ConfirmedAt),
		ConfirmedBy: t.Confirmation.Method, Refunds: []refundView{},
	}
	total := int64(0)
	for _, m := range refunds {
		total = m.Total
		v.Refunds = append(v.Refunds, refundView{m.No, m.RequestID, signed(m.Amount, m.Currency), m.Reason, canon.FormatTime(m.At)})
	}
	v.Refunded = signed(total, t.Currency)
	return v, nil
}

type taskView struct {
	Issuer       string        `json:"issuer,omitzero"`        // with DelegationID; both absent of payments
	DelegationID string        `json:"delegation_id,omitzero"` // that were confirmed one by one
	Currency     string        `json:"currency"`
	Budget       string        `json:"budget,omitzero"`
	Spent        string        `json:"spent,omitzero"` // of the budget, whatever the period
	Left         string        `json:"left,omitzero"`
	NearLimit    bool          `json:"near_limit"`
	Paid         string        `json:"paid"` // of these payments
	Refunded     string        `json:"refunded"`
	Net          string        `json:"net"`
	Payments     []paymentView `json:"payments"`
}

type paymentView struct {
	TradeNo    string           `json:"trade_no"`
	PaidAt     string           `json:"paid_at"`
	Scenario   payment.Scenario `json:"scenario"`
	Agent      string           `json:"buyer_agent_id"`
	Merchant   string           `json:"merchant_id"`
	Name       string           `json:"merchant_name,omitzero"`
	Order      string           `json:"merchant_order_id"`
	SubAccount string           `json:"subaccount_id,omitzero"`
	Amount     string           `json:"amount"`
	Refunded   string           `json:"refunded"`
	State      payment.State    `json:"trade_state"`
}

type billView struct {
	Principal string     `json:"principal"`
	From      string     `json:"from,omitzero"`
	Until     string     `json:"until,omitzero"`
	AsOf      string     `json:"as_of"`
	Tasks     []taskView `json:"tasks"`
}

// bill is the task bill that a request asks for (PSD-PAY-AUP-05).
func (s *Server) bill(r *http.Request) (billView, error) {
	q := r.URL.Query()
	v := billView{Principal: q.Get("principal"), From: q.Get("from"), Until: q.Get("until"), AsOf: canon.FormatTime(s.now().Truncate(time.Second)), Tasks: []taskView{}}
	if err := checkDID("principal", v.Principal); err != nil {
		return billView{}, err
	}
	var period [2]time.Time
	for i, m := range []struct{ field, text string }{{"from", v.From}, {"until", v.Until}} {
		if m.text == "" {
			continue
		}
		at, err := canon.ParseTime(m.text)
		if err != nil {
			return billView{}, protocol.In(err, m.field)
		}
		period[i] = at
	}
	tasks, err := s.ledger.TaskBill(r.Context(), v.Principal, period[0], period[1])
	if err != nil {
		return billView{}, err
	}
	for _, t := range tasks {
		v.Tasks = append(v.Tasks, viewTask(&t))
	}
	return v, nil
}

func viewTask(t *book.Task) taskView {
	v := taskView{
		Issuer: t.Issuer, DelegationID: t.DelegationID, Currency: t.Currency, NearLimit: t.NearLimit(),
		Paid: signed(t.Paid, t.Currency), Refunded: signed(t.Refunded, t.Currency), Net: signed(t.Paid-t.Refunded, t.Currency),
	}
	if t.DelegationID != "" {
		v.Budget, v.Spent, v.Left = signed(t.Total, t.Currency), signed(t.Spent, t.Currency), signed(t.Total-t.Spent, t.Currency)
	}
	for _, p := range t.Payments {
		v.Payments = append(v.Payments, paymentView{
			p.TradeNo, canon.FormatTime(p.PaidAt), p.Scenario, p.Agent, p.Payee, p.PayeeName, p.Order, p.SubAccount,
			signed(p.Amount, t.Currency), signed(p.Refunded, t.Currency), p.State,
		})
	}
	return v
}

func (s *Server) adminBill(r *http.Request, _ []byte) (any, error) { return s.bill(r) }

type settlementView struct {
	Merchant string `json:"merchant_id"`
	Name     string `json:"merchant_name,omitzero"`
	Currency string `json:"currency"`
	Payments int64  `json:"payments"`
	Gross    string `json:"gross"`
	Refunds  int64  `json:"refunds"`
	Refunded string `json:"refunded"`
	Net      string `json:"net"`
}

type settlementsView struct {
	From        string           `json:"from"`
	Until       string           `json:"until"`
	Settlements []settlementView `json:"settlements"`
}

// settlement is the report of the day that a request asks for.
func (s *Server) settlement(r *http.Request) (settlementsView, error) {
	from, until, err := dayOf(r.URL.Query().Get("day"), r.URL.Query().Get("zone"))
	if err != nil {
		return settlementsView{}, err
	}
	list, err := s.ledger.Settlement(r.Context(), from, until)
	if err != nil {
		return settlementsView{}, err
	}
	v := settlementsView{From: canon.FormatTime(from), Until: canon.FormatTime(until), Settlements: []settlementView{}}
	for _, m := range list {
		v.Settlements = append(v.Settlements, settlementView{
			m.Merchant, m.Name, m.Currency, m.Payments, signed(m.Gross, m.Currency), m.Refunds, signed(m.Refunded, m.Currency), signed(m.Net, m.Currency),
		})
	}
	return v, nil
}

func (s *Server) adminSettlement(r *http.Request, _ []byte) (any, error) { return s.settlement(r) }

// dayOf is a calendar day in a zone of fixed offset: UTC when that is empty, and
// else "+08:00" for example. Such a day has 24 hours.
func dayOf(day, zone string) (from, until time.Time, err error) {
	if zone == "" {
		zone = "Z"
	}
	if strings.HasPrefix(zone, " ") { // a plus that nobody escaped
		zone = "+" + zone[1:]
	}
	at, err := time.Parse("2006-01-02Z07:00", day+zone)
	if err != nil || len(day) != len("2006-01-02") {
		return time.Time{}, time.Time{}, protocol.New(protocol.CodeFieldInvalid, "day", "", "a day like 2026-09-01, and a zone like +08:00 or none")
	}
	return at.UTC(), at.UTC().Add(24 * time.Hour), nil
}

type receiverForm struct {
	Merchant string `json:"merchant"`
	URL      string `json:"url"`
}

func (s *Server) adminReceiver(ctx context.Context, f receiverForm) (any, error) {
	if err := checkDID("merchant", f.Merchant); err != nil {
		return nil, err
	}
	if err := s.ledger.SetReceiver(ctx, f.Merchant, f.URL); err != nil {
		return nil, err
	}
	s.notifier.wake()
	return done{true}, nil
}

type receiverView struct {
	Merchant string `json:"merchant"`
	URL      string `json:"url"` // empty: it is not told any more
	Told     int64  `json:"told"`
	Waiting  int64  `json:"waiting"`
}

func (s *Server) adminReceivers(r *http.Request, _ []byte) (any, error) {
	list, err := s.ledger.Receivers(r.Context())
	if err != nil {
		return nil, err
	}
	out := []receiverView{}
	for _, m := range list[:min(len(list), page)] {
		out = append(out, receiverView{m.Merchant, m.URL, m.Noticed, m.Last - m.Noticed})
	}
	return struct {
		Receivers []receiverView `json:"receivers"`
	}{out}, nil
}

// formula are the characters with which a spreadsheet takes a cell for a formula,
// those of full width among them, which some take for the others.
const formula = "=+-@\t\r\n＝＋－＠"

// csv writes the report for a spreadsheet: RFC 4180, in UTF-8. A name that a
// spreadsheet could take for a formula gets an apostrophe in front, and one
// with a semicolon, at which some of them split, is quoted.
func (v settlementsView) csv() string {
	var b strings.Builder
	b.WriteString("from,until,merchant_id,merchant_name,currency,payments,gross,refunds,refunded,net\r\n")
	for _, m := range v.Settlements {
		for i, cell := range []string{
			v.From, v.Until, m.Merchant, m.Name, m.Currency, strconv.FormatInt(m.Payments, 10), m.Gross, strconv.FormatInt(m.Refunds, 10), m.Refunded, m.Net,
		} {
			if i > 0 {
				b.WriteByte(',')
			}
			if first, _ := utf8.DecodeRuneInString(cell); i == 3 && strings.ContainsRune(formula, first) {
				cell = "'" + cell
			}
			if strings.ContainsAny(cell, ",;\"\r\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(cell)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}
