package agent

import (
	"strconv"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An Instrument is something to pay with: an account at a provider, by the name
// that the provider gave it for this agent.
//
// Token comes from the provider: the principal binds the agent to an account
// there, after having been identified and shown the agent and the limits, and
// the provider makes the token (PSD-PMT-BND-01). Nobody can pay with it but this
// agent, and it tells nothing of the account.
type Instrument struct {
	PSP    PSP
	Method string // urn:act:payment:<name>
	Token  string // the payment token
}

func (i Instrument) check() error {
	const requirement = "PSD-PMT-BND-01"
	switch {
	case i.PSP == nil || i.PSP.ID() == "":
		return protocol.New(protocol.CodeFieldMissing, "psp", requirement, "")
	case i.Token == "":
		return protocol.New(protocol.CodeFieldMissing, "token", requirement, "a payment token is needed")
	}
	_, err := payment.MethodID(i.Method)
	return protocol.In(err, "method")
}

// fill puts the instrument into a payment request.
func (i Instrument) fill(q *payment.Request) {
	q.PaymentMethod, q.PaymentToken = i.Method, i.Token
}

// instruments are what an agent may pay with, in the order of its preference.
type instruments []Instrument

func (all instruments) check() error {
	if len(all) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "instruments", "PSD-PMT-BND-01", "at least one instrument is needed")
	}
	for n, i := range all {
		if err := i.check(); err != nil {
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
	fit := all.at(c.provider, c.purchase.Method)
	if own := fit.at(m.claims.Audience, ""); len(own) > 0 {
		return own
	}
	return fit[:min(1, len(fit))]
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
