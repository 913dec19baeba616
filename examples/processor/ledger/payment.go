package ledger

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"math"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
)

// A Mandate is what the ledger has to know of an authorization: the key of its
// budget (issuer and delegation id), the digest of the payload that was signed,
// and the budget itself.
type Mandate struct {
	Issuer, DelegationID string
	Digest               string // of the signed payload, byte by byte
	Delegator            string // DID of the principal
	Total                int64  // max_total_amount in minor units
}

// A Payment is a request that everybody else has agreed to: the verifier has
// checked signature, mandate, boundaries and order. What is left depends on the
// book alone.
type Payment struct {
	Request  Request
	Mandate  Mandate
	Scenario string    // DEL or AUP
	Method   string    // urn:act:payment:<name>
	Token    string    // payment token
	Payee    string    // DID of the merchant
	Order    string    // the merchant's order number, out_trade_no
	Expires  time.Time // first moment at which mandate, order or bill is over
	Amount   int64     // minor units, above zero
	Currency string    // ISO 4217, also of the mandate
	Memo     []byte    // kept with the trade and given back, never read

	// Made are the checks that were made before, if any. Those of the ledger
	// follow them in the answer, and a failed one among them refuses.
	Made protocol.Decision
}

func (p *Payment) check() error {
	if err := p.Request.check(); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{
		{"mandate.issuer", p.Mandate.Issuer}, {"delegation_id", p.Mandate.DelegationID}, {"mandate.digest", p.Mandate.Digest},
		{"delegator_identity", p.Mandate.Delegator}, {"scenario", p.Scenario}, {"payment_method", p.Method}, {"payment_token", p.Token},
		{"merchant_id", p.Payee}, {"merchant_order_id", p.Order}, {"currency", p.Currency},
	} {
		if f.value == "" {
			return protocol.New(protocol.CodeFieldMissing, f.name, "PSD-PAY-DEL-04", "")
		}
	}
	if p.Expires.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "expires", "PSD-PAY-DEL-05", "the end of mandate and order is needed")
	}
	if p.Amount <= 0 || p.Mandate.Total < 0 {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-PAY-DEL-06", "above zero")
	}
	return nil
}

// Pay decides a payment and makes it. The trade it returns, or the refusal, is
// the answer to this request id for ever: a later request with the same content
// and a fresh nonce gets it again, also when by then there would be money, or
// budget, or when the token was frozen since.
//
// In one transaction, and in this order: the nonce (replayed), the earlier
// answer (the first answer, or request_conflict), then all checks that depend
// on the book, of which the first in the order of the codes is reported, and
// the debit with its event for the outbox. A refusal that is stored is a
// *payment.Refusal; its reason has all checks.
//
// An undetermined error means that nothing is known to have happened; ask again
// with the same request id.
func (l *Ledger) Pay(ctx context.Context, p Payment) (*Trade, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return l.answer(ctx, p.Request, func(t *tx) (answer, error) { return t.pay(&p) })
}

func (t *tx) pay(p *Payment) (answer, error) {
	f, err := t.gather(p)
	if err != nil {
		return answer{}, err
	}
	decision := f.decide(p, t.now)
	if err := decision.Err(); err != nil {
		return answer{refusal: protocol.AsError(err)}, nil
	}
	trade, err := t.settle(p, f)
	if err == nil {
		trade.Decision = decision
	}
	return answer{trade: trade}, err
}

// position is everything in the book that a payment depends on.
type position struct {
	mandate    int64 // row
	pinned     string
	spent      int64
	orderPaid  bool
	token      instrument
	tokenFound bool
	payee      holding
	payeeFound bool
}

// gather reads the position, and pins the mandate when it is seen for the first
// time: from then on the pair of issuer and delegation id means this payload
// and this budget and no other.
func (t *tx) gather(p *Payment) (f position, err error) {
	found, err := t.row("SELECT m.id, m.digest, s.amount FROM mandates m JOIN mandate_spent s ON s.mandate = m.id WHERE m.issuer = ? AND m.delegation_id = ?",
		[]any{p.Mandate.Issuer, p.Mandate.DelegationID}, func(r *sqlite.Stmt) {
			f.mandate, f.pinned, f.spent = r.ColumnInt64(0), r.ColumnText(1), r.ColumnInt64(2)
		})
	if err != nil {
		return f, err
	}
	if !found {
		if err := t.exec("INSERT INTO mandates (issuer, delegation_id, digest, total, currency, pinned_at) VALUES (?, ?, ?, ?, ?, ?)",
			p.Mandate.Issuer, p.Mandate.DelegationID, p.Mandate.Digest, p.Mandate.Total, p.Currency, t.unix()); err != nil {
			return f, err
		}
		f.mandate, f.pinned = t.conn.LastInsertRowID(), p.Mandate.Digest
		if err := t.exec("INSERT INTO mandate_spent (mandate, amount) VALUES (?, 0)", f.mandate); err != nil {
			return f, err
		}
	}
	f.orderPaid, err = t.row("SELECT 1 FROM trades WHERE payee = ? AND order_number = ?", []any{p.Payee, p.Order}, func(*sqlite.Stmt) {})
	if err != nil {
		return f, err
	}
	if f.token, f.tokenFound, err = t.instrument(p.Token, p.Payee); err != nil {
		return f, err
	}
	f.payee, f.payeeFound, err = t.account(p.Payee, p.Currency)
	return f, err
}

// decide makes every check that depends on the book. The code of a refusal is
// the first of the closed list that applies, whatever the order here.
func (f *position) decide(p *Payment, now time.Time) protocol.Decision {
	d := p.Made
	d.Require(f.pinned == p.Mandate.Digest, protocol.CodeRequestConflict, "ADD-IAC-ISS-15", "mandate pinned", "iac",
		"the delegation id was used before with another signed payload")
	d.Require(now.Before(p.Expires), protocol.CodeOrderExpired, "PSD-PAY-DEL-05", "mandate and order open at the debit", "timestamp",
		"over before the payment's turn came")
	d.Require(!f.orderPaid, protocol.CodeOrderPaid, "PSD-PAY-A402-01", "order unpaid", "merchant_order_id", "")
	d.Require(p.Amount <= p.Mandate.Total-f.spent, protocol.CodeTotalLimitExceeded, "PSD-PAY-DEL-07", "cumulative limit", "amount",
		"this payment and those before it exceed max_total_amount")
	// No overflow to look for: all money of a currency came out of one funding
	// account, so what payer and payee have together fits.
	d.Require(f.payeeFound && f.payee.kind == Merchant, protocol.CodeMerchantNotAllowed, "PSD-PAY-DEL-04", "payee registered", "merchant_id",
		"not registered for this currency")
	f.decideToken(&d, p, now)
	return d
}

func (f *position) decideToken(d *protocol.Decision, p *Payment, now time.Time) {
	k := &f.token
	if !d.Require(f.tokenFound, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token known", "payment_token", "unknown") {
		return
	}
	if !d.Require(k.agent == p.Request.Agent, protocol.CodeInstrumentMismatch, "PSD-PMT-BND-04", "payment token of this agent", "payment_token", "") {
		return // its state and its owner's balance are nobody else's business
	}
	d.Require(k.principal == p.Mandate.Delegator, protocol.CodePrincipalMismatch, "PSD-PAY-DEL-09", "payment token of this principal", "payment_token",
		"the account belongs to another principal than the mandate's")
	d.Require(k.state == TokenActive, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token active", "payment_token", "frozen or cancelled")
	d.Require(k.validFrom <= now.Unix() && now.Unix() < k.validUntil, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-04", "payment token in its time", "payment_token", "outside its validity")
	d.Require(!k.restricted || k.permitted, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-03", "payment token's merchants", "payment_token", "not bound for this merchant")
	d.Require(k.ceiling == 0 || p.Amount <= k.ceiling-k.spent, protocol.CodeInstrumentInvalid, "PSD-PMT-BND-03", "payment token's ceiling", "payment_token", "over its ceiling")
	if !d.Require(k.currency == p.Currency, protocol.CodeCurrencyMismatch, "PSD-PMT-BND-03", "account's currency", "currency", "") {
		return
	}
	d.Require(p.Amount <= k.balance, protocol.CodeBalanceInsufficient, "PSD-PAY-AUP-03", "balance", "amount", "")
}

// settle writes the trade and moves the money. Nothing here decides.
func (t *tx) settle(p *Payment, f position) (*Trade, error) {
	trade := &Trade{
		No: tradeNo(t.now), Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Issuer: p.Mandate.Issuer, DelegationID: p.Mandate.DelegationID,
		Amount: p.Amount, Currency: p.Currency, SpentTotal: f.spent + p.Amount, PaidAt: fromUnix(t.unix()),
		State: Paid, Memo: p.Memo,
	}
	if trade.Memo == nil {
		trade.Memo = []byte{}
	}
	if err := t.exec(`INSERT INTO trades (trade_no, agent, request_id, scenario, method, payee, order_number, mandate, token, amount, currency, spent_total, paid_at, memo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		trade.No, trade.Agent, trade.RequestID, trade.Scenario, trade.Method, trade.Payee, trade.Order, f.mandate, f.token.id,
		trade.Amount, trade.Currency, trade.SpentTotal, t.unix(), trade.Memo); err != nil {
		return nil, err
	}
	trade.id = t.conn.LastInsertRowID()
	if err := t.completed(trade.id); err != nil {
		return nil, err
	}
	if err := t.exec("UPDATE mandate_spent SET amount = ? WHERE mandate = ?", trade.SpentTotal, f.mandate); err != nil {
		return nil, err
	}
	if err := t.exec("UPDATE token_spent SET amount = ? WHERE token = ?", f.token.spent+p.Amount, f.token.id); err != nil {
		return nil, err
	}
	return trade, t.post("payment", trade.No, f.token.account, f.payee.id, p.Amount)
}

// tradeNo makes a globally unique trade number: 48 bits of milliseconds, then
// 80 random bits, in an alphabet that keeps the order of time. It says when,
// and neither how many nor for whom.
func tradeNo(at time.Time) string {
	var b [16]byte
	rand.Read(b[6:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(at.UnixMilli(), 0))&math.MaxInt64)
	copy(b[:6], ms[2:])
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}
