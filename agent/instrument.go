package agent

import (
	"context"
	"strconv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A PSP is the payment service provider as an agent needs it; psp.Client
// implements it. Results have been verified: they are the provider's word
// about exactly the request. The contract is a test that any implementation can
// run: package agenttest.
type PSP interface {
	// ID is the DID of the provider.
	ID() string
	// Endpoint is the URL at which it is reached, and MethodSchemaURL names the
	// form of payload that it takes. What a seller says about the provider is
	// compared with both (CID-PCA-NEG-07).
	Endpoint() string
	MethodSchemaURL() string
	// PayFrom transmits a request once more; sub is the key of the sub-account
	// that the request names, or nil when it carries a payment token. It fails
	// with a *payment.Refusal when the provider has refused the request for
	// good, with a *payment.AwaitsConfirmation when an instant payment waits
	// for the principal, with outcome_unknown when the answer is not known, and
	// with another error when the provider has refused this transmission only.
	PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error)
	// Query asks what became of a request. A *payment.Refusal and a
	// *payment.AwaitsConfirmation are what PayFrom would have said;
	// trade_unknown means that it has not been carried out so far; every other
	// error, that the question was not answered.
	Query(ctx context.Context, q payment.Request) (payment.Result, error)
	// Instrument asks in which state an instrument of the agent is; of q one of
	// PaymentToken and SubAccountID is given. The state is of now and about
	// exactly this instrument. It fails with the code of a payment when the
	// instrument is unknown or another agent's; every other error means that
	// the state is not known.
	Instrument(ctx context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error)
}

// An Instrument is something to pay with, by the name that the provider gave it
// for this agent: exactly one of Token and SubAccount.
//
// Token stands for an account of the principal. The principal binds the agent to
// it at the provider, after having been identified and shown the agent and the
// limits, and the provider makes the token (PSD-PMT-BND-01). Nobody can pay with
// it but this agent, and it tells nothing of the account.
//
// A SubAccount is money that the principal has set aside for this agent alone:
// what autonomous payment should use (PSD-PAY-AUP-04).
type Instrument struct {
	PSP        PSP
	Method     string // urn:act:payment:<name>
	Token      string // the payment token, or
	SubAccount *SubAccount
}

// A SubAccount is one that the principal opened for the agent at the provider.
type SubAccount struct {
	ID     string
	Signer *keys.Signer // of purpose sub-account, under the agent's DID; the key that was registered when it was opened
}

func (i Instrument) check(agent *keys.Signer) error {
	const requirement = "PSD-PMT-BND-01"
	if i.PSP == nil || i.PSP.ID() == "" {
		return protocol.New(protocol.CodeFieldMissing, "psp", requirement, "")
	}
	if _, err := payment.MethodID(i.Method); err != nil {
		return protocol.In(err, "method")
	}
	switch s := i.SubAccount; {
	case (i.Token == "") == (s == nil):
		return protocol.New(protocol.CodeFieldMissing, "token", requirement, "exactly one of payment token and sub-account")
	case s == nil:
		return nil
	case s.ID == "":
		return protocol.New(protocol.CodeFieldMissing, "sub_account.id", "PSD-AGT-SUB-04", "")
	case s.Signer == nil:
		return protocol.New(protocol.CodeFieldMissing, "sub_account.signer", "PSD-AGT-SUB-04", "the key of the sub-account is needed")
	case s.Signer.Purpose() != keys.SubAccount || s.Signer.Public().Equal(agent.Public()):
		return protocol.New(protocol.CodeKeyPurpose, "sub_account", "PSD-AGT-SUB-04", "a key of purpose sub-account, another than the agent's")
	case s.Signer.DID() != agent.DID():
		return protocol.New(protocol.CodeAgentMismatch, "sub_account", "PSD-AGT-SUB-04", "the key of another agent")
	}
	return nil
}

// pay transmits a request with the instrument.
func (i Instrument) pay(ctx context.Context, q payment.Request) (payment.Result, error) {
	q.PaymentMethod, q.PaymentToken = i.Method, i.Token
	if i.SubAccount == nil {
		return i.PSP.PayFrom(ctx, q, nil)
	}
	q.SubAccountID = i.SubAccount.ID
	return i.PSP.PayFrom(ctx, q, i.SubAccount.Signer)
}

// instruments are what an agent may pay with, in the order of its preference.
type instruments []Instrument

func (all instruments) check(agent *keys.Signer) error {
	if len(all) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "instruments", "PSD-PMT-BND-01", "at least one instrument is needed")
	}
	for n, i := range all {
		if err := i.check(agent); err != nil {
			return protocol.In(err, "instruments["+strconv.Itoa(n)+"]")
		}
	}
	return nil
}

// at returns the instruments of one provider that pay by one method; an empty
// name stands for any.
func (all instruments) at(provider, method string) (out instruments) {
	for _, i := range all {
		if (provider == "" || provider == i.PSP.ID()) && (method == "" || method == i.Method) {
			out = append(out, i)
		}
	}
	return out
}

// fitting returns those that can pay a charge under a mandate: of the mandate's
// provider, or one of another when there is none, for the decision to say so.
func (all instruments) fitting(m Mandate, c charge) instruments {
	if c.with != nil {
		return instruments{*c.with}
	}
	fit := all.at(c.provider, c.purchase.Method)
	if m.instant != nil {
		return fit.sorted(false)
	}
	if own := fit.at(m.claims.Audience, ""); len(own) > 0 {
		if m.Scenario() == payment.ScenarioAUP {
			return append(own.sorted(true), own.sorted(false)...)
		}
		return own
	}
	return fit[:min(1, len(fit))]
}

// sorted returns those that are sub-accounts, or those that are not.
func (all instruments) sorted(subAccount bool) (out instruments) {
	for _, i := range all {
		if (i.SubAccount != nil) == subAccount {
			out = append(out, i)
		}
	}
	return out
}

// psp returns the client of a provider, or nil.
func (all instruments) psp(provider string) PSP {
	for _, i := range all {
		if i.PSP.ID() == provider {
			return i.PSP
		}
	}
	return nil
}

// methods returns how one can pay with them.
func (all instruments) methods() (out []string) {
	for _, i := range all {
		out = append(out, i.Method)
	}
	return out
}
