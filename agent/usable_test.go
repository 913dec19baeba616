package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// A purse is a till whose agent pays from a sub-account of 6.00 CNY, and behind
// it with the token, if it has one. A report costs 2.50.
type purse struct {
	*till
	mandate agent.Mandate
	told    []agent.Refusal
}

func newPurse(t *testing.T, token bool, change func(*agent.Config)) *purse {
	t.Helper()
	p := &purse{till: newTill(t, nil)}
	sub := subAccount(t, p.till, 600)
	raw := p.Issue(t, nil)
	p.Agent = p.NewAgent(t, func(c *agent.Config) {
		c.Instruments = []agent.Instrument{{PSP: p.client, Method: acttest.Method, SubAccount: &sub}}
		if token {
			c.Instruments = append(c.Instruments, agent.Instrument{PSP: p.client, Method: acttest.Method, Token: tillToken})
		}
		c.Refused = func(_ context.Context, r agent.Refusal) error { p.told = append(p.told, r); return nil }
		if change != nil {
			change(c)
		}
	})
	var err error
	p.mandate, err = p.Agent.Wallet().Add(raw)
	must(t, err)
	return p
}

// unpaid fetches a report that must not be paid for, and asks nobody to.
func (p *purse) unpaid(code protocol.Code) error {
	p.t.Helper()
	before := p.called("/payments")
	_, err := p.get("/report")
	wantCode(p.t, err, code)
	if n := p.called("/payments") - before; n != 0 {
		p.t.Fatalf("asked %d times to pay", n)
	}
	return err
}

func (p *purse) pays() {
	p.t.Helper()
	_, err := p.get("/report")
	must(p.t, err)
}

// left fails unless purse and main account have this.
func (p *purse) left(purse, main int64) {
	p.t.Helper()
	if s, m := p.ledger.SubAccountBalance("purse"), p.ledger.Balance(acttest.PrincipalDID, "CNY"); s != purse || m != main {
		p.t.Fatalf("%d in the sub-account and %d in the account, want %d and %d", s, m, purse, main)
	}
}

func TestInstrumentIsUsable(t *testing.T) {
	t.Run("PSD-PAY-AUP-02 the state is a check of its own, and the reason is told", func(t *testing.T) {
		for _, c := range []struct {
			state provider.SubAccountState
			code  protocol.Code
		}{{provider.SubAccountFrozen, protocol.CodeSubAccountFrozen}, {provider.SubAccountCancelled, protocol.CodeSubAccountCancelled}} {
			p := newPurse(t, false, nil)
			must(t, p.ledger.SetSubAccountState("purse", c.state))
			p.unpaid(c.code)
			p.wantReserved(p.mandate, "0.00")
			failed := p.told[0].Decision.Failed()
			if len(failed) != 1 || failed[0].Requirement != "PSD-PAY-AUP-02" || failed[0].Field != "subaccount_id" || failed[0].Code != c.code {
				t.Errorf("%s: told %+v", c.state, failed)
			}
		}
	})
	t.Run("PSD-AGT-SUB-02 frozen, and thawed: a refusal is not kept", func(t *testing.T) {
		p := newPurse(t, false, nil)
		must(t, p.ledger.SetSubAccountState("purse", provider.SubAccountFrozen))
		p.unpaid(protocol.CodeSubAccountFrozen)
		must(t, p.ledger.SetSubAccountState("purse", provider.SubAccountActive))
		p.pays()
	})
	t.Run("PSD-PAY-A402-05 less than the amount is not asked for, and the next instrument is tried", func(t *testing.T) {
		p := newPurse(t, true, nil)
		for range 3 {
			p.pays()
		}
		p.left(100, 100000-600-250)
		if n := p.called("/payments"); n != 3 {
			t.Errorf("asked %d times to pay", n)
		}
		alone := newPurse(t, false, nil)
		alone.pays()
		alone.pays()
		alone.unpaid(protocol.CodeBalanceInsufficient)
		alone.left(100, 100000-600)
		must(t, alone.ledger.FundSubAccount("purse", 150))
		alone.pays() // asked anew, because what was known would refuse
	})
	t.Run("PSD-PAY-A402-05 a frozen token, and the one behind it", func(t *testing.T) {
		s := newTill(t, func(c *agent.Config) {
			c.Instruments = append(c.Instruments, agent.Instrument{PSP: c.Instruments[0].PSP, Method: acttest.Method, Token: "second"})
		})
		mandate := s.Grant(t, specified)
		must(t, s.ledger.SetTokenState(tillToken, provider.TokenFrozen))
		k := provider.Token{ID: "second", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY", Ceiling: 600,
			ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(time.Hour)}
		must(t, s.ledger.BindToken(k))
		for range 2 {
			_, err := s.get("/report")
			must(t, err)
		}
		_, err := s.get("/report") // 1.00 is left of the ceiling
		wantCode(t, err, protocol.CodeInstrumentInvalid)
		s.wantCost(500)
		s.wantReserved(mandate, "5.00")
		if n := s.called("/payments"); n != 2 {
			t.Errorf("asked %d times to pay", n)
		}
	})
	t.Run("PSD-PAY-INS-01 also when the principal is there", func(t *testing.T) {
		s := newTill(t, nil)
		must(t, s.ledger.SetTokenState(tillToken, provider.TokenFrozen))
		_, err := s.buy(s.instant(s.agree))
		wantCode(t, err, protocol.CodeInstrumentInvalid)
		if s.called("/payments") != 0 || s.called("/instruments") == 0 {
			t.Error("asked to pay")
		}
	})
	t.Run("PSD-PAY-AUP-02 nobody is asked about what the mandate refuses", func(t *testing.T) {
		s := newTill(t, nil)
		s.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
		_, err := s.get("/report")
		wantCode(t, err, protocol.CodeTotalLimitExceeded)
		if s.called("/instruments") != 0 {
			t.Error("asked")
		}
	})
}

// The provider's word is used for a while, and not against what was learned.
func TestInstrumentAge(t *testing.T) {
	t.Run("PSD-PAY-AUP-02 for a minute, or as configured", func(t *testing.T) {
		for age, want := range map[time.Duration]int{0: 2, time.Nanosecond: 3, time.Hour: 1} {
			s := newTill(t, func(c *agent.Config) { c.InstrumentAge = age })
			s.Grant(t, nil)
			for _, pass := range []time.Duration{0, time.Minute - time.Second, time.Second} {
				s.Clock.Advance(pass)
				_, err := s.get("/report")
				must(t, err)
			}
			if n := s.called("/instruments"); n != want {
				t.Errorf("%v: asked %d times, want %d", age, n, want)
			}
		}
	})
	t.Run("PSD-PMT-BND-03 never beyond the end of the instrument", func(t *testing.T) {
		s := newTill(t, func(c *agent.Config) { c.InstrumentAge, c.Instruments[0].Token = time.Hour, "short" })
		s.Grant(t, nil)
		must(t, s.ledger.BindToken(provider.Token{ID: "short", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY",
			ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(2 * time.Minute)}))
		_, err := s.get("/report")
		must(t, err)
		s.Clock.Advance(2 * time.Minute)
		_, err = s.get("/report")
		wantCode(t, err, protocol.CodeInstrumentInvalid)
		if s.called("/payments") != 1 {
			t.Error("asked to pay with what is over")
		}
	})
	t.Run("PSD-PAY-AUP-02 a refusal by the provider is learned from at once", func(t *testing.T) {
		p := newPurse(t, false, func(c *agent.Config) { c.InstrumentAge = time.Hour })
		p.pays()
		must(t, p.ledger.SetSubAccountState("purse", provider.SubAccountFrozen))
		_, err := p.get("/report") // believed still, and refused by who knows
		wantRefused(t, err, protocol.CodeSubAccountFrozen)
		p.unpaid(protocol.CodeSubAccountFrozen)
		p.wantReserved(p.mandate, "2.50")

		s := newTill(t, func(c *agent.Config) { c.InstrumentAge = time.Hour }) // a token tells no amount that would make it ask again
		s.Grant(t, nil)
		_, err = s.get("/report")
		must(t, err)
		must(t, s.ledger.SetTokenState(tillToken, provider.TokenFrozen))
		_, err = s.get("/report")
		wantRefused(t, err, protocol.CodeInstrumentInvalid)
		_, err = s.get("/report")
		if wantCode(t, err, protocol.CodeInstrumentInvalid); s.called("/payments") != 2 || s.called("/instruments") != 2 {
			t.Errorf("asked %d times to pay, and %d times about the token", s.called("/payments"), s.called("/instruments"))
		}
	})
	t.Run("PSD-PAY-AUP-02 asked again after a person took long", func(t *testing.T) {
		var p *purse
		var notes asked
		p = newPurse(t, true, func(c *agent.Config) {
			notes.PSP, c.Refused = c.Instruments[0].PSP, nil // or it would be tried again, with the token
			for i := range c.Instruments {
				c.Instruments[i].PSP = &notes
			}
			c.Policy = func(context.Context, *agent.Proposal) error {
				p.Clock.Advance(2 * time.Minute)
				return p.ledger.SetSubAccountState("purse", provider.SubAccountFrozen)
			}
		})
		p.unpaid(protocol.CodeSubAccountFrozen) // what was asked about is what is paid with, or nothing
		if len(notes.with) != 0 {
			t.Errorf("paid with %q", notes.with)
		}
	})
}

// answering replaces what the provider says of instruments.
func (s *till) answering(answer func(w http.ResponseWriter, q payment.InstrumentQuery)) {
	s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != provider.PathInstruments {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		must(s.t, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		u, err := payment.ParseInstrumentQuery(body)
		must(s.t, err)
		answer(w, u.Query)
	})
}

// TestHostileInstruments: whatever a provider says of an instrument that is not
// its word about this one now, nothing is paid: not with another instrument
// either, because nobody knows why.
func TestHostileInstruments(t *testing.T) {
	signed := func(edit func(*payment.InstrumentState)) func(*purse, http.ResponseWriter, payment.InstrumentQuery) {
		return func(p *purse, w http.ResponseWriter, q payment.InstrumentQuery) {
			s := payment.InstrumentState{
				RequestID: q.RequestID, PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, SubAccountID: q.SubAccountID, PaymentToken: q.PaymentToken,
				State: payment.InstrumentActive, Available: acttest.CNY(p.t, "6.00"), AsOf: p.Clock.Now(),
			}
			edit(&s)
			body, err := payment.SignInstrumentState(p.PSP.Party.Signer(keys.Proof), s)
			must(p.t, err)
			_, _ = w.Write(body)
		}
	}
	denied := func(code protocol.Code) func(*purse, http.ResponseWriter, payment.InstrumentQuery) {
		return func(_ *purse, w http.ResponseWriter, _ payment.InstrumentQuery) {
			problem.Write(w, protocol.New(code, "", "", ""), 1)
		}
	}
	const unknown = protocol.CodeServiceUnavailable
	for _, c := range []struct {
		name   string
		code   protocol.Code
		answer func(*purse, http.ResponseWriter, payment.InstrumentQuery)
	}{
		{"the truth", "", signed(func(*payment.InstrumentState) {})},
		{"about another instrument", unknown, signed(func(s *payment.InstrumentState) { s.SubAccountID, s.PaymentToken = "other", "" })},
		{"about another agent", unknown, signed(func(s *payment.InstrumentState) { s.BuyerAgentID = "did:act:agents.test/other" })},
		{"an answer to another question", unknown, signed(func(s *payment.InstrumentState) { s.RequestID = "earlier" })},
		{"an answer of before", unknown, signed(func(s *payment.InstrumentState) { s.AsOf = s.AsOf.Add(-10 * time.Minute) })},
		{"a state that is not in the list", unknown, func(p *purse, w http.ResponseWriter, q payment.InstrumentQuery) {
			body, err := keys.SignMessage(p.PSP.Party.Signer(keys.Proof), keys.Proof, keys.KindInstrumentState, map[string]any{
				"request_id": q.RequestID, "psp_id": q.PSPID, "buyer_agent_id": q.BuyerAgentID, "subaccount_id": q.SubAccountID,
				"state": "THAWING", "available": "6.00", "currency": "CNY", "as_of": p.Clock.Now().Format(time.RFC3339),
			})
			must(p.t, err)
			_, _ = w.Write(body)
		}},
		{"an amount in another currency", protocol.CodeCurrencyMismatch, signed(func(s *payment.InstrumentState) { s.Available = money.MustParse("6", "JPY") })},
		{"over already", protocol.CodeInstrumentInvalid, signed(func(s *payment.InstrumentState) { s.ValidUntil, s.AsOf = s.AsOf, s.AsOf.Add(-time.Second) })},
		{"expired", protocol.CodeInstrumentInvalid, signed(func(s *payment.InstrumentState) {
			s.State, s.Available = payment.InstrumentExpired, acttest.CNY(t, "0.00")
		})},
		{"a provider without the address", unknown, func(_ *purse, w http.ResponseWriter, _ payment.InstrumentQuery) { http.NotFound(w, nil) }},
		{"a provider that does not serve us", unknown, denied(protocol.CodeAccessDenied)},
		{"too many questions", unknown, denied(protocol.CodeTooManyRequests)},
		{"our clock", unknown, denied(protocol.CodeRequestExpired)},
		{"an unknown instrument", protocol.CodeSubAccountUnknown, denied(protocol.CodeSubAccountUnknown)},
		{"no answer", unknown, func(*purse, http.ResponseWriter, payment.InstrumentQuery) { panic(http.ErrAbortHandler) }},
	} {
		t.Run("PSD-PAY-AUP-02 "+c.name, func(t *testing.T) {
			p := newPurse(t, false, nil)
			p.answering(func(w http.ResponseWriter, q payment.InstrumentQuery) { c.answer(p, w, q) })
			if c.code == "" {
				p.pays()
				return
			}
			err := p.unpaid(c.code)
			if errors.Is(err, protocol.ErrUndetermined) != (c.code == unknown) {
				t.Errorf("%v", err)
			}
			p.left(600, 100000-600)
			p.wantReserved(p.mandate, "0.00")
			p.setMeddle(nil) // and nothing of it is remembered
			p.pays()
		})
	}
	t.Run("PSD-PAY-AUP-02 what is not known is not made up for by another instrument", func(t *testing.T) {
		p := newPurse(t, true, nil)
		p.answering(func(w http.ResponseWriter, q payment.InstrumentQuery) {
			if q.SubAccountID != "" {
				http.NotFound(w, nil)
				return
			}
			t.Error("the next instrument was asked about")
		})
		p.unpaid(unknown)
		p.left(600, 100000-600)
	})
	t.Run("PSD-PAY-AUP-02 a client that knows less than it should", func(t *testing.T) {
		for state, code := range map[payment.InstrumentStatus]protocol.Code{
			payment.InstrumentActive: protocol.CodeFactMissing, "": unknown, "thawed": unknown, payment.InstrumentNotYetValid: protocol.CodeInstrumentInvalid,
		} {
			p := newPurse(t, false, func(c *agent.Config) { c.Instruments[0].PSP = says{c.Instruments[0].PSP, state} })
			p.unpaid(code)
		}
	})
}

// says is a client that tells a state, and nothing of what there is.
type says struct {
	agent.PSP
	state payment.InstrumentStatus
}

func (s says) Instrument(_ context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error) {
	return payment.InstrumentState{SubAccountID: q.SubAccountID, State: s.state}, nil
}

// Several payments at once share what is known, and the provider's book decides.
func TestInstrumentConcurrently(t *testing.T) {
	p := newPurse(t, false, nil)
	results := make(chan error, 8)
	for range cap(results) {
		go func() { _, err := p.get("/report"); results <- err }()
	}
	var codes []protocol.Code
	for range cap(results) {
		if err := <-results; err != nil {
			codes = append(codes, protocol.CodeOf(err))
		}
	}
	if len(codes) != 6 || slices.ContainsFunc(codes, func(c protocol.Code) bool { return c != protocol.CodeBalanceInsufficient }) {
		t.Errorf("PSD-PAY-AUP-02 refused: %v", codes)
	}
	p.left(100, 100000-600)
}
