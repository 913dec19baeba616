package payment_test

import (
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestInstrumentQueryRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*payment.InstrumentQuery)
		code   protocol.Code
		field  string
	}{
		{"no instrument", func(q *payment.InstrumentQuery) { q.PaymentToken = "" }, protocol.CodeFieldMissing, "payment_token"},
		{"two instruments", func(q *payment.InstrumentQuery) { q.SubAccountID = "sub-1" }, protocol.CodeFieldInvalid, "subaccount_id"},
		{"a token with a space", func(q *payment.InstrumentQuery) { q.PaymentToken = "pt 1" }, protocol.CodeFieldInvalid, "payment_token"},
		{"a token that is too long", func(q *payment.InstrumentQuery) { q.PaymentToken = strings.Repeat("t", 257) }, protocol.CodeFieldInvalid, "payment_token"},
		{"a short nonce", func(q *payment.InstrumentQuery) { q.Nonce = "AAAA" }, protocol.CodeFieldInvalid, "nonce"},
		{"no time", func(q *payment.InstrumentQuery) { q.Timestamp = q.Timestamp.AddDate(-3000, 0, 0) }, protocol.CodeFieldInvalid, "timestamp"},
		{"no provider", func(q *payment.InstrumentQuery) { q.PSPID = "" }, protocol.CodeFieldMissing, "psp_id"},
	} {
		t.Run("PSD-PAY-AUP-02 "+c.name, func(t *testing.T) {
			q := goodInstrumentQuery()
			c.change(&q)
			_, err := payment.SignInstrumentQuery(agentKey(t), q)
			wantError(t, err, c.code, c.field)
		})
	}
}

func TestInstrumentStateRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(token, purse *payment.InstrumentState)
		code   protocol.Code
		field  string
	}{
		{"a state that is not in the list", func(k, s *payment.InstrumentState) { k.State, s.State = "THAWED", "active" }, protocol.CodeFieldInvalid, "state"},
		{"no state", func(k, s *payment.InstrumentState) { k.State, s.State = "", "" }, protocol.CodeFieldMissing, "state"},
		{"no time", func(k, s *payment.InstrumentState) {
			k.AsOf, s.AsOf = now.AddDate(-3000, 0, 0), now.AddDate(9000, 0, 0)
		}, protocol.CodeFieldInvalid, "as_of"},
		{"active after its end", func(k, s *payment.InstrumentState) { k.ValidUntil, s.ValidUntil = now, now }, protocol.CodeFieldInvalid, "valid_until"},
		{"two instruments", func(k, s *payment.InstrumentState) {
			k.SubAccountID, k.Available, s.PaymentToken = "sub-1", s.Available, "pt-1"
		}, protocol.CodeFieldInvalid, "subaccount_id"},
		{"no instrument", func(k, s *payment.InstrumentState) { k.PaymentToken, s.SubAccountID = "", "" }, protocol.CodeFieldMissing, "payment_token"},
	} {
		t.Run("PSD-PAY-AUP-02 "+c.name, func(t *testing.T) {
			k, s := goodTokenState(), goodPurseState(t)
			c.change(&k, &s)
			for _, state := range []payment.InstrumentState{k, s} {
				_, err := payment.SignInstrumentState(pspKey(t), state)
				if protocol.CodeOf(err) != c.code || !strings.HasPrefix(protocol.AsError(err).Field, c.field) {
					t.Errorf("got %v, want %s of %s", err, c.code, c.field)
				}
			}
		})
	}
	for _, state := range []payment.InstrumentStatus{
		payment.InstrumentCancelled, payment.InstrumentExpired, payment.InstrumentFrozen, payment.InstrumentNotYetValid,
	} {
		t.Run("PSD-AGT-SUB-02 nothing is available when "+string(state), func(t *testing.T) {
			s := goodPurseState(t)
			s.State = state
			_, err := payment.SignInstrumentState(pspKey(t), s)
			wantError(t, err, protocol.CodeFieldInvalid, "available")
			s.Available = cny(t, "0.00")
			if _, err = payment.SignInstrumentState(pspKey(t), s); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("PSD-AGT-SUB-02 a sub-account says what it has", func(t *testing.T) {
		s := goodPurseState(t)
		s.Available = money.Amount{}
		_, err := payment.SignInstrumentState(pspKey(t), s)
		wantError(t, err, protocol.CodeFieldMissing, "currency")
	})
	t.Run("PSD-PMT-BND-03 a token may say what is left of its ceiling", func(t *testing.T) {
		k := goodTokenState()
		k.Available = cny(t, "7.00")
		data, err := payment.SignInstrumentState(pspKey(t), k)
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{`"available":"7.00",`, `"currency":"CNY",`} {
			if _, err := payment.ParseInstrumentState([]byte(strings.Replace(string(data), member, "", 1))); err == nil {
				t.Errorf("without %s", member)
			}
		}
	})
}
