package acttest

import (
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// SubAccount opens a sub-account of the World's principal for its agent, with
// money from the principal's account and a key of its own, and returns it as an
// instrument: put it into agent.Config.Instruments, in the place of the token.
// PSP.Ledger freezes it, and tells what is left.
func (w *World) SubAccount(t TB, funds money.Amount) agent.Instrument {
	t.Helper()
	private, err := keys.Generate(w.Buyer.Signer(keys.AgentRequest).Public().Algorithm())
	check(t, err)
	key, err := keys.NewSigner(AgentDID+"#"+string(keys.SubAccount), keys.SubAccount, private)
	check(t, err)
	id, err := w.PSP.OpenSubAccount(PrincipalDID, AgentDID, key.Public(), funds)
	check(t, err)
	return agent.Instrument{
		PSP: w.client(t, w.Buyer.Signer(keys.AgentRequest), w.NewVerifier(t)), Method: Method,
		SubAccount: &agent.SubAccount{ID: id, Signer: key},
	}
}
