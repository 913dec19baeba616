package provider

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// TradeNo makes a globally unique trade number for a Ledger: 48 bits of
// milliseconds, then 80 random bits, in an alphabet that keeps the order of
// time. It says when, and neither how many nor for whom.
func TradeNo(at time.Time) string {
	var b [16]byte
	rand.Read(b[6:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(at.UnixMilli(), 0)))
	copy(b[:6], ms[2:])
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// Money is the amount of the trade with its currency; service_unavailable when
// the ledger holds what is no amount.
func (t *Trade) Money() (money.Amount, error) { return amountOf(t.Amount, t.Currency) }

func amountOf(minor int64, currency string) (money.Amount, error) {
	c, err := money.ParseCurrency(currency)
	if err == nil {
		var a money.Amount
		if a, err = money.FromMinor(minor, c); err == nil {
			return a, nil
		}
	}
	return money.Amount{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the ledger holds no amount", err)
}

// Declined is the refusal that Ledger.Decline stores for a code.
func Declined(code protocol.Code) *protocol.Error {
	var d protocol.Decision
	d.Fail(code, declineRequirement(code), "confirmation by the principal", "trade_no", "")
	return protocol.AsError(d.Err())
}

func declineRequirement(code protocol.Code) string {
	switch code {
	case protocol.CodeConfirmationFailed:
		return "PSD-PAY-INS-04"
	case protocol.CodeRiskRefused, protocol.CodeExecutionFailed:
		return "PSD-PAY-INS-07"
	}
	return ""
}

// Late reports whether the trade waits for a confirmation that would come too
// late.
func (t *Trade) Late(now time.Time) bool { return t.Waiting() && !now.Before(t.Expires) }

// Closes is what [Ledger].Decline decides about a trade: whether there is
// something to close. One that was closed without money stays so; one that has
// been paid is state_conflict, also when all of it was given back.
func (t *Trade) Closes() (bool, error) {
	if !t.PaidAt.IsZero() {
		return false, protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "it has been paid")
	}
	return t.Waiting(), nil
}

// CheckDecline refuses a code with which no waiting trade can be closed.
func CheckDecline(code protocol.Code) error {
	if declineRequirement(code) == "" {
		return protocol.New(protocol.CodeFieldInvalid, "code", "PSD-PAY-INS-07", "confirmation_failed, risk_refused or execution_failed")
	}
	return nil
}
