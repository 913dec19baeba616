package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// ask signs a question about an instrument.
func (w *world) ask(s *keys.Signer, token, subAccount string) []byte {
	w.t.Helper()
	raw, err := payment.SignInstrumentQuery(s, payment.InstrumentQuery{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Now(), PSPID: w.PSP, BuyerAgentID: s.DID(), PaymentToken: token, SubAccountID: subAccount,
	})
	w.must(err)
	return raw
}

// told is the state that the agent is told, and the bytes that told it.
func (w *world) told(token, subAccount string) (payment.InstrumentState, string) {
	w.t.Helper()
	status, body := w.post(provider.PathInstruments, w.ask(w.Agent, token, subAccount))
	if status != http.StatusOK {
		w.t.Fatalf("%d %s", status, body)
	}
	u, err := payment.ParseInstrumentState(body)
	w.must(err)
	return u.State, string(body)
}

// TestInstruments: an agent learns before it pays whether it can
// (PSD-PAY-AUP-02, PSD-AGT-SUB-02), and nothing else.
func TestInstruments(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	id, key := w.purse("40.00", server.Limits{Single: w.CNY("20.00"), Total: w.CNY("30.00")})
	s, body := w.told("", id)
	if s.State != payment.InstrumentActive || s.Available != w.CNY("20.00") {
		t.Errorf("PSD-AGT-SUB-06 %+v", s)
	}
	w.pay(w.SignFrom(key, id, w.latte("18.00")))
	if s, _ = w.told("", id); s.Available != w.CNY("12.00") {
		t.Errorf("PSD-AGT-SUB-06 %+v", s)
	}
	w.must(w.server.SetSubAccountState(ctx, id, provider.SubAccountFrozen, book.ForRisk))
	if s, _ = w.told("", id); s.State != payment.InstrumentFrozen || !s.Available.IsZero() {
		t.Errorf("PSD-AGT-SUB-02 %+v", s)
	}
	s, tokenBody := w.told(w.token, "")
	if s.State != payment.InstrumentActive || s.Available.Valid() {
		t.Errorf("PSD-PAY-AUP-02 %+v", s)
	}
	for _, b := range []string{body, tokenBody} {
		if strings.Contains(b, w.Owner) || strings.Contains(b, "60.00") {
			t.Errorf("PSD-PMT-BND-01 tells of the account: %s", b)
		}
	}
	w.must(w.server.SetTokenState(ctx, w.token, provider.TokenFrozen))
	if s, _ = w.told(w.token, ""); s.State != payment.InstrumentFrozen {
		t.Errorf("PSD-PMT-BND-04 %+v", s)
	}
	for name, c := range map[string]struct {
		raw  []byte
		code protocol.Code
	}{
		"PSD-PMT-BND-04 a stranger's question about the token":       {w.ask(w.Stranger, w.token, ""), protocol.CodeInstrumentMismatch},
		"PSD-AGT-SUB-04 a stranger's question about the sub-account": {w.ask(w.Stranger, "", id), protocol.CodeInstrumentMismatch},
		"PSD-PMT-BND-04 an unknown token":                            {w.ask(w.Agent, "pt-none", ""), protocol.CodeInstrumentInvalid},
		"PSD-AGT-SUB-05 an unknown sub-account":                      {w.ask(w.Agent, "", "sub-none"), protocol.CodeSubAccountUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			w.wantRefusal(provider.PathInstruments, c.raw, c.code)
			w.wantRefusal(provider.PathInstruments, c.raw, protocol.CodeReplayed)
		})
	}
	w.sound()
}
