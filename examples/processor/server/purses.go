package server

import (
	"context"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
)

// An Opening opens a sub-account (PSD-AGT-SUB-01). Whoever makes it has
// identified the principal, and knows that the key is the agent's: a key for
// sub-accounts, not the one of its requests.
type Opening struct {
	Principal string // DID of the owner of the account beside it
	Agent     string // DID of the only agent that may use it
	Currency  money.Currency
	Key       keys.PublicKey
	Limits    Limits
}

// Limits bound a sub-account (PSD-AGT-SUB-06). The zero value of each is none.
type Limits struct {
	Balance money.Amount  // most that may lie in it
	Single  money.Amount  // one payment
	Total   money.Amount  // all payments together
	Task    money.Amount  // all payments under one mandate
	Within  money.Amount  // all payments within any Period
	Period  time.Duration // whole seconds; set exactly when Within is
}

// OpenSubAccount opens an empty sub-account and returns its id, which is what
// the agent gets.
func (s *Server) OpenSubAccount(ctx context.Context, o Opening) (string, error) {
	for field, did := range map[string]string{"principal": o.Principal, "agent": o.Agent} {
		if err := checkDID(field, did); err != nil {
			return "", err
		}
	}
	a := book.SubAccount{SubAccount: provider.SubAccount{
		ID: "sub-" + canon.Nonce(), Principal: o.Principal, Agent: o.Agent, Currency: o.Currency.Code(), Key: o.Key,
		Limits: provider.Limits{Period: o.Limits.Period},
	}}
	for _, l := range []struct {
		field  string
		amount money.Amount
		into   *int64
	}{
		{"balance_limit", o.Limits.Balance, &a.BalanceLimit}, {"single_limit", o.Limits.Single, &a.Limits.Single},
		{"total_limit", o.Limits.Total, &a.Limits.Total}, {"task_limit", o.Limits.Task, &a.TaskLimit}, {"period_limit", o.Limits.Within, &a.Limits.Within},
	} {
		if !l.amount.Valid() {
			continue
		}
		if l.amount.Currency() != o.Currency || l.amount.IsZero() {
			return "", protocol.New(protocol.CodeFieldInvalid, l.field, "PSD-AGT-SUB-06", "above zero, in the currency of the account")
		}
		*l.into = l.amount.Minor()
	}
	return a.ID, s.ledger.OpenSubAccount(ctx, a)
}

// TopUp moves money of the principal into a sub-account. The id makes it happen
// once.
func (s *Server) TopUp(ctx context.Context, id, subAccount string, amount money.Amount) error {
	if err := protocol.In(canon.CheckID(id), "topup_id"); err != nil {
		return err
	}
	a, err := s.ledger.SubAccount(ctx, subAccount)
	if err != nil {
		return err
	}
	if !amount.Valid() || amount.Currency().Code() != a.Currency {
		return protocol.New(protocol.CodeCurrencyMismatch, "currency", "PSD-AGT-SUB-02", "the sub-account has another currency")
	}
	return s.ledger.TopUp(ctx, book.TopUp{ID: id, SubAccount: subAccount, Amount: amount.Minor()})
}

// SetSubAccountState freezes, unfreezes or cancels a sub-account and its key
// (PSD-AGT-SUB-02, PSD-AGT-SUB-03); see ledger.SetSubAccountState.
func (s *Server) SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause book.StateCause) error {
	return s.ledger.SetSubAccountState(ctx, id, state, cause)
}

type subAccountForm struct {
	Principal     string         `json:"principal"`
	Agent         string         `json:"agent"`
	Currency      string         `json:"currency"`
	Key           keys.PublicKey `json:"key"` // JWK
	Balance       string         `json:"balance_limit,omitzero"`
	Single        string         `json:"single_limit,omitzero"`
	Total         string         `json:"total_limit,omitzero"`
	Task          string         `json:"task_limit,omitzero"`
	Within        string         `json:"period_limit,omitzero"`
	PeriodSeconds int64          `json:"period_seconds,omitzero"`
}

func (s *Server) adminOpenSubAccount(ctx context.Context, f subAccountForm) (any, error) {
	o := Opening{Principal: f.Principal, Agent: f.Agent, Key: f.Key}
	var err error
	if o.Currency, err = currencyOf(f.Currency); err != nil {
		return nil, err
	}
	if f.PeriodSeconds < 0 || f.PeriodSeconds > 366*24*3600 {
		return nil, protocol.New(protocol.CodeFieldInvalid, "period_seconds", "PSD-AGT-SUB-06", "at most a year")
	}
	o.Limits.Period = time.Duration(f.PeriodSeconds) * time.Second
	for _, l := range []struct {
		field, decimal string
		into           *money.Amount
	}{
		{"balance_limit", f.Balance, &o.Limits.Balance}, {"single_limit", f.Single, &o.Limits.Single}, {"total_limit", f.Total, &o.Limits.Total},
		{"task_limit", f.Task, &o.Limits.Task}, {"period_limit", f.Within, &o.Limits.Within},
	} {
		if l.decimal == "" {
			continue
		}
		if *l.into, err = amountIn(l.field, l.decimal, f.Currency); err != nil {
			return nil, err
		}
	}
	id, err := s.OpenSubAccount(ctx, o)
	return struct {
		ID string `json:"subaccount_id"`
	}{id}, err
}

type topUpForm struct {
	ID         string `json:"topup_id"`
	SubAccount string `json:"subaccount_id"`
	Amount     string `json:"amount"`
	Currency   string `json:"currency"`
}

func (s *Server) adminTopUp(ctx context.Context, f topUpForm) (any, error) {
	amount, err := amountIn("amount", f.Amount, f.Currency)
	if err != nil {
		return nil, err
	}
	return done{true}, s.TopUp(ctx, f.ID, f.SubAccount, amount)
}

type subAccountStateForm struct {
	ID    string                   `json:"subaccount_id,omitzero"` // or
	Agent string                   `json:"agent,omitzero"`         // all that it has
	State provider.SubAccountState `json:"state"`
	Cause book.StateCause          `json:"cause"`
}

func (s *Server) adminSubAccountState(ctx context.Context, f subAccountStateForm) (any, error) {
	if (f.ID == "") == (f.Agent == "") {
		return nil, protocol.New(protocol.CodeFieldMissing, "subaccount_id", "PSD-AGT-SUB-02", "exactly one of subaccount_id and agent")
	}
	n, err := 1, error(nil)
	if f.ID != "" {
		err = s.SetSubAccountState(ctx, f.ID, f.State, f.Cause)
	} else {
		n, err = s.ledger.SetAgentSubAccounts(ctx, f.Agent, f.State, f.Cause)
	}
	return struct {
		Done bool `json:"done"`
		Of   int  `json:"subaccounts"`
	}{true, n}, err
}

type subAccountView struct {
	ID            string                   `json:"subaccount_id"`
	Principal     string                   `json:"principal"`
	Agent         string                   `json:"agent"`
	Currency      string                   `json:"currency"`
	Key           string                   `json:"key_thumbprint"`
	State         provider.SubAccountState `json:"state"`
	Cause         book.StateCause          `json:"cause,omitzero"` // of the last change; none has been made at first
	FrozenBy      []book.StateCause        `json:"frozen_by,omitzero"`
	Balance       string                   `json:"balance"`
	Spent         string                   `json:"spent"`
	BalanceLimit  string                   `json:"balance_limit,omitzero"`
	Single        string                   `json:"single_limit,omitzero"`
	Total         string                   `json:"total_limit,omitzero"`
	Task          string                   `json:"task_limit,omitzero"`
	Within        string                   `json:"period_limit,omitzero"`
	PeriodSeconds int64                    `json:"period_seconds,omitzero"`
	OpenedAt      string                   `json:"opened_at"`
}

func (s *Server) adminSubAccounts(r *http.Request, _ []byte) (any, error) {
	accounts, err := s.ledger.SubAccounts(r.Context())
	if err != nil {
		return nil, err
	}
	out := []subAccountView{}
	for _, a := range accounts[:min(len(accounts), page)] {
		limit := func(minor int64) string {
			if minor == 0 {
				return ""
			}
			return signed(minor, a.Currency)
		}
		out = append(out, subAccountView{
			ID: a.ID, Principal: a.Principal, Agent: a.Agent, Currency: a.Currency, Key: a.Key.Thumbprint(), State: a.State, Cause: a.Cause, FrozenBy: a.FrozenBy,
			Balance: signed(a.Balance, a.Currency), Spent: signed(a.Spent, a.Currency), BalanceLimit: limit(a.BalanceLimit),
			Single: limit(a.Limits.Single), Total: limit(a.Limits.Total), Task: limit(a.TaskLimit), Within: limit(a.Limits.Within),
			PeriodSeconds: int64(a.Limits.Period / time.Second), OpenedAt: canon.FormatTime(a.OpenedAt),
		})
	}
	return struct {
		SubAccounts []subAccountView `json:"subaccounts"`
	}{out}, nil
}
